"""The elements of a PATCH, read quickly: they are many, and mostly differ in ts_id alone."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Annotated, Any

import orjson
from pydantic import Field, ValidationError, WrapValidator

from schemas.forecasting import SeriesConfig
from streams.checks import ID_LIMIT
from streams.views.forecasting.bodies import SeriesBody

__all__ = ["Elements", "ElementsBody", "read_elements"]

_settings_of = attrgetter(*(field.name for field in fields(SeriesConfig) if field.name != "ts_id"))


class Elements(tuple[SeriesConfig, ...]):
    """Elements whose types are checked."""

    __slots__ = ()


def read_elements(body: bytes) -> Any:
    """The elements of a good body; of any other its JSON, for pydantic to say what is wrong with it.

    Settings are checked once for all elements that have the same: ten thousand take a fifth of the time. Meant for a
    thread, which lets others have their turn, as pydantic does not. Raises orjson.JSONDecodeError.
    """
    content = orjson.loads(body)
    if type(content) is not list or not content:
        return content
    checked: list[SeriesConfig] = []
    known: dict[bytes, tuple[Any, ...]] = {}
    for item in content:
        ts_id = item.get("ts_id") if type(item) is dict else None
        if type(ts_id) is not int or not 1 <= ts_id <= ID_LIMIT:
            return content
        try:
            settings = orjson.dumps(item | {"ts_id": 0})  # as JSON, where 3 is not 3.0
        except TypeError:  # nested deeper than orjson writes, though it reads it
            return content
        values = known.get(settings)
        if values is None:
            try:
                values = known[settings] = _settings_of(SeriesBody.model_validate(item).to_event())
            except ValidationError:
                return content
        checked.append(SeriesConfig(ts_id, *values))
    return Elements(checked)


def _checked(content: Any, check: Callable[[Any], list[SeriesBody]]) -> Elements:
    return content if isinstance(content, Elements) else Elements(body.to_event() for body in check(content))


ElementsBody = Annotated[list[SeriesBody], Field(min_length=1), WrapValidator(_checked)]
"""What the API document says of the elements, and checks what `read_elements` has not."""
