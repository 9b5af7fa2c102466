"""What is asked of a model, in the forms that people send it in."""

from typing import Any

import pytest

from models.scoring.frames import columns_of
from models.scoring.info import Variable


def variable(name: str) -> Variable:
    """A number."""
    return Variable(name, "double")


@pytest.mark.parametrize(
    "content",
    [
        {"X": [{"x": 1}]},
        {"x": 1},
        [{"x": 1}],
        {"data": {"X": [{"x": 1}]}},
        {"data": [{"x": 1}]},
        {"data": {"x": 1}},
        {"modelName": "m", "type": "pmml", "data": {"X": [{"x": 1}]}},
    ],
)
def test_S067_a_whole_body_of_model_test_is_taken_as_well(content: Any) -> None:
    """Whatever stands before its `data`."""
    assert columns_of(content, [variable("x")], lambda _: 0) == {"x": [1]}


@pytest.mark.parametrize("content", [{"data": 5}, {"X": [{"data": 5}]}, {"data": {"X": {"data": 5}}}])
def test_an_input_may_be_called_data(content: Any) -> None:
    """Then its value is no body."""
    assert columns_of(content, [variable("data")], lambda _: 0) == {"data": [5]}
