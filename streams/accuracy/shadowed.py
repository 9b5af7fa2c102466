"""A job's shadow beside the model that was there first: both judged by the same values, and what each costs."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, Final

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from schemas.coding.codec import Codec
from schemas.forecasting import JobRecord, Shadow
from schemas.series import SeriesResult
from streams.accuracy.boards import judged_results
from streams.accuracy.pairs import paired
from streams.accuracy.state import came
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.standing.elements import SECOND
from streams.standing.shadows import FIRST, check_on, on_side

__all__ = ["SIDES", "shadow_of"]

SIDES: Final = {"first": FIRST, "second": SECOND}
"""The sides by the words that users have for them."""
_WORDS: Final = {side: word for word, side in SIDES.items()}


async def shadow_of(state: StateRuntime, job: JobRecord) -> dict[str, Any]:
    """Everything that is to be told of it, with all series; NotFoundError where the job has none.

    Made of results and rows as they are now; nothing of it is kept.
    """
    shadow, own = check_on(job), ForecastingState.of(state)
    split = await own.splits.of(job)
    rows = own.results.of_series(job.job_id, job.ts_ids)
    found = await asyncio.to_thread(came, state, job, split)

    def told() -> dict[str, Any]:
        sides = _sides(state.codec, job, rows)
        numbers = {side: {one.n for one in results} for side, results in sides.items()}
        judged = list(judged_results(state.codec, job, split, rows, found.values))
        both = paired(*([one for one in judged if one.n in numbers[side]] for side in (FIRST, SECOND)))
        overall = both.overall()
        series = [_named(job, split, one["ts_id"]) | one for one in both.series()]
        for word, side in SIDES.items():
            overall[word] = _about(job, shadow, side, sides[side]) | overall[word]
        return {
            "job_id": job.job_id,
            "data_id": job.data_id,
            "series_named": shadow.series or str(shadow.ts_id),
            "started": datetime.fromtimestamp(shadow.at / 1000, UTC).isoformat(timespec="milliseconds"),
            "answers": _WORDS[shadow.answers],
            "switches": job.switches,
            "note": found.note,
            **overall,
            "series_count": len(series),
            "series": series,
        }

    return await asyncio.to_thread(told)


def _sides(codec: Codec, job: JobRecord, rows: Mapping[int, Sequence[bytes]]) -> dict[int, list[SeriesResult]]:
    """The results of each side, of series that both forecast."""
    sides: dict[int, list[SeriesResult]] = {FIRST: [], SECOND: []}
    for encoded in rows.values():
        results = [codec.decode(row) for row in encoded]
        of_series = [(side, one) for one in results if (side := on_side(job, one))]
        if any(side == SECOND for side, _ in of_series):
            for side, one in of_series:
                sides[side].append(one)
    return sides


def _about(job: JobRecord, shadow: Shadow, side: int, results: Sequence[SeriesResult]) -> dict[str, Any]:
    latest = {one.ts_id: one for one in results}
    failed = [one for one in latest.values() if one.error is not None]
    good = [one for one in latest.values() if one.error is None]
    times = [one.took_s for one in results if one.took_s is not None]
    standing = [one for one in job.standing if one.side == side]
    names = dict.fromkeys(one.model_name or "" for one in standing)
    return {
        "model_name": ", ".join(names),
        "config": dict(good[-1].config) if good else None,
        "answers": side == shadow.answers,
        "forecasts": len(good),
        "failed": len(failed),
        "error": failed[0].error if failed else next((one.problem for one in standing if one.problem), None),
        "seconds": fmean(times) if times else None,
    }


def _named(job: JobRecord, split: Split, ts_id: int) -> dict[str, Any]:
    text = split.groupby_val[ts_id - job.first_ts_id]
    return {"series_key": named_series(split.groupby_key, text).key, "groupby_val": text}
