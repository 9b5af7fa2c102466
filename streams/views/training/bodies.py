"""Bodies of training jobs: requests as clients of ModelArts write them (contract 002), and our answers."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
)

from models.catalog import CATALOG
from schemas.training import TrainDeepAR
from schemas.values import ParameterValue
from streams.checks import check_kept
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, RejectedError
from streams.training.jobs import LARGEST_STATUS
from streams.views.training.summaries import Listing
from streams.views.web.strict import ForgivingBody

__all__ = ["TrainingBody", "TrainingListQuery"]

_DEEPAR: Final = 1 + list(CATALOG).index("DeepAR")  # its number in GET /model/ (T-075)
_LARGEST: Final = 2**63 - 1  # as commands and answers carry it
_DIGITS: Final = re.compile(r"-?[0-9]{1,40}", re.ASCII)  # Python reads no more than 4300
_OWN: Final = {"parameter", "data_url", "train_url", "log_url", "create_version"}  # have a place of their own

TrainingStatus = Annotated[
    int,
    Field(
        description="1 initialising, 7 queued, 8 running, 9 stopping, 10 completed, 11 failed, 12 stopped, "
        "13 stopped before it ran, 5 could not be begun, 14 lost."
    ),
]
SortKey = Literal["job_name", "job_desc", "status", "duration", "version_count", "create_time"]
Value = StrictStr | StrictInt | StrictFloat | StrictBool


def _none_where_empty(value: Any) -> Any:
    """Clients send "" for what they leave out."""
    return None if value == "" else value


def _whole(value: Any) -> Any:
    """A whole number, as a number or a text (T-035); neither true nor 1.5 nor what Python would make of " 1_000"."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if type(value) is not int:
        raise ValueError("expected a whole number")
    return value


def _kept(value: Any) -> Any:
    check_kept(value)
    return value


Whole = Annotated[int, BeforeValidator(_whole), Field(le=_LARGEST)]
Id = Annotated[Annotated[Whole, Field(ge=0)] | None, BeforeValidator(_none_where_empty)]
Kept = Annotated[Sequence[Mapping[str, Any]] | None, AfterValidator(_kept)]


class ParameterBody(ForgivingBody):
    """A run parameter."""

    label: StrictStr = Field(min_length=1, description="A hyper-parameter.", examples=["time_freq"])
    value: Value = Field(description="A text, a number or a truth value; numbers may be texts.", examples=["D"])


class TrainingConfigBody(ForgivingBody, protected_namespaces=()):
    """What is trained, on what. Fields that mean nothing for DeepAR are kept and shown."""

    worker_server_num: Whole = Field(ge=1, description="Kept and shown; one process trains.")
    model_id: Id = Field(None, description=f"The algorithm, as GET /model/ numbers them: {_DEEPAR}, DeepAR.")
    parameter: Sequence[ParameterBody] = Field(
        (),
        description="Hyper-parameters: time_freq and prediction_length are needed; GET /model/DeepAR/ has others. "
        "DEEPAR_INFERENCE_CONFIG goes to the endpoint's environment.",
    )
    data_url: StrictStr = Field(
        "",
        description="The training data, JSON Lines: a path such as /uploads/sales.jsonl.",
        examples=["/uploads/s.jsonl"],
    )
    dataset_id: StrictStr = Field("", description="With dataset_version_id, another form of data; not for DeepAR.")
    dataset_version_id: StrictStr = Field("", description="Goes with dataset_id.")
    data_source: Kept = Field(None, description="The third form; not for DeepAR.")
    train_url: StrictStr = Field("", description="Kept and shown; the model becomes an endpoint.")
    log_url: StrictStr = Field("", description="Kept and shown.")
    app_url: StrictStr | None = Field(None, description="Kept and shown, never run.")
    boot_file_url: StrictStr | None = Field(None, description="Kept and shown, never run.")
    engine_id: Id = Field(None, description="Kept and shown.")
    spec_id: Id = Field(None, description="Kept and shown.")
    pool_id: StrictStr | None = Field(None, description="Kept and shown.")
    user_image_url: StrictStr | None = Field(None, description="Kept and shown, never run.")
    user_command: StrictStr | None = Field(None, description="Kept and shown, never run.")
    volumes: Kept = Field(None, description="Kept and shown, never mounted.")
    create_version: StrictBool = Field(True, description="Only true is possible yet.")


