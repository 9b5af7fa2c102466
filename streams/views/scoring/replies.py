"""What contract 003 answers about models, for the API document. Further keys may be added."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["ModelDescription", "ModelList", "ModelVariables", "Reply", "TestedModel", "UploadedModel"]

_SLIP = "The same, spelt right."


class Reply(BaseModel):
    """Names are written as the contract has them: ``model_name`` is ``modelName``."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Uploaded(Reply):
    model_name: str
    model_type: str
    descript: str
    description: str = Field(description=_SLIP)
    updata_time: str = Field(description="When it was uploaded.")
    update_time: str = Field(description=_SLIP)
    operation: list[str] = Field(description="What can be done with it.")
    status: bool
    task: str


class UploadedModel(Reply):
    """A model that has been kept."""

    data: _Uploaded


class _Entry(Reply):
    name: str
    type: str
    create_time: str
    descript: str
    task: str
    algorithm: str
    size: int
    operation: list[str]


class _List(Reply):
    model_list: list[_Entry]


class ModelList(Reply):
    """All models, newest first."""

    data: _List


class _Description(Reply):
    model_name: str
    model_type: str
    model_engine: str = Field(description="Name and version of what computes.")
    descript: str
    description: str = Field(description=_SLIP)
    algorithm: str = Field(description="The file's own word.")
    task: str


class ModelDescription(Reply):
    """What a model is."""

    data: _Description


class _Variable(Reply):
    name: str
    type: str
    measure: str | None = None
    values: list[str] | None = None
    shape: list[int | None] | None = None


class _Variables(Reply):
    input_variables: list[_Variable]
    target_variables: list[_Variable]


class ModelVariables(Reply):
    """What a model is asked, and what it answers."""

    data: _Variables


class _Tested(Reply):
    status: bool
    task: str
    result: list[dict[str, Any]] = Field(description="One for each record, in their order.")


class TestedModel(Reply):
    """What a model answers."""

    data: _Tested
