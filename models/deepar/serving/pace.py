"""How long forecasting takes: guessed at first, then measured while it is done."""

from collections import deque
from functools import lru_cache
from typing import Final

from models.deepar.config import DeepARConfig

__all__ = ["Pace", "pace_of", "work_of"]

# Seconds for a step of a path with 2 layers of 40 cells on an ordinary core; measured 0.8e-6 and rounded up.
_FIRST_PACE_S: Final = 1e-6
_LAYERS, _CELLS = 2, 40
_GROWTH: Final = 1.5  # 200 cells were measured 14 times as slow as 40
_READ: Final = 4  # a step is read for one path only, which takes as long as drawing it for four among many
_TELLING: Final = 20_000  # steps of paths; of fewer the time is mostly that of the calls of numpy
# An interruption makes single measures too long and none too short, so that the least of a few is right.
_REMEMBERED: Final = 8


class Pace:
    """What a step of a path takes in this process for networks of one size."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._measured: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def seconds(self) -> float:
        """The time of one step."""
        return min(self._measured, default=self._first_s)

    def note(self, work: int, seconds: float) -> None:
        """So much work took so long; of little work nothing is learnt."""
        if work >= _TELLING:
            self._measured.append(seconds / work)

    def refuse(self) -> None:
        """Something is refused for its length: forget a measure, lest a slow minute refuse large requests for ever."""
        if self._measured:
            self._measured.popleft()


def work_of(config: DeepARConfig, num_samples: int) -> int:
    """The steps of paths that a series amounts to."""
    return _READ * (config.context_length + config.prediction_length) + num_samples * config.prediction_length


def pace_of(config: DeepARConfig) -> Pace:
    """The pace of models of this size; the same object for all of them."""
    return _pace(config.num_layers, config.num_cells)


@lru_cache(maxsize=64)
def _pace(layers: int, cells: int) -> Pace:
    return Pace(_FIRST_PACE_S * layers / _LAYERS * (cells / _CELLS) ** _GROWTH)
