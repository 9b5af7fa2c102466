"""Series of a job laid on one time grid: DeepAR counts the steps of the calendar, a file has rows with timestamps."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.calendars.calendar import FOUND, Calendar
from models.deepar.calendars import calendar_at, known_frequency
from models.deepar.frequency import Frequency, Times
from models.errors import RejectedInputError

__all__ = ["GridError", "History", "LaidOut", "common_frequency", "frequency_of", "lay_out"]

_DAY_MS: Final = 86_400_000
_CALENDAR: Final = "MQY"  # units whose steps differ in length
_LARGEST_MULTIPLE: Final = 9999  # what the name of a frequency can say
# Missing steps take memory as values do, so one series of a few values over many years must not stop all the others.
_MOST_STEPS_PER_VALUE: Final = 100
_ALWAYS_STEPS: Final = 1000
_REMEDY: Final = "use another model for it"


class GridError(RejectedInputError):
    """A series does not lie on the grid."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A series as its file has it.

    `times` are milliseconds as its `calendar` counts them, ascending, one per value of `target`, NaN where that is
    missing; `step_ms` is their most frequent distance.
    """

    target: FloatArray
    times: NDArray[np.int64]
    step_ms: int
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """A series with a value for each step from `start` to its last row, NaN where there is none.

    `times` of steps that the file has are the file's; those of others are the `calendar`'s, or where it follows none,
    lie where the first row does within its step.
    """

    start: np.datetime64
    target: FloatArray
    times: NDArray[np.int64]
    calendar: Calendar | None = None


def frequency_of(history: History) -> Frequency | None:
    """The frequency of a series' step; None where it has only one time. GridError where no frequency has that step."""
    if len(history.times) < 2 or history.times[0] == history.times[-1]:
        return None
    counted = known_frequency(history.calendar)
    if counted is not None:
        return counted
    step = history.step_ms
    frequency = Frequency.of_step(step)
    if frequency.unit in _CALENDAR:
        # Four weeks are no month: where two rows lie in one, the steps are equally many days.
        if (np.diff(_aligned(history, frequency).astype(np.int64)) > 0).all() or step % _DAY_MS:
            return frequency
        frequency = Frequency("D", step // _DAY_MS)
    length = int(np.timedelta64(frequency.step, cast("Any", frequency.code)).astype("m8[ms]").astype(np.int64))
    if length != step or frequency.multiple > _LARGEST_MULTIPLE:
        raise GridError("step", f"the series' step is {step / 1000:g} s; DeepAR counts in whole minutes: {_REMEDY}")
    return frequency


def common_frequency(frequencies: Iterable[Frequency | None]) -> Frequency:
    """That of most series, of the first where there are several such; days where no series shows one."""
    counted = Counter(frequency for frequency in frequencies if frequency is not None)
    return counted.most_common(1)[0][0] if counted else Frequency("D")


def lay_out(history: History, frequency: Frequency) -> LaidOut:
    """The series on the grid; GridError where two rows lie in one step, or a row between two.

    A series with a step of its own is refused. One with gaps, of which another distance happens to be the most frequent
    one, is not: it has rows where it has values.
    """
    own = frequency_of(history)
    if own is not None and own != frequency and (np.diff(history.times) == history.step_ms).all():
        raise GridError(
            "step",
            f"the series' step is {own}, that of most series of the job is {frequency}: train it in a job of its own, "
            f"or {_REMEDY}",
        )
    if history.calendar is not None and known_frequency(history.calendar) == frequency:
        laid = _on_calendar(history, frequency, history.calendar)
        if laid is not None:
            return laid
    aligned = _aligned(history, frequency)
    counts = frequency.count(aligned)
    places, rest = np.divmod(counts - counts[0], frequency.step)
    for wrong, what in (
        (np.diff(counts, prepend=counts[0] - 1) <= 0, "lies in the same step as the row before it"),
        (rest != 0, "lies between two steps"),
    ):
        if wrong.any():
            shown = str(history.times[np.argmax(wrong)].astype("M8[ms]").astype("M8[s]")).replace("T", " ")
            raise GridError("timestamps", f"the row at {shown} {what} of {frequency}: correct it, or {_REMEDY}")
    steps = int(places[-1]) + 1
    if steps > max(_ALWAYS_STEPS, _MOST_STEPS_PER_VALUE * len(places)):
        raise GridError(
            "timestamps", f"the series has {len(places)} rows in {steps} steps of {frequency}: too few, {_REMEDY}"
        )
    start = aligned[0]
    assumed = calendar_at(frequency, int(history.times[0]) * 1000)
    if history.calendar is not None:
        clock = history.calendar
        assumed = Calendar(assumed.rule, FOUND, clock.offset, clock.zone, clock.in_utc)
    laid = _on_calendar(history, frequency, assumed)
    if laid is not None:
        return laid
    target = np.full(steps, np.nan)
    target[places] = history.target
    times = history.times
    if steps > len(times):
        times = _times(frequency, start, steps, int(times[0]))
        times[places] = history.times
    return LaidOut(start, target, times)


def _on_calendar(history: History, frequency: Frequency, calendar: Calendar) -> LaidOut | None:
    """The series on the steps of a calendar of this frequency; None where its rows do not lie on them, each on one."""
    times = history.times * 1000
    places, fits = calendar.places(times)
    if not fits.all() or (np.diff(places) <= 0).any():
        return None
    steps = int(places[-1]) + 1
    if steps > max(_ALWAYS_STEPS, _MOST_STEPS_PER_VALUE * len(places)):
        return None  # refused in the words of `lay_out`
    target = np.full(steps, np.nan)
    target[places] = history.target
    start = cast("np.datetime64", _aligned(history, frequency)[0])
    return LaidOut(start, target, calendar.times(int(times[0]), steps) // 1000, calendar)


def _aligned(history: History, frequency: Frequency) -> Times:
    return cast("Times", frequency.align(cast("Any", history.times.view("M8[ms]"))))


def _times(frequency: Frequency, start: np.datetime64, steps: int, first: int) -> NDArray[np.int64]:
    """The times of all steps, as far from the begin of each as the first row is, but never beyond its end."""
    begins = np.array(frequency.milliseconds(frequency.times(start, steps + 1)), np.int64)
    late = first - int(begins[0])
    times: NDArray[np.int64] = begins[:-1] + late
    if frequency.unit in _CALENDAR:  # the 31st of a month of 30 days is its 30th
        times = np.minimum(times, begins[1:] - _DAY_MS + late % _DAY_MS)
    return times
