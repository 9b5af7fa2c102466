"""Which data sets have grown, as this worker reads of it: so nobody has to look at all of them again and again."""

from collections.abc import Mapping

__all__ = ["DatasetNews"]


class DatasetNews:
    """The last observation of each data set that has grown since somebody looked."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def grew(self, data_id: int, last: int) -> None:
        """It has observations up to this offset."""
        self._last[data_id] = max(last, self._last.get(data_id, -1))

    def take(self) -> Mapping[int, int]:
        """What has come since this was called last."""
        taken, self._last = self._last, {}
        return taken
