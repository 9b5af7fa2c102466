"""A second model beside the one that was there first: who of them answers, and how one takes the other's place.

The second is a standing element like any other, with a mark, its side. What it yields are results of the job that are
judged as all are; but as long as it does not answer, its forecasts are not published. Pure functions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, Protocol, TypeVar

from connectors.datasets.group_values import WHOLE, named_series, read_key
from schemas.forecasting import JobRecord, Refresh, SeriesConfig, Shadow, Standing
from schemas.series import SeriesResult
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, NotFoundError
from streams.standing.elements import SECOND, named

__all__ = [
    "FIRST",
    "TOOK_HEADER",
    "Marked",
    "answered",
    "beside",
    "check_on",
    "first_models",
    "firsts_of",
    "is_in_shadow",
    "is_on",
    "is_published_late",
    "is_quiet",
    "on_side",
    "pieces",
    "series_among",
    "started",
    "stopped",
    "switched",
    "without_pair",
]

FIRST: Final = 1
TOOK_HEADER: Final = "tidecast-took-s"
"""Of a result that has a side: how many seconds of a core it took."""
_OF_THE_MODEL: Final = ("hyper_params", "auto_tune", "auto_tune_metric", "max_eval")
"""Settings that another model does not take over."""
_NOT_TAKEN_OVER: Final = ("ts_id", "series", "model_name", "refresh", "side", "future_features")
_DEFAULT_STEPS: Final = 5  # J-077


class Marked(Protocol):
    """What a result is known by, and whatever is made of one."""

    @property
    def n(self) -> int: ...  # noqa: D102 - as the result's
    @property
    def side(self) -> int: ...  # noqa: D102 - as the result's
    @property
    def shadow(self) -> bool: ...  # noqa: D102 - as the result's


_Made = TypeVar("_Made", bound=Marked)


def is_on(job: JobRecord) -> bool:
    """Whether the job has a shadow now."""
    return job.shadow is not None and not job.shadow.ended


def check_on(job: JobRecord) -> Shadow:
    """The job's shadow; NotFoundError where it has none."""
    if job.shadow is None or job.shadow.ended:
        text = f"job {job.job_id} has no shadow: POST /job/{job.job_id}/shadow/ starts one"
        raise NotFoundError(ForecastingCode.NO_SHADOW, text)
    return job.shadow


def is_quiet(job: JobRecord, side: int) -> bool:
    """Whether forecasts of a side are not published, as the other one answers."""
    return side != 0 and job.shadow is not None and side != job.shadow.answers


def is_published_late(job: JobRecord, fields: Mapping[str, Any]) -> bool:
    """Whether a result, of which these are fields, was asked for in the shadow, and its side answers by now."""
    if not fields.get("shadow") or fields["error"] is not None or job.shadow is None:
        return False
    return fields["n"] >= job.shadow.first_n and not is_quiet(job, fields["side"])


def is_in_shadow(job: JobRecord, result: Marked) -> bool:
    """Whether a result is not what the job answers."""
    if job.shadow is None or result.n < job.shadow.first_n:
        return result.shadow
    return is_quiet(job, result.side)


def answered(job: JobRecord, results: Iterable[_Made]) -> Iterator[_Made]:
    """Those of a job's results, or of what was made of them, that are what it answers, and not of its shadow."""
    return (one for one in results if not is_in_shadow(job, one))


def on_side(job: JobRecord, result: SeriesResult) -> int:
    """The side of a result; what the first model forecast before there was a shadow is on its side. 0: on none."""
    if job.shadow is None:
        return 0
    if result.n >= job.shadow.first_n:
        return result.side
    return FIRST if not result.shadow and result.model_name in first_models(job) else 0


def first_models(job: JobRecord) -> set[str]:
    """The models of the elements that were there first."""
    return {one.model_name or "" for one in job.standing if one.side == FIRST}


def series_among(one: Standing | SeriesConfig, groups: Sequence[Mapping[str, str]], ts_ids: Sequence[int]) -> list[int]:
    """Those of some series that an element is for, by their places among them; their groups and ids are given."""
    found = _named(one.series, one.ts_id, groups, ts_ids)
    for text in one.less if isinstance(one, Standing) else ():
        found -= _named(None, int(text), groups, ts_ids) if text.isdecimal() else _named(text, 0, groups, ts_ids)
    return sorted(found)


def _named(series: str | None, ts_id: int, groups: Sequence[Mapping[str, str]], ts_ids: Sequence[int]) -> set[int]:
    if series is None:
        return {place for place, one in enumerate(ts_ids) if one == ts_id}
    if series == WHOLE:
        return set(range(len(ts_ids)))
    wanted = read_key(series).items()
    return {place for place, one in enumerate(groups) if wanted <= one.items()}


def pieces(
    job: JobRecord, one: Standing, ts_ids: Sequence[int], columns: Sequence[str], names: Sequence[str]
) -> list[tuple[int, Sequence[int]]]:
    """The series that an element trains, by the side that they are on: the second may be for some of the first's."""
    if not is_on(job) or one.side != FIRST:
        return [(one.side if is_on(job) else 0, ts_ids)]
    second = next((it for it in job.standing if it.side == SECOND), None)
    if second is None or second.series == WHOLE:
        return [(one.side, ts_ids)]
    groups = [named_series(tuple(columns), names[ts_id - job.first_ts_id]).groups for ts_id in ts_ids]
    taken = {ts_ids[place] for place in series_among(second, groups, ts_ids)}
    both = [(FIRST, [it for it in ts_ids if it in taken]), (0, [it for it in ts_ids if it not in taken])]
    return [(side, some) for side, some in both if some]


