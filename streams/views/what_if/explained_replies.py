"""Explanations as the API tells them."""

from pydantic import BaseModel, Field

from streams.views.web.answers import ShownJobId
from streams.views.what_if.replies import SeriesAnswer

__all__ = ["ExplanationsReply"]


class ExplainedFeature(BaseModel):
    """What a feature adds to the forecast of a series."""

    feature: str = Field(description="The label of its column, or holidays.")
    effect: float = Field(description="Mean size of what it adds in a step, in the unit of the values.")
    share: float | None = Field(description="Of the effects of all its features; null where none has any.")
    usual: float = Field(description="Its mean over the history: the value with which it adds nothing.")
    values: list[float] = Field(description="What is known of it, or assumed, for each step.")
    added: list[float] = Field(description="What it adds to each step, beside what it would with its usual value.")


class SeriesExplanation(SeriesAnswer):
    """The forecast of a series in parts, or the reason why there is none."""

    predictions: list[float] | None = Field(
        None, description="The forecast before it is rounded or bounded: rest and all that features add."
    )
    rest: list[float] | None = Field(
        None, description="The forecast with every feature at its usual value: level, trend and season."
    )
    features: list[ExplainedFeature] | None = Field(None, description="The largest effect first.")


class FeatureOfAll(BaseModel):
    """A feature over the series of the page."""

    feature: str = Field(description="The label of its column, or holidays.")
    series: int = Field(description="How many series have it.")
    effect: float = Field(description="The mean of its effects.")
    share: float | None = Field(description="Of the effects of all features; null where none has any.")


class ExplanationsReply(BaseModel):
    """Why the forecasts of a job are what they are."""

    job_id: ShownJobId
    method: str = Field(description="How it was found.")
    series_count: int = Field(description="How many series the job has.")
    features: list[FeatureOfAll] = Field(description="Over the series of the page, the largest effect first.")
    series: list[SeriesExplanation] = Field(description="By ts_id.")
