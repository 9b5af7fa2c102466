"""Processes that forecast for questions: in turns, within limits of time."""

from collections.abc import AsyncIterator
from typing import Any, Final

import numpy as np
import pytest

from schemas.series import TrainSeries
from streams.errors import RejectedError, TimedOutError, TooLargeError, UnavailableError
from streams.what_if import asking
from streams.what_if.asked import FeatureChange
from streams.what_if.asking import Asking, Call

_STEPS: Final = 3
_PRICES: Final = [float((7 * day * day + 3 * day) % 23) for day in range(40 + _STEPS)]
_SOLD: Final = np.array([3.5 + 2 * price for price in _PRICES[:40]])


def _call(number: int, model: str = "Regression", target: Any = _SOLD) -> Call:
    command = TrainSeries(
        7,
        number,
        0,
        model,
        0,
        86_400_000,
        target,
        next_k_prediction=_STEPS,
        eval_metrics=(),
        refit=True,
        feat_dynamic_real=[_PRICES],
        freq="D",
        allow_negative=True,
    )
    return Call(command, [FeatureChange(0, "add", (float(number),), 2, 2)], None)


@pytest.fixture
async def pool() -> AsyncIterator[Asking]:
    """Its processes."""
    made = Asking()
    yield made
    await made.close()


async def test_answers_come_in_order_and_what_fails_fails_alone(pool: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more series than one process gets at a time."""
    monkeypatch.setattr(asking, "_MOST_TOGETHER", 2)
    calls = [_call(number) for number in range(5)] + [_call(9, target=np.full(40, np.nan)), _call(9, "Oracle")]
    *made, empty, unknown = await pool.ask(calls, 60)

    for number, one in enumerate(made):
        assert one.changed.values - one.base.values == pytest.approx([0, 2 * number, 0], abs=1e-6)
        assert one.changes[0].tolist() == [_PRICES[40], _PRICES[41] + number, _PRICES[42]]
    assert "no observed values" in str(empty.error)
    assert "Oracle" in str(unknown.error)
    assert await pool.ask([], 60) == ()


async def test_what_would_take_too_long_is_refused_before(pool: Asking) -> None:
    """With how many there is time for; one alone is tried."""
    with pytest.raises(TooLargeError, match=r"40 series would take about .* \(limit=\d+\)") as refused:
        await pool.ask([_call(1, "ARIMA")] * 40, 4)

    assert refused.value.place == {"field": "limit"}
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("entry", "kind", "says"),
    [
        ("tests.unit.streams.what_if.entries:slow", TimedOutError, "1 of 3 series were done|0 of 3 series were done"),
        ("tests.unit.streams.what_if.entries:dies", UnavailableError, "could not be made"),
        ("tests.unit.streams.what_if.entries:raises", UnavailableError, "KeyError"),
    ],
)
async def test_a_process_that_gives_no_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, entry: str, kind: type[RejectedError], says: str
) -> None:
    """In words, and the next question has another process."""
    monkeypatch.setattr(asking, "_ENTRY", entry)
    monkeypatch.setattr(asking, "_CHUNK_S", 0.0)
    monkeypatch.setattr(asking, "_AROUND_S", 1.0)
    pool = Asking()
    try:
        for _ in range(2):
            with pytest.raises(kind, match=says):
                await pool.ask([_call(1)] * 3, 1.0)
    finally:
        await pool.close()
