"""How a job and its series are shown."""

from typing import Any

import orjson

from models.calendars.calendar import calendar_of
from schemas.forecasting import JobRecord
from streams.forecasting import jobs

__all__ = ["shown_calendar", "stands", "summary"]


def stands(job: JobRecord, progress: jobs.Progress) -> bytes:
    """A job with its progress and the status of every series, as JSON."""
    statuses = jobs.series_statuses(job, progress)
    return orjson.dumps(
        summary(job)
        | {
            "submitted": job.submitted,
            "finished": len(progress.finished),
            "failed": len(progress.errors),
            "message": job.message,
            "series": [{"ts_id": ts_id, "status": int(status)} for ts_id, status in statuses.items()],
        }
    )


def shown_calendar(text: str) -> dict[str, str]:
    """The frequency of a series, with what is to be said of it."""
    calendar = calendar_of(text)
    return {"freq": calendar.freq, "freq_note": calendar.note} if calendar.note else {"freq": calendar.freq}


def summary(job: JobRecord) -> dict[str, Any]:
    """A job in a list."""
    return {"job_id": job.job_id, "status": int(job.status), "data_id": job.data_id, "name": job.name}
