"""The step of a time axis: how it is named, aligned and counted, and which lags and calendar features suit it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.rules import business_dates, business_days
from models.deepar.wording import shown
from models.errors import RejectedInputError

__all__ = ["Frequency", "FrequencyError"]

_NAME: Final = re.compile(r"(\d{0,4})\s*([A-Za-z]+)(-[A-Z]{3}|-\d\d?)?")
_UNITS: Final = {
    "min": "min", "T": "min", "t": "min",
    "H": "H", "h": "H",
    "D": "D", "d": "D",
    "B": "B",
    "W": "W", "w": "W",
    "M": "M", "MS": "M", "ME": "M", "BM": "M", "BMS": "M", "BME": "M",
    "Q": "Q", "QS": "Q", "QE": "Q", "BQ": "Q", "BQS": "Q", "BQE": "Q",
    "Y": "Y", "YS": "Y", "YE": "Y", "A": "Y", "AS": "Y", "BY": "Y", "BYS": "Y", "BYE": "Y", "BA": "Y", "BAS": "Y",
}  # fmt: skip
# How numpy counts each unit: the code of datetime64, and how many of it make one.
_COUNTED: Final = {
    "min": ("m", 1),
    "H": ("h", 1),
    "D": ("D", 1),
    "B": ("D", 1),
    "W": ("D", 7),
    "M": ("M", 1),
    "Q": ("M", 3),
    "Y": ("Y", 1),
}
_MONDAY: Final = np.datetime64("1969-12-29", "D")  # weeks begin on Monday; any Monday will do
_MOST_LAG: Final = 1200  # a longer look back costs more than it has ever gained
_NAMED: Final = "1 to 9999 times min, H, D, B, W, M, Q or Y, such as 15min, H, D, B (business days) or W-SUN"

Times = NDArray[np.datetime64]


class FrequencyError(RejectedInputError):
    """Not a frequency."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """A multiple of a unit: min, H, D, B, W, M, Q or Y, as pandas names them (old and new names alike).

    It is what the network counts in. On which weekday, or on which day of the month, is not its concern: see
    `models.deepar.calendars`. Business days (B) are Monday to Friday.
    """

    unit: str
    multiple: int = 1

    @classmethod
    def parse(cls, name: object, field: str = "time_freq") -> "Frequency":
        """The frequency of a name such as ``15min``, ``D`` or ``W-SUN``; FrequencyError says what is possible."""
        match = _NAME.fullmatch(name.strip()) if isinstance(name, str) else None
        unit = _UNITS.get(match[2]) if match else None
        multiple = int(match[1] or 1) if match else 0
        if unit is None or multiple < 1:
            raise FrequencyError(field, f"{field} is {shown(name)}, expected {_NAMED}")
        return cls(unit, multiple)

    @classmethod
    def kept_name(cls, name: object, field: str) -> str:
        """The name as an artefact keeps it: short, but with what it says of weekday, month or day; FrequencyError."""
        frequency = cls.parse(name, field)
        match = _NAME.fullmatch(str(name).strip())
        return str(frequency) if match is None or match[3] is None else str(name).strip()

    @classmethod
    def of_step(cls, step_ms: int) -> "Frequency":
        """The frequency of a step in milliseconds: 28 to 31 days are a month, 89 to 92 three, 365 or 366 a year."""
        minutes, days = round(step_ms / 60_000), step_ms / 86_400_000
        for unit, low, high in (("M", 27.5, 31.5), ("Q", 88.5, 92.5), ("Y", 364.5, 366.5)):
            if low <= days <= high:
                return cls(unit)
        for unit, size in (("W", 10_080), ("D", 1_440), ("H", 60)):
            if minutes >= size and minutes % size == 0:
                return cls(unit, minutes // size)
        return cls("min", max(1, minutes))

    def __str__(self) -> str:
        return self.unit if self.multiple == 1 else f"{self.multiple}{self.unit}"

    @property
    def code(self) -> str:
        """The unit in which numpy counts the times."""
        return _COUNTED[self.unit][0]

    @property
    def step(self) -> int:
        """How many of numpy's units one step is."""
        return _COUNTED[self.unit][1] * self.multiple

    def align(self, time: np.datetime64) -> np.datetime64:
        """The begin of the step that a time lies in (contract D-074).

        Multiples of minutes and hours are counted from midnight where they divide the day, of others from the time.
        """
        if self.unit == "B":
            return self.at(self.count(time))  # type: ignore[no-any-return]
        if self.unit == "W":
            day = time.astype("M8[D]")
            return day - (day - _MONDAY) % np.timedelta64(7, "D")  # type: ignore[no-any-return]
        aligned = time.astype(f"M8[{self.code}]")
        if self.unit == "Q":
            return aligned - aligned.astype(np.int64) % 3  # type: ignore[no-any-return]
        per_day = {"min": 1440, "H": 24}.get(self.unit, 0)
        if per_day and per_day % self.multiple == 0:
            return aligned - aligned.astype(np.int64) % per_day % self.multiple  # type: ignore[no-any-return]
        return aligned  # type: ignore[no-any-return]

    def times(self, start: np.datetime64, count: int, *, first: int = 0) -> Times:
        """`count` times from step `first` after `start`, which is aligned."""
        return self.at(self.count(start) + (first + np.arange(count)) * self.step)  # type: ignore[no-any-return]

    def count(self, times: Any) -> Any:
        """Where aligned times lie, counted in units: `step` apart."""
        numbers = times.astype(f"M8[{self.code}]").astype(np.int64)
        if self.unit != "B":
            return numbers
        numbers, is_array = np.atleast_1d(numbers), np.ndim(numbers) > 0
        counted, _ = business_days(numbers)
        return counted if is_array else counted[0]

    def at(self, counts: Any) -> Any:
        """The times of `count`."""
        if self.unit == "B":
            counts = business_dates(np.asarray(counts, np.int64))
        return counts.astype(f"M8[{self.code}]")

    def milliseconds(self, times: Times) -> list[int]:
        """Times as epoch milliseconds."""
        return times.astype("M8[ms]").astype(np.int64).tolist()  # type: ignore[no-any-return]

    @property
    def season_length(self) -> int:
        """Steps that make a day of minutes or hours, a week of days, a year of longer ones; 1 where they do not."""
        per = {"min": 1440, "H": 24, "D": 7, "B": 5, "W": 52, "M": 12, "Q": 4, "Y": 1}[self.unit]
        return per // self.multiple if per % self.multiple == 0 and per > self.multiple else 1

    def lags(self) -> tuple[int, ...]:
        """How many steps back the network looks: the last few, and around the day, week, month and year before."""
        return _lags(self.unit, self.multiple)

    def calendar(self, times: Times) -> NDArray[np.float32]:
        """Place in the hour, day, week, month and year, as far as they are longer than a step: [count, features].

        Each in -0.5 … 0.5, as in GluonTS (`time_feature`).
        """
        return _CALENDAR[self.unit](times)

    @property
    def num_calendar(self) -> int:
        """How many calendar features there are."""
        return int(self.calendar(self.times(self.align(np.datetime64("2000-01-03", "m")), 1)).shape[1])


