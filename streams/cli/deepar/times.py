"""The times of a CSV file's series on the calendars that they follow, all with one frequency: what DeepAR counts in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from connectors.timestamps.parsing import ParsedTimes, shown_times
from models.calendars.calendar import Calendar, calendar_of
from models.calendars.rules import DAY, business_days
from models.calendars.search import find_calendar
from models.deepar.calendars import calendar_at, frequency_of_calendar
from models.deepar.frequency import Frequency, FrequencyError
from models.errors import RejectedInputError
from streams.cli.console.failure import CommandError

__all__ = ["FileCalendar", "OnSteps", "file_calendar"]

Integers = NDArray[np.int64]

_ENOUGH: Final = 3  # rows of a series; two lie on many calendars


@dataclass(frozen=True, slots=True, eq=False)
class OnSteps:
    """A series' rows on its calendar: the place of each from 0, and the time of place 0 as the calendar counts it."""

    calendar: Calendar
    begin: int
    places: Integers

    @property
    def start(self) -> str:
        """The time of place 0 as the file's clock shows it."""
        return shown_times(self.calendar.shown(np.array([self.begin])))[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """The times of a series as its calendar counts them, ascending."""

    calendar: Calendar
    times: Integers
    frequency: Frequency | None  # None where DeepAR cannot count so, or too few rows tell

    @property
    def is_telling(self) -> bool:
        return self.frequency is not None and self.calendar.regular and len(self.times) >= _ENOUGH


@dataclass(frozen=True, slots=True, eq=False)
class FileCalendar:
    """What the series of a file have in common: `frequency`, and `freq`, the calendar of most of them as an alias.

    `own` is the frequency that the file's rows show, where they show one.
    """

    frequency: Frequency
    freq: str
    own: Frequency | None
    _axes: Sequence[_Axis]
    _usual: Sequence[Calendar]

    def on_steps(self, place: int, name: Sequence[str]) -> OnSteps:
        """The rows of a series, by its number; CommandError where they do not lie on steps of the frequency."""
        axis = self._axes[place]
        times, first, clock = axis.times, int(axis.times[0]), axis.calendar
        fitting = [axis.calendar] if axis.frequency == self.frequency else []
        assumed = _on_clock(calendar_at(self.frequency, first), clock)
        for calendar in (*fitting, *(_on_clock(one, clock) for one in self._usual), assumed):
            places, fits = calendar.places(times)
            if fits.all():
                return OnSteps(calendar, first, places)
        return OnSteps(assumed, first, self._aligned(times, clock, name))

    def _aligned(self, times: Integers, clock: Calendar, name: Sequence[str]) -> Integers:
        """The places of rows that lie somewhere within their steps; CommandError where that cannot be."""
        counts = self.frequency.count(self.frequency.align(cast("Any", times.astype("M8[us]"))))
        places, left = np.divmod(counts - counts[0], self.frequency.step)
        wrong, double = left != 0, np.diff(places, prepend=-1) == 0
        title, off = " · ".join(name), wrong | double
        if self.frequency.unit == "B":
            off |= ~business_days(times // DAY)[1]
        if not off.any():
            return cast("Integers", places)
        shown = shown_times(clock.shown(times[off][:1]))[0]
        if not wrong.any() and double.any():
            raise CommandError(
                f"{title} has more than one row for {shown} (one step is {self.frequency}): name the columns that tell "
                "series apart, --group-by COLUMN, or give the distance of the rows, --freq"
            )
        after = f"no whole number of steps of {self.frequency} after the first row"
        raise CommandError(f"{title}: {shown} is {after if wrong.any() else 'no business day'}: --freq")

    def share_filled(self) -> float:
        """The share of the steps of all series that have a row, 0 where some lie on no step."""
        rows = steps = 0
        for place in range(len(self._axes)):
            try:
                laid = self.on_steps(place, ())
            except CommandError:
                return 0.0
            rows, steps = rows + len(laid.places), steps + int(laid.places[-1]) + 1
        return rows / steps


def file_calendar(
    parsed: ParsedTimes,
    codes: NDArray[np.int32],
    rows_of: Sequence[Integers],
    names: Sequence[Sequence[str]],
    freq: str | None,
) -> FileCalendar:
    """The calendars of series; `rows_of` has the rows of each by time, `codes` the text of each row in `parsed`.

    `freq` is asked for, an alias or one of DeepAR's names; without it the frequency is that of most rows. CommandError,
    RejectedInputError.
    """
    asked = Frequency.parse(freq, "freq") if freq else None
    axes = _axes(parsed, codes, rows_of, names)
    counted: Counter[Frequency] = Counter()
    for axis in axes:
        if axis.is_telling and axis.frequency is not None:
            counted[axis.frequency] += len(axis.times)
    own = counted.most_common(1)[0][0] if counted else None
    frequency = asked or own or _usual(axes)
    usual = Counter(axis.calendar for axis in axes if axis.is_telling and axis.frequency == frequency)
    calendars = [Calendar(one.rule) for one, _ in usual.most_common()]
    if freq:
        calendars += _named(freq)
    return FileCalendar(frequency, _name(frequency, calendars), own, axes, list(dict.fromkeys(calendars)))


def _name(frequency: Frequency, calendars: Sequence[Calendar]) -> str:
    """The alias of the first calendar where it says more than the frequency, such as W-SUN."""
    try:
        if calendars and frequency.unit in "WMQY" and Frequency.parse(calendars[0].freq) == frequency:
            return calendars[0].freq
    except FrequencyError:
        pass  # an alias of ours that the service does not take
    return str(frequency)


def _on_clock(calendar: Calendar, clock: Calendar) -> Calendar:
    return Calendar(calendar.rule, calendar.how, clock.offset, clock.zone, clock.in_utc)


def _axes(
    parsed: ParsedTimes, codes: NDArray[np.int32], rows_of: Sequence[Integers], names: Sequence[Sequence[str]]
) -> list[_Axis]:
    instants, known = parsed.instants, dict[bytes, _Axis]()
    found = []
    for rows, name in zip(rows_of, names, strict=True):
        texts = codes[rows]
        key = texts.tobytes()
        if key not in known:  # the series of a file mostly have the same times
            again = np.flatnonzero(np.diff(instants[texts]) == 0)
            if len(again):
                time = shown_times(parsed.wall[texts[again[:1] + 1]])[0]
                raise CommandError(
                    f"{' · '.join(name)} has more than one row for {time} (keep one row per time): name the columns "
                    "that tell series apart, --group-by COLUMN"
                )
            offsets = None if parsed.offset_minutes is None else parsed.offset_minutes[texts]
            calendar, times = find_calendar(parsed.wall[texts], offsets)
            known[key] = _Axis(calendar, times, _frequency(calendar))
        found.append(known[key])
    return found


def _frequency(calendar: Calendar) -> Frequency | None:
    try:
        return frequency_of_calendar(calendar)
    except FrequencyError:
        return None


def _usual(axes: Sequence[_Axis]) -> Frequency:
    """The frequency of the most usual distance of two rows, where no calendar tells."""
    apart = np.concatenate([np.diff(axis.times) for axis in axes])
    if not len(apart):
        return Frequency("D")
    distances, counts = np.unique(apart, return_counts=True)
    return Frequency.of_step(int(distances[counts.argmax()]) // 1000)


def _named(freq: str) -> list[Calendar]:
    """The calendar of an alias; none where it is one of DeepAR's own names."""
    try:
        return [calendar_of(freq)]
    except RejectedInputError:
        return []
