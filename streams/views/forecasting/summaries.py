"""How a job and its series are shown."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from connectors.datasets.splits import Split
from connectors.timestamps.parsing import shown_times
from models.calendars.calendar import calendar_of
from schemas.forecasting import CmdStatus, JobRecord
from streams.forecasting import jobs
from streams.standing.shown import refreshes

__all__ = ["detailed", "history", "shown_calendar", "stands", "summary"]


def stands(job: JobRecord, progress: jobs.Progress, *, with_series: bool = True) -> bytes:
    """A job with its progress and the status of every series, as JSON."""
    statuses = jobs.series_statuses(job, progress) if with_series else {}
    series = [{"ts_id": ts_id, "status": int(status)} for ts_id, status in statuses.items()]
    return orjson.dumps(
        summary(job)
        | {
            "submitted": job.submitted,
            "finished": job.settled + progress.listed(),
            "failed": len(progress.errors),
            "message": job.message,
        }
        | refreshes(job)
        | ({"series": series} if with_series else {})
    )


def detailed(progress: Callable[[int, int], jobs.Progress], job: JobRecord) -> dict[str, Any]:
    """A job in a list, with how far it is: only of those that train, results are counted."""
    finished = (
        job.settled + progress(job.job_id, job.settled).listed() if job.status is CmdStatus.COMITTED else job.submitted
    )
    created = datetime.fromtimestamp(job.created / 1000, UTC).isoformat(timespec="milliseconds")
    return summary(job) | {
        "created": created,
        "series_count": job.series_count,
        "submitted": job.submitted,
        "finished": finished,
        "message": job.message,
    }


def history(split: Split, job: JobRecord, ts_id: int) -> bytes:
    """The values of a series in order of time, as JSON; a missing one is null."""
    index = ts_id - job.first_ts_id
    values, _ = split.history(index)
    times = split.series(index).times
    order = np.argsort(times, kind="stable")
    return orjson.dumps(
        {
            "ts_id": ts_id,
            "groupby_val": split.groupby_val[index],
            "target": split.target_label,
            **shown_calendar(split.calendars[split.calendar_codes[index]]),
            "timestamps": shown_times(times[order]),
            "values": [values[place] for place in order.tolist()],
        }
    )


def shown_calendar(text: str) -> dict[str, str]:
    """The frequency of a series, with what is to be said of it."""
    calendar = calendar_of(text)
    return {"freq": calendar.freq, "freq_note": calendar.note} if calendar.note else {"freq": calendar.freq}


def summary(job: JobRecord) -> dict[str, Any]:
    """A job in a list."""
    return {"job_id": job.job_id, "status": int(job.status), "data_id": job.data_id, "name": job.name}
