"""What single cells look like: dates, numbers, and the names that columns of dates have."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from connectors.csv_files.dressed_numbers import is_placeholder
from connectors.csv_files.number_format import MISSING

__all__ = ["are_dates", "is_date", "is_value", "is_year", "kind_of", "names_dates"]

_NUMBER: Final = re.compile(
    r"[+-]?[0-9](?:[0-9.,' \u00a0\u2009\u202f\u2019]*[0-9.])?(?:[eE][+-]?[0-9]+)?%?|[+-]?[.,][0-9]+"
)
_DATE: Final = re.compile(
    # Digits and a point alone are a decimal number, but for a year and its month.
    r"(?!(?!1[6-9]..\.|2[01]..\.)[0-9]+\.[0-9]+$)"
    r"[0-9]{1,4}[-/.][0-9]{1,2}(?:[-/.][0-9]{1,4})?(?:[ T][0-9:. +Z-]*(?:[AaPp]\.?[Mm]\.?)?)?|"
    r"[0-9]{4}[ -]?[QWqw][0-9]{1,2}|"
    r"(?:[0-9]{1,2}[ -])?[A-Za-z]{3,9}\.?[ -](?:[0-9]{1,2},? )?(?:[0-9]{4}|[0-9]{2})"
)
_WORDS: Final = re.compile(r"[^\W\d_]+")
_TIME_WORDS: Final = frozenset(
    word
    for line in (
        "date dates datum datetime time timestamp day month year week quarter period hour ds data tarih",
        "tag monat jahr woche quartal zeit zeitraum zeitpunkt stunde zeitstempel jaar maand kwartaal tijd",
        "jour mois année semaine trimestre heure période fecha día mes año semana hora giorno mese anno settimana",
        "dia ano дата время месяц год неделя период 日期 时间 時間 日付 日時 年月 月份 年份 날짜 일자 시간",
    )
    for word in line.split()
)


def is_date(cell: str) -> bool:
    """Whether a cell looks like a date."""
    return _DATE.fullmatch(cell) is not None


def are_dates(cells: Collection[str]) -> bool:
    """Whether all cells look like dates."""
    return all(map(_DATE.fullmatch, cells))


def is_value(cell: str) -> bool:
    """Whether a cell is a date, a number or a missing one, and so no name of a column."""
    return cell in MISSING or is_date(cell) or _NUMBER.fullmatch(cell) is not None


def is_year(cell: str) -> bool:
    """Whether a cell is a year of the last or the next few centuries."""
    return re.fullmatch(r"1[89][0-9]{2}|20[0-9]{2}", cell) is not None


def kind_of(cells: Sequence[str]) -> str | None:
    """Whether the cells of a column are ``dates`` or ``numbers`` throughout; None: neither."""
    present = {bare for cell in cells if (bare := cell.strip()) not in MISSING}
    # Words for no value are neither, so most columns need not be asked for them.
    return _kind_of_all(present) or _kind_of_all({cell for cell in present if not is_placeholder(cell)})


def _kind_of_all(cells: Collection[str]) -> str | None:
    if cells and are_dates(cells):
        return "dates"
    return "numbers" if cells and all(map(_NUMBER.fullmatch, cells)) else None


def names_dates(names: Sequence[str]) -> bool:
    """Whether one of the names is what people call a column of dates."""
    return any(word in _TIME_WORDS for name in names for word in _WORDS.findall(name.casefold()))
