"""`tidecast dead-letters … --json` and `redis rebuild --json`; broker and store are stand-ins."""

import base64
import json
import math
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.kafka import publisher, topic_reader
from connectors.kafka.publisher import DeliveryError, Record
from connectors.kafka.topic_reader import StoredRecord
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobStatus
from streams.cli.main import app
from streams.cli.operation import dead_letters, redis
from tests.unit.schemas.event_samples import EVENTS

EVENT = Codec().encode(JobStatus(1, CmdStatus.DONE, 1, 1, 1, 1, 0))
HEADERS = (("topic", b"tidecast.job-status"), ("error-class", b"RejectedError"), ("error", b"no\ndata set"))
LETTER = StoredRecord("tidecast.dead-letters", 2, 15, 1_700_000_000_000, b"1", EVENT, HEADERS)
TOLD = {
    "id": "2-15",
    "time": 1_700_000_000_000,
    "topic": "tidecast.job-status",
    "key": "1",
    "error_class": "RejectedError",
    "error": "no\ndata set",
    "size": len(EVENT),
}


class Broker:
    """Takes so many records, then none."""

    taken = 2

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def enqueue(self, records: list[Record]) -> "Future[None]":
        future: Future[None] = Future()
        Broker.taken -= len(records)
        if Broker.taken < 0:
            future.set_exception(DeliveryError(records[0].topic, "timed out"))
        else:
            future.set_result(None)
        return future

    async def close(self) -> None:
        pass


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[StoredRecord]:
    """Those that are there."""
    found = [LETTER]
    monkeypatch.setenv("TIDECAST_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setattr(topic_reader, "read_topic", lambda *_, **__: iter(found))
    monkeypatch.setattr(topic_reader, "read_record", lambda *_: found[0] if found else None)
    monkeypatch.setattr(publisher, "Publisher", Broker)
    monkeypatch.setattr(Broker, "taken", 2)
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--json"])


def test_the_list(letters: list[StoredRecord]) -> None:
    """As `GET /dead-letters` has them, the oldest first; none is an empty list."""
    letters.append(replace(LETTER, offset=14, timestamp_ms=1))
    listed = json.loads(run("dead-letters", "list").stdout)
    letters.clear()

    assert [listed[0]["id"], listed[1]] == ["2-14", TOLD]
    assert json.loads(run("dead-letters", "list").stdout) == []


def test_one_letter(letters: list[StoredRecord]) -> None:
    """With its event and its bytes; without an event where there is none to read."""
    shown = json.loads(run("dead-letters", "show", "2-15").stdout)
    letters[0] = replace(LETTER, value=b"hello")
    unreadable = json.loads(run("dead-letters", "show", "2-15").stdout)
    letters[0] = replace(LETTER, value=None)
    empty = json.loads(run("dead-letters", "show", "2-15").stdout)

    assert {name: shown[name] for name in TOLD} == TOLD
    assert (shown["event_type"], shown["event"]["job_id"], shown["problem"]) == ("JobStatus", 1, None)
    assert base64.b64decode(shown["value"]) == EVENT
    assert shown["headers"]["error"] == "no\ndata set"
    assert (unreadable["event"], base64.b64decode(unreadable["value"])) == (None, b"hello")
    assert unreadable["problem"]
    assert (empty["value"], empty["problem"]) == (None, "it has no value")


def test_what_json_does_not_have() -> None:
    """Bytes are text, and what is no number is null: a document is one for every reader."""
    given = {"values": (1.5, math.nan, math.inf), "bytes": b"a\xff", "more": [{"none": None, "yes": True}]}
    told = {"values": [1.5, None, None], "bytes": "a\\xff", "more": [{"none": None, "yes": True}]}

    assert dead_letters._plain(given) == told


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_can_be_shown(letters: list[StoredRecord], event: Any) -> None:
    """Arrays, bytes and all: as JSON that any reader takes."""
    letters[0] = replace(LETTER, value=Codec().encode(event))
    shown = json.loads(run("dead-letters", "show", "2-15").stdout, parse_constant=pytest.fail)

    assert (shown["event_type"], shown["problem"]) == (type(event).__name__, None)


@pytest.mark.parametrize(("taken", "status"), [(2, 0), (1, 3), (0, 1)])
def test_what_was_sent_again(letters: list[StoredRecord], taken: int, status: int) -> None:
    """Told also where it is a part of what was asked for, which has its own status."""
    Broker.taken = taken
    done = run("dead-letters", "requeue", "2-15", "2-16")
    sent = [{"id": letter_id, "topic": "tidecast.job-status"} for letter_id in ("2-15", "2-16")]

    assert json.loads(done.stdout) == {"sent": sent[:taken]}
    assert getattr(done.exception, "status", 0) == status


def test_a_letter_that_is_not_there(letters: list[StoredRecord]) -> None:
    """Is no document."""
    letters.clear()
    for command in ("show", "requeue"):
        done = run("dead-letters", command, "2-15")

        assert (done.exit_code, done.stdout) == (1, "")
        assert "there is no dead letter 2-15" in str(done.exception)


def test_redis_was_rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many partitions."""

    async def rebuilt(*_: Any) -> None:
        pass

    for name, value in (("REDIS_URL", "redis://x"), ("KAFKA_BOOTSTRAP", "127.0.0.1:1"), ("PARTITIONS", "3")):
        monkeypatch.setenv(f"TIDECAST_{name}", value)
    monkeypatch.setattr(redis, "_rebuild", rebuilt)

    assert json.loads(run("redis", "rebuild").stdout) == {"partitions": 3}
