"""AdaptiveMaxN and AdaptiveAverageN: the level of the last observed points."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasts import SeriesBatch
from models.quick.adaptive import forecast_average, forecast_max

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

cells = st.one_of(st.just(math.nan), st.integers(-50, 50).map(float), st.floats(-1e6, 1e6))


@given(
    st.integers(1, 12).flatmap(lambda steps: st.lists(st.lists(cells, min_size=steps, max_size=steps), min_size=1)),
    st.integers(1, 15),
    st.integers(1, 4),
)
def test_J104_maximum_and_mean_of_the_last_observed_values(
    rows: list[list[float]], latest_n: int, horizon: int
) -> None:
    """Compared with Python's max and a sum from first to last, with gaps and padding; repeated `horizon` times."""
    rows = [[*row[:-1], 1.0] if all(map(math.isnan, row)) else row for row in rows]
    windows = [[value for value in row if not math.isnan(value)][-latest_n:] for row in rows]
    history, config = np.array(rows), {"latest_n": latest_n}

    assert forecast_max(SeriesBatch(history, horizon, config)).mean.tolist() == [[max(w)] * horizon for w in windows]
    assert forecast_average(SeriesBatch(history, horizon, config)).mean.tolist() == [
        [sum(w) / len(w)] * horizon for w in windows
    ]


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_rows_mean_has_the_same_bits_alone_and_in_company(seed: int, points: int) -> None:
    """Alone, and padded beside longer rows."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(3, points + 4))
    matrix[1, :4] = np.nan
    config = {"latest_n": 30}
    alone = forecast_average(SeriesBatch(np.ascontiguousarray(matrix[1:2, 4:]), 2, config)).mean

    assert forecast_average(SeriesBatch(matrix, 2, config)).mean[1].tobytes() == alone[0].tobytes()


def test_a_sum_that_overflows_gives_no_warning() -> None:
    """The caller sees a forecast that is not finite and says so."""
    assert forecast_average(SeriesBatch(np.array([[1e308, 1e308]]), 1, {"latest_n": 5})).mean.tolist() == [[math.inf]]
