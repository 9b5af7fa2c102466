"""What a job says of its refreshes, as JSON and in words."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.datasets.group_values import WHOLE, BadSeriesKeyError, read_key
from schemas.forecasting import JobRecord, Refresh, SeriesConfig, Standing
from streams.standing.elements import CRON, DATA, NEVER, named
from streams.standing.shadows import is_on, is_quiet

__all__ = ["refreshes", "told"]


def refreshes(job: JobRecord) -> dict[str, Any]:
    """The fields of a job's answer; none where it was never refreshed and is not to be."""
    if not job.standing and job.refreshed_at is None:
        return {}
    return {
        "refresh": [_element(one) | _in_shadow(job, one) for one in job.standing],
        "refreshes": job.refreshes,
        "refreshed": _time(job.refreshed_at),
    }


def told(elements: Iterable[SeriesConfig]) -> list[str]:
    """What a submission says of refreshes, in words."""
    found = []
    for element in elements:
        refresh = element.refresh
        if refresh is not None:
            when = "no more" if refresh.on == NEVER else _when(refresh)
            found.append(f"refreshed {when}: {named(element)}")
    return list(dict.fromkeys(found))[:10]


def _when(refresh: Refresh) -> str:
    if refresh.on == DATA:
        return f"{refresh.pause_s:g} s after new data"
    if refresh.on == CRON:
        return f"at {refresh.cron} {refresh.time_zone or 'UTC'}"
    return "by hand"


def _element(one: Standing) -> dict[str, Any]:
    about: dict[str, Any] = {"ts_id": one.ts_id or WHOLE, "model_name": one.model_name, "on": one.on}
    if one.series not in (None, WHOLE):
        about["groups"] = _groups(one.series or "")
    if one.on == DATA:
        about["pause_s"] = one.pause_s
    if one.on == CRON:
        about |= {"cron": one.cron, "time_zone": one.time_zone or "UTC", "next": _time(one.next_due)}
    elif one.next_due is not None:
        about["next"] = _time(one.next_due)
    if one.problem:
        about["error"] = one.problem
    return about


def _in_shadow(job: JobRecord, one: Standing) -> dict[str, bool]:
    return {"shadow": True} if is_on(job) and is_quiet(job, one.side) else {}


def _groups(series: str) -> dict[str, str]:
    try:
        return dict(read_key(series))
    except BadSeriesKeyError:  # it was checked when it came
        return {}


def _time(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
