"""Schema ids: of the lock file, of a registry, and of nobody."""

from typing import Any

import pytest

from schemas.catalogue import current_schemas, locked_schemas
from schemas.coding import codec
from schemas.coding.codec import EVENT_TYPES, Codec
from schemas.coding.wire import UndecodableError, frame, unframe
from schemas.forecasting import DeleteJob, SeriesConfig
from tests.unit.schemas.coding.stock import codec_knowing, plain, schema_of, stock_bytes


class TestIdsAndLookup:
    """Where schema ids come from."""

    def test_without_a_registry_the_lock_file_gives_the_ids(self, ours: Codec) -> None:
        """The last version of each record type is what we write."""
        latest = {entry.name: entry.schema_id for entry in locked_schemas()}

        for kind in EVENT_TYPES:
            assert ours.schema_id_of(kind) == latest[kind.__name__]

    def test_the_header_carries_the_id(self, ours: Codec, event: Any) -> None:
        """What is written is what `schema_id_of` says."""
        assert unframe(ours.encode(event))[0] == ours.schema_id_of(type(event))

    def test_a_registrys_ids_are_written_and_read(self, event: Any) -> None:
        """With a registry, its numbers count, and ours mean nothing."""
        theirs = Codec({name: 1000 + number for number, name in enumerate(current_schemas())})

        data = theirs.encode(event)

        assert unframe(data)[0] == theirs.schema_id_of(type(event)) >= 1000
        assert plain(theirs.decode(data)) == plain(event)
        with pytest.raises(UndecodableError, match="unknown schema id 5"):
            theirs.decode(frame(5, data[5:]))

    def test_an_unknown_id_is_undecodable(self, ours: Codec) -> None:
        """The text names the id."""
        with pytest.raises(UndecodableError, match="unknown schema id 4000000000"):
            ours.decode(frame(4_000_000_000, b"x"))

    def test_lookup_is_asked_once_per_id(self) -> None:
        """A registry is a network away; its answer never changes."""
        asked: list[int] = []

        def lookup(schema_id: int) -> Any:
            asked.append(schema_id)
            return current_schemas()["DeleteJob"]

        theirs = Codec({name: number for number, name in enumerate(current_schemas(), 1)}, lookup)
        data = frame(99, stock_bytes(schema_of("DeleteJob"), {"command_id": "c", "job_id": 7}))

        assert [theirs.decode(data) for _ in range(3)] == [DeleteJob("c", 7)] * 3
        assert asked == [99]

    def test_known_ids_are_not_looked_up(self) -> None:
        """The registry may be away for our own events."""

        def lookup(schema_id: int) -> Any:
            raise AssertionError(schema_id)

        theirs = Codec({name: number for number, name in enumerate(current_schemas(), 1)}, lookup)

        assert theirs.decode(theirs.encode(DeleteJob("c", 7))) == DeleteJob("c", 7)

    def test_an_id_that_the_registry_lacks_is_undecodable_until_it_has_it(self) -> None:
        """A refusal is not remembered: the schema may be registered later."""
        registry: dict[int, Any] = {}
        theirs = Codec({name: number for number, name in enumerate(current_schemas(), 1)}, registry.__getitem__)
        data = frame(99, stock_bytes(schema_of("DeleteJob"), {"command_id": "c", "job_id": 7}))

        with pytest.raises(UndecodableError, match="unknown schema id 99"):
            theirs.decode(data)
        registry[99] = current_schemas()["DeleteJob"]

        assert theirs.decode(data) == DeleteJob("c", 7)

    def test_a_registrys_failure_is_not_the_messages_fault(self) -> None:
        """A message must not become a dead letter because the registry is away."""

        def lookup(schema_id: int) -> Any:
            raise ConnectionError(schema_id)

        theirs = Codec({name: number for number, name in enumerate(current_schemas(), 1)}, lookup)

        with pytest.raises(ConnectionError):
            theirs.decode(frame(99, b""))

    @pytest.mark.parametrize(
        "schema",
        [
            pytest.param("string", id="primitive"),
            pytest.param(["null", "string"], id="union"),
            pytest.param({"type": "array", "items": "long"}, id="no-name"),
            pytest.param({"type": "record", "name": "Other", "fields": []}, id="another-record"),
            pytest.param({"type": "enum", "name": "DeleteJob", "symbols": ["A"]}, id="our-name-on-an-enum"),
            pytest.param({"type": "enum", "name": "TrainSeries", "symbols": ["A"]}, id="our-name-on-an-enum-2"),
            pytest.param(
                {"type": "record", "name": "DeleteJob", "fields": [{"name": "x", "type": "acme.Elsewhere"}]},
                id="refers-to-another-subject",
            ),
            pytest.param({}, id="empty"),
        ],
    )
    def test_a_schema_of_something_else_is_undecodable(self, schema: Any) -> None:
        """Whatever a registry holds under an id, the agent gets UndecodableError and can write a dead letter."""
        theirs = codec_knowing(schema)

        for payload in (b"", b"\0", b"\0\0\0\0\0\0\0\0"):
            with pytest.raises(UndecodableError, match="schema 99"):
                theirs.decode(frame(99, payload))

    def test_encoding_what_is_no_event_is_a_programming_error(self, ours: Codec) -> None:
        """Only record types have an encoder."""
        with pytest.raises(KeyError):
            ours.encode(SeriesConfig(1))

    def test_codecs_do_not_share_ids(self) -> None:
        """Two codecs in one process, as in tests, do not disturb each other."""
        first = Codec({name: 10 + number for number, name in enumerate(current_schemas())})
        second = Codec({name: 50 + number for number, name in enumerate(current_schemas())})

        assert first.schema_id_of(DeleteJob) + 40 == second.schema_id_of(DeleteJob)
        assert codec.EVENT_TYPES is EVENT_TYPES
