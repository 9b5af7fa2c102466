"""The windows that DeepAR is trained on: what they show, how they are drawn, and what is kept from them."""

from typing import Any

import numpy as np
import pytest

from models.deepar.config import DeepARConfig
from models.deepar.inputs import known_inputs, scale_of
from models.deepar.learning.windows import Batch, Windows
from models.deepar.series import Series

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
CONTEXT, STEPS = 4, 3


def config(likelihood: str = "student-t", **changed: Any) -> DeepARConfig:
    """Yearly: lags 1 to 7, no calendar; so the last known input is the feature, or the age."""
    given = {"time_freq": "Y", "prediction_length": STEPS, "context_length": CONTEXT, "num_dynamic_feat": 0}
    return DeepARConfig(likelihood=likelihood, cardinality=(9,), **(given | changed))


def series(values: Any, code: int = 0, feat: np.ndarray | None = None) -> Series:
    """A yearly series of a category."""
    return Series(np.datetime64("1990", "Y"), np.array(values, np.float32), (code,), feat)


def windows(*many: Series, hold_out: bool = False, **changed: Any) -> Windows:
    """The windows of these series."""
    return Windows(many, config(**changed), hold_out=hold_out, default_scale=7.5)


def drawn(of: Windows, size: int = 4000, seed: int = 1) -> Batch:
    """Very many windows: all that can be drawn."""
    return of.batch(np.random.default_rng(seed), size)


def counted(start: int, length: int) -> list[float]:
    """Values that tell where they are from."""
    return [float(value) for value in range(start, start + length)]


def begins(batch: Batch, offset: float) -> list[int]:
    """The steps at which the forecasts of windows begin, of a series whose value of step n is offset + n."""
    return sorted({int(value - offset) for value in batch.target[:, CONTEXT]})


def test_every_window_is_a_piece_of_its_series() -> None:
    """Values, what is observed, lags, age, features, code and scale of each window, as they follow from its begin."""
    values = [NAN if n in (6, 13) else 100.0 + n for n in range(20)]
    feat = np.arange(20, dtype=np.float32)[np.newaxis] / 10
    one = series(values, 3, feat)
    batch = drawn(windows(series(counted(500, 9), 1, feat[:, :9]), one, num_dynamic_feat=1), 400)

    found = 0
    for row in np.flatnonzero(batch.cat[:, 0] == 3):
        seen = np.flatnonzero(batch.observed[row])
        begin = int(batch.target[row, seen[-1]] - 100) - int(seen[-1])
        at = np.arange(begin, begin + CONTEXT + STEPS)
        inside = [one.target[step] if 0 <= step < 20 else NAN for step in at]
        scale = scale_of(np.array(inside[:CONTEXT]), one.target[: begin + CONTEXT], default=7.5, scaled=True)
        lags = [[values[step - lag] if 0 <= step - lag < 20 else NAN for lag in range(1, 8)] for step in at]
        found += 1

        assert batch.observed[row].tolist() == [float(value == value) for value in inside]
        assert batch.target[row].tolist() == np.nan_to_num(inside).tolist()
        assert batch.scale[row] == pytest.approx(scale)
        assert batch.lags[row] == pytest.approx(np.nan_to_num(lags) / scale)
        assert batch.known[row] == pytest.approx(known_inputs(config().frequency, one, begin, CONTEXT + STEPS))
    assert found > 100


def test_windows_begin_from_the_second_value_to_the_last_complete_one() -> None:
    """The first value has no past to learn from; a window never ends behind its series."""
    assert begins(drawn(windows(series(counted(10, 12)))), 10) == list(range(1, 10))


def test_what_is_held_out_never_is_in_a_window() -> None:
    """The last prediction_length values of a series are neither target, lag nor scale, nor are its neighbours'."""
    held = [*counted(10, 12)[:-STEPS], 1e6, 1e6, 1e6]
    of = windows(series(held, 1), series(held, 2), series(held, 3), hold_out=True)
    batch = drawn(of)

    assert begins(batch, 10) == list(range(1, 7))
    assert batch.target.max() == 18
    assert batch.scale.max() < 20
    assert batch.lags.max() < 20
    assert of.held_out.tolist() == [0, 1, 2]
    assert (of.last(of.held_out).target[:, CONTEXT:] == 1e6).all()
    assert (of.last(of.held_out).target[:, :CONTEXT] < 20).all()


@pytest.mark.parametrize(("length", "held_out"), [(2 * STEPS, False), (2 * STEPS + 1, True)])
def test_short_series_are_not_shortened(length: int, held_out: bool) -> None:
    """Where too little would be left to learn from, everything is learnt from and nothing validated."""
    of = windows(series(counted(10, length)), hold_out=True)

    assert begins(drawn(of), 10) == list(range(1, length - STEPS + 1 - STEPS * held_out))
    assert of.held_out.tolist() == [0] * held_out


