"""When jobs are due: known times, the clock's changes, and times that nobody was there for."""

from datetime import UTC, datetime

import pytest

from streams.errors import InvalidError
from streams.schedules import ONCE, SKIP, Due, Schedule


def ms(text: str) -> int:
    """Of a time with its offset, else of UTC."""
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def times(text: str, zone: str, begin: str, count: int) -> list[str]:
    """The times after the beginning, on the zone's clock."""
    schedule = Schedule.read(text, zone, anchor=ms(begin))
    found, at = [], ms(begin)
    for _ in range(count):
        due = schedule.after(at)
        assert due is not None
        assert due > at
        assert schedule.last(due) == due == schedule.last(due + 1)
        found.append(datetime.fromtimestamp(due / 1000, schedule.zone).isoformat())
        at = due
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/15 * * * *", ["2026-01-01T00:15:00+00:00", "2026-01-01T00:30:00+00:00"]),
        ("0 2 * * 1-5", ["2026-01-01T02:00:00+00:00", "2026-01-02T02:00:00+00:00", "2026-01-05T02:00:00+00:00"]),
        ("0 0 L * *", ["2026-01-31T00:00:00+00:00", "2026-02-28T00:00:00+00:00"]),
        ("0 9 * * MON#1", ["2026-01-05T09:00:00+00:00", "2026-02-02T09:00:00+00:00"]),
        ("@hourly", ["2026-01-01T01:00:00+00:00"]),
        ("@daily", ["2026-01-02T00:00:00+00:00"]),
        ("@Weekly", ["2026-01-04T00:00:00+00:00"]),
        ("@monthly", ["2026-02-01T00:00:00+00:00"]),
        ("@yearly", ["2027-01-01T00:00:00+00:00"]),
        ("15m", ["2026-01-01T00:15:00+00:00", "2026-01-01T00:30:00+00:00"]),
        ("every 90 s", ["2026-01-01T00:01:30+00:00", "2026-01-01T00:03:00+00:00"]),
        ("1d", ["2026-01-02T00:00:00+00:00"]),
        ("2W", ["2026-01-15T00:00:00+00:00"]),
    ],
)
def test_S100_known_times(text: str, expected: list[str]) -> None:
    assert times(text, "UTC", "2026-01-01", len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "begin", "expected"),
    [  # Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00
        (
            "30 2 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        (
            "30 2 * * *",
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        (
            "0 9 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T09:00:00+02:00", "2026-03-30T09:00:00+02:00"],
        ),
        (
            "24h",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T13:00:00+02:00", "2026-03-30T13:00:00+02:00"],
        ),
    ],
    ids=["lost-hour", "double-hour", "ordinary", "interval"],
)
def test_S100_the_clock_changes(text: str, begin: str, expected: list[str]) -> None:
    """Cron texts follow the clock, intervals do not."""
    schedule = Schedule.read(text, "Europe/Berlin", anchor=ms(begin))
    at, found = ms(begin), []
    for _ in expected:
        due = schedule.after(at)
        assert due is not None
        found.append(datetime.fromtimestamp(due / 1000, schedule.zone).isoformat())
        at = due

    assert found == expected


