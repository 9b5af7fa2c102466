"""How sums are asked for, and of which jobs they make sense."""

from dataclasses import dataclass
from typing import Final

from schemas.forecasting import JobRecord
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError

__all__ = ["NO_SUMS", "Asked", "check_additive"]

NO_SUMS: Final = ("max", "min")
"""Of longer steps: what they leave of series says nothing of the sum of these."""
_DIFFERENT_ROWS: Final = "of steps made by {} the sum is that of all series only where they have the same rows"


@dataclass(frozen=True, slots=True)
class Asked:
    """With which quantiles; with `partial` also without some series; gaps filled by which of `models.options.FILLS`.

    `history`: how many of its last steps are shown. `model_name` None: for each series the best.
    """

    levels: tuple[float, ...]
    model_name: str | None = None
    partial: bool = False
    fill: str = "none"
    history: int = 0


def check_additive(job: JobRecord) -> str | None:
    """ConflictError where sums of the job's series say nothing; what is to be said of them where they need care."""
    aggregate = None if job.columns is None else job.columns.aggregate
    if aggregate is None or aggregate.how == "sum":
        return None
    if aggregate.how in NO_SUMS:
        text = (
            f"the steps of job {job.job_id} were made by {aggregate.how}, and the {aggregate.how} of several series is "
            "not the sum of theirs: choose its columns again with an aggregate whose how is sum"
        )
        raise ConflictError(ForecastingCode.NOT_ADDITIVE, text)
    return _DIFFERENT_ROWS.format(aggregate.how)
