"""What the state does for training jobs of itself, without a message: what waits gets its turn, what is over ends.

Every message's own work is done, or done again after a crash, by its handling. This is for what no message tells: rows
of an earlier release, a time that has come, places that a setting has added.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from agents.training.visualizations import stop_at_its_time
from connectors.kafka.publisher import DeliveryError, partition_for
from streams.engine.tenure import SupersededError
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.training.state import TrainingJobsState

__all__ = ["keep_up", "look"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 2.0  # a look at a few rows in memory; a visualization ends within this of its time

RowsOf = Callable[[str], Rows | None]
"""The rows of a project; None where another worker has them."""


async def keep_up(state: StateRuntime, dispatch: Dispatch) -> None:
    """Look again and again, also after a look that failed; to be run all the time."""
    while True:
        await asyncio.sleep(_EVERY_S)
        owned = owned_offsets(state.app, state.topics.training_commands)
        if owned is None:
            continue
        generation, partitions = owned

        def rows_of(project_id: str, generation: int = generation, owned: object = partitions) -> Rows | None:
            home = partition_for(project_id.encode(), state.topics.partitions)
            return Rows(state, home, generation) if isinstance(owned, dict) and home in owned else None

        try:
            await look(state, dispatch, rows_of)
        except SupersededError:
            continue
        except DeliveryError as error:
            await state.app.crash(error)  # rows may be ahead of their log
            return
        except Exception:
            log.exception("training_jobs_not_kept_up")


async def look(state: StateRuntime, dispatch: Dispatch, rows_of: RowsOf) -> None:
    """Look once at the rows that this worker has."""
    tables, now = TrainingJobsState.of(state), round(time.time() * 1000)
    for job in list(tables.earlier()):
        if (rows := rows_of(job.project_id)) is not None:
            await asyncio.gather(*rows.take_up(job.project_id, job.job_id))
    for project_id in tables.versions.projects_with_open():
        if (rows := rows_of(project_id)) is not None:
            await dispatch.fill(rows, project_id)
    for record in list(tables.visualizations.group(b"")):
        if (rows := rows_of(record.project_id)) is not None:
            await stop_at_its_time(rows, record, now)
