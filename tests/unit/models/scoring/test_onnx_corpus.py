"""The node tests that the onnx package ships: read, written anew and loaded, models give what they gave before."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from models.errors import RejectedInputError
from models.scoring import files
from models.scoring.info import BadModelError

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
MODELS = sorted(
    path
    for folder in ("simple", "pytorch-converted", "pytorch-operator", "light")
    for path in (DATA / folder).rglob("model.onnx")
)


def is_supported(path: Path) -> bool:
    """Whether the engine itself loads the file, and takes nothing but tensors: many files are of operators of 2017."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001 - the engine's classes have no common one
        return False
    return all(it.type.startswith("tensor") for it in session.get_inputs())


def tensors(folder: Path, kind: str) -> list[Any]:
    """The stored inputs or outputs of a model."""
    found = []
    for path in sorted(folder.glob(f"{kind}_*.pb"), key=lambda it: int(it.stem.rpartition("_")[2])):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        found.append(onnx.numpy_helper.to_array(tensor))
    return found


@pytest.mark.parametrize("path", MODELS, ids=lambda it: f"{it.parents[1].name}-{it.parent.name}")
def test_a_model_gives_what_it_gave(path: Path) -> None:
    """Equal to the outputs that are stored beside it, whatever task it was taken for."""
    if not is_supported(path):
        with pytest.raises(BadModelError):
            files.prepare("onnx", path.read_bytes())
        return
    model: Any = files.load(files.prepare("onnx", path.read_bytes()).content)
    sets = list(path.parent.glob("test_data_set_*"))
    for folder in sets:
        given, expected = tensors(folder, "input"), tensors(folder, "output")
        frame = model.checked({it.name: value for it, value in zip(model.info.inputs, given, strict=False)})
        found = list(model.run(frame).values())

        for one, other in zip(found, expected, strict=True):
            if one.dtype == object:
                assert one.tolist() == other.tolist()
            else:
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
        assert model.results(dict(zip((it.name for it in model.info.targets), found, strict=True)))
    if not sets:
        assert model.info.inputs


def test_the_corpus_is_there() -> None:
    """Else the test above would say nothing."""
    assert sum(map(is_supported, MODELS)) > 80


def test_a_model_that_fails_says_so() -> None:
    """As a refusal of the input."""
    path = next(filter(is_supported, MODELS))
    model: Any = files.load(files.prepare("onnx", path.read_bytes()).content)

    with pytest.raises(RejectedInputError, match="is missing"):
        model.frame({"X": {}})