@lru_cache(maxsize=256)
def _lags(unit: str, multiple: int) -> tuple[int, ...]:
    near = set(range(1, 8))
    in_steps: dict[str, list[tuple[float, range]]] = {
        "min": [(60, range(1, 4)), (1_440, range(1, 8)), (10_080, range(2, 5))],
        "H": [(24, range(1, 8)), (168, range(2, 5))],
        "D": [(7, range(1, 5)), (30.5, range(1, 2)), (28, range(2, 4)), (364, range(1, 2))],
        "B": [(5, range(1, 5)), (21.75, range(1, 2)), (20, range(2, 4)), (260, range(1, 2))],
        "W": [(4, range(2, 4)), (52, range(1, 4))],
        "M": [(12, range(1, 4))],
        "Q": [(4, range(1, 4))],
        "Y": [],
    }
    far: set[int] = set()
    for period, counts in in_steps[unit]:
        for count in counts:
            center = round(period * count / multiple)
            if center > 2:
                far |= {center - 1, center, center + 1}
    return tuple(sorted(lag for lag in near | far if lag <= _MOST_LAG))


def _part(times: Times, small: str, large: str, length: float) -> NDArray[np.float32]:
    """Where in its `large` unit each time lies, counted in `small` ones of which it has `length`: -0.5 … 0.5."""
    begin = times.astype(f"M8[{large}]").astype(f"M8[{small}]")
    place: NDArray[np.float32] = (times.astype(f"M8[{small}]") - begin).astype(np.float32)
    return place / np.float32(length - 1) - np.float32(0.5)


def _weekday(times: Times) -> NDArray[np.float32]:
    days = (times.astype("M8[D]") - _MONDAY).astype(np.int64) % 7
    return days.astype(np.float32) / np.float32(6) - np.float32(0.5)


def _stacked(*features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack(features, axis=1)


def _minutes(times: Times) -> NDArray[np.float32]:
    return _stacked(_part(times, "m", "h", 60), *_hours(times).T)


def _hours(times: Times) -> NDArray[np.float32]:
    return _stacked(_part(times, "h", "D", 24), *_days(times).T)


def _days(times: Times) -> NDArray[np.float32]:
    return _stacked(_weekday(times), _part(times, "D", "M", 31), _part(times, "D", "Y", 366))


def _weeks(times: Times) -> NDArray[np.float32]:
    return _stacked(_part(times, "D", "M", 31), _part(times, "D", "Y", 366))


def _months(times: Times) -> NDArray[np.float32]:
    return _stacked(_part(times, "M", "Y", 12))


def _years(times: Times) -> NDArray[np.float32]:
    return np.empty((len(times), 0), np.float32)


_CALENDAR: Final = {
    "min": _minutes, "H": _hours, "D": _days, "B": _days, "W": _weeks, "M": _months, "Q": _months, "Y": _years,
}  # fmt: skip
