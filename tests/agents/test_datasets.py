"""Data set commands in; data sets in the store, answers and dead letters out."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from mode.supervisors import CrashingSupervisor

from agents.datasets import apply_command
from connectors.datasets import manifests as datasets
from connectors.kafka.publisher import DeliveryError
from schemas.datasets import AddDataset, DeleteDataset
from schemas.forecasting import CreateJob
from streams.errors import RejectedError
from tests.agents.bench import CODEC, Worker, headers
from tests.workbooks import workbook

CSV = b"Region,When,cores\nwest,2020-08-01,152\neast,2020-08-01,1377\n"
ADD = AddDataset("add", 2, "test_dataset", "incoming/00000000-0000-4000-8000-00000000000a.csv", "cores.csv", 5)
REMOVE = DeleteDataset("remove", 2)


@pytest.fixture
async def state(state: Worker) -> Worker:
    """A state worker with one upload waiting."""
    state.runtime.store.put_bytes(ADD.path, CSV)
    return state


async def consumed(state: Worker, *commands: Any, key: bytes | None = None) -> list[Any]:
    """Let the agent take commands under their own keys, or under `key`, as one batch; the messages."""
    topic = state.runtime.topics.dataset_commands
    keys = [b"%d" % getattr(command, "data_id", 2) if key is None else key for command in commands]
    made = [state.message(topic, own, command) for own, command in zip(keys, commands, strict=True)]
    await state.consume(topic, *made)
    return made


async def test_J042_a_data_set_is_added(state: Worker) -> None:
    """The store has it, dated with the log's time, and the upload is gone."""
    (sent,) = await consumed(state, ADD)
    added = datasets.load(state.runtime.store, 2)

    assert (added.name, added.file_name, added.related_user, added.rows) == ("test_dataset", "cores.csv", 5, 2)
    assert added.header == ("Region", "When", "cores")
    assert added.time_created == "2020-09-13T12:26:40.000000+00:00"
    assert not state.runtime.store.exists(ADD.path)
    assert state.committed(sent)
    assert state.publisher.records == []


async def test_D12_a_producer_keeps_its_own_file(state: Worker) -> None:
    """Only what an upload left in `incoming/` is removed."""
    state.runtime.store.put_bytes("producer/a.csv", CSV)
    await consumed(state, replace(ADD, path="producer/a.csv"))

    assert datasets.load(state.runtime.store, 2).rows == 2
    assert state.runtime.store.exists("producer/a.csv")


async def test_a_repeated_command_changes_nothing(state: Worker) -> None:
    """Also when its upload is gone by then; it is no dead letter."""
    await consumed(state, ADD)
    before = datasets.load(state.runtime.store, 2)
    await consumed(state, ADD)

    assert datasets.load(state.runtime.store, 2) == before
    assert state.dead() == []


async def test_the_sender_gets_the_data_set(state: Worker) -> None:
    """The answer of POST /data/."""
    with state.runtime.waiters.waiting("add") as outcome:
        await consumed(state, ADD)

        assert await outcome == datasets.load(state.runtime.store, 2)


async def test_J042_a_data_set_is_removed(state: Worker) -> None:
    """With its file."""
    await consumed(state, ADD, REMOVE)

    assert datasets.list_all(state.runtime.store) == []
    assert state.runtime.store.keys("datasets") == []
    assert state.dead() == []


@pytest.mark.parametrize(
    ("command", "content", "reason"),
    [
        (replace(ADD, data_id=0), CSV, "data_id is 0, expected 1 to"),
        (replace(ADD, name="no blanks"), CSV, "name: use 1 to 32 letters"),
        (ADD, b"", "empty"),
        (ADD, b"a,b\n1\n", "row"),
        (
            replace(ADD, path="incoming/00000000-0000-4000-8000-00000000000b.csv"),
            CSV,
            "b.csv: put the file into the object store first",
        ),
        (replace(ADD, path="../../etc/passwd"), CSV, "path: "),
        (replace(ADD, path="/etc/passwd"), CSV, "path: "),
        (replace(ADD, path=""), CSV, "path: "),
        (replace(ADD, path="incoming/guessed.csv"), CSV, "expected one of a file in uploads/, outputs/, producer/"),
        (replace(ADD, path="endpoints/e/endpoint.json"), CSV, "path: found 'endpoints/e/endpoint.json'"),
        (replace(ADD, path="uploads/" + "a/" * 600 + "a"), CSV, "at most 1024"),
        (REMOVE, CSV, "there is no dataset 2"),
        (replace(REMOVE, data_id=-1), CSV, "data_id is -1"),
    ],
)
async def test_J041_D12_a_refused_command_is_a_dead_letter(
    state: Worker, command: AddDataset | DeleteDataset, content: bytes, reason: str
) -> None:
    """With its bytes and a reason in words; nothing is registered and the agent goes on."""
    state.runtime.store.put_bytes(ADD.path, content)
    refused, after = await consumed(
        state, command, replace(ADD, data_id=3, path="incoming/00000000-0000-4000-8000-00000000000c.csv")
    )
    letter = state.sent(state.runtime.topics.dead_letters)[0]

    assert reason in headers(letter)["error"]
    assert (letter.key, letter.value) == (refused.key, refused.value)
    assert datasets.list_all(state.runtime.store) == []
    assert state.committed(after)


