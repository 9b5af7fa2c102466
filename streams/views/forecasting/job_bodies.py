"""What makes a job and chooses its columns (contract 000), as requests say it."""

from typing import Literal

from pydantic import ConfigDict, Field, StrictInt, StrictStr

from schemas.forecasting import Aggregate
from streams.checks import ID_LIMIT
from streams.views.forecasting.bodies import Indexs
from streams.views.web.strict import StrictBody

__all__ = ["JobBody", "JobColumnsBody"]


class JobBody(StrictBody):
    """A new job."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data_id": 1, "name": "first"}]})
    data_id: StrictInt = Field(ge=1, le=ID_LIMIT, description="An uploaded data set.")
    name: StrictStr | None = Field(None, pattern="^[A-Za-z0-9_]{1,32}$", description="1 to 32 of A-Z a-z 0-9 _.")


class AggregateBody(StrictBody):
    """Longer steps made of finer ones."""

    freq: StrictStr = Field(
        max_length=60,
        examples=["D"],
        description="The longer step: h, D, W-SUN, MS, ME, QS, QE, YS, YE or a multiple such as 6h.",
    )
    how: Literal["sum", "mean", "max", "min", "last"] = Field(description="What is made of the values of a step.")

    def to_event(self) -> Aggregate:
        """As the command carries it."""
        return Aggregate(self.freq, self.how)


class JobColumnsBody(StrictBody):
    """The chosen columns, by index in the data set's header."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"timestamp_indexs": [2], "target_indexs": [3], "groupby_indexs": [0, 1]}]}
    )
    timestamp_indexs: Indexs = Field(description="Exactly one column.")
    target_indexs: Indexs = Field(description="Exactly one column.")
    groupby_indexs: Indexs = Field((), description="None or more; one series per distinct tuple.")
    freq: StrictStr | None = Field(
        None,
        max_length=60,
        examples=["MS"],
        description="The step of the timestamps as an offset alias of pandas, such as D, h, 15min, B, W-SUN, MS, QE-DEC"
        " or YS-JUL; null: found in the data, for each series.",
    )
    time_zone: StrictStr | None = Field(
        None,
        max_length=60,
        examples=["Europe/Berlin"],
        description="IANA name of the zone whose clock the timestamps show: hours that it repeats or leaves out are"
        " told then. null: the clock of the data, whatever is written behind their times.",
    )
    timestamp_format: StrictStr | None = Field(
        None,
        max_length=100,
        examples=["%d.%m.%y"],
        description="How the timestamps are written: strptime's directives such as %d.%m.%y, or day first, month"
        " first, year first, unix, unix ms, unix us, excel; null: as the upload said, or found out.",
    )
    aggregate: AggregateBody | None = Field(
        None,
        description="Make series of longer steps first; first and last steps that the rows do not fill are left out,"
        " and features are averaged.",
    )
