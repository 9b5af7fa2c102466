"""What a sum comes to, as it is answered: forecast, intervals, backtest with scores, history; or why there is none."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.timestamps.parsing import offset_texts, shown_times
from models.arrays.levels import at_levels
from models.arrays.published_values import publishable, value_kinds
from models.calendars.calendar import calendar_of
from models.scores.names import IN_SAMPLE
from models.sums import NOTHING, Addend, Summed, Timed, fill_gaps, sum_of, sum_of_histories
from schemas.forecasting import JobRecord
from schemas.series import SeriesResult
from streams.forecasting.series_grids import on_grid
from streams.sums.asked import Asked
from streams.sums.branches import Branch
from streams.sums.clocks import Clock

__all__ = ["Results", "added"]

_MOST_NAMED: Final = 10  # series that an answer names
_MOST_TOLD: Final = 3  # series that a sentence names
_OTHER_STEPS: Final = "its steps are"

Results = Mapping[int, SeriesResult | str]
"""By place of a series the result that counts, or why there is none."""


class _Member(NamedTuple):
    """A series of a sum."""

    place: int
    result: SeriesResult
    clock: Clock
    addend: Addend


class _NoSumError(Exception):
    """Why a sum cannot be made, in words."""


def added(job: JobRecord, split: Split, branch: Branch, results: Results, asked: Asked) -> dict[str, Any]:
    """One sum."""
    told: dict[str, Any] = {"groups": branch.groups, "series_key": branch.key, "series": 0, "models": {}}
    left_out = {place: why for place in branch.places if isinstance(why := results[place], str)}
    try:
        left_out |= _with_other_steps(split, branch)
        places = [place for place in branch.places if place not in left_out]
        members, late = _reaching(_members(split, places, results, asked))
        left_out |= dict.fromkeys(late, "its forecast ends before that of the others begins")
        _check_all_there(split, left_out, members, asked)
        summed = _summed(members, split, asked)
        return told | _about(job, split, members, left_out) | _answer(members, summed, asked)
    except _NoSumError as error:
        return told | _about(job, split, (), left_out) | {"error": str(error)}


def _with_other_steps(split: Split, branch: Branch) -> dict[int, str]:
    """The places of the series whose steps are not those of most, with that as the reason."""
    codes = split.calendar_codes[list(branch.places)].tolist()
    freqs = {code: calendar_of(split.calendars[code]).freq for code in set(codes)}
    most = Counter(freqs[code] for code in codes).most_common(1)[0][0]
    others = ((place, freqs[code]) for place, code in zip(branch.places, codes, strict=True) if freqs[code] != most)
    return {place: f"{_OTHER_STEPS} {freq}, those of most others {most}" for place, freq in others}


def _members(split: Split, places: Iterable[int], results: Results, asked: Asked) -> list[_Member]:
    clocks = [Clock(calendar_of(text)) for text in split.calendars]
    members = []
    for place in places:
        result, clock = results[place], clocks[int(split.calendar_codes[place])]
        assert isinstance(result, SeriesResult)  # those without are left out
        members.append(_Member(place, result, clock, _addend(result, clock, _history(split, place, clock, asked.fill))))
    return members


def _history(split: Split, place: int, clock: Clock, fill: str) -> Timed:
    series = split.series(place)
    grid = on_grid(series)
    times = series.times
    if not (series.complete or grid.timestamps):
        times = clock.calendar.times(int(series.times[0]), len(grid.target))
    return Timed(clock.common(times), fill_gaps(grid.target, fill))


def _addend(result: SeriesResult, clock: Clock, history: Timed) -> Addend:
    def timed(times: Any, values: Sequence[float]) -> Timed:
        at = clock.common_of_event(times.timestamps, times.micros, times.utc_offsets)
        return Timed(at, np.asarray(values, dtype=np.float64))

    backtest = NOTHING
    if result.backtest is not None and result.backtest.predictions:
        backtest = timed(result.backtest, result.backtest.predictions)
    return Addend(history, timed(result, result.predictions), backtest)


def _reaching(members: Sequence[_Member]) -> tuple[list[_Member], list[int]]:
    """Those whose forecasts reach behind the last value of all, and the places of those whose do not."""
    last = max((int(one.addend.history.times[-1]) for one in members), default=0)
    there = [one for one in members if one.addend.forecast.times[-1] > last]
    return there, [one.place for one in members if one.addend.forecast.times[-1] <= last]


def _check_all_there(split: Split, left_out: Mapping[int, str], members: Sequence[_Member], asked: Asked) -> None:
    if not left_out or (asked.partial and members):
        return
    named = [f"{_name(split, place)} ({why})" for place, why in list(left_out.items())[:_MOST_TOLD]]
    more = f" and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
    remedies = ["give all one calendar by the freq of the job's columns"] if _OTHER_STEPS in "".join(named) else []
    remedies += ["partial=1 adds up the others"] if members else []
    text = f"{len(left_out)} of {len(left_out) + len(members)} series cannot be added: {', '.join(named)}{more}"
    raise _NoSumError("; ".join((text, *remedies)))


def _summed(members: Sequence[_Member], split: Split, asked: Asked) -> Summed:
    first = members[0]
    if len(members) == 1:
        return _alone(first, asked)
    names = [name for name in first.result.metrics if all(name in one.result.metrics for one in members)]
    summed = sum_of(
        [one.addend for one in members],
        metrics=names,
        levels=asked.levels,
        season_length=first.clock.calendar.season_length,
        may_be_negative=any(_may_be_negative(one.result) for one in members),
    )
    if not len(summed.forecast.times):
        ends = {_name(split, one.place): int(one.addend.history.times[-1]) for one in members}
        early, late = min(ends, key=lambda name: ends[name]), max(ends, key=lambda name: ends[name])
        text = f"its series have no common step behind the last value: {early} ends first, {late} last"
        raise _NoSumError(f"{text}; forecast more steps (next_k_prediction), or give all the same calendar (freq)")
    return summed


def _alone(member: _Member, asked: Asked) -> Summed:
    """A sum of one series is that series, with what its model says of it."""
    addend, result = member.addend, member.result
    history = sum_of_histories([addend.history])
    summed = sum_of([addend], metrics=(), levels=asked.levels)
    quantiles = summed.quantiles
    forecast = addend.forecast.since(int(addend.history.times[-1]))
    if result.quantiles:
        own = {float(name): np.asarray([values]) for name, values in result.quantiles.items()}
        kinds = value_kinds(history.values[np.newaxis], allow_negative=_may_be_negative(result))
        made = at_levels(np.asarray([result.predictions]), own, asked.levels)
        shown = [publishable(values, kinds)[0, -len(forecast.times) :] for values in made]
        quantiles = {f"{level:.6g}": values for level, values in zip(asked.levels, shown, strict=True)}
    scores = {**result.metrics, IN_SAMPLE: result.mase_insample}
    return Summed(history, forecast, summed.backtest, summed.actual, quantiles, scores)


def _may_be_negative(result: SeriesResult) -> bool:
    """Whether it was allowed shows in what was forecast alone."""
    return min(min(values) for values in (result.predictions, *result.quantiles.values())) < 0


def _about(job: JobRecord, split: Split, members: Sequence[_Member], left_out: Mapping[int, str]) -> dict[str, Any]:
    """Which series it has, and which not."""
    models: dict[str, int] = {}
    for one in members:
        models[one.result.model_name] = models.get(one.result.model_name, 0) + 1
    named = [
        {"ts_id": job.first_ts_id + place, "series_key": _name(split, place), "reason": why}
        for place, why in list(left_out.items())[:_MOST_NAMED]
    ]
    return {"series": len(members), "models": models, "left_out_count": len(left_out), "left_out": named, "error": None}


def _answer(members: Sequence[_Member], summed: Summed, asked: Asked) -> dict[str, Any]:
    clock, scores = members[0].clock, dict(summed.scores)
    mase_insample = scores.pop(IN_SAMPLE)
    history = Timed(summed.history.times[-asked.history :], summed.history.values[-asked.history :])
    notes = list(_notes(members, summed))
    return {
        "note": "; ".join(notes) or None,
        **_timed(clock, summed.forecast, "predictions"),
        "quantiles": {name: values.tolist() for name, values in summed.quantiles.items()},
        "metrics": scores,
        "mase_insample": mase_insample,
        "backtest": _timed(clock, summed.backtest, "predictions") | {"actual": _nullable(summed.actual)},
    } | ({"history": _timed(clock, history, "values")} if asked.history else {})


def _notes(members: Sequence[_Member], summed: Summed) -> Iterable[str]:
    steps, most = len(summed.forecast.times), max(len(one.result.predictions) for one in members)
    if steps < most:
        yield f"{most - steps} of {most} steps are left out, for not all series are forecast so far"
    without = sum(not len(one.addend.backtest.times) for one in members)
    if without:
        yield f"{without} of {len(members)} series have no backtest (they are too short, or were trained without refit)"
    if not summed.quantiles:
        yield "no intervals: there are fewer than five errors of a backtest to make them of"


def _timed(clock: Clock, timed: Timed, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "timestamps": shown_times(clock.shown(timed.times)) if len(timed.times) else [],
        name: _nullable(timed.values),
    }
    offsets = clock.offsets(timed.times)
    return shown | ({"utc_offsets": offset_texts(offsets)} if offsets else {})


def _nullable(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124 - NaN alone differs


def _name(split: Split, place: int) -> str:
    return named_series(split.groupby_key, split.groupby_val[place]).key
