"""Between calendars, which date rows and forecasts, and frequencies, which DeepAR's network counts in."""

from typing import Final

import numpy as np

from models.calendars.calendar import Calendar
from models.calendars.cycles import Cycle
from models.calendars.rules import (
    DAY,
    BusinessDays,
    DayOfMonth,
    FixedStep,
    LastDay,
    MonthDays,
    Rule,
    business_days,
    month_bounds,
)
from models.deepar.frequency import Frequency, FrequencyError

__all__ = ["calendar_at", "frequency_of_calendar", "known_frequency", "on_calendar"]

_MINUTE: Final = 60_000_000
_SIZES: Final = (("W", 7 * DAY), ("D", DAY), ("H", DAY // 24), ("min", _MINUTE))
_MONTHS: Final = (("Y", 12), ("Q", 3), ("M", 1))
_LARGEST_MULTIPLE: Final = 9999  # what the name of a frequency can say


def frequency_of_calendar(calendar: Calendar) -> Frequency:
    """What the network counts in where rows follow this calendar; FrequencyError where it knows nothing such."""
    unit, multiple = _counted(calendar.rule)
    if not unit or multiple > _LARGEST_MULTIPLE:
        raise FrequencyError(
            "freq", f"the rows are {calendar.freq} apart, and DeepAR counts in whole minutes or longer equal steps"
        )
    return Frequency(unit, multiple)


def known_frequency(calendar: Calendar | None) -> Frequency | None:
    """What the network counts in where rows follow this calendar, if it can.

    None for hours of some days, days twice a month, and times that follow no rule.
    """
    if calendar is None or not calendar.regular:
        return None
    try:
        return frequency_of_calendar(calendar)
    except FrequencyError:
        return None


def calendar_at(frequency: Frequency, start: int) -> Calendar:
    """The calendar of a series of which only the frequency and the first time are known, in microseconds.

    Weeks keep its weekday, months, quarters and years its day: the last one where it is the last of its month.
    """
    if frequency.unit == "B":
        return Calendar(BusinessDays(frequency.multiple))
    for unit, months in _MONTHS:
        if frequency.unit == unit:
            day = np.array([start // DAY])
            first, after = month_bounds(day.astype("M8[D]").astype("M8[M]").astype(np.int64))
            last = bool((day == after - 1).all())
            pick = LastDay() if last else DayOfMonth(int((day - first)[0]) + 1)
            return Calendar(MonthDays((pick,), months * frequency.multiple))
    return Calendar(FixedStep(dict(_SIZES)[frequency.unit] * frequency.multiple))


def on_calendar(frequency: Frequency, start: int) -> int:
    """The time itself, or the business day before where it is none."""
    days, clock = divmod(start, DAY)
    if frequency.unit != "B" or business_days(np.array([days]))[1].all():
        return start
    return (int(frequency.align(np.datetime64(days, "D")).astype(np.int64))) * DAY + clock


def _counted(rule: Rule) -> tuple[str, int]:
    match rule:
        case FixedStep(step):
            return next(((unit, step // size) for unit, size in _SIZES if step % size == 0), ("", 0))
        case BusinessDays(multiple):
            return "B", multiple
        case Cycle(1, _):  # as days, of which the others are absent
            return "D", 1
        case MonthDays(picks, multiple) if len(picks) == 1:
            return next((unit, multiple // months) for unit, months in _MONTHS if multiple % months == 0)
    return "", 0
