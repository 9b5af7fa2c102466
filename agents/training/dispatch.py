"""Which versions trainers are given: so many of a project at a time, the oldest first (contract T-105)."""

import asyncio
from typing import Any
from weakref import WeakValueDictionary

from agents.training.rows import Rows
from connectors.kafka.publisher import Record
from schemas.training_rows import TrainingVersionRecord
from streams.quotas.state import Quotas
from streams.runtime import StateRuntime
from streams.training import versions as training_versions
from streams.training.states import TrainingState

__all__ = ["Dispatch"]


class Dispatch:
    """What goes from the state to the trainers. Two agents call it, and whoever looks after what has been lost."""

    def __init__(self, state: StateRuntime) -> None:
        self._state = state
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, project_id: str) -> asyncio.Lock:
        """Held by whoever decides what a project's trainers are told of: else two would give away one place."""
        return self._turns.setdefault(project_id, asyncio.Lock())

    async def tell(self, *commands: Any) -> int:
        """Tell trainers. All that is said of a job has one key, so one of them finds it in its order.

        The lowest offset; -1: it is not known.
        """
        state = self._state
        placed = await state.publisher.send_placed(
            [
                Record(state.topics.training_runs, b"%d" % command.job_id, state.codec.encode(command))
                for command in commands
            ]
        )
        return min(placed.values(), default=-1)

    async def fill(self, rows: Rows, project_id: str) -> None:
        """Give trainers as many of the project's waiting versions as there are places for.

        1. a trainer is told, 2. the row says so: between the two it may be told twice, which runs once.
        """
        async with self.turn(project_id):
            while (version := self._next(rows, project_id)) is not None:
                rows.check()
                offset = await self.tell(training_versions.run_of(version))
                current = rows.tables.version(project_id, version.job_id, version.version_id)
                if current is not None:
                    await rows.put_version(training_versions.given(current, offset))
            known = rows.tables.versions.open_of(project_id)
            new = [one for one in known if not one.given and one.status == TrainingState.INITIALISING]
            await asyncio.gather(*(rows.put_version(training_versions.waiting(one)) for one in new))

    def _next(self, rows: Rows, project_id: str) -> TrainingVersionRecord | None:
        """The version whose turn it is; None where there is no place, or none that waits."""
        known = rows.tables.versions.open_of(project_id)
        if sum(version.given for version in known) >= Quotas.of(self._state).most(project_id, "running_versions"):
            return None
        waiting = (version for version in known if not version.given)
        return min(waiting, key=lambda version: (version.create_time, version.version_id), default=None)
