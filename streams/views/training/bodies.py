"""Bodies and queries of training jobs, as clients of ModelArts write them (contract 002).

Only the form is checked here; what fields may say is checked by `streams.training`, for commands on the topic as well.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema, field_validator

from streams.training.algorithms import DEEPAR
from streams.training.config_fields import CONFIG_FIELDS, Kind
from streams.training.listing import DEFAULT_WORKSPACE, Listing
from streams.training.states import LARGEST_STATUS
from streams.views.web.strict import ForgivingBody

__all__ = [
    "CONFIG_PROPERTIES",
    "DescriptionBody",
    "JobsQuery",
    "TrainingBody",
    "TrainingListQuery",
    "VersionBody",
    "absent_as",
    "parted_numbers",
]

_SHAPES: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.WHOLE: {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    Kind.TEXT: {"type": "string"},
    Kind.PATH: {"type": "string"},
    Kind.FLAG: {"type": "boolean"},
    Kind.PARAMETERS: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["label", "value"],
            "properties": {
                "label": {"type": "string"},
                "value": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]},
            },
        },
    },
    Kind.SOURCES: {"type": "array", "items": {"type": "object"}},
    Kind.VOLUMES: {"type": "array", "items": {"type": "object"}},
}
CONFIG_PROPERTIES: Final = {
    field.name: {
        **_SHAPES[field.kind],
        "description": field.words,
        **({} if field.example is None else {"examples": [field.example]}),
    }
    for field in CONFIG_FIELDS.values()
}
"""The fields of a config, for the API document."""


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("expected an object")
    return value


Config = Annotated[
    dict[str, Any],
    BeforeValidator(_object),
    WithJsonSchema({"type": "object", "properties": CONFIG_PROPERTIES, "description": "What runs, on what."}),
]


def absent_as(text: str) -> BeforeValidator:
    """What stands for a text that is null: clients that write all fields write so what they leave out."""
    return BeforeValidator(lambda value: text if value is None else value)


Description = Annotated[
    StrictStr,
    absent_as(""),
    Field(description="For people.", json_schema_extra={"maxLength": 256}),  # checked by `streams.training`
]
ConfigName = Annotated[
    StrictStr, absent_as(""), Field(description="A stored or shipped configuration that has what config leaves out.")
]
WorkspaceId = Annotated[
    StrictStr, BeforeValidator(lambda value: DEFAULT_WORKSPACE if value in (None, "") else value)
]  # T-052
SortKey = Literal["job_name", "job_desc", "status", "duration", "version_count", "create_time"]


class TrainingBody(ForgivingBody):
    """A new training job with its first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_name": "departures",
                    "config": {
                        "worker_server_num": 1,
                        "model_id": DEEPAR,
                        "spec_id": 1,
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
        description="Unique in the project and workspace; an endpoint has this name too.",
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,64}$"},
    )
    job_desc: Description = ""
    workspace_id: WorkspaceId = Field(DEFAULT_WORKSPACE, description="Lists show the jobs of one workspace.")
    config_name: ConfigName = ""
    config: Config = Field(default_factory=dict)


class VersionBody(ForgivingBody):
    """A new version of a training job."""

    job_desc: StrictStr | None = Field(None, description="Replaces the job's description.")
    config_name: ConfigName = ""
    config: Config = Field(default_factory=dict)


class DescriptionBody(ForgivingBody):
    """A new description."""

    job_desc: Description


class JobsQuery(BaseModel):
    """Which jobs, of either kind, are on a page of a list."""

    status: str = Field("", description="Status numbers, parted by | or a comma; empty: all.")
    per_page: int = Field(10, ge=1, le=1000, description="Jobs on a page.")
    page: int = Field(1, ge=1, le=65_535, description="The page, from 1.")

    @field_validator("status")
    @classmethod
    def _numbers(cls, text: str) -> str:
        parted_numbers(text)
        return text


class TrainingListQuery(JobsQuery):
    """Which jobs a list shows (T-090 … T-100)."""

    status: str = Field("", description="Status numbers, parted by | or a comma; empty: all.", examples=["10|11"])
    sort_key: SortKey | None = Field(None, alias="sortBy", description="job_name where it is absent.")
    sort_by: SortKey | None = Field(None, description="The same as sortBy.")
    order: Literal["asc", "desc"] = Field("asc", description="Ascending or descending.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")
    workspace_id: WorkspaceId = Field(DEFAULT_WORKSPACE, description="The workspace whose jobs are shown.")

    def to_listing(self) -> Listing:
        """The same as a value."""
        return Listing(
            statuses=parted_numbers(self.status),
            workspace_id=self.workspace_id,
            search_content=self.search_content,
            sort_by=self.sort_key or self.sort_by or "job_name",
            descending=self.order == "desc",
            page=self.page,
            per_page=self.per_page,
        )


def parted_numbers(text: str) -> frozenset[int] | None:
    """The numbers of a filter; the contract's own text has quotation marks around them. None where there are none."""
    parts = [part.strip().strip('"') for part in text.replace(",", "|").split("|")] if text else []
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) < 3 and int(part) <= LARGEST_STATUS):
            raise ValueError(f"expected numbers from 0 to {LARGEST_STATUS}, parted by | or a comma")
    return frozenset(map(int, parts)) or None
