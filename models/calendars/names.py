"""Names of rules: pandas' offset aliases, old and new spellings, and our own for what pandas has no name for.

Our own: `MS-15`, months on the 15th (as pandas' `SMS-15`); `LWOM-FRI`, last Fridays; `D@08:00,18:00` and
`B@09:00-15:30/30min`, times of day on every day or on Monday to Friday; `REM-N-JAN-SAT-454-12`, months of 4, 5 and 4
weeks in years of 52 or 53 that end on the Saturday nearest to the end of January, as in pandas' `RE-N-JAN-SAT`, the
53rd week in the 12th; `RES`, `REQS` and `REMS`, the first days instead of the last ones.
"""

import re
import warnings
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from models.calendars.cycles import WEEK, Cycle
from models.calendars.fiscal import ENDS, PATTERNS, QUARTERS, STARTS, YEAR, FiscalWeeks
from models.calendars.rules import (
    DAY,
    BusinessDays,
    DayOfMonth,
    FirstBusinessDay,
    FixedStep,
    LastBusinessDay,
    LastDay,
    LastWeekday,
    MonthDays,
    NthWeekday,
    Pick,
    Rule,
    TimesOfDay,
)
from models.errors import RejectedInputError

__all__ = ["name_of", "rule_named"]

_SIZES: Final = {"D": DAY, "h": DAY // 24, "min": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}
_WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNIT_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}
_PICKS: Final[dict[tuple[str, str], Pick]] = {
    ("", "S"): DayOfMonth(1),
    ("", "E"): LastDay(),
    ("B", "S"): FirstBusinessDay(),
    ("B", "E"): LastBusinessDay(),
}
_ANCHORS: Final = {"S": ("JAN", "FEB", "MAR"), "E": ("OCT", "NOV", "DEC")}  # of quarters, the usual names
_OFFICE: Final = TimesOfDay(tuple(range(9 * _SIZES["h"], 17 * _SIZES["h"], _SIZES["h"])), business=True)

_NAME: Final = re.compile(
    r"(?P<n>[1-9]\d{0,8})?(?:(?P<unit>D|h|min|s|ms|us)|(?P<business>C|B)|W(?:-(?P<weekday>[A-Z]{3}))?"
    r"|W-(?P<weekdays>[A-Z]{3}(?:,[A-Z]{3}){1,5})|W@(?P<cycle>\d{1,3}(?:,\d{1,3}){1,11})"
    r"|C?(?P<b>B?)(?P<months>[MQY])(?P<side>[SE])(?:-(?P<anchor>[A-Z]{3})|-(?P<day>\d\d?))?"
    r"|MS-(?P<numbers>\d\d?(?:,\d\d?){1,3})|SM(?P<semi>[SE])(?:-(?P<semi_day>\d\d?))?|WOM-(?P<nth>[1-4])(?P<nth_day>[A-Z]{3})|LWOM-(?P<last_day>[A-Z]{3})"
    r"|RE(?P<fiscal>[QM]?)(?P<starts>S?)-(?P<variation>[NL])-(?P<end>[A-Z]{3})-(?P<end_day>[A-Z]{3})"
    r"(?:-(?P<pattern>445|454|544))?(?:-(?P<longer>[1-9]|1[0-2]))?"
    r"|(?P<office>c?bh)|(?P<days>[DB])@(?P<clock>[\d:.,]+|(?P<first>[\d:.]+)-(?P<last>[\d:.]+)/(?P<every>\w+)))"
)
_KNOWN: Final = "D, h, 15min, B, W-SUN, MS (first of the month), ME (last), QS, QE, YS, YE"
_LONGEST_SHOWN: Final = 40


def name_of(rule: Rule) -> str:  # noqa: PLR0911 - one for each family of names
    """The name that `rule_named` reads."""
    match rule:
        case FixedStep(step, weekday):
            if weekday is not None:
                return f"{_times(step // (7 * DAY))}W-{_WEEKDAYS[weekday]}"
            return _step_name(step)
        case BusinessDays(multiple):
            return f"{_times(multiple)}B"
        case TimesOfDay(clock, business, multiple):
            if (clock, business) == (_OFFICE.clock, True):
                return f"{_times(multiple)}bh"
            return f"{_times(multiple)}{'B' if business else 'D'}@{_clock_name(clock)}"
        case Cycle(1, days):
            return f"W-{','.join(_WEEKDAYS[day] for day in days)}"
        case Cycle(weeks, days):
            return f"{weeks}W@{','.join(map(str, days))}"
        case FiscalWeeks():
            return _fiscal_name(rule)
        case MonthDays(picks, multiple, phase):
            return _months_name(picks, multiple, phase)
    raise TypeError(type(rule).__name__)


