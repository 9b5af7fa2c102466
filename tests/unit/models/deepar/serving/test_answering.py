"""What is forecast for a call or why it is not, as values: nobody here knows how they go over the wire."""

import ast
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from models.deepar.config import DeepARConfig
from models.deepar.serving.answering import Call, Predicted, Refusal, Refused, answer
from models.deepar.serving.pace import pace_of
from tests.unit.models.deepar.deepar_models import predictor

ROOM = Path(models.__file__).parent
READ_JSON = {
    "json_words.py",
    "scoring/answering.py",
    "scoring/files.py",
    "deepar/serving/instances.py",
    "deepar/serving/inference_config.py",
}
MODULES = sorted(path.relative_to(ROOM).as_posix() for path in ROOM.rglob("*.py"))
MODEL = predictor(prediction_length=3, cardinality=(), num_dynamic_feat=0)
INSTANCE: dict[str, Any] = {"start": "2012-01-30", "target": [5.0, 6.0]}


class Broken:
    """A model with a bug."""

    config: DeepARConfig = MODEL.config

    def sample(self, *_: object) -> list[Any]:
        """Raise."""
        raise ZeroDivisionError("a bug")


def one(call: Call, model: Any = MODEL) -> Any:
    """The answer to a call."""
    (found,) = answer(model, [call], clock=count().__next__)
    return found


def test_a_forecast_is_arrays() -> None:
    """Of each series what was asked for; times where nobody else knows them."""
    asked = {"num_samples": 4, "output_types": ["mean", "samples", "quantiles"], "quantiles": ["0.5"]}
    found = one(Call({**INSTANCE, "configuration": asked}, "instance"))
    (prediction,) = found.predictions

    assert isinstance(found, Predicted)
    assert found.timestamps is not None
    assert len(found.timestamps) == 1 + 3  # the last of the history first
    assert {name: np.shape(values) for name, values in prediction.items() if name != "quantiles"} == {
        "mean": (3,),
        "samples": (4, 3),
    }
    assert {name: np.shape(values) for name, values in prediction["quantiles"].items()} == {"0.5": (3,)}


def test_the_times_of_many_series_are_not_computed() -> None:
    """HTTP's answers have none."""
    found = one(Call(b'{"start": "2012-01-30", "target": [1]}', "jsonlines"))

    assert found.timestamps is None


def test_a_category_that_is_ignored_is_told() -> None:
    """Where the service is lenient."""
    line = b'{"start": "2012-01-30", "target": [1], "cat": [0]}'

    assert one(Call(line, "jsonlines", lenient=True)).ignored_cat
    assert not one(Call(b'{"start": "2012-01-30", "target": [1]}', "jsonlines", lenient=True)).ignored_cat


@pytest.mark.parametrize(
    ("call", "kind", "instance"),
    [
        (Call(b"{"), Refusal.INVALID, None),
        (Call(b'{"instances": [{"start": "2012-01-30", "target": [1]}, {}]}'), Refusal.INVALID, 1),
        (Call(INSTANCE, "instance", defaults='{"num_samples": -1}'), Refusal.INVALID, None),
        (Call(INSTANCE, "instance", time_left_s=0), Refusal.TOO_LARGE, None),
        (Call(INSTANCE, "instance", time_left_s=0, limit_s=60), Refusal.CROWDED, None),
    ],
)
def test_a_refusal_has_a_kind(call: Call, kind: Refusal, instance: int | None) -> None:
    """It tells what who asks can do; the service's log has nothing to add."""
    found = one(call)

    assert isinstance(found, Refused)
    assert (found.kind, found.instance, found.detail) == (kind, instance, "")
    assert found.text


def test_a_fault_is_none_of_the_calls() -> None:
    """Its words are for the log alone."""
    found = one(Call(INSTANCE, "instance"), Broken())

    assert found.kind is Refusal.FAILED
    assert "ZeroDivisionError" not in found.text
    assert found.detail == "ZeroDivisionError: a bug"


def test_the_clock_that_is_given_tells_the_pace() -> None:
    """It is looked at before and after a draw."""
    config = DeepARConfig(**{**MODEL.config.as_dict(), "num_cells": 77})
    model = Broken()
    model.config = config
    model.sample = lambda series, *_: [np.zeros((100_000, 3), np.float32) for _ in series]  # type: ignore[method-assign]
    seconds = iter((10.0, 14.0))
    body = {**INSTANCE, "configuration": {"num_samples": 100_000}}
    answer(model, [Call(body, "instance", max_samples=100_000)], clock=seconds.__next__)

    assert pace_of(config).seconds * 300_000 == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize("module", MODULES)
def test_models_know_no_wire_and_no_clock(module: str) -> None:
    """No JSON but where series and settings are read, no media types, no headers, no status codes, no time of day."""
    tree = ast.parse((ROOM / module).read_text("utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [text for text in constants if isinstance(text, str)]

    assert not imported & {"http", "time", "fastapi", "httpx", "starlette"}
    assert "orjson" not in imported or module in READ_JSON
    assert not [text for text in texts if text.startswith(("application/", "text/", "x-"))]
    if module.startswith("deepar/serving/"):
        assert not [one for one in constants if type(one) is int and 400 <= one < 600]
