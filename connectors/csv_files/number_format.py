"""Numbers as people write them: which sign stands before the decimals, and which parts thousands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf, nan
from typing import Final

__all__ = [
    "EDGES",
    "FORMATS",
    "MISSING",
    "PLAIN",
    "NumberFormat",
    "NumbersFound",
    "best_format",
    "find_format",
    "in_two_ways",
    "is_written_plainly",
]

MISSING: Final = frozenset({"", "NaN", "nan", "NAN", "NA", "null", "NULL"})
"""Texts that mean "no observation" in a column of numbers."""

_PLAIN: Final = re.compile(r"[+\-\u2212]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_BLANKS: Final = "[ \u00a0\u2009\u202f]"  # of them spreadsheets write the narrow and the unbreakable ones
_SIGNS: Final = {" ": _BLANKS, "'": "['\u2019]", ",": ",", ".": r"\."}
_SOME: Final = 1_000  # texts that rule most formats out, before all are looked at
EDGES: Final = " \t\u00a0\u2009\u202f"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The sign before decimals, and the one between thousands (None: there is none; a blank stands for all blanks)."""

    decimal: str = "."
    thousands: str | None = None

    def pattern(self) -> re.Pattern[str]:
        """What a whole number cell looks like; thousands come in threes, or not at all."""
        point = re.escape(self.decimal)
        whole = "[0-9]+"
        if self.thousands is not None:
            sign = _SIGNS[self.thousands]
            whole = f"(?:[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{3}})+|[0-9]+)"
            if self.thousands == ",":  # in India the last three digits, and then pairs: 12,34,567
                whole = f"(?:[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole})"
        return re.compile(rf"[+\-\u2212]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)

    def between(self) -> str | None:
        """An expression of what stands between thousands; None where nothing does."""
        return None if self.thousands is None else _SIGNS[self.thousands]


PLAIN: Final = NumberFormat()


class NumbersFound(dict[str, float]):
    """The number of every text asked for: NaN for a missing one, infinity for what is no number or too large."""

    def __init__(self, form: NumberFormat) -> None:
        super().__init__()
        self._form = form
        self._pattern = _PLAIN if form == PLAIN else form.pattern()

    def __missing__(self, text: str) -> float:
        bare = text.strip(EDGES)
        value = nan if bare in MISSING else self._read(bare)
        self[text] = value
        return value

    def is_written_as_number(self, text: str) -> bool:
        """Whether it looks like a number, too large ones included."""
        return self._pattern.fullmatch(text.strip(EDGES)) is not None

    def _read(self, bare: str) -> float:
        if not self._pattern.fullmatch(bare):
            return inf
        bare = bare.replace("\u2212", "-")
        if self._form == PLAIN:
            return float(bare)
        if self._form.thousands is not None:
            bare = re.sub(_SIGNS[self._form.thousands], "", bare)
        return float(bare.replace(self._form.decimal, "."))


def is_written_plainly(texts: Iterable[str]) -> bool:
    """Whether every text is a number as programs write it, or missing."""
    return all(bare in MISSING or _PLAIN.fullmatch(bare) for bare in (text.strip(EDGES) for text in texts))


FORMATS: Final = tuple(
    NumberFormat(decimal, thousands)
    for decimal, thousands in (
        (".", None), (",", None), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"),
    )
)  # fmt: skip
"""All that are read, the plainest first."""


def find_format(
    texts: Iterable[str], among: Sequence[NumberFormat] = FORMATS
) -> tuple[NumberFormat | None, str | None]:
    """The first format in which all texts are numbers, and a text that another one would read as another number.

    None where no format reads all of them; the second value is None where those that do agree.
    """
    bare = {text.strip(EDGES) for text in texts} - MISSING
    some = list(islice(bare, _SOME))
    likely = [form for form in among if all(map(form.pattern().fullmatch, some))]
    fitting = [form for form in likely if all(map(form.pattern().fullmatch, bare))]
    if not fitting:
        return None, None
    own = NumbersFound(fitting[0])
    others = [NumbersFound(form) for form in fitting[1:]]
    doubtful = (text for text in sorted(bare) if any(other[text] != own[text] for other in others))
    return fitting[0], next(doubtful, None)


def best_format(texts: Iterable[str], among: Sequence[NumberFormat] = FORMATS) -> NumberFormat:
    """The format that reads most of the texts, the first of those that read as many."""
    bare = {text.strip(EDGES) for text in texts} - MISSING
    return max(among, key=lambda form: sum(form.pattern().fullmatch(text) is not None for text in bare))


def in_two_ways(label: str, text: str, form: NumberFormat) -> str:
    """What to tell of a column whose numbers could be others."""
    number = NumbersFound(form)[text]
    return (
        f'column "{label}": "{text}" is read as {number:g}, as could be meant otherwise; '
        "if it is, upload the file with decimal and thousands set"
    )
