"""Tensors of the Open Inference Protocol: what requests hold, and what answers become."""

import struct
from typing import Any

import numpy as np
import orjson
import pytest

from streams.deployments.tensors import call_of, parted
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

    first = {key: value for key, value in (tensor() | own).items() if key != "data"}

    assert inputs(first, other, binary=values.tobytes() + text) == {"x": values.tolist(), "y": ["ab"]}


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
    for body, header in (
        (b"{}", "9" * 5000),
        (b"{}", "\u0662"),
        (b"{}", ""),
        (b"{}", "7"),
        (b"{}", "x"),
        (b"[]", None),
        (b"{", None),
    ):
        with pytest.raises(RejectedError):
            parted(body, header)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data": [[1, 2], [3, 4], [5, 6]]}, "x, data: its lists are not of the shape"),
        ({"data": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}, "x, data: its lists are not of the shape"),
        ({"data": [[1, 2, 3], 4]}, "x, data: its lists are not of the shape"),
        ({"data": "abc"}, "x, data: expected a list of values"),
        ({"shape": [0, 3], "data": []}, "x, shape: [0, 3] holds nothing: send at least one record"),
        ({"parameters": {"binary_data_size": 0}}, "x: has data and binary_data_size: send one of them"),
    ],
    ids=str,
)
def test_what_does_not_go_together(changed: dict[str, Any], words: str) -> None:
    """A shape and lists that differ could be meant in two ways; words say what to do."""
    with pytest.raises(RejectedError) as caught:
        inputs(tensor(**changed))

    assert words in caught.value.message


def test_an_input_that_comes_twice_or_has_no_data() -> None:
    """Neither is guessed, and nor is what is left of the binary data, or text that cannot be read."""
    lacking = {key: value for key, value in tensor().items() if key != "data"}
    text = {"name": "y", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}}
    for sent, binary, words in (
        ([tensor(), tensor()], b"", "inputs[1]: x comes a second time"),
        ([lacking], b"", "x, data: is missing"),
        ([tensor(data=None)], b"", "x, data: expected a list"),
        ([tensor()], b"more", "4 bytes are left"),
        ([text], struct.pack("<I", 1) + b"\xff", "y: its text 1 is not in UTF-8"),
    ):
        with pytest.raises(RejectedError) as caught:
            inputs(*sent, binary=binary)
        assert words in caught.value.message


def test_an_id_is_a_text() -> None:
    """As the protocol says; whoever sends a number would not find it again. Typed clients write null for none."""
    assert call_of({"id": None, "inputs": [tensor()]}, b"") == call_of({"inputs": [tensor()]}, b"")
    with pytest.raises(RejectedError, match="id: expected a text"):
        call_of({"id": 5, "inputs": [tensor()]}, b"")
