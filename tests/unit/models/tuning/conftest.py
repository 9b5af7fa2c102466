"""What tests of this room are given."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from models import catalog
from models.batch import SeriesAnswer, forecast_batch
from models.catalog import CATALOG
from models.hyper_parameters import HyperParameter
from models.model_spec import ModelSpec
from models.scores.names import METRICS
from tests.unit.models.tuning.tuning_samples import HIGH, LOW, MOODS, TARGETS, calls, request, show


@pytest.fixture(autouse=True)
def _show(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = (
        HyperParameter("level", "int", 7, 0, 50, minimum=0),
        HyperParameter("share", "float", 0.125),
        HyperParameter("mood", "list", "well", choice=MOODS),
    )
    spec = ModelSpec(name="Show", intro="", hyper_parameters=parameters, entry=f"{show.__module__}:show")
    monkeypatch.setattr(catalog, "CATALOG", MappingProxyType({**CATALOG, "Show": spec}))
    calls.clear()


@pytest.fixture(scope="module")
def tried() -> list[list[SeriesAnswer]]:
    """Plain answers with all metrics, for 100 random factors for each window: one list for each of TARGETS."""
    rng = np.random.default_rng(2)
    configs = [{"latest_n": n, "add_std_factor": f} for n in range(1, 6) for f in rng.uniform(LOW, HIGH, 100)]
    plain = [replace(request(target, eval_metrics=METRICS), search=None) for target in TARGETS]
    answers = forecast_batch([replace(one, config=config) for one in plain for config in configs])
    return [answers[first : first + len(configs)] for first in range(0, len(answers), len(configs))]