@pytest.mark.parametrize("key", [b"3", b"02", b"", b"two"])
async def test_J046_a_command_under_a_wrong_key_is_refused(state: Worker, key: bytes) -> None:
    """Commands of one data set under two keys would be applied in any order."""
    await consumed(state, ADD, key=key)
    assert [letter["error"] for letter in state.dead()] == ["the record's key must be the data_id, 2, as text"]
    assert datasets.list_all(state.runtime.store) == []

    await consumed(state, ADD)
    await consumed(state, REMOVE, key=key)
    assert len(state.dead()) == 2
    assert datasets.load(state.runtime.store, 2).rows == 2


async def test_a_refused_upload_is_removed(state: Worker) -> None:
    """Nobody else would."""
    state.runtime.store.put_bytes(ADD.path, b"")
    await consumed(state, ADD)

    assert not state.runtime.store.exists(ADD.path)


async def test_a_waiting_sender_is_told_instead_of_the_dead_letters(state: Worker) -> None:
    """The refusal goes into the answer."""
    with state.runtime.waiters.waiting("remove") as outcome:
        await consumed(state, REMOVE)

        with pytest.raises(RejectedError) as refusal:
            await outcome
    assert (refusal.value.status, refusal.value.code) == (404, "unknown_dataset")
    assert state.dead() == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"rubbish", "first byte is 114"),
        (None, "no value (tombstone)"),
        (CODEC.encode(CreateJob("c", 7, 2)), "a CreateJob on the topic of data set commands"),
    ],
)
async def test_what_is_no_command_is_a_dead_letter(state: Worker, value: bytes | None, reason: str) -> None:
    """The commands around it are applied."""
    await consumed(state, value, ADD)

    assert [reason in letter["error"] for letter in state.dead()] == [True]
    assert datasets.load(state.runtime.store, 2).rows == 2


async def test_a_dead_letter_that_is_not_delivered_stops_the_worker(state: Worker) -> None:
    """What cannot be kept elsewhere stays in the log."""
    topic = state.runtime.topics.dataset_commands
    state.publisher.failing = {state.runtime.topics.dead_letters}
    sent = state.message(topic, b"2", b"rubbish")
    with pytest.raises(DeliveryError):
        await state.consume(topic, sent)

    assert not state.committed(sent)


def test_the_agent_ends_the_process_when_it_fails(state: Worker) -> None:
    """Faust would go on after the failed batch; the crash makes the next start read it again."""
    assert state.runtime.app.agents["register_datasets"].supervisor_strategy is CrashingSupervisor


async def test_D18_a_producer_says_how_its_file_is_written(state: Worker) -> None:
    """The fields of AddDataset are those of an upload; the file stays as it is, its text lies beside it."""
    content = "note\nday;größe\n01.02.20;1.234\n".encode("cp850")
    state.runtime.store.put_bytes("producer/a.csv", content)
    written = {"encoding": "cp850", "delimiter": ";", "decimal": ",", "thousands": ".", "skipped_lines": 1}
    await consumed(state, replace(ADD, path="producer/a.csv", timestamp_format="%d.%m.%y", **written))
    added = datasets.load(state.runtime.store, 2)

    assert added.header == ("day", "größe")
    assert added.heads == {"day": ("01.02.20",), "größe": (1234,)}
    assert {name: getattr(added.dialect, name) for name in written} == written
    assert added.dialect.timestamp_format == "%d.%m.%y"
    assert state.runtime.store.read_bytes(added.path) == content
    assert state.runtime.store.read_bytes(added.text_path).decode() == content.decode("cp850")


