"""Public holidays of a country or a part of it, on the days of a calendar."""

# ruff: noqa: PLC0415  # the library takes a third of a second to load, and few series ask for it

from difflib import get_close_matches
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import Calendar
from models.calendars.cycles import Cycle
from models.calendars.rules import DAY, BusinessDays, FixedStep, Integers, TimesOfDay
from models.errors import RejectedInputError

__all__ = ["check_region", "has_days", "holiday_flags"]

_CODE: Final = 2  # letters of a country's code (ISO 3166-1); of a part's behind it (ISO 3166-2) there are others
_MOST_SHOWN: Final = 40
_NEAR: Final = 0.75  # of the letters: Deutschland is not the Netherlands
_FIRST_YEAR, _LAST_YEAR = 1, 9999


@lru_cache(maxsize=256)
def check_region(region: str) -> None:
    """RejectedInputError unless it is a country's code, such as DE, or that of a part of it, such as DE-BY."""
    from holidays import list_supported_countries

    all_known = list_supported_countries(include_aliases=True)
    known = {code: parts for code, parts in all_known.items() if len(code) == _CODE}
    country, dash, part = region.partition("-")
    if country not in known:
        guess = _country_meant(country, sorted(known))
        text = f"{region[:_MOST_SHOWN]!r} is no country whose holidays are known{guess} send a code such as DE or DE-BY"
        raise RejectedInputError("holidays", text)
    parts = known[country]
    if dash and part not in parts:
        near = get_close_matches(part.upper()[:_MOST_SHOWN], parts, n=1, cutoff=_NEAR)
        guess = f", did you mean {country}-{near[0]}?" if near else ";"
        there = ", ".join(parts[:_MOST_SHOWN]) if parts else f"no parts: send {country}"
        text = f"{region[:_MOST_SHOWN]!r} is no part whose holidays are known{guess} {country} has {there}"
        raise RejectedInputError("holidays", text)


def has_days(calendar: Calendar) -> bool:
    """Whether its steps are days or parts of them: of a longer one it is not said whether holidays are in it."""
    match calendar.rule:
        case FixedStep(step):
            return step <= DAY
        case BusinessDays(multiple):
            return multiple == 1
        case TimesOfDay() | Cycle():
            return True
    return False


def holiday_flags(region: str, wall: Integers) -> NDArray[np.float64]:
    """1 where what a clock shows, in microseconds since 1970, is on a holiday of the region, else 0."""
    days = wall // DAY
    dates = days.astype("M8[D]")
    years = np.unique(dates.astype("M8[Y]").astype(np.int64) + 1970).tolist()
    known = np.concatenate([_days_of(region, year) for year in years]) if years else np.empty(0, dtype=np.int64)
    return np.isin(days, known).astype(np.float64)


@lru_cache(maxsize=4096)
def _days_of(region: str, year: int) -> Integers:
    """The holidays of a year as days since 1970."""
    from holidays import country_holidays

    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return np.empty(0, dtype=np.int64)
    country, _, part = region.partition("-")
    found = country_holidays(country, subdiv=part or None, years=year)
    return np.array(sorted(found), dtype="M8[D]").astype(np.int64)


def _country_meant(text: str, codes: list[str]) -> str:
    """The words of a guess, by code or by English name."""
    from holidays.registry import COUNTRIES

    by_name = {code.lower(): code for code in codes}
    for name, (_, code, *others) in COUNTRIES.items():
        by_name |= dict.fromkeys((name.replace("_", " "), *(other.lower() for other in others)), code)
    near = get_close_matches(text.lower()[:_MOST_SHOWN], by_name, n=1, cutoff=_NEAR)
    return f", did you mean {by_name[near[0]]}?" if near else ":"
