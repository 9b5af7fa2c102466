"""Bodies and queries of visualization jobs (contract 002, section 6)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StrictStr, field_validator

from streams.views.training.bodies import Description, JobsQuery, absent_as
from streams.views.web.strict import ForgivingBody

__all__ = ["VisualizationBody", "VisualizationListQuery"]

SortKey = Literal["job_name", "job_desc", "status", "create_time"]


class ScheduleBody(ForgivingBody):
    """When it stops by itself."""

    type: Literal["stop"] = Field(description="What happens.")
    time_unit: Literal["HOURS"] = Field(description="The unit of duration.")
    duration: int = Field(ge=0, le=24, description="So many; 0: never.")

    @field_validator("duration", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        """True is no number of hours, though Python has it for 1."""
        if isinstance(value, bool):
            raise ValueError("expected a whole number")
        return value


class FlavorBody(ForgivingBody):
    """Resources; kept and shown."""

    code: StrictStr = Field(description="Their code.")


class VisualizationBody(ForgivingBody):
    """A new visualization job."""

    job_name: StrictStr = Field(
        description="Unique in the project.", json_schema_extra={"pattern": "^[A-Za-z0-9_-]{1,20}$"}
    )
    job_desc: Description = ""
    train_url: StrictStr = Field(description="The path of the training output to show: a version's train_url.")
    job_type: Annotated[StrictStr, absent_as("tensorboard")] = Field(
        "tensorboard", description="tensorboard or mindinsight; shown, of no effect."
    )
    flavor: FlavorBody | None = Field(None, description="Of no effect.")
    schedule: ScheduleBody | None = Field(None, description="When it stops by itself; an array of one is taken too.")

    @field_validator("schedule", mode="before")
    @classmethod
    def _single(cls, value: Any) -> Any:
        """T-179."""
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) <= 1:
            return value[0] if value else None
        return value


class VisualizationListQuery(JobsQuery):
    """Which visualization jobs a list shows."""

    sort_key: SortKey | None = Field(None, alias="sortBy", description="job_name where it is absent.")
    sort_by: SortKey | None = Field(None, description="The same as sortBy.")
    order: Literal["asc", "desc"] = Field("asc", description="Ascending or descending.")
    search_content: str = Field("", max_length=64, description="A part of the name, in any case.")
