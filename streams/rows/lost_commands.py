"""Finds out when commands have gone from the log that a row may still wait for.

Topics of commands keep them for TIDECAST_EVENT_RETENTION_DAYS. Where trainers are away for longer, or have more to do
than they can in that time, what they have not come to is removed, and nobody but the state knows of it: its rows say
what has no answer, and from which offsets on its commands are in the log. Where the log begins behind one, whatever has
no answer is sent once more. That some of it may still be there does no harm: results are keyed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from connectors.kafka.publisher import DeliveryError
from connectors.kafka.topic_ends import TopicEnds
from streams.rows.ownership import owned_offsets

if TYPE_CHECKING:
    from streams.runtime import StateRuntime

__all__ = ["LostCommands", "Starts"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 10.0  # two small requests; what was lost has waited for days
_DAY_MS: Final = 86_400_000


class Starts(NamedTuple):
    """Where topics of commands begin, each by partition; what is older than `before`, in milliseconds, is gone."""

    of: Sequence[Sequence[int]]
    before: int

    def are_behind(self, partition: int, offset: int, created: int) -> bool:
        """Whether the first topic has lost the command at an offset; of one below 0 nothing but its time is known."""
        start = self.of[0][partition]
        return 0 <= offset < start or (offset < 0 < start and created < self.before)


_LookAtRows = Callable[[int, int, Starts], Awaitable[bool]]


class LostCommands:
    """What is known of some topics of commands, by partition of the rows that wait for their answers.

    `look_at_rows` is told the partition, the generation of the assignment and where the topics begin; it answers
    whether it has seen all rows.
    """

    def __init__(
        self,
        state: "StateRuntime",
        ends: TopicEnds,
        *,
        commands: Sequence[str],
        answers: str,
        look_at_rows: _LookAtRows,
    ) -> None:
        self._app = state.app
        self._ends = ends
        self._partitions = range(state.topics.partitions)
        self._kept_ms = state.settings.event_retention_days * _DAY_MS
        self._commands = commands
        self._answers = answers
        self._look_at_rows = look_at_rows
        self._generation: int | None = None
        self._seen: dict[int, Any] = {}  # where the topics began when the rows were looked at last
        self._until: dict[int, int] = {}  # where answers ended when it was seen that the topics begin elsewhere

    async def watch(self) -> None:
        """Look again and again, also after a look that failed; to be run all the time."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look()
            except DeliveryError as error:
                await self._app.crash(error)  # rows may be ahead of their log
                return
            except Exception:
                log.exception("lost_commands_not_looked_for", topics=self._commands)

    async def look(self) -> None:
        """See where the topics begin, and let rows be looked at where that has changed.

        Once all answers have been read that were there by then: after a long time without this worker they may be all
        there.
        """
        owned = owned_offsets(self._app, self._answers)
        if owned is None:
            return
        generation, read = owned
        if generation != self._generation:
            self._generation, self._seen, self._until = generation, {}, {}
        asked = [(topic, place) for topic in self._commands for place in self._partitions]
        found = await self._ends.starts(asked)
        if len(found) < len(asked) or not any(found.values()):
            return
        begins = tuple(tuple(found[topic, place] for place in self._partitions) for topic in self._commands)
        changed = [place for place in read if self._seen.get(place) != begins]
        ends = await self._ends.ends([(self._answers, place) for place in changed])
        for place in changed:
            end = ends.get((self._answers, place))
            if end is None or (read[place] or 0) < self._until.setdefault(place, end):
                continue
            starts = Starts(begins, round(time.time() * 1000) - self._kept_ms)
            if await self._look_at_rows(place, generation, starts):
                self._seen[place] = begins
                del self._until[place]