def test_without_hold_out_nothing_is_validated() -> None:
    """However long the series are."""
    assert windows(series(counted(10, 50))).held_out.tolist() == []


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_series_shorter_than_a_window_are_learnt_from(length: int) -> None:
    """Down to one value: what is not there is not observed, and everything is finite."""
    of = windows(series(counted(10, length)))
    batch = drawn(of, 50)

    assert len(of) == max(1, length - STEPS) if length > STEPS else len(of) == 1
    assert (batch.observed.sum(axis=1) == length).all()
    assert all(np.isfinite(part).all() for part in (batch.lags, batch.known, batch.scale, batch.target))


def test_a_single_value_has_the_default_scale() -> None:
    """Nothing lies before it; it is what must be forecast from nothing."""
    batch = drawn(windows(series([40.0])), 3)

    assert batch.scale.tolist() == [7.5] * 3
    assert batch.target.tolist() == [[0, 0, 0, 0, 40, 0, 0]] * 3
    assert batch.observed.tolist() == [[0, 0, 0, 0, 1, 0, 0]] * 3


def test_a_context_without_values_has_the_scale_of_what_lies_before() -> None:
    """And where nothing does, that of a typical series; zeros are no scale either."""
    missing = drawn(windows(series([NAN] * 8 + [5.0] * 3)))
    gap = windows(series([6.0, 2.0] + [NAN] * 8 + [5.0] * 3))
    zeros = drawn(windows(series([0.0] * 12)))

    assert missing.scale[missing.observed[:, :CONTEXT].sum(axis=1) == 0] == pytest.approx(7.5)
    assert gap.last(np.array([0])).scale.tolist() == [4.0]
    assert zeros.scale == pytest.approx(7.5)


def test_windows_in_which_nothing_is_to_be_forecast_are_not_drawn() -> None:
    """They would teach nothing."""
    batch = drawn(windows(series([*counted(10, 8), *[NAN] * 10, *counted(28, 8)])))

    assert (batch.observed[:, CONTEXT:].sum(axis=1) > 0).all()


def test_values_between_zero_and_one_are_not_scaled() -> None:
    """Beta needs them as they are."""
    batch = drawn(windows(series([0.5, 0.25, 0.125] * 5), likelihood="beta"), 20)

    assert (batch.scale == 1).all()
    assert set(np.unique(batch.lags)) <= {0, 0.5, 0.25, 0.125}


def test_each_window_of_a_series_is_as_likely() -> None:
    """Within the error of counting."""
    batch = drawn(windows(series(counted(10, 12))), 9000)
    counts = np.unique(batch.target[:, CONTEXT], return_counts=True)[1]

    assert counts == pytest.approx(1000, abs=5 * np.sqrt(1000))


def test_series_are_drawn_by_their_windows_up_to_a_limit() -> None:
    """A series of twice as many windows comes twice as often, one of a thousand times as many 20 times as often."""
    lengths = [10 + STEPS, 10 + STEPS, 20 + STEPS, 10_000 + STEPS]
    many = [series(np.ones(length), code) for code, length in enumerate(lengths)]
    batch = drawn(windows(*many), 20_000)
    shares = np.bincount(batch.cat[:, 0]) / 20_000
    median = 15.0  # of 10, 10, 20 and 10,000 windows
    weights = np.array([10, 10, 20, 20 * median])

    assert shares == pytest.approx(weights / weights.sum(), abs=0.005)


def test_the_generator_decides() -> None:
    """The same state of it gives the same windows."""
    of = windows(series(counted(10, 40)))

    assert np.array_equal(drawn(of, 32, seed=2).target, drawn(of, 32, seed=2).target)
    assert not np.array_equal(drawn(of, 32, seed=2).target, drawn(of, 32, seed=3).target)


def test_huge_values_among_tiny_ones_stay_finite() -> None:
    """Lags and targets are cut off where sums of gates and squares of distances would overflow."""
    batch = drawn(windows(series([1e38] * 5 + [1e-9] * 8 + [1e38] * 3)), 300)

    assert batch.lags.max() == np.float32(1e6)
    assert (batch.target / batch.scale[:, np.newaxis]).max() == pytest.approx(1e6)
    assert np.isfinite(batch.scale).all()


def test_values_as_good_as_zero_are_no_scale() -> None:
    """Training and forecasting agree on what is one."""
    values = [3.0] * 3 + [1e-11] * 12
    expected = scale_of(np.array(values[8:12]), np.array(values[:12]), default=7.5, scaled=True)

    assert windows(series(values)).last(np.array([0])).scale == pytest.approx(expected)
    assert expected == pytest.approx(0.75)
