"""Answers to questions as the API tells them."""

from pydantic import BaseModel, Field

from streams.views.web.answers import ShownJobId, ShownSeriesKey, ShownTsId

__all__ = ["SeriesAnswer", "WhatIfReply"]


class AskedForecast(BaseModel):
    """One of the two forecasts of a series."""

    predictions: list[float] = Field(description="A value for each step.")
    sum: float = Field(description="All of them together.")
    quantiles: dict[str, list[float]] = Field(description="By level, where the forecast has them.")


class ChangedFeature(BaseModel):
    """A feature that is changed."""

    feature: str = Field(description="The label of its column, or holidays.")
    base: list[float] = Field(description="What is known of it, or assumed, for each step.")
    changed: list[float] = Field(description="What was made of it.")


class SeriesAnswer(BaseModel):
    """What is told of a series that is asked about, whatever the question."""

    ts_id: ShownTsId
    groups: dict[str, str] = Field(description="Its group values, by the labels of their columns.")
    series_key: ShownSeriesKey
    model_name: str | None = Field(description="As asked for in the job; null where it has no such forecast.")
    n: int | None = Field(description="The submission whose settings the forecast has.")
    error: str | None = Field(description="Why there is no answer; null where there is one.")
    answered_by: str | None = Field(None, description="The model, or models, that made it.")
    note: str | None = Field(None, description="What is to be said of it.")
    timestamps: list[str] | None = Field(None, description="The steps.")
    utc_offsets: list[str] | None = Field(None, description="How far the clock is from UTC, where that is known.")


class AskedSeries(SeriesAnswer):
    """A series with both forecasts, or with the reason why there are none."""

    n: int | None = Field(description="The submission whose settings both forecasts have.")
    answered_by: str | None = Field(None, description="The model, or models, that made both.")
    base: AskedForecast | None = Field(None, description="With the features as they are known.")
    changed: AskedForecast | None = Field(None, description="With the changed ones.")
    difference: list[float] | None = Field(None, description="changed less base, for each step.")
    difference_sum: float | None = Field(None, description="All of them together.")
    features: list[ChangedFeature] | None = Field(None, description="Those that are changed.")


class AskedTotals(BaseModel):
    """All steps of all series of the page that have an answer."""

    series: int = Field(description="How many they are.")
    base_sum: float = Field(description="Of what is forecast.")
    changed_sum: float = Field(description="Of what would be forecast.")
    difference_sum: float = Field(description="The latter less the former.")


class WhatIfReply(BaseModel):
    """What the forecasts of a job's series would be."""

    job_id: ShownJobId
    series_count: int = Field(description="How many series are asked about, on all pages.")
    totals: AskedTotals
    series: list[AskedSeries] = Field(description="By ts_id.")
