"""What services answer by the Open Inference Protocol: tensors as JSON and as binary data."""

import struct
from typing import Any

import numpy as np
import pytest

from schemas.scoring import ModelOutput, ModelRecord
from streams.deployments.answer_tensors import outputs_of, packed, tensors_of
from streams.errors import RejectedError

RESULTS = [{"label": 1, "probabilities": {"a": 0.25, "b": 0.75}}, {"label": 2, "probabilities": {"a": 1, "b": 0}}]


def test_results_become_tensors() -> None:
    """Probabilities are a matrix, and its columns are named."""
    label, matrix = tensors_of("classification", RESULTS)

    assert (label.shape, label.datatype, label.values) == ([2], "BYTES", ["1", "2"])
    assert (matrix.shape, matrix.values, matrix.classes) == ([2, 2], [0.25, 0.75, 1, 0], "a,b")
    assert [it.name for it in tensors_of("classification", RESULTS, [{"name": "label"}])] == ["label"]


@pytest.mark.parametrize("wanted", [[{"name": "nothing"}], "label", ["label"], [{"name": 3}]], ids=str)
def test_outputs_that_there_are_not(wanted: object) -> None:
    """A request that wants something else is refused, and not answered with all."""
    with pytest.raises(RejectedError, match="outputs: "):
        tensors_of("classification", RESULTS, wanted)


def test_what_no_record_has_is_no_output() -> None:
    """A support vector machine has scores instead of probabilities; who asks for these gets nulls."""
    results = [{"label": "a", "probabilities": None, "scores": [0.5, -1.0]}]

    assert [it.name for it in tensors_of("classification", results)] == ["label", "scores"]
    (asked,) = tensors_of("classification", results, [{"name": "probabilities"}])
    assert asked.values == [None]


def test_types_are_those_of_the_values() -> None:
    """Truths are BOOL and not numbers; records without an answer do not change the shape."""
    (truths,) = tensors_of("regression", [{"prediction": [True, False], "confidence": None}])
    cluster, near = tensors_of("clustering", [{"cluster": 0, "affinities": {"0": 1.5, "1": 2.5}}])
    rows: list[dict[str, Any]] = [{"label": "b", "probabilities": None}, RESULTS[0]]

    assert (truths.datatype, truths.shape, truths.values) == ("BOOL", [1, 2], [True, False])
    assert (cluster.values, near.name, near.shape) == (["0"], "affinities", [1, 2])
    assert tensors_of("classification", rows)[1].values == [None, None, 0.25, 0.75]


@pytest.mark.parametrize(
    ("asked", "binary"),
    [
        ({}, []),
        ({"parameters": {"binary_data_output": True}}, ["label", "probabilities"]),
        ({"outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]}, ["probabilities"]),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}],
            },
            ["probabilities"],
        ),
    ],
    ids=str,
)
def test_binary_answers(asked: dict[str, Any], binary: list[str]) -> None:
    """As the extension says: what is wanted as binary data lies behind the JSON, in the order of the outputs."""
    told, behind = packed(tensors_of("classification", RESULTS, asked.get("outputs")), asked)
    contents = {
        "label": b"".join(struct.pack("<I", 1) + one for one in (b"1", b"2")),
        "probabilities": np.array([0.25, 0.75, 1, 0], "<f8").tobytes(),
    }

    assert behind == b"".join(contents[name] for name in binary)
    for output in told:
        size = output.get("parameters", {}).get("binary_data_size")
        assert (size is not None) == ("data" not in output) == (output["name"] in binary)
        assert size in (None, len(contents[output["name"]]))


def test_the_metadata_of_other_models_lists_their_own_outputs() -> None:
    """They had none, though their answers did."""
    model = ModelRecord(
        name="m",
        command_id="c",
        model_type="onnx",
        descript="",
        file_name="f",
        file_key="k",
        model_key="k",
        size=1,
        created=1,
        task="other",
        algorithm="g",
        engine="e",
        inputs=(),
        targets=(ModelOutput("s", "tensor(float)", shape=(-1, 1)), ModelOutput("t", "tensor(string)", shape=(-1,))),
    )

    assert outputs_of(model) == [
        {"name": "s", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "t", "datatype": "BYTES", "shape": [-1]},
    ]