@lru_cache(maxsize=256)
def rule_named(name: str, field: str = "freq") -> Rule:
    """The rule of a name; RejectedInputError with what is possible, in the words of `field`."""
    text = name.strip()
    rule = _rule(text)
    if rule is None and len(text) <= _LONGEST_SHOWN:
        rule = _rule(_newly_spelt(text))
    if rule is None:
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        raise RejectedInputError(field, f'{field}: "{shown}" is no frequency; send an offset alias of pandas: {_KNOWN}')
    return rule


def _newly_spelt(text: str) -> str:
    """How pandas writes the alias today; empty where it knows none, or none of whole microseconds."""
    from pandas.tseries.frequencies import to_offset  # noqa: PLC0415 - slow to load, and seldom needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old spellings: reading them is the point
        try:
            offset: Any = to_offset(text)
        except (ValueError, TypeError, OverflowError):
            return ""
    written: str = offset.freqstr
    if written.endswith("ns"):
        return f"{offset.nanos // 1000}us" if offset.nanos > 0 and offset.nanos % 1000 == 0 else ""
    return written


def _rule(text: str) -> Rule | None:  # noqa: C901, PLR0911, PLR0912 - one for each family of names
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    multiple = int(match["n"] or 1)
    if match["unit"]:
        return FixedStep(multiple * _SIZES[match["unit"]])
    if match["business"]:
        return BusinessDays(multiple)
    if match["months"]:
        return _named_months(match, multiple)
    if match["numbers"]:
        numbers = [int(number) for number in match["numbers"].split(",")]
        fits = numbers == sorted(set(numbers)) and numbers[0] > 0 and numbers[-1] < 28
        return MonthDays(tuple(map(DayOfMonth, numbers)), multiple) if fits else None
    if match["weekdays"] or match["cycle"]:
        return _named_cycle(match)
    if match["variation"]:
        return _named_fiscal(match, multiple)
    if match["semi"]:
        return _named_half_months(match, multiple)
    if match["office"]:
        return TimesOfDay(_OFFICE.clock, business=True, multiple=multiple)
    if match["days"]:
        clock = _named_clock(match)
        return None if clock is None else TimesOfDay(clock, business=match["days"] == "B", multiple=multiple)
    given = match["weekday"] or match["nth_day"] or match["last_day"]
    weekday = _WEEKDAYS.index(given) if given in _WEEKDAYS else None
    if given and weekday is None:
        return None
    if weekday is not None and match["nth"]:
        return MonthDays((NthWeekday(int(match["nth"]), weekday),), multiple)
    if weekday is not None and match["last_day"]:
        return MonthDays((LastWeekday(weekday),), multiple)
    return FixedStep(multiple * 7 * DAY, weekday)


def _named_months(match: re.Match[str], multiple: int) -> Rule | None:
    unit = _UNIT_MONTHS[match["months"]]
    anchor, day = match["anchor"], match["day"]
    if (anchor and (unit == 1 or anchor not in _MONTHS)) or (day and (unit, match["b"], match["side"]) != (1, "", "S")):
        return None
    if day and not 1 <= int(day) <= 31:
        return None
    pick = DayOfMonth(int(day)) if day else _PICKS[match["b"], match["side"]]
    return MonthDays((pick,), multiple * unit, _MONTHS.index(anchor) % unit if anchor else None)


def _named_cycle(match: re.Match[str]) -> Rule | None:
    if match["cycle"]:
        weeks, days = int(match["n"] or 1), [int(day) for day in match["cycle"].split(",")]
    elif match["n"] is None and all(day in _WEEKDAYS for day in match["weekdays"].split(",")):
        weeks, days = 1, [_WEEKDAYS.index(day) for day in match["weekdays"].split(",")]
    else:
        return None
    ascending = days == sorted(set(days)) and days[-1] < weeks * WEEK
    return Cycle(weeks, tuple(days)) if ascending else None


def _named_half_months(match: re.Match[str], multiple: int) -> Rule | None:
    day = int(match["semi_day"] or 15)
    if not 2 <= day <= 27:
        return None
    picks: tuple[Pick, ...] = (DayOfMonth(1), DayOfMonth(day)) if match["semi"] == "S" else (DayOfMonth(day), LastDay())
    return MonthDays(picks, multiple)


