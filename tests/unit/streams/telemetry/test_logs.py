"""The log stays readable while a broker is away."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from schemas.forecasting import SubmitJob
from streams.telemetry.logs import Repeats, event_fields
from tests.agents.bench import message

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


def test_a_line_about_an_event_says_where_it_is_and_whose() -> None:
    """As far as the event has the ids."""
    record = message("t.job-commands", b"7", b"", partition=2, offset=41)
    where = {"topic": "t.job-commands", "partition": 2, "offset": 41}

    assert event_fields(record) == where
    assert event_fields(record, SubmitJob("c", 7, ())) == where | {"job_id": 7}


_LOGGING = """
import asyncio, logging
from types import SimpleNamespace
import structlog
from streams.telemetry.logs import configure_logging, speaking_of
configure_logging()
log = structlog.get_logger("own")
async def main():
    message = SimpleNamespace(topic="t", partition=2, offset=41, headers=())
    with speaking_of(message, SimpleNamespace(job_id=7, ts_id=17)):
        log.warning("in it")
        task = asyncio.ensure_future(later())
        await asyncio.to_thread(logging.getLogger("other").warning, "in a thread")
    log.warning("after it")
    await task
async def later():
    await asyncio.sleep(0.01)
    log.warning("in a task")
asyncio.run(main())
"""


def test_what_is_logged_about_an_event_carries_its_fields() -> None:
    """Also by tasks and threads begun there, and by other libraries; nothing that comes after it does."""
    ended = subprocess.run([sys.executable, "-c", _LOGGING], capture_output=True, text=True, check=True)
    lines = {line["event"]: line for line in map(json.loads, ended.stderr.splitlines())}
    fields = {"topic": "t", "partition": 2, "offset": 41, "job_id": 7, "ts_id": 17}

    for event in ("in it", "in a thread", "in a task"):
        assert lines[event].items() >= fields.items()
    assert not lines["after it"].keys() & fields.keys()
