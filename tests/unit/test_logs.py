"""The log stays readable while a broker is away."""

import logging
from collections.abc import Iterator

import pytest

from streams.logs import Repeats

CHATTY = logging.getLogger("test_logs.chatty.client")
CALM = logging.getLogger("test_logs.calm")


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def lines(clock: _Clock) -> Iterator[list[str]]:
    """What the loggers CHATTY and CALM have let through."""
    seen: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(str(record.msg["event"]) if isinstance(record.msg, dict) else record.getMessage())

    handler = Keep()
    handler.addFilter(Repeats(("test_logs.chatty",), clock))
    for logger in (CHATTY, CALM):
        logger.addHandler(handler)
    yield seen
    for logger in (CHATTY, CALM):
        logger.removeHandler(handler)


def test_a_repeated_message_is_logged_once_in_a_while(lines: list[str], clock: _Clock) -> None:
    """A hundred refused connections in ten seconds are one line, the next one says how many there were."""
    for _ in range(100):
        CHATTY.error("Unable to connect to node with id %s: refused 100%%", 1)
        clock.now += 0.09
    clock.now += 10
    CHATTY.error("Unable to connect to node with id %s: refused 100%%", 1)

    message = "Unable to connect to node with id 1: refused 100%"
    assert lines == [message, f"{message} (99 more like this were not logged)"]


def test_other_messages_and_loggers_are_not_held_back(lines: list[str]) -> None:
    """Only what begins alike, from the same chatty logger, is the same message."""
    for text in ("one", "two", "one"):
        CHATTY.error(text)
        CALM.error(text)

    assert lines == ["one", "one", "two", "two", "one"]


def test_an_event_with_fields_is_known_by_its_name(lines: list[str]) -> None:
    """Our own events are dictionaries; their fields may differ."""
    for number in range(3):
        CHATTY.warning({"event": "kafka_client_error", "number": number})

    assert lines == ["kafka_client_error"]
