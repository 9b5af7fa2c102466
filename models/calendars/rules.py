"""Rules that times follow: which places of an endless row of times are taken, and when a place is.

Times are int64 microseconds since 1970 on one clock. A rule counts places from a time that lies on it, `start`, which
has place 0. What a rule's constants leave open, such as the time of day of months, is the start's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DAY",
    "BusinessDays",
    "DayOfMonth",
    "FirstBusinessDay",
    "FixedStep",
    "Integers",
    "LastBusinessDay",
    "LastDay",
    "LastWeekday",
    "MonthDays",
    "NthWeekday",
    "Pick",
    "Rule",
    "TimesOfDay",
    "business_dates",
    "business_days",
    "month_bounds",
]

Integers = NDArray[np.int64]

DAY: Final = 86_400_000_000
_MONDAY: Final = 3  # 1970-01-01 was a Thursday: three days after a Monday
_WEEK: Final = 7
_BUSINESS_WEEK: Final = 5


class Rule(Protocol):
    """What all rules have."""

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """The place of every time, and whether it lies on the rule; a place means nothing where it does not."""
        ...

    def times(self, start: int, places: Integers) -> Integers:
        """The times of places, which may be negative."""
        ...


@dataclass(frozen=True, slots=True)
class FixedStep:
    """Steps of equally many microseconds; `weekday`, 0 for Monday, is where the days of weeks must lie."""

    step: int
    weekday: int | None = None

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it."""
        places, rest = np.divmod(times - start, self.step)
        fits = rest == 0
        if self.weekday is not None and (start // DAY + _MONDAY) % _WEEK != self.weekday:
            fits &= False
        return places, fits

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        return start + places * self.step


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Every `multiple`-th of Monday to Friday, at one time of day."""

    multiple: int = 1

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it."""
        days, clock = np.divmod(times, DAY)
        numbers, fits = business_days(days)
        first, first_fits = business_days(np.array([start // DAY]))
        places, rest = np.divmod(numbers - first, self.multiple)
        return places, fits & first_fits & (clock == start % DAY) & (rest == 0)

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        first, _ = business_days(np.array([start // DAY]))
        return business_dates(first + places * self.multiple) * DAY + start % DAY


class Pick(Protocol):
    """A day of every month."""

    def day(self, first: Integers, after: Integers) -> Integers:
        """The number of the day since 1970, in the months from the days `first` to before `after`."""
        ...


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """The day of this number, the last one where a month is shorter."""

    number: int

    def day(self, first: Integers, after: Integers) -> Integers:
        """As Pick has it."""
        return np.minimum(first + self.number - 1, after - 1)


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last day."""

    def day(self, first: Integers, after: Integers) -> Integers:  # noqa: ARG002 - a Pick
        """As Pick has it."""
        return after - 1


@dataclass(frozen=True, slots=True)
class FirstBusinessDay:
    """The first of Monday to Friday."""

    def day(self, first: Integers, after: Integers) -> Integers:  # noqa: ARG002 - a Pick
        """As Pick has it."""
        weekday = (first + _MONDAY) % _WEEK
        return first + np.where(weekday < _BUSINESS_WEEK, 0, _WEEK - weekday)


@dataclass(frozen=True, slots=True)
class LastBusinessDay:
    """The last of Monday to Friday."""

    def day(self, first: Integers, after: Integers) -> Integers:  # noqa: ARG002 - a Pick
        """As Pick has it."""
        last = after - 1
        return last - np.maximum((last + _MONDAY) % _WEEK - (_BUSINESS_WEEK - 1), 0)


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The `nth` (1 to 4) of a weekday, 0 for Monday."""

    nth: int
    weekday: int

    def day(self, first: Integers, after: Integers) -> Integers:  # noqa: ARG002 - a Pick
        """As Pick has it."""
        return first + (self.weekday - first - _MONDAY) % _WEEK + _WEEK * (self.nth - 1)


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """The last of a weekday, 0 for Monday."""

    weekday: int

    def day(self, first: Integers, after: Integers) -> Integers:  # noqa: ARG002 - a Pick
        """As Pick has it."""
        return after - 1 - (after - 1 + _MONDAY - self.weekday) % _WEEK


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Days of the month, at one time of day: every `multiple`-th of the `picks`, which ascend.

    `phase` says which months quarters (0 to 2) or years (0 to 11) begin or end in, where one is asked for.
    """

    picks: tuple[Pick, ...]
    multiple: int = 1
    phase: int | None = None

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it."""
        days, clock = np.divmod(times, DAY)
        numbers, fits = self._numbers(days)
        first, first_fits = self._numbers(np.array([start // DAY]))
        if self.phase is not None:
            first_fits &= first % (12 if self.multiple % 12 == 0 else 3) == self.phase
        places, rest = np.divmod(numbers - first, self.multiple)
        return places, fits & first_fits & (clock == start % DAY) & (rest == 0)

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        first, _ = self._numbers(np.array([start // DAY]))
        months, which = np.divmod(first + places * self.multiple, len(self.picks))
        bounds = month_bounds(months)
        days = np.choose(which, [pick.day(*bounds) for pick in self.picks])
        return days * DAY + start % DAY

    def _numbers(self, days: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        months = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
        bounds = month_bounds(months)
        numbers, fits = months * len(self.picks), np.zeros(len(days), dtype=np.bool_)
        for which, pick in enumerate(self.picks):
            same = pick.day(*bounds) == days
            numbers = np.where(same, months * len(self.picks) + which, numbers)
            fits |= same
        return numbers, fits


@dataclass(frozen=True, slots=True)
class TimesOfDay:
    """Fixed times on every day, or on Monday to Friday: office hours, or morning and evening.

    `clock` holds them in microseconds since midnight, ascending; every `multiple`-th counts. A start may lie between
    them: pandas' business hours have the hour of closing where they begin with it, and never again.
    """

    clock: tuple[int, ...]
    business: bool = False
    multiple: int = 1

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it; the start has place 0 wherever it lies."""
        numbers, fits = self._numbers(times)
        first, between = self._first(start)
        places, rest = np.divmod(numbers - first, self.multiple)
        fits &= (rest == 0) & (places != 0 if between else True)
        at_start = times == start
        return np.where(at_start, 0, places), fits | at_start

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        first, between = self._first(start)
        days, which = np.divmod(first + places * self.multiple, len(self.clock))
        if self.business:
            days = business_dates(days)
        times: Integers = days * DAY + np.array(self.clock, dtype=np.int64)[which]
        return np.where(places == 0, start, times) if between else times

    def _first(self, start: int) -> tuple[int, bool]:
        """The number of the start, and whether it lies between the times: it then takes the place of the one before.

        Where not all count, it is pandas' hour of closing, which is that of the next opening.
        """
        numbers, fits = self._numbers(np.array([start]))
        between = not fits[0]
        return int(numbers[0]) + (between and self.multiple > 1), between

    def _numbers(self, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        known = np.array(self.clock, dtype=np.int64)
        days, clock = np.divmod(times, DAY)
        which = np.searchsorted(known, clock, side="right") - 1
        fits = known[which] == clock
        if self.business:
            days, on_business_day = business_days(days)
            fits &= on_business_day
            which = np.where(on_business_day, which, len(known) - 1)  # of a weekend: behind all times of Friday
        return days * len(known) + which, fits


def business_days(days: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """The numbers of days since 1970 counted on Monday to Friday alone, and which of them are such days."""
    weeks, weekday = np.divmod(days + _MONDAY, _WEEK)
    return weeks * _BUSINESS_WEEK + np.minimum(weekday, _BUSINESS_WEEK - 1), weekday < _BUSINESS_WEEK


def business_dates(numbers: Integers) -> Integers:
    """The days since 1970 of numbers that `business_days` counts."""
    weeks, weekday = np.divmod(numbers, _BUSINESS_WEEK)
    days: Integers = weeks * _WEEK + weekday - _MONDAY
    return days


def month_bounds(months: Integers) -> tuple[Integers, Integers]:
    """The first day of months, which are counted from January 1970, and of the months after them."""
    return _first_days(months), _first_days(months + 1)


def _first_days(months: Integers | Sequence[int]) -> Integers:
    return np.asarray(months, dtype=np.int64).astype("M8[M]").astype("M8[D]").astype(np.int64)
