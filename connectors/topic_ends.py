"""Where partitions end now: how whoever holds a copy proves that it misses nothing."""

import asyncio
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

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
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets({TopicPartition(topic, partition): latest}, request_timeout=_TIMEOUT_S)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                [found] = await asyncio.gather(*map(asyncio.wrap_future, asked.values()))
        except (KafkaException, TimeoutError) as error:
            raise EndUnknownError(f"the end of {topic}, partition {partition}, is not known: {error}") from error
        offset: Any = found.offset
        return int(offset)
