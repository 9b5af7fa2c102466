"""The node tests that the onnx package ships: read, written anew and loaded, models give what they gave before."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
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


# What the engine has not (training, other languages, sequences), and what cannot be written anew in today's operators.
REFUSED = {
    "test_PReLU_1d_multiparam",
    "test_PReLU_2d_multiparam",
    "test_PReLU_3d_multiparam",
    "test_gradient_of_add",
    "test_gradient_of_add_and_mul",
    "test_strnorm_model_monday_casesensintive_lower",
    "test_strnorm_model_monday_casesensintive_upper",
    "test_strnorm_model_monday_empty_output",
    "test_strnorm_model_monday_insensintive_upper_twodim",
}


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
    """Equal to the outputs that are stored beside it, whatever task it was taken for, and however old it is."""
    if path.parent.name in REFUSED:
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
    assert len(MODELS) > 130


def test_a_model_that_fails_says_so() -> None:
    """As a refusal of the input."""
    path = next(path for path in MODELS if path.parent.name not in REFUSED)
    model: Any = files.load(files.prepare("onnx", path.read_bytes()).content)

    with pytest.raises(RejectedInputError, match="is missing"):
        model.frame({"X": {}})
