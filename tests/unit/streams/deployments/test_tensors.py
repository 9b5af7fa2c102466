"""Tensors of the Open Inference Protocol: what requests hold, and what answers become."""

import struct
from typing import Any

import numpy as np
import orjson
import pytest

from streams.deployments.tensors import call_of, parted, tensors_of
from streams.errors import RejectedError


def inputs(*tensors: dict[str, Any], binary: bytes = b"") -> Any:
    """What the model is asked."""
    return orjson.loads(call_of({"inputs": list(tensors)}, binary))["X"]


def tensor(**changed: Any) -> dict[str, Any]:
    """Two rows of three numbers."""
    return {"name": "x", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]} | changed


def test_flat_and_nested_data_are_the_same() -> None:
    """The protocol allows both."""
    rows = [[1, 2, 3], [4, 5, 6]]

    assert inputs(tensor()) == inputs(tensor(data=rows)) == {"x": rows}


@pytest.mark.parametrize(("datatype", "kind"), [("FP32", "<f4"), ("INT64", "<i8"), ("UINT8", "u1"), ("BOOL", "?")])
def test_binary_data(datatype: str, kind: str) -> None:
    """Each input takes its part, in their order."""
    values = np.array([[1, 0, 1], [0, 1, 0]], kind)
    own = {"parameters": {"binary_data_size": values.nbytes}, "datatype": datatype}
    text = struct.pack("<I", 2) + b"ab"
    other = {"name": "y", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(text)}}

    assert inputs(tensor(**own), other, binary=values.tobytes() + text) == {"x": values.tolist(), "y": ["ab"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": [2, 2]},
        {"shape": [-1, 3]},
        {"shape": [1 << 31]},
        {"shape": "2"},
        {"datatype": "FP8"},
        {"datatype": ["FP64"]},
        {"name": 7},
        {"parameters": {"binary_data_size": 48}},
    ],
    ids=str,
)
def test_what_is_no_tensor(changed: dict[str, Any]) -> None:
    """Refused, with the input's name."""
    with pytest.raises(RejectedError):
        inputs(tensor(**changed))


def test_the_json_of_a_binary_request() -> None:
    """It ends where the header says."""
    assert parted(b'{"a":1}xyz', "7") == ({"a": 1}, b"xyz")
    for body, header in ((b"{}", "7"), (b"{}", "x"), (b"[]", None), (b"{", None)):
        with pytest.raises(RejectedError):
            parted(body, header)


def test_results_become_tensors() -> None:
    """Probabilities are a matrix, and its columns are named."""
    results = [{"label": 1, "probabilities": {"a": 0.25, "b": 0.75}}, {"label": 2, "probabilities": {"a": 1, "b": 0}}]
    label, matrix = tensors_of("classification", results)

    assert (label["shape"], label["datatype"], label["data"]) == ([2], "BYTES", ["1", "2"])
    assert (matrix["shape"], matrix["data"]) == ([2, 2], [0.25, 0.75, 1, 0])
    assert matrix["parameters"] == {"classes": "a,b"}
    assert [it["name"] for it in tensors_of("classification", results, [{"name": "label"}])] == ["label"]
    with pytest.raises(RejectedError):
        tensors_of("classification", results, [{"name": "nothing"}])
