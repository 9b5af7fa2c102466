"""ONNX models that converters do not make: inputs, shapes, tasks; and calls that are answered together."""

import json
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from models.errors import RejectedInputError
from models.scoring import files
from models.scoring.answering import answer
from models.scoring.info import BadModelError, Task
from tests.iris_models import model_file, records
from tests.unit.models.scoring.onnx_makers import graph_of, model_of, scaled, value


def loaded(content: bytes, task: str | None = None) -> Any:
    """The model, as a process has it."""
    return files.load(files.prepare("onnx", content, task=task).content)


def asked(model: Any, data: Any) -> Any:
    """What it answers."""
    return model.results(model.run(model.frame(data)))


def columns_of_kinds() -> bytes:
    """y = a + b where c is yes and d is true; one input for each, of types of their own."""
    inputs = [
        value("a", ["N", 1]),
        value("b", ["N", 1], TensorProto.INT64),
        value("c", ["N", 1], TensorProto.STRING),
        value("d", ["N", 1], TensorProto.BOOL),
        value("e", ["N", 1], TensorProto.DOUBLE),
    ]
    yes = helper.make_tensor("yes", TensorProto.STRING, [1], [b"yes"])
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, [1], [0.0])
    nodes = [
        helper.make_node("Cast", ["b"], ["bf"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["e"], ["ef"], to=TensorProto.FLOAT),
        helper.make_node("Sum", ["a", "bf", "ef"], ["sum"]),
        helper.make_node("Equal", ["c", "yes"], ["is"]),
        helper.make_node("And", ["is", "d"], ["both"]),
        helper.make_node("Where", ["both", "sum", "nothing"], ["y"]),
    ]
    return model_of(graph_of(nodes, inputs, [value("y", ["N", 1])], [yes, nothing]), opset=19)


def test_one_input_for_each_variable() -> None:
    """Floats, whole numbers, texts, booleans and doubles, by name, by position, by column."""
    model = loaded(columns_of_kinds())
    record = {"a": 1.5, "b": 2, "c": "yes", "d": True, "e": 0.25}
    other = {**record, "c": "no"}

    assert model.info.task is Task.REGRESSION
    expected = [{"prediction": 3.75, "confidence": None}, {"prediction": 0.0, "confidence": None}]
    assert asked(model, {"X": [record, other]}) == expected
    assert asked(model, {"X": record}) == expected[:1]
    assert asked(model, {"X": [list(record.values()), list(other.values())]}) == expected
    assert asked(model, {"X": {name: [record[name], other[name]] for name in record}}) == expected
    assert asked(model, {"X": {name: [[record[name]], [other[name]]] for name in record}}) == expected


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"a": "1"}, 'a: expected a number, not "1"'),
        ({"b": 1.5}, "b: expected a whole number, not 1.5"),
        ({"b": 2**63}, "b: expected a whole number from"),
        ({"b": None}, "b: expected a whole number, not null"),
        ({"c": 3}, "c: expected a text, not 3"),
        ({"d": 1}, "d: expected true or false, not 1"),
        ({"a": [1, 2]}, "not all of one length"),
    ],
    ids=lambda it: next(iter(it)) + str(next(iter(it.values())))[:4] if isinstance(it, dict) else None,
)
def test_S049_a_value_of_a_wrong_type_is_named(changed: dict[str, Any], words: str) -> None:
    """With its record."""
    model = loaded(columns_of_kinds())
    record = {"a": 1.5, "b": 2, "c": "yes", "d": True, "e": 0.25}

    with pytest.raises(RejectedInputError) as caught:
        model.frame({"X": [record, {**record, **changed}]})
    assert words in str(caught.value)


def test_a_number_that_is_missing_is_nan() -> None:
    """Also as a text, as other contracts have it."""
    frame = loaded(columns_of_kinds()).frame({"X": [{"a": None, "b": 2, "c": "yes", "d": True, "e": "NaN"}]})

    assert np.isnan(frame["a"]).all()
    assert np.isnan(frame["e"]).all()


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_fixed_number_of_records_is_asked_in_pieces(size: int, count: int) -> None:
    """The last one is filled up, and what is too much of its answer left out."""
    model = loaded(scaled([1, 2], [size, 2]))
    rows = [[float(number), float(-number)] for number in range(count)]

    assert [one["components"] for one in asked(model, {"X": rows})] == [[a, 2 * b] for a, b in rows]


def test_records_that_change_one_another_are_no_records() -> None:
    """A softmax over the first axis: the arrays are one question, with one answer."""
    node = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    model = loaded(model_of(graph_of([node])))

    assert not model.batches
    (one,) = asked(model, {"X": {"x": [[0, 0, 0, 0], [0, 0, 0, 0]]}})
    assert one == {"y": [[0.5] * 4, [0.5] * 4]}


@pytest.mark.parametrize(
    ("operator", "task", "label"),
    [("Softmax", "classification", 3), ("LogSoftmax", "classification", 3), ("Relu", "regression", None)],
)
def test_the_task_of_a_network(operator: str, task: str, label: int | None) -> None:
    """A softmax at the end is a classification, its classes numbered; what remains is a regression."""
    model = loaded(model_of(graph_of([helper.make_node(operator, ["x"], ["y"])])))
    (one,) = asked(model, {"X": [[1, 2, 3, 4]]})

    assert model.info.task == task
    assert one.get("label") == label
    if label is not None:
        assert sum(one["probabilities"].values()) == pytest.approx(1)


def test_the_task_that_is_named_wins() -> None:
    """By who uploads, else by the file."""
    content = model_of(graph_of([helper.make_node("Relu", ["x"], ["y"])]))

    assert asked(loaded(content, "dimension_reduction"), {"X": [[1, 2, 3, 4]]}) == [{"components": [1, 2, 3, 4]}]
    assert asked(loaded(content, "classification"), {"X": [[1, 2, 3, 4]]})[0]["label"] == 3
    with pytest.raises(BadModelError, match="cannot be read as a clustering"):
        loaded(content, "clustering")


def test_calls_are_answered_together_and_apart() -> None:
    """In their order; what is wrong with one does not touch the others."""
    model = loaded(model_file("iris_logistic.onnx"))
    rows = [list(record.values()) for record in records(6)]
    calls = [
        json.dumps({"X": rows[:2]}).encode(),
        b'{"X": [[1, 2]]}',
        b"{",
        json.dumps({"X": rows[2:]}).encode(),
    ]
    found = answer(model, calls)
    whole = asked(model, {"X": rows})

    assert [one.records for one in found] == [2, 0, 0, 4]
    assert [*json.loads(found[0].content)["result"], *json.loads(found[3].content)["result"]] == whole
    assert "shape (N, 4)" in str(found[1].error)
    assert "not valid JSON" in str(found[2].error) or "body" in str(found[2].error)


def test_S047_json_knows_no_infinity() -> None:
    """1e308 in an array of 32 bits."""
    model = loaded(scaled([1, 2], ["N", 2]))

    assert asked(model, {"X": [[1e308, 1]]}) == [{"components": [None, 2.0]}]
