"""Elements of submissions that stay: with `refresh` they are trained again, on new data, by cron or by hand.

A standing element is known by the series that it names and its model: the same again takes its place. Pure functions.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from math import isfinite
from types import MappingProxyType
from typing import Final

from connectors.datasets.group_values import WHOLE
from schemas.forecasting import JobRecord, Refresh, SeriesConfig, Standing
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, RejectedError
from streams.schedules import Schedule

__all__ = [
    "CRON",
    "DATA",
    "HAND",
    "MOST_STANDING",
    "NEVER",
    "SECOND",
    "check_refreshes",
    "due_elements",
    "earliest_due",
    "has_stale",
    "named",
    "only_ends",
    "passed",
    "pause_ms",
    "refreshed",
    "with_elements",
    "without_new",
]

DATA: Final = "data"
CRON: Final = "cron"
HAND: Final = "hand"
NEVER: Final = "never"
MOST_STANDING: Final = 100
"""Elements of a job: each is looked at in each refresh."""
_LONGEST_PAUSE_S: Final = 86_400.0
_LONGEST_PROBLEM: Final = 1000  # characters that the row keeps of why an element could not be refreshed
_NAMING: Final = ("ts_id", "series", "refresh", "side")
SECOND: Final = 2
"""The side of what stands in the shadow of another: see `streams.standing.shadows`."""
_SETTINGS: Final = tuple(field.name for field in fields(SeriesConfig) if field.name not in _NAMING)


class _RefreshError(Exception):
    """What is wrong with an element's `refresh`."""


def check_refreshes(elements: Iterable[SeriesConfig]) -> None:
    """RejectedError for the first `refresh` that cannot be, or is on an element that would train nothing."""
    for number, element in enumerate(elements, 1):
        if element.refresh is not None:
            try:
                _check(element)
            except _RefreshError as error:
                text = f"element {number} (ts_id {named(element)}), refresh: {error}"
                raise InvalidError("invalid_element", text, _place(number)) from None


def _check(element: SeriesConfig) -> None:
    refresh = element.refresh
    if refresh is None or refresh.on == NEVER:
        return
    if refresh.on not in (DATA, CRON, HAND):
        raise _RefreshError(f"on is {refresh.on[:40]!r}, expected data, cron, hand or never")
    if not (isfinite(refresh.pause_s) and 0 <= refresh.pause_s <= _LONGEST_PAUSE_S):
        raise _RefreshError(f"pause_s is {refresh.pause_s:g}, expected 0 to {_LONGEST_PAUSE_S:.0f} seconds")
    if refresh.on == CRON:
        try:
            _schedule(refresh)
        except RejectedError as error:
            raise _RefreshError(error.message) from None
    elif refresh.cron or refresh.time_zone:
        raise _RefreshError('cron and time_zone go with on "cron" alone: leave them out')
    if element.future_features is not None:
        raise _RefreshError(
            "goes not with future_features, which are of one end of the history: send rows of later times"
        )
    if not element.trains:
        raise _RefreshError("goes with an element that trains: send next_k_prediction with it")


def only_ends(element: SeriesConfig) -> bool:
    """Whether the element does nothing but end refreshes."""
    ends = element.refresh is not None and element.refresh.on == NEVER
    return ends and all(getattr(element, name) is None for name in _SETTINGS)


def with_elements(
    job: JobRecord, elements: Iterable[SeriesConfig], pack: Callable[[SeriesConfig], bytes], *, at: int
) -> tuple[Standing, ...]:
    """The job's standing elements after a submission at `at` (milliseconds); RejectedError names what cannot be.

    `pack` makes the bytes that are kept of an element.
    """
    standing = list(job.standing)
    for number, element in enumerate(elements, 1):
        refresh = element.refresh
        if refresh is None:
            continue
        if refresh.on == NEVER:
            standing = _without(standing, element, number)
            continue
        new = Standing(
            element.ts_id,
            element.series,
            element.model_name,
            refresh.on,
            refresh.pause_s,
            refresh.cron,
            refresh.time_zone,
            pack(replace(element, refresh=None, side=None)),
            _schedule(refresh).after(at) if refresh.on == CRON else None,
            side=element.side or 0,
        )
        place = next((place for place, one in enumerate(standing) if _key(one) == _key(element)), None)
        if place is None:
            standing.append(new)
        else:
            # It is trained now, with all that has changed.
            standing[place] = replace(new, side=standing[place].side)
    if len(standing) > MOST_STANDING:
        text = (
            f"refresh: job {job.job_id} would have {len(standing)} refreshed elements, at most {MOST_STANDING} are "
            'kept: name many series by one element, with "ts_id": "all" or groups'
        )
        raise ConflictError(ForecastingCode.TOO_MANY_ELEMENTS, text)
    return tuple(standing)


