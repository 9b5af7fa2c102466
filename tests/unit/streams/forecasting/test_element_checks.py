"""The quick reading of a PATCH gives what pydantic gives, element by element."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streams.checks import ID_LIMIT
from streams.views.forecasting.bodies import SeriesBody
from streams.views.forecasting.elements import Elements, ElementsBody, read_elements

_CHECK: TypeAdapter[Any] = TypeAdapter(ElementsBody)
_PLAIN = TypeAdapter(list[SeriesBody])
_PARAMETERS = st.sampled_from(
    [None, [], {}, [{"name": "a", "type": "int", "val": 3}], [{"name": "a", "type": "int", "val": 3.0}], [5], "x"]
)
_ELEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "ts_id": st.one_of(st.integers(1, 5), st.sampled_from([0, -1, ID_LIMIT, ID_LIMIT + 1, True, "5", 5.0, None])),
        "model_name": st.sampled_from([None, "LinearFit", "Lstm", 7]),
        "hyper_params": _PARAMETERS,
        "feature_indexs": st.sampled_from([None, "[1, 2]", [1], "x"]),
        "auto_tune": st.sampled_from([None, 0, 1, True, 2, 1.0]),
        "unknown": st.integers(0, 3),
    },
)


def _quick(body: bytes) -> Any:
    return _CHECK.validate_python(read_elements(body))


def _outcome(read: Callable[[], list[Any]]) -> str:
    """As text, in which 3 is not 3.0."""
    try:
        return repr(read())
    except ValidationError as error:
        return repr(error.errors(include_url=False))


@given(elements=st.lists(_ELEMENTS, min_size=1, max_size=8))
def test_elements_and_problems_are_those_of_pydantic(elements: list[dict[str, Any]]) -> None:
    """Values, types and order; where something is wrong, the same problems at the same places."""
    body = orjson.dumps(elements)

    def plainly() -> list[Any]:
        return [body.to_event() for body in _PLAIN.validate_python(elements)]

    assert _outcome(lambda: list(_quick(body))) == _outcome(plainly)


def test_good_elements_are_checked_once_for_equal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what makes it quick; the equal settings are one object, so that they are encoded once too."""
    asked = []
    check = SeriesBody.model_validate
    monkeypatch.setattr(SeriesBody, "model_validate", lambda item: asked.append(item["ts_id"]) or check(item))
    parameters = [{"name": "a", "type": "int", "val": 3}]
    body = orjson.dumps([{"ts_id": number, "hyper_params": parameters} for number in range(1, 101)])

    elements = read_elements(body)

    assert isinstance(elements, Elements)
    assert [element.ts_id for element in elements] == list(range(1, 101))
    assert asked == [1]
    assert len({id(element.hyper_params) for element in elements}) == 1


@pytest.mark.parametrize("body", [b"[]", b"{}", b"5", b"null", b'"x"', b"[5]", b"[null]", b"[[]]"])
def test_what_is_no_array_of_objects_is_refused(body: bytes) -> None:
    """By pydantic, in its words."""
    with pytest.raises(ValidationError):
        _quick(body)


def test_what_is_no_json_says_where() -> None:
    """As orjson does, for the place in the message."""
    with pytest.raises(orjson.JSONDecodeError):
        read_elements(b'[{"ts_id": 1}')
