"""What a question says: which series, and what is changed of their features."""

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema, model_validator

from streams.checks import ID_LIMIT
from streams.views.web.strict import StrictBody
from streams.what_if.asked import AskedChange, Kind

__all__ = ["ALL", "WhatIfBody"]

ALL: Final = "all"
_MOST_CHANGES: Final = 2_000  # as many as a table of two features of a thousand series makes
_MOST_VALUES: Final = 10_000  # of a change; no forecast has more steps
_LARGEST_STEP: Final = 1_000_000
_KINDS: Final[tuple[Kind, ...]] = ("set", "add", "multiply")


def _ts_ids(value: Any) -> Any:
    """An id, several, or "all"."""
    several = value if isinstance(value, list) else [value]
    if value != ALL and not (several and all(type(one) is int and 1 <= one <= ID_LIMIT for one in several)):
        raise ValueError(f'expected the id of a series, a whole number from 1 to {ID_LIMIT}, several, or "{ALL}"')
    return value if value == ALL else several


def _feature(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise ValueError("expected the label of a column, or its index from 0")
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("expected a step from 1, or a time such as 2024-03-01")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < len("20240301"):
        value = int(value)
    if isinstance(value, int) and not 1 <= value <= _LARGEST_STEP:
        raise ValueError("expected a step from 1, or a time such as 2024-03-01")
    return value


def _values(value: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    if not several or len(several) > _MOST_VALUES:
        raise ValueError(f"expected a number, or 1 to {_MOST_VALUES} of them")
    if not all(type(one) in (int, float) and abs(one) <= ID_LIMIT for one in several):
        raise ValueError(f"expected a number, or several, between -{ID_LIMIT} and {ID_LIMIT}")
    return tuple(map(float, several))


_ID: Final = {"type": "integer", "minimum": 1, "maximum": ID_LIMIT}
_NUMBER: Final = {"type": "number", "minimum": -ID_LIMIT, "maximum": ID_LIMIT}
TsIds = Annotated[
    Any,
    BeforeValidator(_ts_ids),
    WithJsonSchema({"anyOf": [_ID, {"type": "array", "items": _ID, "minItems": 1}, {"type": "string", "enum": [ALL]}]}),
]
Feature = Annotated[
    int | str,
    BeforeValidator(_feature),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 999_999}]}),
]
Moment = Annotated[
    int | str,
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": _LARGEST_STEP}, {"type": "string"}]}),
]
Values = Annotated[
    tuple[float, ...],
    BeforeValidator(_values),
    WithJsonSchema({"anyOf": [_NUMBER, {"type": "array", "items": _NUMBER, "minItems": 1, "maxItems": _MOST_VALUES}]}),
]


class ChangeBody(StrictBody):
    """What one feature would be, with one of set, add and multiply: a number for all steps, or one for each."""

    feature: Feature = Field(
        description="The label of a column of feature_indexs, or its index; holidays: those of the element."
    )
    begin: Moment | None = Field(
        None, alias="from", description="A step from 1, or a time as the series' clock shows it; the first step."
    )
    end: Moment | None = Field(None, alias="to", description="The same; a date is its whole day. The last step.")
    set: Values | None = Field(None, description="Its values.", examples=[[20, 20, 0]])
    add: Values | None = Field(None, description="What is added to it.", examples=[-1.5])
    multiply: Values | None = Field(None, description="What it is multiplied by.", examples=[0.9])

    groups: dict[StrictStr, StrictStr] | None = Field(
        None, examples=[{"Origin": "EWR"}], description="Only of series with these group values."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in _KINDS) != 1:
            raise ValueError("expected one of set, add and multiply")
        return self

    def asked(self) -> AskedChange:
        """The change."""
        kind = next(kind for kind in _KINDS if getattr(self, kind) is not None)
        return AskedChange(self.feature, kind, getattr(self, kind), self.begin, self.end, self.groups)


class WhatIfBody(StrictBody):
    """Which series, and what would be changed: one change after the other."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"changes": [{"feature": "price", "multiply": 0.9, "from": 3, "to": 7}]}]}
    )
    changes: list[ChangeBody] = Field(max_length=_MOST_CHANGES, description="In their order.")
    ts_id: TsIds = Field(ALL, description=f'A series of the job, several, or "{ALL}".')
    groups: dict[StrictStr, StrictStr] | None = Field(
        None,
        examples=[{"Origin": "EWR"}],
        description=f'With ts_id "{ALL}": only series with these group values, by the labels of their columns.',
    )
    model_name: StrictStr | None = Field(
        None, description="Forecasts by this model; else by the one whose backtest is best, of those with features."
    )

    @model_validator(mode="after")
    def _groups_of_all(self) -> Self:
        if self.groups is not None and self.ts_id != ALL:
            raise ValueError(f'groups: choose among all series: send ts_id "{ALL}" with them')
        return self