def due_elements(job: JobRecord, *, at: int, by_hand: bool) -> list[int]:
    """The places of the standing elements that a refresh at `at` is for."""
    return [
        place
        for place, one in enumerate(job.standing)
        if by_hand or one.on == DATA or (one.next_due is not None and one.next_due <= at)
    ]


def refreshed(
    standing: Sequence[Standing],
    due: Collection[int],
    changed: Sequence[int],
    *,
    at: int,
    problems: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Standing, ...]:
    """The elements after a refresh at `at` for those that were `due`; the others are told what has `changed`.

    `problems` says by their places why elements could not be refreshed: their schedules go on, too.
    """
    return tuple(
        replace(one, next_due=_next(one, at), stale=(), problem="")
        if place in due
        else replace(one, stale=tuple(sorted({*one.stale, *changed})))
        for place, one in enumerate(passed(standing, problems, at=at))
    )


def passed(
    standing: Sequence[Standing], problems: Mapping[int, str], *, at: int, again: int | None = None
) -> tuple[Standing, ...]:
    """The elements once some could not be refreshed at `at`: schedules go on, and what has changed waits.

    `problems` says by their places why; where `again` is said they are tried then, unless a schedule is earlier.
    """
    found = list(standing)
    for place, text in problems.items():
        one = standing[place]
        times = [time for time in (_next(one, at), again) if time is not None]
        found[place] = replace(one, next_due=min(times, default=None), problem=text[:_LONGEST_PROBLEM])
    return tuple(found)


def without_new(standing: Sequence[Standing], places: Collection[int], why: str, *, again: int) -> tuple[Standing, ...]:
    """The elements once those at these places have lacked new series.

    Those on data try them `again` then, the others when they are due anyhow.
    """
    return tuple(
        replace(one, problem=why[:_LONGEST_PROBLEM], next_due=again if one.on == DATA else one.next_due)
        if place in places
        else one
        for place, one in enumerate(standing)
    )


def earliest_due(job: JobRecord) -> int | None:
    """When the job's schedules are due next, or what had no room is tried again."""
    return min((one.next_due for one in job.standing if one.next_due is not None), default=None)


def pause_ms(job: JobRecord) -> int | None:
    """How long new data are collected, in milliseconds; None where no element waits for data."""
    return min((round(one.pause_s * 1000) for one in job.standing if one.on == DATA), default=None)


def has_stale(job: JobRecord) -> bool:
    """Whether series that have changed wait for an element on new data: a submission has read the data meanwhile."""
    return any(one.stale for one in job.standing if one.on == DATA)


def named(element: SeriesConfig | Standing) -> str:
    """Which series an element is for, in words."""
    return element.series or str(element.ts_id)


def _next(one: Standing, at: int) -> int | None:
    if one.on != CRON:  # what had no room has been tried again
        return None
    if one.next_due is None or one.next_due > at:
        return one.next_due
    return _schedule(one).after(max(at, one.next_due))


def _schedule(refresh: Refresh | Standing) -> Schedule:
    return Schedule.read(refresh.cron, refresh.time_zone or "UTC", anchor=0, fields=("cron", "time_zone"))


def _key(element: SeriesConfig | Standing) -> tuple[int, str | None, str | None, bool]:
    return element.ts_id, element.series, element.model_name, element.side == SECOND


def _without(standing: list[Standing], element: SeriesConfig, number: int) -> list[Standing]:
    """Without those that are for just these series, whatever their models; for all of them, without any."""
    if element.series == WHOLE:
        return []
    left = [one for one in standing if (one.ts_id, one.series) != (element.ts_id, element.series)]
    if standing and len(left) == len(standing):
        known = ", ".join(dict.fromkeys(named(one) for one in standing))[:300]
        text = f"element {number}, refresh: nothing is refreshed for {named(element)} alone; refreshed are {known}"
        raise InvalidError("invalid_element", text, _place(number))
    return left


def _place(number: int) -> dict[str, int | str]:
    return {"element": number - 1, "field": "refresh"}
