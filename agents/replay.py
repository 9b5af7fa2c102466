"""Computes commands of the log once more, as a trainer does, and publishes nothing: for `tidecast replay`."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from agents.deepar.pool import TrainingPool
from agents.deepar.together_runs import answer_together
from agents.series.offload import running_offload
from agents.series.training import SeriesWork
from connectors.kafka.publisher import Publisher, Record
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from schemas.series import TrainTogether
from streams.engine.tries import Tries
from streams.forecasting.state import open_trainer
from streams.messages import Message
from streams.runtime import TrainerRuntime
from streams.settings import Settings
from streams.topics import Topics

__all__ = ["recomputed"]


async def recomputed(
    settings: Settings,
    codec: Codec,
    series: Sequence[Any],
    together: Sequence[tuple[Any, TrainTogether]],
    on_answers: Callable[[int], object],
) -> list[Record]:
    """The records that trainers with these settings publish for consumed messages, by the trainers' own functions.

    `series` are messages with TrainSeries, `together` those with TrainTogether, decoded. `on_answers` is told how many
    submissions were answered since the last time. Files of trained models are written to a folder that goes again.
    """
    topics = Topics(settings)
    kept = _Kept(topics.job_results, on_answers)
    with tempfile.TemporaryDirectory(prefix="tidecast-replay-") as folder:
        missing: Any = None  # what these agents do not use
        store = ObjectStore(folder)
        runtime = TrainerRuntime(
            settings=settings,
            bootstrap="",
            topics=topics,
            codec=codec,
            publisher=cast("Publisher", kept),
            app=missing,
            store=store,
            tries=Tries(store),
        )
        runtime.add(open_trainer(runtime))
        if series:
            await _series(runtime, series)
        if together:
            await _together(runtime, together)
    return kept.records


async def _series(runtime: TrainerRuntime, messages: Sequence[Message]) -> None:
    settings = runtime.settings
    async with running_offload(settings) as offload:
        work = SeriesWork(runtime, offload)
        for start in range(0, len(messages), settings.batch_size):
            await work.answer(messages[start : start + settings.batch_size])


async def _together(runtime: TrainerRuntime, commands: Iterable[tuple[Any, TrainTogether]]) -> None:
    pool = TrainingPool(runtime.settings)
    try:
        for message, command in commands:
            await answer_together(runtime, pool, message, command)
    finally:
        await pool.close()


class _Kept:
    """Stands where a trainer has its publisher."""

    def __init__(self, results: str, on_answers: Callable[[int], object]) -> None:
        self.records: list[Record] = []
        self._results = results
        self._on_answers = on_answers

    async def send(self, records: Iterable[Record]) -> None:
        """As the publisher's."""
        await self.send_nowait(records)

    def send_nowait(self, records: Iterable[Record]) -> "asyncio.Future[None]":
        """As the publisher's."""
        new = tuple(records)
        self.records += new
        self._on_answers(sum(record.topic == self._results for record in new))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future
