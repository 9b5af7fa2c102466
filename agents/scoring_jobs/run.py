"""One run: the pieces of its data set go to processes, several at a time, and their parts together are the result."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog

from agents.scoring_jobs.calls import Finish, Piece, Scored
from agents.scoring_jobs.pool import ScoringPool
from agents.scoring_jobs.preparing import (
    FailedRunError,
    Part,
    Prepared,
    done_key,
    part_key,
    parts_of,
    prepared,
    result_key,
)
from connectors.csv_files.pieces import cut
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from connectors.processes.compute_process import EndedError, RaisedError
from schemas.scoring_jobs import ScoreDataset
from streams.scoring_jobs import runs

__all__ = ["Progress", "score_dataset"]

log = structlog.get_logger(__name__)

_FIRST: Final = 16 * 1024  # bytes of the first piece, by which it is seen how long rows take
_LARGEST: Final = 1024**2  # some 0.1 s for a small model: enough pieces for all processes, and few for the store
_QUICK_S: Final = 0.5  # a piece that takes less is followed by larger ones
_SLOW_S: Final = 4.0  # and one that takes more, by smaller: so much a pause or a crash may cost
_TELL_S: Final = 1.0

Progress = Callable[[str, int, int], Awaitable[None]]
"""Is told the status, the rows so far, and how many of them are wrong."""


async def score_dataset(
    store: ObjectStore, store_url: str, pool: ScoringPool, command: ScoreDataset, told: Progress
) -> tuple[int, int]:
    """Score the whole data set, from where an earlier attempt has come to; how many rows, and how many are wrong.

    1. the parts, 2. the result and the job's data set, 3. a note that they are there, 4. the parts are removed.
    FailedRunError where there is no result.
    """
    done = await asyncio.to_thread(_done, store, command.run_id)
    if done is not None:
        return done
    try:
        plan = await asyncio.to_thread(prepared, store, store_url, command)
        if plan.lines is not None:
            await _checked(pool.work(plan.lines))
            plan = await asyncio.to_thread(prepared, store, store_url, command)
        parts = await _Pieces(store, store_url, pool, plan, told).all()
        await _finish(store_url, pool, plan, parts, command)
    except (EndedError, TimeoutError, RaisedError) as error:
        raise FailedRunError(_reason(error)) from None
    rows, wrong = sum(part.rows for part in parts), sum(part.wrong for part in parts)
    await asyncio.to_thread(_keep_done, store, command.run_id, plan, (rows, wrong))
    return rows, wrong


def _done(store: ObjectStore, run_id: str) -> tuple[int, int] | None:
    try:
        found = orjson.loads(store.read_bytes(done_key(run_id)))
    except ObjectNotFoundError:
        return None
    return found["rows"], found["wrong"]


def _keep_done(store: ObjectStore, run_id: str, plan: Prepared, counted: tuple[int, int]) -> None:
    store.put_bytes(done_key(run_id), orjson.dumps({"rows": counted[0], "wrong": counted[1]}))
    store.delete(plan.folder)


async def _finish(store_url: str, pool: ScoringPool, plan: Prepared, parts: list[Part], command: ScoreDataset) -> None:
    await _checked(
        pool.work(
            Finish(
                store_url=store_url,
                source=plan.source,
                parts=tuple(part.key for part in parts),
                columns=next((part.columns for part in parts if part.columns is not None), ()),
                result_key=result_key(command.job_name, command.run_id, command.output_dataset),
                run_id=command.run_id,
                job_name=command.job_name,
                output_dataset=command.output_dataset,
                output_id=command.output_id,
            )
        )
    )


async def _checked(answer: Awaitable[Any]) -> Any:
    """FailedRunError with what the process says."""
    found = await answer
    if found.error is not None:
        raise FailedRunError(found.error)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the model took too long for a few rows: use a smaller model, or raise TIDECAST_SCORING_TIMEOUT_S"
    if isinstance(error, EndedError):
        return (
            "the process that scored ended each time it was tried (killed or out of memory): use a smaller model, or "
            "raise TIDECAST_SCORING_MEMORY_BYTES"
        )
    assert isinstance(error, RaisedError)
    if error.kind == "ObjectNotFoundError":
        return "the model or the data set was removed while it was used"
    if error.kind == "BadModelError":
        return f"the model cannot be loaded: {error.text}"
    if error.kind in ("MemoryError", "OutOfMemoryError"):
        return "the model takes more memory than it may: raise TIDECAST_SCORING_MEMORY_BYTES"
    log.error("scoring_failed", error=str(error))
    return "the model failed on the data set; the service's log says why"


class _Pieces:
    """The pieces of one source: cut in their order, scored side by side, counted in their order."""

    def __init__(self, store: ObjectStore, store_url: str, pool: ScoringPool, plan: Prepared, told: Progress) -> None:
        self._store = store
        self._store_url = store_url
        self._pool = pool
        self._plan = plan
        self._told = told
        self._size = _FIRST
        self._columns: tuple[str, ...] | None = None
        self._said = 0.0
        self._rows = self._wrong = 0

    async def all(self) -> list[Part]:
        """All parts; those that are there are not made again."""
        parts = await asyncio.to_thread(parts_of, self._store, self._plan)
        for part in parts:
            self._count(part)
        place = parts[-1].end if parts else self._plan.begin
        begun: list[asyncio.Task[Part]] = []
        try:
            while place < self._plan.end or begun:
                # Alone, until the columns of the results are known: all parts have the same.
                most = self._pool.most if self._columns is not None else 1
                while place < self._plan.end and len(begun) < most:
                    end = await asyncio.to_thread(self._cut, place)
                    begun.append(asyncio.create_task(self._scored(place, end)))
                    place = end
                part = await begun.pop(0)
                parts.append(part)
                self._count(part)
                await self._tell()
        finally:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
        return parts

    def _count(self, part: Part) -> None:
        self._rows += part.rows
        self._wrong += part.wrong
        self._columns = self._columns or part.columns

    def _cut(self, begin: int) -> int:
        source = self._plan.source
        with self._store.open(source.key) as file:
            return min(
                cut(file, begin, self._size, source.dialect.quote if source.kind == "csv" else None), self._plan.end
            )

    async def _scored(self, begin: int, end: int) -> Part:
        key = part_key(self._plan.folder, begin, end)
        piece = Piece(self._store_url, self._plan.source, self._plan.model_key, begin, end, key, self._columns)
        started = time.monotonic()
        scored: Scored = await _checked(self._pool.work(piece))
        self._adapt(time.monotonic() - started)
        return Part(key, begin, end, scored.rows, scored.wrong, scored.columns)

    def _adapt(self, took_s: float) -> None:
        if took_s < _QUICK_S:
            self._size = min(self._size * 4, _LARGEST)
        elif took_s > _SLOW_S:
            self._size = max(self._size // 2, _FIRST)

    async def _tell(self) -> None:
        now = time.monotonic()
        if now - self._said >= _TELL_S:
            self._said = now
            await self._told(runs.RUNNING, self._rows, self._wrong)
