"""What contract 003 answers about models, for the API document. Further keys may be added."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["ModelDescription", "ModelList", "ModelVariables", "Reply", "TestedModel", "UploadedModel"]

_SLIP = "The same, spelt right."


class Reply(BaseModel):
    """Names are written as the contract has them: ``model_name`` is ``modelName``."""

    model_config = ConfigDict(alias_generator=to_camel)


class UploadedModelData(Reply):
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

    data: UploadedModelData


class ModelEntry(Reply):
    name: str
    type: str
    create_time: str
    descript: str
    task: str
    algorithm: str
    size: int
    operation: list[str]


class ModelListData(Reply):
    model_list: list[ModelEntry]


class ModelList(Reply):
    """All models, newest first."""

    data: ModelListData


class ModelDescriptionData(Reply):
    model_name: str
    model_type: str
    model_engine: str = Field(description="Name and version of what computes.")
    descript: str
    description: str = Field(description=_SLIP)
    algorithm: str = Field(description="The file's own word.")
    task: str


class ModelDescription(Reply):
    """What a model is."""

    data: ModelDescriptionData


class ModelVariable(Reply):
    name: str
    type: str
    measure: str | None = None
    values: list[str] | None = None
    shape: list[int | None] | None = None


class ModelVariablesData(Reply):
    input_variables: list[ModelVariable]
    target_variables: list[ModelVariable]


class ModelVariables(Reply):
    """What a model is asked, and what it answers."""

    data: ModelVariablesData


class TestedModelData(Reply):
    status: bool
    task: str
    result: list[dict[str, Any]] = Field(description="One for each record, in their order.")


class TestedModel(Reply):
    """What a model answers."""

    data: TestedModelData
