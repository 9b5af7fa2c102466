"""Files as converters of other libraries write them: the answers are those of the libraries (converted/make*.py)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.scoring import files
from models.scoring.answering import answer

_FOLDER = Path(__file__).parent / "converted"
_EXPECTED: Any = json.loads((_FOLDER / "expected.json").read_text("utf-8"))
_KERAS: Any = json.loads((_FOLDER / "expected_keras.json").read_text("utf-8"))
_CALL = json.dumps({"X": {"x": _EXPECTED["x"]}}).encode()


def answered(name: str, task: str | None = None) -> Any:
    """What a file answers, as JSON."""
    model = files.load(files.prepare("onnx", (_FOLDER / f"{name}.onnx").read_bytes(), task=task).content)
    (told,) = answer(model, [_CALL])
    assert told.error is None
    return json.loads(told.content)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("classes", ["classes", "two_classes"])
def test_S047_classes_of_boosted_trees(library: str, classes: str) -> None:
    """Labels, and a probability for each class, also where there are two."""
    expected = np.array(_EXPECTED["y"][f"{library}_{classes}"])
    told = answered(f"{library}_{classes}")

    assert told["task"] == "classification"
    assert [one["label"] for one in told["result"]] == expected.argmax(axis=1).tolist()
    shares = [list(one["probabilities"].values()) for one in told["result"]]
    assert np.allclose(shares, expected, atol=1e-5)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_S047_regressions_of_boosted_trees(library: str) -> None:
    """One number a record."""
    told = answered(f"{library}_regression")

    assert told["task"] == "regression"
    found = [one["prediction"] for one in told["result"]]
    assert np.allclose(found, _EXPECTED["y"][f"{library}_regression"], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "named", "task", "key"),
    [
        ("classes", None, "classification", "probabilities"),
        ("regression", None, "regression", "prediction"),
        ("encoder", None, "regression", "prediction"),
        ("encoder", "dimension_reduction", "dimension_reduction", "components"),
    ],
)
def test_S047_networks_of_keras(name: str, named: str | None, task: str, key: str) -> None:
    """As tf2onnx writes them: a softmax at the end is a classifier; what an encoder is for has to be said."""
    assert _KERAS["x"] == _EXPECTED["x"]
    expected = np.array(_KERAS["y"][f"keras_{name}"])
    told = answered(f"keras_{name}", named)

    assert told["task"] == task
    found = [one[key] for one in told["result"]]
    values = [list(one.values()) if isinstance(one, dict) else one for one in found]
    assert np.allclose(np.reshape(values, expected.shape), expected, atol=1e-5)
