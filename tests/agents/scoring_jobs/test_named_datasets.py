"""Data sets that have their names alone, and those that are no tables (contract S-008, S-081 … S-087)."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.datasets import manifests as datasets
from schemas.datasets import AddDataset, DeleteDataset
from schemas.forecasting import CreateJob
from tests.agents.bench import Worker

CSV = b"x,y\n1,2\n"
ADD = AddDataset("c-1", 5, "in", "producer/in.csv", "in.csv", alone=True)


@pytest.fixture
async def state(state: Worker) -> Worker:
    """A state worker whose store has files of a producer."""
    state.runtime.store.put_bytes("producer/in.csv", CSV)
    state.runtime.store.put_bytes("producer/rows.jsonl", b'{"x": 1}\n')
    return state


async def consumed(state: Worker, *commands: Any) -> None:
    topic = state.runtime.topics.dataset_commands
    await state.consume(topic, *(state.message(topic, b"%d" % it.data_id, it) for it in commands))


async def test_S008_a_name_is_had_once(state: Worker) -> None:
    """The second of a name is a dead letter that says so; the first stays."""
    await consumed(state, ADD, replace(ADD, command_id="c-2", data_id=6))

    assert datasets.load(state.runtime.store, 5).file == "in.csv"
    assert ["already" in letter["error"] for letter in state.dead()] == [True]
    with pytest.raises(datasets.UnknownDatasetError):
        datasets.load(state.runtime.store, 6)


async def test_S008_not_of_data_sets_alone(state: Worker) -> None:
    """A file that was PUT under the name is read there, and so is an upload of contract 000."""
    state.runtime.store.put_bytes("uploads/put.csv", CSV)
    await consumed(state, replace(ADD, file_name="put.csv"))
    await consumed(state, replace(ADD, command_id="c-2", data_id=6, alone=False))
    await consumed(state, replace(ADD, command_id="c-3", data_id=7))

    assert ["already" in letter["error"] for letter in state.dead()] == [True, True]


async def test_S008_the_name_is_free_again(state: Worker) -> None:
    """After its data set was removed, and after one that was refused for its content."""
    state.runtime.store.put_bytes("producer/bad.csv", b"x,y\n")
    await consumed(state, replace(ADD, path="producer/bad.csv"))
    await consumed(state, ADD, DeleteDataset("c-2", 5), replace(ADD, command_id="c-3", data_id=6))

    assert datasets.load(state.runtime.store, 6).upload == "/uploads/in.csv"


async def test_a_repeat_keeps_its_name(state: Worker) -> None:
    """It is the same data set."""
    await consumed(state, ADD, ADD)

    assert state.dead() == []
    assert datasets.of_upload(state.runtime.store, "in.csv") == datasets.load(state.runtime.store, 5)


async def test_S085_what_is_no_table_is_kept_as_it_is(state: Worker) -> None:
    """Without a preview; forecasting jobs are told that they cannot read it."""
    command = replace(ADD, path="producer/rows.jsonl", file_name="rows.jsonl", kind="jsonl", source="remote")
    await consumed(state, command)
    found = datasets.load(state.runtime.store, 5)

    assert (found.kind, found.source, found.header, found.rows, found.bytes) == ("jsonl", "remote", (), 0, 9)
    topic = state.runtime.topics.job_commands
    await state.consume(topic, state.message(topic, b"9", CreateJob("c-9", 9, 5)))
    assert ["read tables" in letter["error"] for letter in state.dead()] == [True]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "../x"}, "kind:"),
        ({"source": "elsewhere"}, "source:"),
        ({"file_name": "a b.csv"}, "fileName:"),
        ({"file_name": "x" * 65}, "fileName:"),
    ],
)
async def test_what_cannot_be(state: Worker, changes: dict[str, Any], field: str) -> None:
    """A dead letter names it."""
    await consumed(state, replace(ADD, **changes))

    (letter,) = state.dead()
    assert letter["error"].startswith(field)


async def test_S087_where_the_file_of_an_upload_lies(state: Worker) -> None:
    """A data set's as well as one that was PUT; training jobs read both."""
    store = state.runtime.store
    await consumed(state, ADD)
    store.put_bytes("uploads/put.csv", CSV)

    assert store.read_bytes(datasets.stored_key(store, "uploads/in.csv")) == CSV
    assert datasets.stored_key(store, "uploads/put.csv") == "uploads/put.csv"
    for none in ("uploads/none.csv", "uploads", "uploads/a/in.csv", "outputs/in.csv"):
        assert datasets.stored_key(store, none) == none
