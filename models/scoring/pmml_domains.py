"""Which values a PMML field may have: those it lists, the intervals it names, those that stand for missing, and times.

What a field does not allow has no answer by default (`invalidValueTreatment` returnInvalid): it is refused, and named.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final, Self
from xml.etree.ElementTree import Element

import numpy as np

from models.scoring.frames import in_words
from models.scoring.info import Array, BadModelError, Variable

__all__ = ["INSTEAD", "TIMES", "Domain", "counted", "counts_time", "domain_of"]

TIMES: Final = ("date", "time", "dateTime")
"""Types whose every value is a missing one to the engine."""
INSTEAD: Final = "declare the field as dateDaysSince[1970], dateTimeSecondsSince[1970] or timeSeconds"
"""What to do with a field of such a type."""
_COUNTED: Final = re.compile(r"(dateDaysSince|dateTimeSecondsSince)\[(\d{1,4})\]|timeSeconds")
_PLAIN: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_DAY_S: Final = 86_400
_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Domain:
    """What one field says; nothing said allows all."""

    strict: bool = False
    """Whether what is not allowed is refused; else the file says what to do with it."""
    listed: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    intervals: Sequence[tuple[float, float, str]] = ()

    @classmethod
    def of(cls, variable: Variable, plan: Mapping[str, Any]) -> Self:
        """Of what `domain_of` found; models of before it had but `strict`."""
        found = plan.get("domains", {}).get(variable.name, {})
        return cls(
            variable.name in plan["strict"],
            frozenset(variable.values),
            frozenset(found.get("invalid", ())),
            frozenset(found.get("missing", ())),
            [(low, high, closure) for low, high, closure in found.get("intervals", ())],
        )

    @property
    def by_value(self) -> bool:
        """Whether each value has to be looked at."""
        return bool(self.missing) or (self.strict and bool(self.listed or self.refused))

    def is_missing(self, value: Any) -> bool:
        """Whether the value stands for one that is not known."""
        return bool(self.missing) and _has(self.missing, value)

    def check(self, variable: Variable, index: int, value: Any) -> None:
        """RejectedInputError where the field does not allow the value; numbers of intervals are checked by `within`."""
        if not self.strict:
            return
        if _has(self.refused, value):
            raise in_words(variable, index, value, "another value, for the file calls it invalid")
        if self.listed and not self.intervals and not _has(self.listed, value):
            some = ", ".join(sorted(self.listed)[:_MOST_SHOWN])
            more = " …" if len(self.listed) > _MOST_SHOWN else ""
            raise in_words(variable, index, value, f"one of {some}{more}")

    def within(self, variable: Variable, values: Array) -> Array:
        """The numbers, all in one of the intervals; RejectedInputError names the first that is not."""
        if not self.strict or not self.intervals or not len(values):
            return values
        good = np.isnan(values)
        for low, high, closure in self.intervals:
            above = values >= low if closure.startswith("closed") else values > low
            good |= above & (values <= high if closure.endswith("Closed") else values < high)
        if not good.all():
            places = [place for place in np.flatnonzero(~good) if not _has(self.listed, values[place])]
            if places:
                value = values[places[0]].item()
                shown = int(value) if value == np.trunc(value) and np.isfinite(value) else value
                raise in_words(variable, int(places[0]), shown, f"a number {' or '.join(map(_words, self.intervals))}")
        return values


def counts_time(kind: str) -> bool:
    """Whether values of the type are numbers, of days or seconds, that may be written as dates and times."""
    return _COUNTED.fullmatch(kind) is not None


def counted(kind: str, text: str) -> float | None:
    """The number that a text stands for in such a type; None where it is no such date or time, or has an offset.

    Cells of CSV files come as texts, so a number may be one too.
    """
    found = _COUNTED.fullmatch(kind)
    assert found is not None
    if _PLAIN.fullmatch(text):
        return float(text)
    begin = 0
    if found[2]:
        begin = date(int(found[2]), 1, 1).toordinal() if int(found[2]) else -365  # the year 0 has 366 days
    try:
        if found[1] == "dateDaysSince":
            return float(date.fromisoformat(text).toordinal() - begin)
        if found[1]:
            at = datetime.fromisoformat(text)
            day, clock = at.toordinal() - begin, at.timetz()
        else:
            day, clock = 0, time.fromisoformat(text)
    except ValueError:
        return None
    if clock.tzinfo is not None:
        return None
    return float(day * _DAY_S + clock.hour * 3600 + clock.minute * 60 + clock.second)


def domain_of(field: Element) -> dict[str, Any]:
    """What a DataField says beyond its valid values, as JSON takes it."""
    found: dict[str, Any] = {}
    for kind in ("invalid", "missing"):
        values = [one.get("value", "") for one in field if _name(one) == "Value" and one.get("property") == kind]
        if values:
            found[kind] = values
    try:
        intervals = [
            (
                float(one.get("leftMargin", "-inf")),
                float(one.get("rightMargin", "inf")),
                one.get("closure", "closedClosed"),
            )
            for one in field
            if _name(one) == "Interval"
        ]
    except ValueError as error:
        raise BadModelError(f"PMML: an Interval of the DataField {field.get('name')!r} has no numbers") from error
    return found | ({"intervals": intervals} if intervals and field.get("optype") == "continuous" else {})


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _has(texts: frozenset[str], value: Any) -> bool:
    """Whether one of the texts says the value; of a number however it is written."""
    if isinstance(value, bool):
        return str(value).lower() in texts
    if isinstance(value, str) or not texts:
        return value in texts
    return str(value) in texts or any(_number(text) == value for text in texts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _words(interval: tuple[float, float, str]) -> str:
    low, high, closure = interval
    above = f"{'from' if closure.startswith('closed') else 'above'} {low:g}"
    below = f"{'to' if closure.endswith('Closed') else 'below'} {high:g}"
    return " ".join(part for part, end in ((above, low), (below, high)) if np.isfinite(end))