class TrainingBody(ForgivingBody):
    """A new training job with its first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_name": "departures",
                    "config": {
                        "worker_server_num": 1,
                        "model_id": _DEEPAR,
                        "data_url": "/uploads/departures.jsonl",
                        "parameter": [
                            {"label": "time_freq", "value": "D"},
                            {"label": "prediction_length", "value": "14"},
                            {"label": "epochs", "value": "4"},
                        ],
                    },
                }
            ]
        }
    )
    job_name: StrictStr = Field(
        pattern="^[A-Za-z0-9_-]{1,64}$", description="Unique in the project; the endpoint has this name too."
    )
    job_desc: StrictStr = Field("", max_length=256, description="For people.")
    workspace_id: StrictStr = Field("0", max_length=64, description="Lists show the jobs of one workspace.")
    config: TrainingConfigBody

    def to_event(self, command_id: str, project_id: str, job_id: int) -> TrainDeepAR:
        """The command; RejectedError where it asks for what no command can say."""
        config = self.config
        _check(config)
        kept = config.model_dump(exclude_none=True, exclude_unset=True, exclude=_OWN)
        if config.parameter:
            kept["parameter"] = [item.model_dump() for item in config.parameter]  # each with the type it came with
        return TrainDeepAR(
            command_id=command_id,
            project_id=project_id,
            job_id=job_id,
            job_name=self.job_name,
            data_url=config.data_url,
            parameters=_parameters(config.parameter),
            job_desc=self.job_desc,
            workspace_id=self.workspace_id,
            train_url=config.train_url,
            log_url=config.log_url,
            config=orjson.dumps(kept).decode(),
        )


def _check(config: TrainingConfigBody) -> None:
    """T-071, and what is not possible yet."""
    if bool(config.dataset_id) != bool(config.dataset_version_id):
        raise _wrong("dataset_id", "send it with dataset_version_id, always together")
    forms = [bool(config.data_url), bool(config.dataset_id), config.data_source is not None]
    if sum(forms) != 1:
        text = "send one of data_url, dataset_id with dataset_version_id, and data_source"
        raise _wrong("data_url", f"{text}, found {sum(forms) or 'none'} of them")
    if config.model_id != _DEEPAR:
        found = "no model_id" if config.model_id is None else str(config.model_id)
        raise _wrong("model_id", f"found {found}: only DeepAR, model_id {_DEEPAR}, can be trained yet")
    if not config.data_url:
        raise _wrong("data_url", "DeepAR can only be trained on a file yet: PUT it to /uploads/ and name it here")
    if not config.create_version:
        raise _wrong("create_version", "a job without a version is not possible yet: leave it out")


def _parameters(items: Sequence[ParameterBody]) -> dict[str, ParameterValue]:
    found: dict[str, ParameterValue] = {}
    for item in items:
        if item.label in found:
            raise _wrong("parameter", f"the label {item.label[:80]} is there twice")
        if isinstance(item.value, int) and abs(item.value) > _LARGEST:
            raise _wrong("parameter", f"{item.label[:80]} is too large a number")
        found[item.label] = str(item.value).lower() if isinstance(item.value, bool) else item.value
    return found


def _wrong(field: str, text: str) -> RejectedError:
    return InvalidError(TrainingCode.WRONG_PARAMETER, f"config, {field}: {text}")


class TrainingListQuery(BaseModel):
    """Which jobs a list shows (T-090 … T-100)."""

    status: str = Field("", description="Status numbers, parted by | or a comma; empty: all.", examples=["10|11"])
    per_page: int = Field(10, ge=1, le=1000, description="Jobs on a page.")
    page: int = Field(1, ge=1, le=65_535, description="The page, from 1.")
    sort_key: SortKey | None = Field(None, alias="sortBy", description="job_name where it is absent.")
    sort_by: SortKey | None = Field(None, description="The same as sortBy.")
    order: Literal["asc", "desc"] = Field("asc", description="Ascending or descending.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")
    workspace_id: str = Field("0", description="The workspace whose jobs are shown.")

    @field_validator("status")
    @classmethod
    def _numbers(cls, text: str) -> str:
        for part in _parts(text):
            if not (part.isascii() and part.isdigit() and len(part) < 3 and int(part) <= LARGEST_STATUS):
                raise ValueError(f"expected numbers from 0 to {LARGEST_STATUS}, parted by | or a comma")
        return text

    def to_listing(self) -> Listing:
        """The same as a value."""
        return Listing(
            statuses=frozenset(map(int, _parts(self.status))) or None,
            workspace_id=self.workspace_id,
            search_content=self.search_content,
            sort_by=self.sort_key or self.sort_by or "job_name",
            descending=self.order == "desc",
            page=self.page,
            per_page=self.per_page,
        )


def _parts(text: str) -> list[str]:
    """The numbers of a filter as texts; the contract's own text has quotation marks around them."""
    return [part.strip().strip('"') for part in text.replace(",", "|").split("|")] if text else []
