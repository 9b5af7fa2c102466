"""Ids without coordination: integers below 2^53 (JSON-safe), growing with time (decision 9)."""

import secrets
import time
from collections.abc import Callable

__all__ = ["IdMinter", "SeriesIdMinter"]

_EPOCH_S = 1_704_067_200  # 2024-01-01T00:00:00Z: leaves 41 bits of milliseconds until 2093
_RANDOM_BITS = 12
SERIES_INDEX_BITS = 17  # 131,072 series per job, the upper limit of TIDECAST_MAX_SERIES_PER_JOB
PARTITION_BITS = 6  # 64 partitions, the upper limit of TIDECAST_PARTITIONS


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
        self._last = max(self._last + 1, milliseconds << _RANDOM_BITS | secrets.randbelow(1 << _RANDOM_BITS))
        return self._last


class SeriesIdMinter:
    """Mints blocks of consecutive series ids: 30 bits of seconds, 6 of the job's partition, 17 of the series' index.

    A partition has one owner, and the owner starts above every block that its table remembers, so no id comes twice.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last: dict[int, int] = {}

    def observe(self, partition: int, first_ts_id: int) -> None:
        """Remember a block minted earlier, perhaps by another process."""
        second = first_ts_id >> (PARTITION_BITS + SERIES_INDEX_BITS)
        self._last[partition] = max(self._last.get(partition, 0), second)

    def mint(self, partition: int) -> int:
        """The first id of a new block of up to 131,072 for a job of this partition."""
        second = max(self._last.get(partition, 0) + 1, int(self._clock()) - _EPOCH_S)
        self._last[partition] = second
        return (second << PARTITION_BITS | partition) << SERIES_INDEX_BITS
