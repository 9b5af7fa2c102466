"""Events that cannot be read or applied: kept with their reason, shown and sent again by the command line (J-046)."""

import itertools
import json
import os
import subprocess
import sys
import time

import pytest

from schemas.coding.codec import Codec
from schemas.coding.wire import frame
from schemas.forecasting import CmdStatus, JobStatus
from tests.acceptance.forecasting.jobs import PREVIEW, element, new_job, sample, train
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until

_IDS = itertools.count(time.time_ns() // 1_000_000)
_STATUS = Codec().encode(JobStatus(1, CmdStatus.DONE, 1, 1, 1, 1, 0))  # an event where a command is expected
_UNREADABLE = {
    "no bytes": b"",
    "tombstone": None,
    "text": b"hello, broker",
    "JSON": b'{"job_id": 1}',
    "unknown schema": frame(999_999, b"\x02"),
    "cut off": _STATUS[:-2],
    "bytes after the end": _STATUS + b"\x00",
    "another topic's event": _STATUS,
}


def _tidecast(service: Service, *arguments: str, status: int = 0) -> str:
    """What `tidecast dead-letters …` prints on the service's home; it must end with this status and no traceback."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDECAST_")}
    environment |= {"TIDECAST_HOME": str(service.settings.home), "COLUMNS": "400", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "streams.cli", "dead-letters", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def _refused_job(service: Service, stock: StockClient) -> tuple[str, int, int]:
    """The dead letter of a CreateJob whose data set is not there yet; the ids of job and data set."""
    job_id, data_id = next(_IDS), next(_IDS)
    topic = service.topics.job_commands
    fields = {"command_id": f"early-{job_id}", "job_id": job_id, "data_id": data_id}
    stock.raw(topic, b"%d" % job_id, stock.registered("CreateJob", fields, topic))
    letter = stock.refused(f"early-{job_id}")
    return f"{letter.partition()}-{letter.offset()}", job_id, data_id


@pytest.mark.parametrize("kind", _UNREADABLE)
@pytest.mark.parametrize("topic_name", ["dataset_commands", "job_commands", "series_commands", "job_results"])
def test_J046_an_unreadable_event_is_kept_with_its_reason(
    service: Service, stock: StockClient, topic_name: str, kind: str
) -> None:
    """Key and bytes as they came; headers with origin, class and text of the error."""
    topic, value = getattr(service.topics, topic_name), _UNREADABLE[kind]
    partition, offset = stock.raw(topic, b"a key", value)
    letter = stock.dead_letter(topic, partition, offset)
    headers = {name: text.decode() for name, text in letter.headers() or []}

    assert letter.key() == b"a key"
    assert letter.value() == value
    assert headers["error-class"] == "UndecodableError"
    assert headers["error"]


def test_J046_the_service_works_on_after_unreadable_events(service: Service, stock: StockClient) -> None:
    """A hundred of them on every partition, and the next job is as good as any."""
    before = {name: service.pid(name) for name in ("state", "trainer-1")}
    for topic in (service.topics.job_commands, service.topics.series_commands, service.topics.job_results):
        places = [stock.raw(topic, b"%d" % number, b"poison") for number in range(100)]
        stock.dead_letter(topic, *places[-1])
    job_id, (ts_id,) = new_job(service.api, sample())
    body = train(service.api, job_id, element(ts_id, "AdaptiveMaxN", {"latest_n": 5}))

    assert body["results"][0]["results"][0]["predictions"] == [237] * 5
    assert {name: service.pid(name) for name in before} == before


def test_J046_list_shows_where_a_dead_letter_came_from_and_why(service: Service, stock: StockClient) -> None:
    """One line each: id, topic, reason."""
    letter_id, _, data_id = _refused_job(service, stock)
    lines = _tidecast(service, "list", "--all").splitlines()
    (line,) = [line for line in lines if line.strip().startswith(f"{letter_id} ")]

    assert service.topics.job_commands in line
    assert str(data_id) in line


def test_J046_show_prints_reason_event_and_bytes(service: Service, stock: StockClient) -> None:
    """The decoded command where it can be decoded, and a hex dump in any case."""
    letter_id, job_id, data_id = _refused_job(service, stock)
    shown = _tidecast(service, "show", letter_id)
    letter = stock.dead_letter(
        service.topics.job_results, *stock.raw(service.topics.job_results, b"k", b"hello, broker")
    )
    undecodable = _tidecast(service, "show", f"{letter.partition()}-{letter.offset()}")

    for part in ("CreateJob", f"early-{job_id}", str(data_id), "RejectedError", service.topics.job_commands):
        assert part in shown
    assert json.loads(_tidecast(service, "show", letter_id, "--json"))["event"]["job_id"] == job_id
    assert "not decodable" in undecodable
    assert "68 65 6c 6c 6f" in undecodable


def test_J046_requeue_sends_a_command_back_once_its_cause_is_mended(service: Service, stock: StockClient) -> None:
    """A job refused for its missing data set exists once the data set was added and the letter sent again."""
    letter_id, job_id, data_id = _refused_job(service, stock)
    path = f"producer/{data_id}.csv"
    file = service.settings.home / "objects" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PREVIEW)
    fields = {"data_id": data_id, "name": "late", "path": path, "file_name": "late.csv"}
    stock.command(service.topics.dataset_commands, data_id, "AddDataset", **fields)
    until(lambda: service.api.call("GET", f"/data/{data_id}/").status_code == 200, why="the data set is there")
    before = service.api.call("GET", f"/job/{job_id}/").status_code
    said = _tidecast(service, "requeue", letter_id)
    until(lambda: service.api.call("GET", f"/job/{job_id}/").status_code == 200, why="the job is there")

    assert before == 404
    assert service.topics.job_commands in said
    assert service.api.get(f"/job/{job_id}/")["data_id"] == data_id


def test_J046_requeue_without_a_mended_cause_makes_a_new_dead_letter(service: Service, stock: StockClient) -> None:
    """Nothing is lost, and the reason is the same."""
    letter_id, job_id, _ = _refused_job(service, stock)
    _tidecast(service, "requeue", letter_id)
    until(lambda: len(stock.letters_of(f"early-{job_id}")) == 2, why="there is a second dead letter")
    first, second = stock.letters_of(f"early-{job_id}")

    assert second.value() == first.value()
    assert dict(second.headers() or [])["error"] == dict(first.headers() or [])["error"]


@pytest.mark.parametrize(("command", "letter_id"), [("show", "0-999999999"), ("requeue", "99-0"), ("show", "x")])
def test_J046_an_id_of_no_dead_letter_is_said_in_one_sentence(service: Service, command: str, letter_id: str) -> None:
    """Exit status 1, no traceback; the sentence has the id and where to find the right ones."""
    said = _tidecast(service, command, letter_id, status=1)

    assert letter_id in said
    assert "dead-letters list" in said
