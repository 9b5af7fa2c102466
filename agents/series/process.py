"""What a process does that computes heavy series for a trainer."""

import os
from collections.abc import Callable

from agents.series.timed import OF_PROCESS, timed_batch
from connectors.processes.process_set import ProcessSet
from models.batch import SeriesAnswer, SeriesRequest
from models.catalog import CATALOG

__all__ = ["Chunk", "compute", "new_processes"]

Chunk = tuple[Callable[[], object] | None, list[SeriesRequest]]
"""What is called beforehand, and requests that are computed together."""


def new_processes(threads: int, most_idle: int, memory_limit: int | None) -> ProcessSet:
    """Those that answer chunks; none is started yet."""
    # The fork server loads the code of every heavy model once for all, but no model is run there.
    heavy = {spec.entry.partition(":")[0] for spec in CATALOG.values() if spec.heavy}
    return ProcessSet(
        f"{__name__}:{compute.__name__}",
        sorted(heavy),
        name="tidecast-training",
        threads=threads,
        memory_limit=memory_limit,
        most_idle=most_idle,
    )


def compute(chunk: Chunk, report: Callable[[object], None]) -> list[SeriesAnswer]:  # noqa: ARG001 - nothing to report
    """Answer the requests; the process ends where memory was short."""
    prepare, requests = chunk
    if prepare is not None:
        prepare()
    answers = timed_batch(requests, OF_PROCESS)
    if any(answer.short_of_memory for answer in answers):
        os._exit(1)  # what is short now would be short for the next series too
    return answers