async def test_a_producer_names_the_sheet_of_its_workbook(state: Worker) -> None:
    """Its text lies beside it, as that of any file that is no text."""
    table = [["day", "x"], [date(2024, 2, 29), 1.5]]
    content = workbook({"First": [["a", "b"], [1.0, 2.0]], "Second": table})
    state.runtime.store.put_bytes("producer/a.xlsx", content)
    await consumed(state, replace(ADD, path="producer/a.xlsx", sheet="Second"))
    added = datasets.load(state.runtime.store, 2)

    assert (added.dialect.sheet, added.dialect.compression, added.dialect.given) == ("Second", "xlsx", ("sheet",))
    assert added.heads == {"day": ("2024-02-29",), "x": (1.5,)}
    assert state.runtime.store.read_bytes(added.path) == content
    assert state.runtime.store.read_bytes(added.text_path) == b"day,x\n2024-02-29,1.5\n"


async def test_a_producer_says_which_columns_are_series(state: Worker) -> None:
    """The data set has a row for each value; the file stays as it is."""
    content = b"day,a,b\n2024-01-01,1,2\n2024-01-02,3,\n"
    state.runtime.store.put_bytes("producer/a.csv", content)
    await consumed(state, replace(ADD, path="producer/a.csv", series_columns=(1, 2)))
    added = datasets.load(state.runtime.store, 2)

    assert (added.header, added.rows) == (("day", "series", "value"), 3)
    assert added.series_labels == ("a", "b")
    assert added.dialect.series_columns == (1, 2)
    assert state.runtime.store.read_bytes(added.path) == content
    assert state.runtime.store.read_bytes(added.text_path).startswith(b"day,series,value\n2024-01-01,a,1\n")


async def test_D18_a_wrong_setting_of_a_producer_is_a_dead_letter(state: Worker) -> None:
    """With the field and the remedy; nothing is kept."""
    await consumed(state, replace(ADD, delimiter="ab"))

    assert "delimiter: " in str(state.dead()[0])
    assert datasets.list_all(state.runtime.store) == []


def test_a_packed_file_is_unpacked_up_to_the_limit_of_uploads(state: Worker) -> None:
    """A few kilobytes can hold gigabytes."""
    store, command = state.runtime.store, replace(ADD, path="producer/a.csv.gz")
    store.put_bytes(command.path, gzip.compress(CSV))
    with pytest.raises(
        RejectedError, match=r"more than 20 bytes once it is unpacked.*TIDECAST_MAX_UPLOAD_BYTES"
    ) as much:
        apply_command(store, command, datetime(2020, 1, 1, tzinfo=UTC), max_bytes=20)
    added = apply_command(store, command, datetime(2020, 1, 1, tzinfo=UTC), max_bytes=len(CSV))

    assert much.value.status == 413
    assert added is not None
    assert (added.rows, added.dialect.compression) == (2, "gzip")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(ADD, name="other"), "command_id: 'add' was used before, by a command for data set 2 with other"),
        (DeleteDataset("add", 2), "command_id: 'add' was used before, by a command for data set 2 with other"),
        (replace(ADD, command_id="add2"), "data_id: data set 2 exists already: delete it first"),
    ],
)
async def test_other_commands_do_not_pass_for_repeats(state: Worker, other: Any, reason: str) -> None:
    """Neither other content under the command's id, nor another command for the data set's id."""
    await consumed(state, ADD)
    before = datasets.load(state.runtime.store, 2)
    await consumed(state, other)

    assert datasets.load(state.runtime.store, 2) == before
    assert [reason in letter["error"] for letter in state.dead()] == [True]


async def test_another_upload_of_the_same_is_a_repeat(state: Worker) -> None:
    """Each try of a request leaves an upload of its own; what it holds is part of the command's id."""
    again = replace(ADD, path="incoming/00000000-0000-4000-8000-00000000000c.csv")
    state.runtime.store.put_bytes(again.path, CSV)
    await consumed(state, ADD, again)

    assert state.dead() == []
    assert not state.runtime.store.exists(again.path)


async def test_a_data_set_of_an_older_release_takes_any_repeat(state: Worker) -> None:
    """Its manifest does not name its command."""
    await consumed(state, ADD)
    key = "datasets/2/dataset.json"
    manifest = json.loads(state.runtime.store.read_bytes(key))
    del manifest["command"]
    state.runtime.store.put_bytes(key, json.dumps(manifest).encode())
    await consumed(state, replace(ADD, command_id="add2"))

    assert datasets.load(state.runtime.store, 2).command == ("", "")
    assert state.dead() == []
