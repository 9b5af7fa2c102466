"""When something is due: cron texts of five fields on the clock of a time zone, or intervals (contract S-100).

Where the cron text names minutes and hours, an hour that the clock leaves out in spring moves its times behind it, and
one that comes twice in autumn has them once. Where either is a star, what counts is the time that passes: the hour that
comes twice has its times twice, and the one that is left out has none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from streams.checks import invalid_field

__all__ = ["ONCE", "POLICIES", "SKIP", "Due", "Schedule", "check_zone"]

ONCE: Final = "once"
"""Of the times at which nobody was there, the last is made up for."""
SKIP: Final = "skip"
"""They are left out."""
POLICIES: Final = (ONCE, SKIP)

_NAMES: Final[Mapping[str, str]] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_INTERVAL: Final = re.compile(r"(?:(?:@?every)\s+)?([0-9]{1,9})\s*([smhdw])", re.IGNORECASE)
_LONGEST: Final = 200  # characters of a schedule
_LATE_MS: Final = 60_000  # so late a time is not missed yet: a worker takes some seconds to be restarted
_LONGEST_INTERVAL_S: Final = 50 * 365 * 86_400  # as far as cron texts are looked ahead, and years that can be shown
_MINUTE_MS: Final = 60_000
_CHANGE_MS: Final = 26 * 3_600_000  # more than a clock was ever set forward or back, which is a day
_FIELDS: Final = 5
_EXPECTED: Final = (
    "expected a cron text of five fields such as 0 2 * * 1-5, one of @hourly, @daily, @weekly, @monthly, @yearly, "
    "or an interval such as 30s, 15m, 6h, 1d"
)


@dataclass(frozen=True, slots=True)
class Due:
    """What becomes of a time that has come: the `run` is dated so, None where it is left out; then what comes next."""

    run: int | None
    next: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due. Times are epoch milliseconds; intervals count from `anchor`."""

    cron: str
    every_ms: int
    zone: ZoneInfo
    anchor: int

    @classmethod
    def read(
        cls, text: str, time_zone: str, *, anchor: int, fields: tuple[str, str] = ("schedule", "timeZone")
    ) -> Self:
        """What two fields say, of these names; RejectedError names the one that is wrong."""
        field, zone_field = fields
        zone = check_zone(time_zone, zone_field)
        found = " ".join(text.split()).lower() if text.startswith("@") else " ".join(text.split())
        interval = _INTERVAL.fullmatch(found)
        if interval:
            seconds = int(interval[1]) * _UNITS[interval[2].lower()]
            if seconds == 0:
                raise invalid_field(field, "an interval of nothing would never end: use 1s or more")
            if seconds > _LONGEST_INTERVAL_S:
                raise invalid_field(field, f"found {text[:80]!r}, expected an interval of fifty years or less")
            return cls("", seconds * 1000, zone, anchor)
        cron = _NAMES.get(found, found)
        if len(cron) > _LONGEST or len(cron.split(" ")) != _FIELDS:
            raise invalid_field(field, f"found {text[:80]!r}, {_EXPECTED}")
        try:
            next(CronSim(cron, datetime.now(UTC)))
        except CronSimError as error:
            raise invalid_field(field, f"found {text[:80]!r} ({error}), {_EXPECTED}") from None
        except StopIteration:
            raise invalid_field(field, f"{text[:80]!r} names no time in the next fifty years") from None
        return cls(cron, 0, zone, anchor)

    def after(self, at: int) -> int | None:
        """The first time after this one; None where there is none in fifty years."""
        if self.every_ms:
            return self.anchor + ((at - self.anchor) // self.every_ms + 1) * self.every_ms
        # In the second of two equal hours the times of the first come once more, which are past.
        return next((due for due in map(_ms, CronSim(self.cron, self._clock(at))) if due > at), None)

    def last(self, until: int) -> int:
        """The last time that is not after this one; there must be one."""
        if self.every_ms:
            return self.anchor + (until - self.anchor) // self.every_ms * self.every_ms
        # What a clock shows that was set back is earlier than what it has shown before: begin behind all of that.
        begin = until + (_CHANGE_MS if self._changes_about(until) else _MINUTE_MS)
        times = map(_ms, CronSim(self.cron, self._clock(begin), reverse=True))
        return next(due for due in times if due <= until)

    def _changes_about(self, at: int) -> bool:
        offsets = (self._clock(at + by).utcoffset() for by in (-_CHANGE_MS, 0, _CHANGE_MS))
        return len(set(offsets)) > 1

    def come(self, due: int, now: int, policy: str) -> Due:
        """What becomes of `due`, the job's next time, when it is looked at `now`; others may have come since."""
        latest = max(due, self.last(now))
        missed = policy == SKIP and now - latest > _LATE_MS
        return Due(None if missed else latest, self.after(max(now, latest)))

    def _clock(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, self.zone)


def check_zone(time_zone: str, field: str = "timeZone") -> ZoneInfo:
    """The clock of this name; RejectedError where there is none."""
    try:
        return ZoneInfo(time_zone)
    except (OSError, ValueError, KeyError):  # no such zone, or no name of one
        raise invalid_field(field, f"found {time_zone[:60]!r}, expected an IANA name such as Europe/Berlin") from None


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
