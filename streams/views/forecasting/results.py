"""The results of a job as JSON, some series at a time (contract J-130 … J-146)."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import Any

import orjson

from connectors.datasets.splits import Split
from connectors.timestamps.parsing import event_times, offset_texts
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobRecord
from schemas.series import SeriesResult
from streams.forecasting.time_travel import Rows

__all__ = ["SERIES_PER_CHUNK", "in_turns", "result_chunks"]

SERIES_PER_CHUNK = 50  # of a streamed answer: other requests get their turn in between


def result_chunks(codec: Codec, job: JobRecord, rows: Rows, split: Split | None) -> Iterator[bytes]:
    """The answer piece by piece, `SERIES_PER_CHUNK` series each; with `split` each has its history."""
    ts_ids = tuple(rows)
    head: dict[str, Any] = {"status": int(job.status)}
    if job.status is CmdStatus.EXCEPTION:
        head["message"] = job.message
    yield orjson.dumps(head)[:-1] + b',"results":['
    for start in range(0, len(ts_ids), SERIES_PER_CHUNK):
        entries = [
            {"ts_id": ts_id, "results": _series_results(codec, job, rows[ts_id], ts_id=ts_id, split=split)}
            for ts_id in ts_ids[start : start + SERIES_PER_CHUNK]
        ]
        yield (b"," if start else b"") + orjson.dumps(entries)[1:-1]
    yield b"]}"


def _series_results(
    codec: Codec, job: JobRecord, rows: Sequence[bytes], *, ts_id: int, split: Split | None
) -> list[dict[str, Any]]:
    ts_history = None
    if split is not None and rows:
        values, texts = split.history(ts_id - job.first_ts_id)
        ts_history = {split.target_label: values, split.timestamp_label: texts}
    return [_marked(result, _result(result, ts_history)) for result in map(codec.decode, rows)]


def _marked(result: SeriesResult, shown: dict[str, Any]) -> dict[str, Any]:
    return shown | {"shadow": True} if result.shadow else shown


def _result(result: SeriesResult, ts_history: dict[str, Any] | None) -> dict[str, Any]:
    if result.error is not None:
        return {"ts_id": result.ts_id, "model_name": result.model_name, "error": result.error}
    shown = {
        "predictions": result.predictions,
        "timestamps": _formatted(tuple(result.timestamps), tuple(result.micros)),
        "metrics": result.metrics,
        "config": result.config,
        "ts_id": result.ts_id,
        "model_name": result.model_name,
    }
    if result.utc_offsets:
        shown["utc_offsets"] = offset_texts(result.utc_offsets)
    if result.quantiles:
        shown["quantiles"] = result.quantiles
    # The contract's own form of a result has its fields and no other (J-133 … J-139).
    own = result.backtest is None and result.backtest_windows == 1
    for name in (
        ("answered_by", "model_path", "note") if own else ("answered_by", "model_path", "note", "mase_insample")
    ):
        if (value := getattr(result, name)) is not None:
            shown[name] = value
    if result.backtest_windows > 1:
        shown["backtest_windows"] = result.backtest_windows
    if result.backtest is not None:
        backtest: dict[str, Any] = {
            "timestamps": _formatted(tuple(result.backtest.timestamps), tuple(result.backtest.micros)),
            "predictions": result.backtest.predictions,
        }
        if result.backtest.utc_offsets:
            backtest["utc_offsets"] = offset_texts(result.backtest.utc_offsets)
        shown["backtest"] = backtest
    if ts_history is not None:
        shown["ts_history"] = ts_history
    return shown


@lru_cache(maxsize=1024)
def _formatted(times: tuple[int, ...], micros: tuple[int, ...]) -> list[str]:
    """The series of a job mostly end on the same day, so their forecasts share their timestamps."""
    return event_times(times, micros)


async def in_turns(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, other requests having their turn after each."""
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)
