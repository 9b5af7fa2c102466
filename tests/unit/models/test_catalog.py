"""The catalogue of models: what there is, and what a configuration may be."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from models.catalog import CATALOG, UnknownModelError, model_spec
from models.forecasts import SeriesBatch
from models.hyper_parameters import HyperParameter, HyperParameterError
from models.model_spec import ModelSpec

LINEAR_FIT = CATALOG["LinearFit"]
OPTIONS = ModelSpec(
    name="Example",
    intro="Has an option.",
    hyper_parameters=(HyperParameter(name="loss", type="list", default="mse", choice=("mse", "mae", 1)),),
    entry="models.quick.adaptive:forecast_max",
)


def test_importing_the_catalogue_imports_no_numerical_library() -> None:
    """Every process reads it and the names of the scores; a model's libraries load when it forecasts."""
    heavy = "{'numpy', 'scipy', 'pandas', 'tensorflow'}"
    code = f"import sys, models.catalog, models.scores.names; print(*({heavy} & set(sys.modules)))"
    root = Path(models.__file__).parent.parent
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []


def test_J100_J101_the_models_of_the_contract() -> None:
    """The catalogue's names are the contract's."""
    assert {"LinearFit", "AdaptiveMaxN", "AdaptiveAverageN"} <= set(CATALOG)
    assert all(name == spec.name for name, spec in CATALOG.items())


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=name, marks=[pytest.mark.slow] if name == "DeepAR" else [])
        for name, spec in CATALOG.items()
    ],
)
def test_every_entry_loads_and_forecasts_with_its_defaults(spec: ModelSpec) -> None:
    """The entry names a real function of the one signature, and the default values are valid and JSON-safe."""
    config = spec.resolve({})
    forecasts = spec.load()(SeriesBatch(np.array([[1.0, 2.0, 3.0]]), 4, config))

    assert forecasts.mean.shape == (1, 4)
    assert json.loads(json.dumps(config)) == config
    assert all(parameter.intro for parameter in spec.hyper_parameters)


def test_defaults_are_filled_in() -> None:
    """J-102's two parameters with their published defaults; what is given stays."""
    assert LINEAR_FIT.resolve({}) == {"latest_n": 5, "add_std_factor": 0.1}
    assert LINEAR_FIT.resolve({"add_std_factor": 0.5}) == {"latest_n": 5, "add_std_factor": 0.5}
    assert CATALOG["AdaptiveMaxN"].resolve({}) == {"latest_n": 5}
    assert CATALOG["AdaptiveAverageN"].resolve({}) == {"latest_n": 5}


def test_J141_whole_floats_become_ints_and_ints_become_floats() -> None:
    """A tuner's 4.0 is published as 4; each value has the type of its parameter."""
    config = LINEAR_FIT.resolve({"latest_n": 4.0, "add_std_factor": 1})

    assert config == {"latest_n": 4, "add_std_factor": 1.0}
    assert [type(value) for value in config.values()] == [int, float]


def test_numpy_scalars_are_accepted_and_made_plain() -> None:
    """A search library may hand over its own number types; JSON could not write them."""
    config = LINEAR_FIT.resolve({"latest_n": np.int64(3), "add_std_factor": np.float64(0.25)})

    assert [type(value) for value in config.values()] == [int, float]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latest_n", 0),
        ("latest_n", -3),
        ("latest_n", 2.5),
        ("latest_n", True),
        ("latest_n", "5"),
        ("latest_n", None),
        ("latest_n", float("nan")),
        ("latest_n", float("inf")),
        ("latest_n", 2**53),
        ("latest_n", 1e300),
        ("latest_n", 10**5000),
        ("latest_n", [5]),
        ("add_std_factor", True),
        ("add_std_factor", "0.5"),
        ("add_std_factor", None),
        ("add_std_factor", float("nan")),
        ("add_std_factor", float("-inf")),
        ("add_std_factor", 10**5000),
    ],
    ids=lambda value: (
        f"{type(value).__name__}-{str(value)[:8] if not isinstance(value, int) or value < 2**64 else 'huge'}"
    ),
)
def test_an_impossible_value_is_refused_by_name_with_the_remedy(field: str, value: Any) -> None:
    """The message names the parameter, the model, and what would be right."""
    with pytest.raises(
        HyperParameterError, match=rf"hyper-parameter {field} of LinearFit must be a .*number"
    ) as refusal:
        LINEAR_FIT.resolve({field: value})

    assert refusal.value.field == field
    assert len(refusal.value.message) < 160


@pytest.mark.parametrize(("field", "value"), [("latest_n", 1), ("latest_n", 10**9), ("add_std_factor", -7.5)])
def test_values_beyond_the_suggested_range_are_allowed(field: str, value: float) -> None:
    """`low` and `high` are where tuning looks; only `minimum` is a limit."""
    assert LINEAR_FIT.resolve({field: value})[field] == value


def test_an_unknown_parameter_is_refused_with_the_choice() -> None:
    """A misspelt name is not silently ignored."""
    with pytest.raises(HyperParameterError, match=r"'latestn'; it has: latest_n, add_std_factor") as refusal:
        LINEAR_FIT.resolve({"latestn": 5})

    assert refusal.value.field == "latestn"


def test_a_list_parameter_takes_one_of_its_options() -> None:
    """By value, J-141; a bool is not the number it equals."""
    assert OPTIONS.resolve({"loss": "mae"}) == {"loss": "mae"}
    assert OPTIONS.resolve({"loss": 1.0}) == {"loss": 1}
    for value in ("huber", 0, True, None, ["mse"]):
        with pytest.raises(HyperParameterError, match="one of 'mse', 'mae', 1"):
            OPTIONS.resolve({"loss": value})


def test_an_unknown_model_is_refused_with_the_choice() -> None:
    """The names are exact; the message lists them."""
    assert model_spec("LinearFit") is LINEAR_FIT
    with pytest.raises(UnknownModelError, match=r"no model 'linearfit'; choose one of: LinearFit, ") as refusal:
        model_spec("linearfit")

    assert refusal.value.field == "model_name"