@pytest.mark.parametrize(
    ("text", "at", "last", "then"),
    [  # Berlin: 2026-10-25 02:00 … 02:59 come twice
        ("*/15 * * * *", "2026-10-25T02:20+02:00", "2026-10-25T02:15:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("*/15 * * * *", "2026-10-25T02:20+01:00", "2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+01:00"),
        ("*/15 * * * *", "2026-10-25T02:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:15:00+01:00"),
        ("0 * * * *", "2026-10-25T02:59+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
        ("30 2 * * *", "2026-10-25T02:10+01:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("15 2-3 * * *", "2026-10-25T02:10+01:00", "2026-10-25T02:15:00+02:00", "2026-10-25T03:15:00+01:00"),
        ("15 2-3 * * *", "2026-10-25T03:20+01:00", "2026-10-25T03:15:00+01:00", "2026-10-26T02:15:00+01:00"),
        ("*/15 * * * *", "2026-03-29T03:10+02:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00"),
        ("30 2 * * *", "2026-03-29T03:10+02:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"),
    ],
)
def test_S100_what_was_due_last_and_is_next_about_a_change(text: str, at: str, last: str, then: str) -> None:
    """Of the two equal hours each has its own times; what is next is never past."""
    schedule = Schedule.read(text, "Europe/Berlin", anchor=0)

    assert (schedule.last(ms(at)), schedule.after(ms(at))) == (ms(last), ms(then))


@pytest.mark.parametrize(
    ("text", "due", "now", "run", "then"),
    [
        (
            "15 2-3 * * *",
            "2026-10-25T02:15+02:00",
            "2026-10-25T02:05+01:00",
            "2026-10-25T02:15+02:00",
            "2026-10-25T03:15+01:00",
        ),
        (
            "*/15 * * * *",
            "2026-10-25T02:15+02:00",
            "2026-10-25T02:16+01:00",
            "2026-10-25T02:15+01:00",
            "2026-10-25T02:30+01:00",
        ),
    ],
)
def test_S100_times_missed_about_a_change(text: str, due: str, now: str, run: str, then: str) -> None:
    """The last that has come is made up for, once, and what is next has not come."""
    schedule = Schedule.read(text, "Europe/Berlin", anchor=0)

    assert schedule.come(ms(due), ms(now), ONCE) == Due(ms(run), ms(then))


@pytest.mark.parametrize(
    ("text", "zone", "field"),
    [
        ("* * * *", "UTC", "schedule"),
        ("* * * * * *", "UTC", "schedule"),
        ("0 0 31 2 *", "UTC", "schedule"),
        ("61 * * * *", "UTC", "schedule"),
        ("soon", "UTC", "schedule"),
        ("@often", "UTC", "schedule"),
        ("0m", "UTC", "schedule"),
        ("999999999w", "UTC", "schedule"),
        ("2610w", "UTC", "schedule"),
        ("-5m", "UTC", "schedule"),
        ("", "UTC", "schedule"),
        ("15m", "Mars/Olympus", "timeZone"),
        ("15m", "../etc/passwd", "timeZone"),
        ("15m", "", "timeZone"),
    ],
)
def test_S100_what_is_none(text: str, zone: str, field: str) -> None:
    """Refused, with what is expected."""
    with pytest.raises(InvalidError) as refused:
        Schedule.read(text, zone, anchor=0)

    assert refused.value.message.startswith(f"{field}: ")


HOURLY = Schedule.read("@hourly", "UTC", anchor=0)
MINUTES = Schedule.read("10m", "UTC", anchor=ms("2026-01-01"))


@pytest.mark.parametrize(
    "schedule", [HOURLY, Schedule.read("1h", "UTC", anchor=ms("2026-01-01"))], ids=["cron", "every"]
)
@pytest.mark.parametrize(
    ("now", "policy", "run", "then"),
    [
        ("2026-01-01T05:00:00.200", ONCE, "2026-01-01T05:00", "2026-01-01T06:00"),
        ("2026-01-01T05:00:00.200", SKIP, "2026-01-01T05:00", "2026-01-01T06:00"),
        ("2026-01-01T05:00:59", SKIP, "2026-01-01T05:00", "2026-01-01T06:00"),
        ("2026-01-01T05:02", SKIP, None, "2026-01-01T06:00"),
        ("2026-01-01T05:02", ONCE, "2026-01-01T05:00", "2026-01-01T06:00"),
        ("2026-01-03T09:30", ONCE, "2026-01-03T09:00", "2026-01-03T10:00"),
        ("2026-01-03T09:30", SKIP, None, "2026-01-03T10:00"),
        ("2026-01-03T09:00:30", SKIP, "2026-01-03T09:00", "2026-01-03T10:00"),
    ],
)
def test_missed_times(schedule: Schedule, now: str, policy: str, run: str | None, then: str) -> None:
    """Of several the last is made up for, or none; what is only late is not missed."""
    found = schedule.come(ms("2026-01-01T05:00"), ms(now), policy)

    assert found == Due(None if run is None else ms(run), ms(then))
