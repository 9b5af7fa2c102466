"""The note of a registry's schema ids, and how often a registry is asked for an id that it does not know."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from zlib import crc32

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connectors import schema_registry
from connectors.objects.store import ObjectStore
from connectors.registry_error import RegistryError
from connectors.schema_registry import IdNote, connect_registry, read_registry
from schemas.catalogue import current_schemas
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError, frame, unframe
from schemas.forecasting import CmdStatus, JobStatus
from schemas.workloads import MetricPoint
from streams.cli.console.failure import CommandError
from streams.cli.replay import command as replay
from streams.cli.replay.comparison import Comparison
from streams.settings import Settings
from streams.topics import Topics, record_subjects
from streams.workers import apps

SUBJECTS = record_subjects(Topics(Settings()))
URL = "http://user:secret@registry:8081"
EVENT = JobStatus(1, CmdStatus.DONE, 1, 1, 1, 1, 0)


class FakeRegistry:
    """Confluent's client with nothing behind it; `trouble` is what it raises instead of answering."""

    trouble: Exception | None = None
    asked = 0
    registered: ClassVar[set[tuple[str, str]]] = set()

    def __init__(self, conf: Any) -> None:
        self._conf = conf

    def _answer(self) -> None:
        if FakeRegistry.trouble is not None:
            raise FakeRegistry.trouble

    def register_schema(self, subject: str, schema: Schema) -> int:
        self._answer()
        FakeRegistry.registered.add((subject, schema.schema_str or ""))
        return crc32((schema.schema_str or "").encode())

    def lookup_schema(self, subject: str, schema: Schema) -> Any:
        self._answer()
        if (subject, schema.schema_str) in FakeRegistry.registered:
            return SimpleNamespace(schema_id=crc32((schema.schema_str or "").encode()))
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
    FakeRegistry.registered.clear()


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


class TestReading:
    """For `tidecast replay`, which promises to publish nothing."""

    POINT = MetricPoint("fj-1-2-0", "mse", 1.5, 1_700_000_000_000, 0, "holdout")

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        """An installation with a registry."""
        return Settings(home=tmp_path, registry_url=URL)

    def test_the_ids_are_those_of_the_workers(self, settings: Settings, note: IdNote) -> None:
        """They are part of the bytes that are compared."""
        workers = connect_registry(URL, SUBJECTS)

        assert read_registry(URL, SUBJECTS, note=note).encode(EVENT) == workers.encode(EVENT)
        assert replay._codec(settings).encode(EVENT) == workers.encode(EVENT)

    def test_nothing_is_registered_or_noted(self, settings: Settings) -> None:
        """Though the registry has none of today's schemas, as after an upgrade that no worker has seen."""
        codec = replay._codec(settings)

        assert codec.decode(codec.encode(EVENT)) == EVENT
        assert FakeRegistry.registered == set()
        assert list(settings.home.rglob("*.json")) == []

    def test_what_only_this_version_has_is_compared_by_what_it_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The log's records have an id of the registry, those computed now one that no registry gives."""
        older, codec = 17, read_registry(URL, SUBJECTS)
        schema = Schema(json.dumps(current_schemas()["MetricPoint"]), "AVRO")
        monkeypatch.setattr(FakeRegistry, "get_schema", lambda *_: schema)
        comparison = Comparison(codec)
        comparison.add_computed(self.POINT, codec.encode(self.POINT))
        logged = frame(older, bytes(unframe(Codec().encode(self.POINT))[1]))
        comparison.add_logged(codec.decode(logged), logged)

        assert [output.verdict for output in comparison.outputs()] == ["identical"]
        assert comparison.older == 1
        assert codec.schema_id_of(MetricPoint) > 2**31

    def test_the_note_is_used_where_the_registry_is_away(self, settings: Settings) -> None:
        """As the workers do, from the very note that they write."""
        topics = Topics(settings)
        before = apps._codec(settings, topics)
        FakeRegistry.trouble = ConnectionRefusedError()

        assert replay._codec(settings).encode(EVENT) == before.encode(EVENT)

    def test_without_a_note_it_cannot_be_told(self, settings: Settings) -> None:
        """What was written there."""
        FakeRegistry.trouble = ConnectionRefusedError()
        with pytest.raises(CommandError, match="does not answer") as error:
            replay._codec(settings)

        assert error.value.status == 2

    def test_a_refused_look_up_is_not_an_unknown_schema(self) -> None:
        """The remedy is another one."""
        FakeRegistry.trouble = SchemaRegistryError(403, 40301, "forbidden")
        with pytest.raises(RegistryError, match="refuses"):
            read_registry(URL, SUBJECTS)