def firsts_of(
    job: JobRecord, element: SeriesConfig, groups: Sequence[Mapping[str, str]]
) -> tuple[Sequence[int], int | None]:
    """The places of the standing elements beside which a second is to stand, and of one whose place it takes, if any.

    RejectedError where it cannot: each of its series must be forecast by one model that answers.
    """
    if is_on(job):
        text = f"job {job.job_id} has a shadow already: end it first (DELETE /job/{job.job_id}/shadow/)"
        raise ConflictError(ForecastingCode.SHADOW_EXISTS, text)
    for field in ("refresh", "side", "future_features"):
        if getattr(element, field) is not None:
            text = f"{field}: leave it out: a shadow is trained when the first model is, on the same data"
            raise InvalidError("invalid_element", text, {"field": field})
    if not element.model_name:
        raise InvalidError("invalid_element", "model_name: is missing: GET /model/ lists the models", _FIELD)
    wanted = set(series_among(element, groups, job.ts_ids))
    all_of = ((place, set(series_among(one, groups, job.ts_ids))) for place, one in enumerate(job.standing))
    there = {place: found & wanted for place, found in all_of if found & wanted}
    if not there:
        text = (
            f"nothing that is refreshed names {named(element)}: a shadow stands beside a model that is refreshed; send "
            "a PATCH with refresh first"
        )
        raise ConflictError(ForecastingCode.NOT_STANDING, text)
    same = next((place for place in there if _is_same(job.standing[place], element)), None)
    replaced = None
    if len(there) > 1 and same is not None:  # one of several that stand becomes the second
        replaced = same
        del there[same]
    if sum(map(len, there.values())) > len(set().union(*there.values())):
        models = ", ".join(f"{job.standing[place].model_name} ({named(job.standing[place])})" for place in there)
        text = (
            f"several refreshed elements forecast the same series: {models[:300]}; name one of them as the shadow, or "
            'end all but one first ("refresh": "never")'
        )
        raise ConflictError(ForecastingCode.NOT_STANDING, text)
    return list(there), replaced


_FIELD: Final = {"field": "model_name"}


def _is_same(one: Standing, element: SeriesConfig) -> bool:
    return (one.ts_id, one.series, one.model_name) == (element.ts_id, element.series, element.model_name)


def beside(first: Standing, settings: SeriesConfig, element: SeriesConfig) -> SeriesConfig:
    """The second element with everything that the first has, whose `settings` these are, and it does not say."""
    same = settings.model_name == element.model_name
    taken = {
        field.name: getattr(settings, field.name)
        for field in fields(SeriesConfig)
        if field.name not in _NOT_TAKEN_OVER
        and getattr(element, field.name) is None
        and (same or field.name not in _OF_THE_MODEL)
    }
    made = replace(
        element,
        **taken,
        refresh=Refresh(first.on, first.pause_s, first.cron, first.time_zone),
        side=SECOND,
    )
    if made.hyper_params is None:
        made = replace(made, hyper_params=())
    return made if made.trains else replace(made, next_k_prediction=_DEFAULT_STEPS)


def started(
    job: JobRecord, element: SeriesConfig, firsts: Collection[int], replaced: int | None, *, first_n: int, at: int
) -> JobRecord:
    """The job, to whose standing elements the second was added last, once each has its side."""
    standing = [
        replace(one, side=FIRST) if place in firsts else one
        for place, one in enumerate(job.standing)
        if place != replaced
    ]
    shadow = Shadow(element.ts_id, element.series, element.model_name or "", first_n, at)
    return replace(job, standing=tuple(standing), shadow=shadow)


def switched(job: JobRecord, answers: int) -> JobRecord:
    """The job with this side answering, 0: the other one; the same where it answers already."""
    shadow = check_on(job)
    if answers not in (0, FIRST, SECOND):
        raise InvalidError("invalid_side", f"answers: is {answers}, expected 1 (first), 2 (second), or 0", _ANSWERS)
    to = answers or FIRST + SECOND - shadow.answers
    if to == shadow.answers:
        return job
    return replace(job, shadow=replace(shadow, answers=to), switches=job.switches + 1)


_ANSWERS: Final = {"field": "answers"}


def stopped(job: JobRecord) -> JobRecord:
    """The job without what does not answer: the second, or of the first what the second has taken over."""
    shadow = check_on(job)
    if shadow.answers == FIRST:
        left: Iterable[Standing] = (one for one in job.standing if one.side != SECOND)
    else:
        left = (one for it in job.standing if (one := _taken_over(it, shadow)) is not None)
    return replace(job, standing=tuple(replace(one, side=0) for one in left), shadow=replace(shadow, ended=True))


def _taken_over(one: Standing, shadow: Shadow) -> Standing | None:
    if one.side != FIRST:
        return one
    whole = shadow.series == WHOLE or (one.ts_id, one.series) == (shadow.ts_id, shadow.series)
    if not whole and shadow.series is not None:
        whole = one.series is None or (  # a first of one series was found to be among the second's
            one.series != WHOLE and read_key(shadow.series).items() <= read_key(one.series).items()
        )
    return None if whole else replace(one, less=(*one.less, shadow.series or str(shadow.ts_id)))


def without_pair(job: JobRecord) -> JobRecord:
    """The job after a change of its standing elements: where one side is gone, there is no shadow any more."""
    if job.shadow is None or not is_on(job) or {FIRST, SECOND} <= {one.side for one in job.standing}:
        return job
    standing = tuple(replace(one, side=0) for one in job.standing)
    return replace(job, standing=standing, shadow=replace(job.shadow, ended=True))
