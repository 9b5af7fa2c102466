"""Sums of forecasts as the API tells them."""

from pydantic import BaseModel, Field

from streams.views.web.answers import ShownJobId, ShownSeriesKey, ShownTsId

__all__ = ["SumsReply"]


class LeftOut(BaseModel):
    """A series that a sum could not be made with."""

    ts_id: ShownTsId
    series_key: ShownSeriesKey
    reason: str = Field(description="Why.")


class SummedBacktest(BaseModel):
    """What the same models forecast of the end of the histories, added up."""

    timestamps: list[str] = Field(description="The times that the backtests of all its series have.")
    predictions: list[float] = Field(description="The sum of what was forecast.")
    actual: list[float | None] = Field(description="The sum of what came; null where a series has no value.")
    utc_offsets: list[str] | None = Field(None, description="How far the clock is from UTC, where that is known.")


class SummedHistory(BaseModel):
    """The last steps of the histories, added up."""

    timestamps: list[str] = Field(description="The times.")
    values: list[float | None] = Field(description="The sums; null where a series that has begun has no value.")
    utc_offsets: list[str] | None = Field(None, description="How far the clock is from UTC, where that is known.")


class SumReply(BaseModel):
    """The forecast of a sum, or why there is none."""

    groups: dict[str, str] = Field(description="The group values that its series have in common; none: the total.")
    series_key: str = Field(description="Its name by its groups, as series have theirs.")
    series: int = Field(description="How many series are added up.")
    models: dict[str, int] = Field(description="How many of them are forecast by each model, as asked for.")
    left_out_count: int = Field(description="How many cannot be added.")
    left_out: list[LeftOut] = Field(description="The first ten of them.")
    error: str | None = Field(description="Why there is no forecast; null where there is one.")
    note: str | None = Field(None, description="What is to be said of it.")
    timestamps: list[str] | None = Field(None, description="The steps that all its series are forecast for.")
    utc_offsets: list[str] | None = Field(None, description="How far the clock is from UTC, where that is known.")
    predictions: list[float] | None = Field(None, description="The sum of what was forecast.")
    quantiles: dict[str, list[float]] | None = Field(
        None, description="Made of the errors of the sum in its backtest; of one series those that it has itself."
    )
    metrics: dict[str, float | None] | None = Field(
        None, description="Scores of the sum in its backtest, those that all its series were asked for."
    )
    mase_insample: float | None = Field(
        None, description="Mean absolute error of the sum by that of the value one season before, as of a series."
    )
    backtest: SummedBacktest | None = None
    history: SummedHistory | None = None


class SumsReply(BaseModel):
    """Forecasts of a job's series, added up."""

    job_id: ShownJobId
    status: int = Field(description="Its status; what is there is added up at once.")
    note: str | None = Field(description="What is to be said of all sums.")
    sums_count: int = Field(description="How many sums there are.")
    sums: list[SumReply] = Field(description="Some of them, the total first.")
