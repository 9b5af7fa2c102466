"""The name of a series: its group values, out of the text that contract 000 tells them as (J-062), and its key."""

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

__all__ = [
    "NAMELESS",
    "WHOLE",
    "BadSeriesKeyError",
    "SeriesName",
    "group_values",
    "key_of",
    "named_series",
    "place_of",
    "read_key",
]

WHOLE: Final = "all"
"""The key of the series of a data set that is not grouped."""
_ENDS: Final[Mapping[str, int]] = {"')": -2, ",)": -3}  # of tuples of texts, and how long each end is
_ESCAPED: Final = (("%", "%25"), ("/", "%2F"), ("=", "%3D"))


class SeriesName(NamedTuple):
    """The group values of a series by column, and its key."""

    groups: Mapping[str, str]
    key: str


NAMELESS: Final = SeriesName({}, "")
"""Of what belongs to no data set."""


class BadSeriesKeyError(ValueError):
    """A text that is no series key."""


def group_values(text: str) -> tuple[str, ...]:
    """Group values of a series from Python's notation of a tuple, "('EWR', 'UA')"; the text itself if it is none."""
    end = _ENDS.get(text[-2:])
    if end is not None and text.startswith("('") and "\\" not in text and '"' not in text:
        values = text[2:end].split("', '")  # a tenth of the time, and every forecast asks for it
        if not any("'" in value for value in values):
            return tuple(values)
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return (text,)
    return tuple(str(value) for value in found) if isinstance(found, tuple) else (text,)


@lru_cache(maxsize=8192)
def named_series(columns: tuple[str, ...], text: str) -> SeriesName:
    """The name of a series by the columns that its data set is grouped by and the text of its group values.

    The key has each column with its value, in the order of the columns' names, such as `Carrier=AA/Origin=EWR`. In
    names and values `%`, `/` and `=` are written `%25`, `%2F` and `%3D`. So it depends on nothing but the columns and
    values: not on a job, nor on the order in which the columns were chosen.
    """
    groups = dict(zip(columns, group_values(text), strict=False))
    return SeriesName(groups, key_of(groups))


def key_of(groups: Mapping[str, str]) -> str:
    """The text of group values by column; that of all there are is the key of a series."""
    return "/".join(f"{_escaped(column)}={_escaped(groups[column])}" for column in sorted(groups)) or WHOLE


def read_key(key: str) -> Mapping[str, str]:
    """The group values by column that a key tells; BadSeriesKeyError where it is none."""
    if key == WHOLE:
        return {}
    groups: dict[str, str] = {}
    for part in key.split("/"):
        column, equals, value = part.partition("=")
        if not equals or "=" in value or _plain(column) in groups:
            raise BadSeriesKeyError(
                f"found {key[:200]!r}, expected each group column with its value, such as Carrier=AA/Origin=EWR, "
                f"or {WHOLE} where there are no groups"
            )
        groups[_plain(column)] = _plain(value)
    return groups


def place_of(groups: Mapping[str, str], columns: Sequence[str], texts: Sequence[str]) -> int | None:
    """Which of the texts of group values are these; None where none is, or the columns are others."""
    if sorted(columns) != sorted(groups):
        return None
    # A column of numbers is written without quotes; whether it is one shows in the whole column alone.
    written = [{repr(groups[column]), groups[column]} for column in columns]
    end = ",)" if len(columns) == 1 else ")"
    wanted = {f"({', '.join(values)}{end}" for values in product(*written)}
    return next((place for place, text in enumerate(texts) if text in wanted), None)


def _escaped(text: str) -> str:
    for sign, code in _ESCAPED:
        text = text.replace(sign, code)
    return text


def _plain(text: str) -> str:
    for sign, code in reversed(_ESCAPED):
        text = text.replace(code, sign)
    return text
