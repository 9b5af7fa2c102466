"""All 32 metrics: vectorised over many series against one series and one metric at a time."""

import numpy as np

from benchmarks.report import Figure, measure, show
from models.scores.metrics import evaluate
from models.scores.names import METRICS

__all__ = ["run"]

_SERIES, _STEPS, _ONE_BY_ONE = 10_000, 5, 200
_RUNS = 5


def run() -> None:
    """Measure and print."""
    rng = np.random.default_rng(1)
    actual = rng.normal(100, 10, (_SERIES, _STEPS))
    predicted = actual + rng.normal(0, 3, (_SERIES, _STEPS))

    def one_by_one() -> None:
        for row in range(_ONE_BY_ONE):
            for name in METRICS:
                evaluate(actual[row : row + 1], predicted[row : row + 1], [name])

    together = measure(lambda: evaluate(actual, predicted, METRICS), count=_SERIES, runs=_RUNS)
    apart: Figure = measure(one_by_one, count=_ONE_BY_ONE, runs=3)
    show(
        f"32 metrics, {_SERIES:,} x {_STEPS}",
        ("how", "series", "ratio"),
        [
            ("one series and one metric at a time", str(apart), "1"),
            ("all at once", str(together), f"{together.rate / apart.rate:,.0f}x"),
        ],
    )
