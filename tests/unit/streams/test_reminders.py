"""What was said of things that are due, and when it is said again."""

import asyncio

import pytest
from structlog.testing import capture_logs

from connectors.kafka.publisher import DeliveryError
from streams import reminders
from streams.reminders import DueTimes, Reminders, look_again_and_again


def test_what_has_no_effect_is_said_again() -> None:
    """After ten seconds; another number, or of another thing, at once."""
    said = Reminders[str]()
    said.say("a", 1, now=1000)

    assert said.said_lately("a", 1, now=10_999)
    assert not said.said_lately("a", 1, now=11_000)
    assert not said.said_lately("a", 2, now=1000)
    assert not said.said_lately("b", 1, now=1000)
    assert (said.again("a", 1, 10_999), said.again("a", 1, 11_500), said.again("a", 2, 1000)) == (11_000, 11_500, 1000)
    said.forget("a")
    assert not said.said_lately("a", 1, now=1000)


async def test_a_look_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises is in the log; the next look comes."""
    monkeypatch.setattr(reminders, "_EVERY_S", 0.0)
    errors: list[Exception] = [DeliveryError("topic", "reason"), ValueError()]
    over = asyncio.Event()

    async def look() -> None:
        if errors:
            raise errors.pop(0)
        over.set()

    with capture_logs() as logs:
        looking = asyncio.create_task(
            look_again_and_again(look, not_told="schedules_not_told", not_looked_at="schedules_not_looked_at")
        )
        await asyncio.wait_for(over.wait(), 10)
        looking.cancel()

    assert [it["event"] for it in logs if it["event"].startswith("schedules")] == [
        "schedules_not_told",
        "schedules_not_looked_at",
    ]


def test_times_come_in_their_order_and_only_the_last_of_a_key() -> None:
    """However often they are put off; what is past is let go of."""
    times = DueTimes[str]()
    for at in range(5000):
        times.put("a", 10_000 - at)
    times.put("b", 20)
    times.put("c", 10)
    times.put("c", None)

    assert list(times.come(19)) == []
    assert list(times.come(20)) == ["b"]
    assert list(times.come(6000)) == ["a"]
    assert list(times.come(20_000)) == []
    assert len(times._heap) < 2000
