"""When series are forecast anew: as an element of a PATCH says it, and as a job tells it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StrictStr, model_validator

from schemas.forecasting import Refresh
from streams.views.web.strict import StrictBody

__all__ = ["InShadow", "RefreshBody", "RefreshedElement"]

InShadow = Annotated[
    Literal[True] | None,
    Field(description="Only of what forecasts in the shadow of another model, unpublished: /job/{job_id}/shadow/."),
]


class RefreshBody(StrictBody):
    """When series are forecast anew; a text alone is `on`: "hand"."""

    on: Literal["data", "cron", "hand", "never"] | None = Field(
        None,
        description="data: when the data set has new rows; cron: at times; hand: by POST /job/{job_id}/refresh/; "
        "never: no more.",
    )
    pause_s: float | None = Field(
        None, ge=0, le=86_400, description="With data: for how many seconds rows are collected once the first came; 10."
    )
    cron: StrictStr | None = Field(
        None, max_length=200, examples=["0 6 * * *"], description="Five fields, or an interval such as 15m."
    )
    time_zone: StrictStr | None = Field(
        None, max_length=60, examples=["Europe/Berlin"], description="With cron: whose clock counts; UTC."
    )

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return {"on": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        on = self.on or ("data" if self.cron is None else "cron")
        if (on == "cron") != (self.cron is not None):
            raise ValueError('cron: goes with on "cron", or without on: send one of on "data" and cron')
        if self.on is None and self.cron is None:
            raise ValueError('on: is missing: send {"on": "data"}, {"cron": "0 6 * * *"}, "hand", or "never" to end it')
        if self.time_zone is not None and on != "cron":
            raise ValueError("time_zone: goes with cron alone: leave it out")
        if self.pause_s is not None and on != "data":
            raise ValueError('pause_s: goes with on "data" alone: leave it out')
        return self

    def to_event(self) -> Refresh:
        """The rule as the command carries it."""
        on = self.on or "cron"
        return Refresh(on, 10.0 if self.pause_s is None else self.pause_s, self.cron or "", self.time_zone or "")


class RefreshedElement(BaseModel):
    """What a job trains again and again."""

    ts_id: int | str = Field(description='A series, or "all".')
    groups: dict[str, str] | None = Field(None, description="Of all: only series with these group values.")
    model_name: str | None = Field(description="As sent.")
    on: Literal["data", "cron", "hand"] = Field(description="When: on new data, by cron, by POST …/refresh/ alone.")
    pause_s: float | None = Field(None, description="With data: for how many seconds rows are collected.")
    cron: str | None = Field(None, description="With cron: as sent.")
    time_zone: str | None = Field(None, description="With cron: whose clock counts.")
    next: str | None = Field(
        None,
        description="With cron: when it is due next, ISO-8601 in UTC. With data: when series are tried again for which "
        "a quota had no room.",
    )
    error: str | None = Field(
        None,
        description="Why it, or a new series, could not be refreshed when that was tried last; absent once all could.",
    )
    shadow: InShadow = None
