"""Croston and TSB against numbers worked out by hand, and against statsforecast's."""

import numpy as np
import pytest
from statsforecast.models import TSB, CrostonClassic, CrostonSBA

from models.catalog import CATALOG
from models.forecasts import Forecasts, SeriesBatch

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan


def forecast(name: str, history: list[list[float]], **config: float | str) -> Forecasts:
    """Two steps of each row."""
    spec = CATALOG[name]
    return spec.load()(SeriesBatch(np.array(history, dtype=np.float64), 2, spec.resolve(config)))


def sparse(seed: int) -> list[float]:
    """Demand in about a third of 60 steps."""
    random = np.random.default_rng(seed)
    return np.where(random.random(60) < 0.3, random.integers(1, 9, 60), 0).astype(float).tolist()


def test_croston_divides_size_by_interval() -> None:
    """First demand 6 after 3 steps, then 10 after 2: size 6 + 0.5 x 4 = 8, interval 3 - 0.5 x 1 = 2.5."""
    history = [[0.0, 0.0, 6.0, 0.0, 10.0, 0.0]]

    assert forecast("Croston", history, weight=0.5, variant="classic").mean.tolist() == [[3.2, 3.2]]
    assert forecast("Croston", history, weight=0.5).mean[0] == pytest.approx([3.2 * 0.75] * 2)


def test_tsb_fades_where_demand_ends() -> None:
    """Chance 0, 0.5, 0.25, 0.125 with a weight of a half; the size stays 8."""
    assert forecast("TSB", [[0.0, 8.0, 0.0, 0.0]], probability_weight=0.5).mean.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("seed", range(4))
def test_they_are_the_librarys(seed: int) -> None:
    """As statsforecast computes them, one series at a time."""
    values = sparse(seed)
    row = np.array(values)

    assert forecast("Croston", [values], variant="classic").mean[0] == pytest.approx(
        CrostonClassic().forecast(row, 2)["mean"]
    )
    assert forecast("Croston", [values]).mean[0] == pytest.approx(CrostonSBA().forecast(row, 2)["mean"])
    theirs = TSB(alpha_d=0.1, alpha_p=0.1).forecast(row, 2)["mean"]
    assert forecast("TSB", [values]).mean[0] == pytest.approx(theirs)


@pytest.mark.parametrize("name", ["Croston", "TSB"])
def test_a_row_does_not_depend_on_its_neighbours_or_on_padding(name: str) -> None:
    """Shorter rows, rows with gaps and rows without demand."""
    rows = [sparse(1), [NAN] * 20 + sparse(2)[:40], [0.0] * 60, [5.0 if step % 7 == 0 else NAN for step in range(60)]]
    together = forecast(name, rows).mean

    assert [forecast(name, [row]).mean[0].tolist() for row in rows] == together.tolist()
    assert forecast(name, [sparse(2)[:40]]).mean[0].tolist() == together[1].tolist()
    assert together[2].tolist() == [0.0, 0.0]
    assert (together[[0, 1, 3]] > 0).all()
