"""Ids without coordination: integers below 2^53 (JSON-safe), growing with time (decision 9)."""

import secrets
import time
from collections.abc import Callable

from streams.errors import Code, RejectedError, UnavailableError

__all__ = ["IdMinter", "SeriesIdMinter"]

_EPOCH_S = 1_704_067_200  # 2024-01-01T00:00:00Z: leaves 41 bits of milliseconds until 2093
_RANDOM_BITS = 12
SERIES_INDEX_BITS = 17  # 131,072 series per job, the upper limit of TIDECAST_MAX_SERIES_PER_JOB
PARTITION_BITS = 6  # 64 partitions, the upper limit of TIDECAST_PARTITIONS
_LAST = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
_LAST_SECOND = 2**30 - 1
_AHEAD_S = 86_400  # a clock that is further ahead of the log's is wrong, or the command has waited: the log's is taken


class IdMinter:
    """Mints ids for jobs and data sets: 41 bits of milliseconds, 12 random bits.

    Never twice the same in one process; processes do not collide, because a state worker uses only ids that it owns.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last = 0

    def mint(self) -> int:
        """The next id."""
        milliseconds = int((self._clock() - _EPOCH_S) * 1000)
        minted = max(self._last + 1, milliseconds << _RANDOM_BITS | secrets.randbelow(1 << _RANDOM_BITS))
        if minted > _LAST:
            raise _wrong_clock(self._clock())
        self._last = minted
        return minted


class SeriesIdMinter:
    """Mints blocks of consecutive series ids: 30 bits of seconds, 6 of the job's partition, 17 of the series' index.

    A partition has one owner, and the owner starts above every block that its table remembers, those of deleted jobs
    too, so no id comes twice.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last: dict[int, int] = {}

    def observe(self, partition: int, first_ts_id: int) -> None:
        """Remember a block minted earlier, perhaps by another process; not one that no block can follow."""
        second = first_ts_id >> (PARTITION_BITS + SERIES_INDEX_BITS)
        if second > _LAST_SECOND:
            return
        self._last[partition] = max(self._last.get(partition, 0), second)

    def mint(self, partition: int, at: float | None = None) -> int:
        """The first id of a new block of up to 131,072 for a job of this partition.

        `at` is when the log got the command, in seconds: a clock that is days ahead of it is not believed, so a wrong
        one is not remembered. RejectedError where the block would not be JSON-safe.
        """
        now = self._clock()
        if at is not None and now - at > _AHEAD_S:
            now = at
        second = max(self._last.get(partition, 0) + 1, int(now) - _EPOCH_S)
        if second > _LAST_SECOND:
            raise _wrong_clock(now)
        self._last[partition] = second
        return (second << PARTITION_BITS | partition) << SERIES_INDEX_BITS


def _wrong_clock(now: float) -> RejectedError:
    return UnavailableError(
        Code.WRONG_CLOCK, f"the clock of a worker stands at {now:.0f} s, for which there are no ids: set it right"
    )