def _named_fiscal(match: re.Match[str], multiple: int) -> Rule | None:
    weeks = {"": YEAR, "Q": QUARTERS, "M": 4 * PATTERNS.get(match["pattern"] or "", ())}[match["fiscal"]]
    longer = int(match["longer"] or len(weeks))
    known = (
        match["end"] in _MONTHS and match["end_day"] in _WEEKDAYS and (match["pattern"] is None) == (len(weeks) < 12)
    )
    if not known or not 1 <= longer <= len(weeks) or (len(weeks) == 1 and match["longer"]):
        return None
    beyond = (STARTS if match["starts"] else ENDS)[match["variation"]]
    weekday = _WEEKDAYS.index(match["end_day"])
    return FiscalWeeks(weekday, _MONTHS.index(match["end"]) + 1, beyond, weeks, longer - 1, multiple)


def _fiscal_name(rule: FiscalWeeks) -> str:
    kind = {1: "", 4: "Q", 12: "M"}[len(rule.weeks)]
    side, variation = next(
        (side, name)
        for side, known in (("", ENDS), ("S", STARTS))
        for name, beyond in known.items()
        if beyond == rule.beyond
    )
    parts = [variation, _MONTHS[rule.month - 1], _WEEKDAYS[rule.weekday]]
    if kind == "M":
        parts.append("".join(map(str, rule.weeks[:3])))
    if kind:
        parts.append(str(rule.longer + 1))
    return f"{_times(rule.multiple)}RE{kind}{side}-{'-'.join(parts)}"


def _times(multiple: int) -> str:
    return "" if multiple == 1 else str(multiple)


def _step_name(step: int) -> str:
    unit, size = next((unit, size) for unit, size in _SIZES.items() if step % size == 0)
    return f"{_times(step // size)}{unit}"


def _months_name(picks: tuple[Pick, ...], multiple: int, phase: int | None) -> str:  # noqa: PLR0911 - as above
    match picks:
        case (DayOfMonth(1), DayOfMonth(number)):
            return f"{_times(multiple)}SMS-{number}"
        case (DayOfMonth(), DayOfMonth(), *_):
            numbers = (pick.number for pick in picks if isinstance(pick, DayOfMonth))
            return f"{_times(multiple)}MS-{','.join(map(str, numbers))}"
        case (DayOfMonth(number), LastDay()):
            return f"{_times(multiple)}SME-{number}"
        case (NthWeekday(nth, weekday),):
            return f"{_times(multiple)}WOM-{nth}{_WEEKDAYS[weekday]}"
        case (LastWeekday(weekday),):
            return f"{_times(multiple)}LWOM-{_WEEKDAYS[weekday]}"
        case (DayOfMonth(number),) if number > 1:
            return f"{_times(multiple)}MS-{number}"
    business, side = next(key for key, pick in _PICKS.items() if pick == picks[0])
    if phase is not None and multiple % 12 == 0:
        return f"{_times(multiple // 12)}{business}Y{side}-{_MONTHS[phase % 12]}"
    if phase is not None and multiple % 3 == 0:
        return f"{_times(multiple // 3)}{business}Q{side}-{_ANCHORS[side][phase % 3]}"
    return f"{_times(multiple)}{business}M{side}"


def _clock_name(clock: tuple[int, ...]) -> str:
    steps = {late - early for early, late in pairwise(clock)}
    if len(clock) > 2 and len(steps) == 1:
        return f"{_clock_text(clock[0])}-{_clock_text(clock[-1])}/{_step_name(steps.pop())}"
    return ",".join(map(_clock_text, clock))


def _clock_text(time: int) -> str:
    minutes, rest = divmod(time, _SIZES["min"])
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return text if not rest else f"{text}:{rest // 1_000_000:02}.{rest % 1_000_000:06}".rstrip("0").rstrip(".")


def _named_clock(match: re.Match[str]) -> tuple[int, ...] | None:
    try:
        if match["every"] is None:
            times = [_clock_time(text) for text in match["clock"].split(",")]
        else:
            step = _rule(match["every"])
            if not isinstance(step, FixedStep):
                return None
            times = list(range(_clock_time(match["first"]), _clock_time(match["last"]) + 1, step.step))
    except ValueError:
        return None
    return tuple(times) if 1 <= len(times) <= 1440 and times == sorted(set(times)) and times[-1] < DAY else None


def _clock_time(text: str) -> int:
    hour, minute, *seconds = text.split(":")
    if len(seconds) > 1:
        raise ValueError(text)
    return int(hour) * _SIZES["h"] + int(minute) * _SIZES["min"] + round(float(seconds[0]) * 1e6 if seconds else 0)
