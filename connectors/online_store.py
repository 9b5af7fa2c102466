"""The latest forecast of every series in Redis: `forecast:{ts_id}`, for whoever reads without a broker.

Beside the forecasts of a partition of the topic stands `forecast-offset:{partition}`: all records before that offset
are in. It changes in the same transaction as the forecasts do, and only where it is what the writer last saw; so a
flushed, restored or otherwise written store is found out at the next write, and two writers cannot mix. While the
forecasts are rebuilt, the name of that rebuild stands there instead: no other one has it, and no reader takes it for an
offset.
"""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError

__all__ = ["Mark", "OnlineStore", "StoreAwayError", "new_rebuild"]

_TIMEOUT_S: Final = 1.0  # on a local network an answer takes a millisecond; a reader then asks the owner instead
_SCAN: Final = 1000  # keys looked at together: about a millisecond of the server
_FORECAST, _OFFSET = b"forecast:", b"forecast-offset:"

Mark = int | bytes
"""What stands beside the forecasts of a partition: an offset, or the name of a rebuild that is not done."""


class StoreAwayError(ConnectionError):
    """Redis does not answer, or not as Redis does; the text says what happened."""


class OnlineStore:
    """Connects when it is first used, again after every error, and retries nothing: the caller knows better."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._redis: Any = redis.asyncio.Redis.from_url(  # untyped in parts (redis 8.1.0)
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )

    async def offsets(self, partitions: Sequence[int]) -> list[int | None]:
        """Up to which offset each partition is in; None where the store does not say."""
        if not partitions:
            return []
        found = await _answered(self._redis.mget([_offset_key(partition) for partition in partitions]))
        return [_number(value) for value in found]

    async def read(self, partition: int, key: bytes) -> tuple[bytes | None, int | None]:
        """A forecast, and up to which offset its partition is in: both of the same moment."""
        value, offset = await _answered(self._redis.mget([_FORECAST + key, _offset_key(partition)]))
        return value, _number(offset)

    async def write(
        self, partition: int, forecasts: Sequence[tuple[bytes, bytes | None]], *, expected: Mark | None, mark: Mark
    ) -> bool:
        """Write forecasts (None removes) and the partition's mark in one transaction, pipelined.

        False, with nothing changed, where the mark is not `expected`; None is any that is no offset.
        """
        done: bool = await _answered(self._write(_offset_key(partition), forecasts, expected, mark))
        return done

    async def _write(
        self, marker: bytes, forecasts: Sequence[tuple[bytes, bytes | None]], expected: Mark | None, mark: Mark
    ) -> bool:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(marker)
            found = await pipe.get(marker)
            if (found if isinstance(expected, bytes) else _number(found)) != expected:
                return False
            pipe.multi()
            present = {_FORECAST + key: value for key, value in forecasts if value is not None}
            gone = [_FORECAST + key for key, value in forecasts if value is None]
            if present:
                pipe.mset(present)
            if gone:
                pipe.unlink(*gone)
            pipe.set(marker, mark)
            try:
                await pipe.execute()
            except WatchError:
                return False
            return True

    async def pages(self) -> AsyncIterator[list[bytes]]:
        """The keys of all forecasts, some at a time; what is written meanwhile may be among them or not."""
        cursor = 0
        while True:
            cursor, names = await _answered(self._redis.scan(cursor, match=_FORECAST + b"*", count=_SCAN))
            yield [name.removeprefix(_FORECAST) for name in names]
            if not cursor:
                return

    async def forget_offsets(self, partitions: Sequence[int]) -> None:
        """Let the store say of no partition that it is complete: whoever fills it does so anew."""
        await _answered(self._redis.unlink(*[_offset_key(partition) for partition in partitions]))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def new_rebuild() -> bytes:
    """The name of a rebuild: no number, and no other one's."""
    return b"rebuild-%s" % uuid.uuid4().hex.encode()


async def _answered(asked: Any) -> Any:
    try:
        return await asked
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreAwayError(f"{type(error).__name__}: {error}") from error


def _offset_key(partition: int) -> bytes:
    return b"%s%d" % (_OFFSET, partition)


def _number(value: bytes | None) -> int | None:
    """The number that a marker holds; None where somebody else has written something else."""
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else None
