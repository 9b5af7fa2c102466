"""Where partitions begin and end now: what is lost already, and whether whoever holds a copy misses anything."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.security import options

__all__ = ["EndUnknownError", "TopicEnds"]

_TIMEOUT_S: Final = 2.0  # an answer takes a millisecond; who waits longer had better ask another worker


class EndUnknownError(ConnectionError):
    """No broker said in time where the partition ends."""


class TopicEnds:
    """Asks the broker; connects when it is first asked."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin: AdminClient | None = None

    async def end(self, topic: str, partition: int) -> int:
        """The offset that the next record of the partition gets; EndUnknownError where nobody says."""
        [found] = (await self._answers([(topic, partition)])).values()
        if isinstance(found, Exception):
            raise EndUnknownError(f"the end of {topic}, partition {partition}, is not known: {found}") from found
        return found

    async def ends(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """The next offset of each partition; those of which nobody says it are left out."""
        answers = await self._answers(partitions)
        return {partition: end for partition, end in answers.items() if not isinstance(end, Exception)}

    async def starts(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """The offset of the first record that is still there, likewise: all before it have been removed."""
        answers = await self._answers(partitions, first=True)
        return {partition: start for partition, start in answers.items() if not isinstance(start, Exception)}

    async def _answers(
        self, partitions: Collection[tuple[str, int]], *, first: bool = False
    ) -> dict[tuple[str, int], int | KafkaException | TimeoutError]:
        if not partitions:  # librdkafka refuses the question
            return {}
        if self._admin is None:
            self._admin = AdminClient(options(self._bootstrap) | {"log_level": 0})
        asked_for = OffsetSpec.earliest() if first else OffsetSpec.latest()  # type: ignore[no-untyped-call]
        spec = {TopicPartition(topic, partition): asked_for for topic, partition in partitions}
        asked = self._admin.list_offsets(spec, request_timeout=_TIMEOUT_S)
        waiting = {(at.topic, at.partition): asyncio.wrap_future(answer) for at, answer in asked.items()}
        try:
            await asyncio.wait(waiting.values(), timeout=_TIMEOUT_S)
        finally:
            for future in waiting.values():
                future.cancel()
        answers = {partition: _answer(future) for partition, future in waiting.items()}
        if any(isinstance(answer, Exception) for answer in answers.values()):
            # librdkafka 2.x: after a time-out a client may refuse every later question, though the broker is back.
            stale, self._admin = [self._admin], None
            await asyncio.to_thread(stale.clear)  # its end waits for its threads
        return answers


def _answer(future: "asyncio.Future[Any]") -> int | KafkaException | TimeoutError:
    if future.cancelled():
        return TimeoutError()
    try:
        offset = int(future.result().offset)
    except KafkaException as error:
        return error
    return offset if offset >= 0 else TimeoutError()  # librdkafka answers -1001 where its own time is up
