"""The note of a registry's schema ids, and how often a registry is asked for an id that it does not know."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connectors import schema_registry
from connectors.object_store import ObjectStore
from connectors.schema_registry import IdNote, RegistryError, connect_registry
from schemas.events import CmdStatus, JobStatus
from schemas.wire import UndecodableError, frame
from streams.settings import Settings
from streams.topics import Topics, record_subjects

SUBJECTS = record_subjects(Topics(Settings()))
URL = "http://user:secret@registry:8081"
EVENT = JobStatus(1, CmdStatus.DONE, 1, 1, 1, 1, 0)


class FakeRegistry:
    """Confluent's client with nothing behind it; `trouble` is what it raises instead of answering."""

    trouble: Exception | None = None
    asked = 0

    def __init__(self, conf: Any) -> None:
        self._conf = conf

    def _answer(self) -> None:
        if FakeRegistry.trouble is not None:
            raise FakeRegistry.trouble

    def register_schema(self, _subject: str, schema: Schema) -> int:
        self._answer()
        return crc32((schema.schema_str or "").encode())

    def lookup_schema(self, _subject: str, _schema: Schema) -> Any:
        self._answer()
        raise SchemaRegistryError(404, 40403, "Schema not found")

    def get_schema(self, schema_id: int) -> Schema:
        FakeRegistry.asked += 1
        self._answer()
        raise SchemaRegistryError(404, 40403, f"Schema {schema_id} not found")


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(schema_registry, "SchemaRegistryClient", FakeRegistry)
    yield
    FakeRegistry.trouble, FakeRegistry.asked = None, 0


@pytest.fixture
def note(tmp_path: Path) -> IdNote:
    return IdNote(ObjectStore(str(tmp_path)), "ids.json")


@pytest.mark.parametrize("trouble", [ConnectionRefusedError(), TimeoutError(), SchemaRegistryError(503, 50003, "busy")])
def test_the_ids_of_before_are_used_where_the_registry_is_away(note: IdNote, trouble: Exception) -> None:
    """Refused, silent, or without its own storage; nobody knows them before the first answer."""
    FakeRegistry.trouble = trouble
    with pytest.raises(RegistryError, match="does not answer"):
        connect_registry(URL, SUBJECTS, note=note)
    FakeRegistry.trouble = None
    before = connect_registry(URL, SUBJECTS, note=note)
    FakeRegistry.trouble = trouble
    after = connect_registry(URL, SUBJECTS, note=note)

    assert after.encode(EVENT) == before.encode(EVENT)
    assert after.decode(before.encode(EVENT)) == EVENT


def test_a_refusal_is_not_an_absence(note: IdNote) -> None:
    """A schema that the registry finds incompatible must not be written, whatever is noted."""
    connect_registry(URL, SUBJECTS, note=note)
    FakeRegistry.trouble = SchemaRegistryError(409, 409, "incompatible")
    with pytest.raises(RegistryError, match="refuses subject"):
        connect_registry(URL, SUBJECTS, note=note)


def test_a_note_without_todays_schema_is_no_help(note: IdNote) -> None:
    """After an upgrade the registry is needed once more."""
    connect_registry(URL, SUBJECTS, note=note)
    noted = json.loads(note.store.read_bytes(note.key))
    noted["ids"].popitem()
    note.store.put_bytes(note.key, json.dumps(noted).encode())
    FakeRegistry.trouble = ConnectionRefusedError()
    with pytest.raises(RegistryError, match="does not answer"):
        connect_registry(URL, SUBJECTS, note=note)


def test_a_password_in_the_address_is_not_noted(note: IdNote) -> None:
    """The object store has other readers."""
    connect_registry(URL, SUBJECTS, note=note)

    assert b"secret" not in note.store.read_bytes(note.key)


@pytest.mark.parametrize(
    ("trouble", "reason"), [(None, "40403: Schema 7 not found"), (TimeoutError(), "registry did not answer")]
)
def test_a_flood_of_an_unknown_id_is_one_question(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception | None, reason: str
) -> None:
    """Each question holds the event loop up; after ten seconds it may be asked again."""
    clock = [100.0]
    monkeypatch.setattr(schema_registry.time, "monotonic", lambda: clock[0])
    codec = connect_registry(URL, SUBJECTS)
    FakeRegistry.trouble = trouble
    for _ in range(100):
        with pytest.raises(UndecodableError, match="unknown schema id 7: ") as error:
            codec.decode(frame(7, b""))
    assert reason in str(error.value)
    assert FakeRegistry.asked == 1

    clock[0] += 11
    with pytest.raises(UndecodableError):
        codec.decode(frame(7, b""))
    assert FakeRegistry.asked == 2
