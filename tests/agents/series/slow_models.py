"""Models that misbehave, for tests of the processes that they run in.

What a series of them does is its value: all its points are equal, and most models behave unless they are `BAD`.
"""

import os
import re
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
from threadpoolctl import threadpool_info

from models import catalog
from models.arrays.columns import FloatArray
from models.forecasts import Forecasts, SeriesBatch
from models.model_spec import ModelSpec

__all__ = ["BAD", "marker", "models", "register"]

BAD = 13.0


def register() -> None:
    """Add them to the catalogue of this process."""
    catalog.CATALOG = MappingProxyType(models())


def models() -> dict[str, ModelSpec]:
    """The catalogue with them."""
    added = [
        _spec("WhoAmI", who_am_i),
        _spec("QuickWhoAmI", who_am_i, heavy=False),
        _spec("QuickGridWhoAmI", who_am_i, heavy=False, grid=True),
        _spec("CountTogether", count_together),
        _spec("Sleeper", sleep),
        _spec("QuickSleeper", sleep, heavy=False),
        _spec("Worker", work),
        _spec("Stuck", hang),
        _spec("Killer", kill),
        _spec("KilledOnce", kill_once),
        _spec("Hog", hog),
        _spec("CountThreads", count_threads),
    ]
    return {**catalog.CATALOG, **{spec.name: spec for spec in added}}


def _spec(
    name: str, function: Callable[[SeriesBatch], Forecasts], *, heavy: bool = True, grid: bool = False
) -> ModelSpec:
    return ModelSpec(name, "A test's.", (), f"{__name__}:{function.__name__}", heavy=heavy, grid=grid)


def marker(seed: int) -> Path:
    """What `KilledOnce` and `Stuck` leave behind for the series with this seed."""
    return Path(tempfile.gettempdir()) / f"tidecast-killed-once-{seed}"


def who_am_i(batch: SeriesBatch) -> Forecasts:
    """Forecast the id of the process."""
    return _all(batch, os.getpid())


def count_together(batch: SeriesBatch) -> Forecasts:
    """Forecast how many series came together."""
    return _all(batch, len(batch.history))


def sleep(batch: SeriesBatch) -> Forecasts:
    """Take as many seconds as the largest value."""
    time.sleep(_values(batch).max())
    return _repeated(batch)


def work(batch: SeriesBatch) -> Forecasts:
    """Keep a core busy for as many seconds as the largest value."""
    end = time.monotonic() + _values(batch).max()
    while time.monotonic() < end:
        sum(range(10_000))
    return _repeated(batch)


def hang(batch: SeriesBatch) -> Forecasts:
    """Never come back from compiled code, and keep the interpreter's lock. Tries of a series with a seed are noted."""
    assert batch.seeds is not None
    for seed in filter(None, batch.seeds.tolist()):
        with marker(seed).open("a", encoding="utf-8") as note:
            note.write(".")
    re.match(r"(a+)+$", "a" * 60 + "b")
    return _repeated(batch)


def kill(batch: SeriesBatch) -> Forecasts:
    """End the process as the kernel does when memory is short."""
    if (_values(batch) == BAD).any():
        os.kill(os.getpid(), signal.SIGKILL)
    return _repeated(batch)


def kill_once(batch: SeriesBatch) -> Forecasts:
    """End the process the first time that a series comes."""
    assert batch.seeds is not None
    for seed in batch.seeds.tolist():
        if not marker(seed).exists():
            marker(seed).touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return _repeated(batch)


def hog(batch: SeriesBatch) -> Forecasts:
    """Ask for 2 GiB, without touching them: harmless where nothing limits it."""
    if (_values(batch) == BAD).any():
        np.empty(2**28)
    return _repeated(batch)


def count_threads(batch: SeriesBatch) -> Forecasts:
    """Forecast how many threads the linear algebra uses."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return _all(batch, max(library["num_threads"] for library in threadpool_info()))


def _values(batch: SeriesBatch) -> FloatArray:
    values: FloatArray = batch.history[:, -1]
    return values


def _repeated(batch: SeriesBatch) -> Forecasts:
    return Forecasts(np.repeat(_values(batch)[:, np.newaxis], batch.horizon, axis=1))


def _all(batch: SeriesBatch, value: float) -> Forecasts:
    return Forecasts(np.full((len(batch.history), batch.horizon), float(value)))
