"""Events to bytes and back: against stock Avro readers and writers, older writers, registries, and damaged bytes."""

import copy
import dataclasses
import enum
import io
import json
import math
import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import avro.io
import avro.schema
import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import catalogue, codec
from schemas.catalogue import current_schemas, locked_schemas
from schemas.codec import EVENT_TYPES, Codec
from schemas.commands import (
    AddDataset,
    ConfigureJob,
    CreateJob,
    DeleteDataset,
    DeleteJob,
    HyperParam,
    Search,
    SeriesConfig,
    SubmitJob,
    TrainSeries,
)
from schemas.events import Backtest, CmdStatus, Forecast, JobStatus, MetricPoint, SeriesResult
from schemas.records import Columns, JobRecord, Submission
from schemas.wire import UndecodableError, frame, unframe

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = 1_599_480_000_000  # 2020-09-07T12:00:00Z in milliseconds

FULL_CONFIG = SeriesConfig(
    ts_id=8797,
    model_name="LinearFit",
    hyper_params=(
        HyperParam("latest_n", "int", val=5),
        HyperParam("add_std_factor", "float", low=0, high=0.5),
        HyperParam("strategy", "list", val="mean", choice=("mean", 3, 0.25)),
        HyperParam("empty", "list", choice=()),
    ),
    feature_indexs=(1, 2),
    max_eval=100,
    next_k_prediction=5,
    auto_tune=1,
    auto_tune_metric="mse",
    eval_metrics=("mse", "rmse"),
    refit=0,
)

# At least one of each record type, every optional field once given and once absent.
EVENTS: tuple[Any, ...] = (
    AddDataset("c-1", 2, "test_dataset", "incoming/2.csv", "cores äöü.csv", 7),
    AddDataset("c-1", 2, "test_dataset", "incoming/2.csv", "cores.csv"),
    DeleteDataset("c-2", 2**53 - 1),
    CreateJob("c-3", 7, 2, "cores_2020", 9),
    CreateJob("c-3", 7, 2),
    ConfigureJob("c-4", 7, (2,), (3,), (0, 1)),
    ConfigureJob("c-4", 7, (2,), (3,)),
    SubmitJob("c-5", 7, (FULL_CONFIG, SeriesConfig(1), SeriesConfig(2, hyper_params=(), feature_indexs=()))),
    SubmitJob("c-5", 7, ()),
    DeleteJob("c-6", 7),
    TrainSeries(
        job_id=7,
        ts_id=8797,
        n=3,
        model_name="LinearFit",
        start=NOON,
        step=86_400_000,
        target=[227.0, math.nan, -0.5],
        attempt=2,
        item_id="('asiasoutheast', 'FS')",
        config={"latest_n": 5, "add_std_factor": 0.5, "loss_used": "mse"},
        next_k_prediction=12,
        eval_metrics=("r2",),
        refit=True,
        timestamps=(NOON, NOON + 1, NOON + 5),
    ),
    TrainSeries(job_id=7, ts_id=1, n=0, model_name="AdaptiveMaxN", start=-1, step=1, target=[]),
    Forecast(7, 8797, 3, "()", "LinearFit", NOON, (NOON + 1, NOON + 2), (1.5, -2.0)),
    MetricPoint("fj-7-8797-3", "mse", 110.2, NOON, 0, "log"),
    MetricPoint("fj-7-8797-3", "r2", None, NOON, 4, "wandb"),
    SeriesResult(
        7,
        8797,
        3,
        1,
        "LinearFit",
        {"latest_n": 5, "add_std_factor": 0.5},
        (NOON,),
        (237.0,),
        {"mse": 160.4, "r2": None},
        Backtest((NOON - 1,), (236.0,)),
        "an error",
    ),
    SeriesResult(7, 8797, 3, 1, "LinearFit", {}, (), (), {}),
    *(JobStatus(7, status, 5, 3, 2, 2, 1, "series 1: failed") for status in CmdStatus),
    JobStatus(7, CmdStatus.DONE, 5, 3, 2, 2, 1),
    JobRecord(
        7,
        2,
        "cores",
        1,
        NOON,
        CmdStatus.EXCEPTION,
        4,
        "series 1: failed",
        Columns((2,), (3,), (0, 1)),
        6,
        "splits/7/c-4.npz",
        2**40,
        35,
        (FULL_CONFIG, SeriesConfig(5, "AdaptiveMaxN")),
        (Submission("c-5", 0, (1, 2)), Submission("c-9", 2, ())),
        ("c-3", "c-4", "c-5"),
    ),
    JobRecord(7, 2, None, 1, NOON),
)


@pytest.fixture(scope="module")
def ours() -> Codec:
    """A codec with the ids of the lock file."""
    return Codec()


@pytest.fixture(params=EVENTS, ids=[f"{index}-{type(event).__name__}" for index, event in enumerate(EVENTS)])
def event(request: pytest.FixtureRequest) -> Any:
    """Every example event in turn."""
    return request.param


def plain(value: Any) -> Any:
    """An event as nested tuples and dicts, so that lists, tuples, ranges and arrays of the same values are equal."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, range, np.ndarray)):
        return tuple(plain(item) for item in value)
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, enum.Enum):
        return value.name
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def subjects_of(name: str) -> dict[str, Any]:
    """Today's schema of a record type, to be changed freely."""
    return copy.deepcopy(dict(current_schemas()[name]))


def stock_bytes(schema: dict[str, Any], datum: dict[str, Any]) -> bytes:
    """What a stock fastavro writer makes of a datum."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema, named_schemas={}), datum)
    return buffer.getvalue()


def datum_of(event: Any) -> dict[str, Any]:
    """An event as a program without our code would build it: enums as text, lists, times as aware datetimes."""

    def build(value: Any, schema: Any) -> Any:
        if isinstance(schema, list):
            schema = "null" if value is None else next(item for item in schema if item != "null")
        if not isinstance(schema, dict):
            return value
        kind = schema["type"]
        if kind == "record":
            return {field["name"]: build(getattr(value, field["name"]), field["type"]) for field in schema["fields"]}
        if kind == "array":
            return [build(item, schema["items"]) for item in value]
        if kind == "enum":
            return value.name
        return EPOCH + timedelta(milliseconds=value) if schema.get("logicalType") == "timestamp-millis" else value

    return dict(build(event, current_schemas()[type(event).__name__]))


class TestRoundTrip:
    """What is encoded comes back."""

    def test_every_record_type_has_an_example(self) -> None:
        """Guards the other tests of this file against a forgotten event."""
        assert {type(event) for event in EVENTS} == set(EVENT_TYPES)

    def test_an_event_survives(self, ours: Codec, event: Any) -> None:
        """Type and all fields are the same."""
        back = ours.decode(ours.encode(event))

        assert type(back) is type(event)
        assert plain(back) == plain(event)

    def test_types_of_values_survive(self, ours: Codec) -> None:
        """5, 5.0 and "5" are three hyper-parameter values; enums and tuples come back as such."""
        submitted = ours.decode(ours.encode(SubmitJob("c", 1, (FULL_CONFIG,))))
        config = ours.decode(
            ours.encode(SeriesResult(1, 2, 3, 1, "m", {"a": 5, "b": 5.0, "c": "5"}, (), (), {}))
        ).config
        status = ours.decode(ours.encode(JobStatus(1, CmdStatus.COMITTED, 1, 1, 1, 1, 1))).status

        assert submitted == SubmitJob("c", 1, (FULL_CONFIG,))
        assert [type(value) for value in config.values()] == [int, float, str]
        assert status is CmdStatus.COMITTED

    def test_equal_events_have_equal_bytes(self, ours: Codec, event: Any) -> None:
        """A replay writes what the first run wrote."""
        assert ours.encode(event) == ours.encode(ours.decode(ours.encode(event)))

    @pytest.mark.parametrize(
        "target",
        [
            pytest.param((1.0, 2.0, math.nan), id="tuple"),
            pytest.param([1, 2, math.nan], id="list-with-integers"),
            pytest.param(np.array([1.0, 2.0, math.nan]), id="array"),
            pytest.param(np.array([1.0, 0.0, 2.0, 0.0, math.nan])[::2], id="strided"),
        ],
    )
    def test_a_history_may_be_any_sequence_of_numbers(self, ours: Codec, target: Any) -> None:
        """It comes back as a read-only float64 array."""
        train = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=target)

        back = ours.decode(ours.encode(train)).target

        assert back.dtype == np.float64
        assert not back.flags.writeable
        np.testing.assert_array_equal(back, [1.0, 2.0, math.nan])

    def test_times_may_be_a_range(self, ours: Codec) -> None:
        """Regular times need not be written out by their sender."""
        forecast = Forecast(1, 2, 3, "", "m", NOON, range(NOON, NOON + 30, 10), np.array([1.0, 2.0, 3.0]))

        back = ours.decode(ours.encode(forecast))

        assert list(back.timestamps) == [NOON, NOON + 10, NOON + 20]
        assert list(back.mean) == [1.0, 2.0, 3.0]

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(AddDataset("c", 2**63, "n", "p", "f"), id="long-too-large"),
            pytest.param(AddDataset("c", "2", "n", "p", "f"), id="text-for-long"),
            pytest.param(CreateJob("c", 1, 2, name=5), id="number-for-text"),
            pytest.param(SeriesResult(1, 2, 3, 1, "m", {"a": None}, (), (), {}), id="none-for-value"),
            pytest.param(
                TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=["x"]), id="text-in-target"
            ),
        ],
    )
    def test_what_does_not_fit_its_schema_is_not_encoded(self, ours: Codec, wrong: Any) -> None:
        """The error is the sender's and comes before anything is sent."""
        with pytest.raises((ValueError, TypeError, OverflowError)):
            ours.encode(wrong)


class TestStockReaders:
    """Our bytes, read by the shipped .avsc and nothing of ours."""

    def test_fastavro_reads_our_bytes(self, ours: Codec, event: Any) -> None:
        """Stock fastavro sees every field, times as datetimes, and no byte is left over."""
        buffer = io.BytesIO(bytes(unframe(ours.encode(event))[1]))

        read = fastavro.schemaless_reader(
            buffer, fastavro.parse_schema(subjects_of(type(event).__name__), named_schemas={}), None
        )

        assert plain(read) == plain(event)
        assert buffer.read() == b""

    def test_apache_avro_reads_our_bytes(self, ours: Codec, event: Any) -> None:
        """The reference implementation agrees."""
        buffer = io.BytesIO(bytes(unframe(ours.encode(event))[1]))
        schema = avro.schema.parse(json.dumps(subjects_of(type(event).__name__)))

        read = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(buffer))

        assert plain(read) == plain(event)
        assert buffer.read() == b""

    def test_times_are_avro_timestamps(self, ours: Codec) -> None:
        """A stock reader sees 2020-09-07 12:00 UTC, not a number."""
        payload = unframe(ours.encode(MetricPoint("w", "mse", 1.0, NOON, 0, "log")))[1]

        read: Any = fastavro.schemaless_reader(
            io.BytesIO(payload), fastavro.parse_schema(subjects_of("MetricPoint"), named_schemas={}), None
        )

        assert read["timestamp"] == datetime(2020, 9, 7, 12, tzinfo=UTC)

    def test_J015_the_misspelt_names_are_on_the_wire(self, ours: Codec) -> None:
        """The enum's symbols are those of the contract, in its order."""
        statuses = [CmdStatus(number) for number in range(5)]
        payloads = [unframe(ours.encode(JobStatus(7, status, 1, 0, 0, 0, 0)))[1] for status in statuses]
        schema = fastavro.parse_schema(subjects_of("JobStatus"), named_schemas={})

        read: list[Any] = [fastavro.schemaless_reader(io.BytesIO(payload), schema, None) for payload in payloads]

        assert [item["status"] for item in read] == ["CREATED", "UNCOMITTED", "COMITTED", "DONE", "EXCEPTION"]


class TestStockWriters:
    """Bytes of other programs, read by us."""

    def test_fastavro_writes_what_we_read(self, ours: Codec, event: Any) -> None:
        """Stock fastavro with the shipped .avsc and our header makes an event."""
        name = type(event).__name__
        written = frame(ours.schema_id_of(type(event)), stock_bytes(subjects_of(name), datum_of(event)))

        assert plain(ours.decode(written)) == plain(event)

    def test_apache_avro_writes_what_we_read(self, ours: Codec, event: Any) -> None:
        """So does the reference implementation."""
        name = type(event).__name__
        buffer = io.BytesIO()
        writer = avro.io.DatumWriter(avro.schema.parse(json.dumps(subjects_of(name))))
        writer.write(datum_of(event), avro.io.BinaryEncoder(buffer))

        assert plain(ours.decode(frame(ours.schema_id_of(type(event)), buffer.getvalue()))) == plain(event)

    def test_ours_are_the_same_bytes(self, ours: Codec, event: Any) -> None:
        """Not only readable: identical to a stock writer's, so compaction and comparison work across programs."""
        assert bytes(unframe(ours.encode(event))[1]) == stock_bytes(subjects_of(type(event).__name__), datum_of(event))

    @pytest.mark.parametrize(
        ("array", "expected"),
        [
            pytest.param(b"\0", [], id="empty"),
            pytest.param(b"\x02" + struct.pack("<d", 1) + b"\x02" + struct.pack("<d", 2) + b"\0", [1, 2], id="blocks"),
            pytest.param(b"\x03\x20" + struct.pack("<2d", 1, 2) + b"\0", [1, 2], id="negative-count"),
        ],
    )
    def test_a_history_may_come_in_blocks(self, ours: Codec, array: bytes, expected: list[float]) -> None:
        """Java and C++ writers flush long arrays in blocks; the fast path for doubles reads them all."""
        empty = TrainSeries(job_id=7, ts_id=1, n=0, model_name="m", start=-1, step=1, target=())
        written = ours.encode(empty).removesuffix(b"\0") + array

        back = ours.decode(written)

        assert back.target.tolist() == expected
        assert not back.target.flags.writeable
        assert back.model_name == "m"

    def test_other_arrays_may_come_in_blocks_too(self, ours: Codec) -> None:
        """Two blocks of one time each, the first with its size, in a Forecast."""
        forecast = ours.encode(Forecast(1, 2, 3, "", "m", 0, (4, 5), ()))
        rest = b"\0" + b"\0" + b"\0"  # no mean, no quantiles, nobody else answered
        head = forecast.removesuffix(b"\x04\x08\x0a\x00" + rest)

        back = ours.decode(head + b"\x01\x02\x08" + b"\x02\x0a" + b"\0" + rest)

        assert list(back.timestamps) == [4, 5]
        assert len(head) == len(forecast) - 7


class TestDamagedBytes:
    """Whatever is wrong with the bytes, the answer is UndecodableError and nothing else."""

    def test_every_truncation_is_undecodable(self, ours: Codec, event: Any) -> None:
        """From no byte at all to one byte less than the event."""
        data = ours.encode(event)

        for length in range(len(data)):
            with pytest.raises(UndecodableError):
                ours.decode(data[:length])

    @pytest.mark.parametrize("extra", [b"\0", b"\0" * 8, b"\x02", b"garbage"])
    def test_anything_after_the_end_is_undecodable(self, ours: Codec, event: Any, extra: bytes) -> None:
        """An event fills its bytes."""
        with pytest.raises(UndecodableError):
            ours.decode(ours.encode(event) + extra)

    def test_every_flipped_bit_gives_an_event_or_undecodable(self, ours: Codec, event: Any) -> None:
        """A flip inside a number or text may make another valid event; nothing may raise another error."""
        data = ours.encode(event)

        for place in range(5, len(data)):
            for bit in range(8):
                damaged = bytearray(data)
                damaged[place] ^= 1 << bit
                self.decode_or_refuse(ours, bytes(damaged), type(event))

    @settings(max_examples=300)
    @given(payload=st.binary(max_size=200), kind=st.sampled_from(EVENT_TYPES))
    def test_any_bytes_behind_a_good_header(self, ours: Codec, payload: bytes, kind: type) -> None:
        """Random bytes are an event of that type or undecodable."""
        self.decode_or_refuse(ours, frame(ours.schema_id_of(kind), payload), kind)

    @settings(max_examples=300)
    @given(seed=st.integers(0, 2**32), example=st.sampled_from(EVENTS))
    def test_any_damage_to_an_event(self, ours: Codec, seed: int, example: Any) -> None:
        """Bytes changed, cut out and put in, with the values that mean most in Avro: signs, ends and long counts."""
        dice = random.Random(seed)
        data = bytearray(ours.encode(example))
        for _ in range(dice.randint(1, 5)):
            place = dice.randint(5, len(data))
            loud = bytes(dice.choice((0x00, 0x01, 0x7F, 0x80, 0xFF, dice.randrange(256))) for _ in range(10))
            cut = dice.randint(0, 9)
            data[place : place + cut] = loud[: dice.randint(0, 10)]
        self.decode_or_refuse(ours, bytes(data), type(example))

    @given(data=st.binary(max_size=60))
    def test_any_bytes_at_all(self, ours: Codec, data: bytes) -> None:
        """Without a good header there is no event."""
        if data[:1] == b"\0" and len(data) >= 5 and int.from_bytes(data[1:5]) <= len(EVENT_TYPES):
            return

        with pytest.raises(UndecodableError):
            ours.decode(data)

    def test_a_tombstone_is_undecodable(self, ours: Codec) -> None:
        """Agents get None as value."""
        with pytest.raises(UndecodableError, match="tombstone"):
            ours.decode(None)

    def test_an_unknown_enum_symbol_is_undecodable(self, ours: Codec) -> None:
        """A status number 5 does not exist."""
        data = ours.encode(JobStatus(1, CmdStatus.EXCEPTION, 1, 0, 0, 0, 0))
        before, after = data[:6], data[7:]  # the header and job_id, one byte of status

        assert ours.decode(before + b"\x06" + after).status is CmdStatus.DONE
        with pytest.raises(UndecodableError, match="does not fit"):
            ours.decode(before + b"\x0a" + after)

    def test_text_that_is_not_utf8_is_undecodable(self, ours: Codec) -> None:
        """Avro text is UTF-8."""
        data = ours.encode(DeleteJob("id", 1)).replace(b"id", b"\xff\xfe")

        with pytest.raises(UndecodableError, match="UnicodeDecodeError"):
            ours.decode(data)

    def test_the_text_names_the_schema_id(self, ours: Codec) -> None:
        """So that a dead letter says what the sender claimed to have sent."""
        with pytest.raises(UndecodableError, match=f"schema {ours.schema_id_of(JobStatus)} does not fit"):
            ours.decode(frame(ours.schema_id_of(JobStatus), b""))

    @staticmethod
    def decode_or_refuse(ours: Codec, data: bytes, kind: type) -> None:
        """Decode; only an event of the type or UndecodableError is let through."""
        try:
            decoded = ours.decode(data)
        except UndecodableError:
            return
        assert type(decoded) is kind


def branches(schema: Any) -> Iterator[dict[str, Any]]:
    """Every named or complex type inside a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from branches(item)
    elif isinstance(schema, dict):
        yield schema
        for key in ("type", "items", "values"):
            yield from branches(schema.get(key))
        for field in schema.get("fields", ()):
            yield from branches(field["type"])


RECORDS = {
    kind.__name__: kind for kind in (*EVENT_TYPES, SeriesConfig, HyperParam, Search, Backtest, Columns, Submission)
}
SCHEMAS = [
    schema for source in current_schemas().values() for schema in branches(source) if schema.get("type") == "record"
]


class TestDataclassesAndSchemas:
    """A dataclass and its .avsc say the same."""

    def test_every_schema_has_a_dataclass_and_the_other_way_round(self) -> None:
        """No event without schema, no schema without event."""
        assert set(current_schemas()) == {kind.__name__ for kind in EVENT_TYPES}
        assert {schema["name"] for schema in SCHEMAS} == set(RECORDS)

    @pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
    def test_names_and_order_of_fields(self, schema: dict[str, Any]) -> None:
        """In the dataclass's order, save that TrainSeries gives defaults to fields before its last ones."""
        ours = [field.name for field in dataclasses.fields(RECORDS[schema["name"]])]
        theirs = [field["name"] for field in schema["fields"]]

        assert sorted(ours) == sorted(theirs)
        if schema["name"] != "TrainSeries":
            assert ours == theirs

    @pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
    def test_defaults(self, schema: dict[str, Any]) -> None:
        """What a producer may leave out in Avro may be left out in Python, and means the same.

        JobRecord is written by us alone: its dataclass has defaults where its schema needs none.
        """
        if schema["name"] == "JobRecord":
            assert not any("default" in field for field in schema["fields"])
            return
        kind = RECORDS[schema["name"]]
        defaults = {}
        for field in dataclasses.fields(kind):
            if field.default is not dataclasses.MISSING:
                defaults[field.name] = plain(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                defaults[field.name] = plain(field.default_factory())

        assert defaults == {field["name"]: plain(field["default"]) for field in schema["fields"] if "default" in field}

    def test_the_status_numbers_are_the_symbols_places(self) -> None:
        """CmdStatus 0 to 4 in the order of the enum in Avro."""
        enums = [s for source in current_schemas().values() for s in branches(source) if s.get("type") == "enum"]

        assert len(enums) == 2
        for schema in enums:
            assert schema["symbols"] == [CmdStatus(number).name for number in range(len(CmdStatus))]

    def test_history_is_the_last_field_of_train_series(self) -> None:
        """The fast path for doubles reads to the end of the record."""
        assert current_schemas()["TrainSeries"]["fields"][-1]["name"] == "target"

    @pytest.mark.parametrize("source", current_schemas().values(), ids=lambda source: source["name"])
    def test_every_record_and_field_is_documented(self, source: dict[str, Any]) -> None:
        """The .avsc files are what a producer in another language reads."""
        records = [schema for schema in branches(source) if schema.get("type") == "record"]

        assert source["namespace"] == "tidecast"
        assert all(schema["doc"] and all(field["doc"] for field in schema["fields"]) for schema in records)


class TestOlderWriters:
    """Events written with another version of their schema."""

    @staticmethod
    def codec_knowing(schema: Any, schema_id: int = 99) -> Codec:
        """A codec whose registry has one foreign schema."""
        ids = {name: number for number, name in enumerate(current_schemas(), 1)}
        return Codec(ids, lookup={schema_id: schema}.__getitem__)

    @pytest.mark.parametrize(
        ("kind", "absent"),
        [
            (schema["name"], field["name"])
            for schema in current_schemas().values()
            for field in schema["fields"]
            if "default" in field
        ],
    )
    def test_a_defaulted_field_that_the_writer_lacks_has_its_default(self, kind: str, absent: str) -> None:
        """An event from before the field existed still decodes."""
        event = next(item for item in EVENTS if type(item).__name__ == kind)
        old = subjects_of(kind)
        old["fields"] = [field for field in old["fields"] if field["name"] != absent]
        default = next(field["default"] for field in subjects_of(kind)["fields"] if field["name"] == absent)
        data = frame(99, stock_bytes(old, datum_of(event)))

        back = self.codec_knowing(old).decode(data)

        assert plain(back) == {**plain(event), absent: plain(default)}

    def test_an_older_history_is_a_read_only_array_too(self) -> None:
        """The general path for TrainSeries promises what the fast one does."""
        old = subjects_of("TrainSeries")
        old["fields"] = [field for field in old["fields"] if field["name"] != "refit"]
        event = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=[1.0, math.nan])

        target = self.codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event)))).target

        assert target.dtype == np.float64
        assert not target.flags.writeable
        np.testing.assert_array_equal(target, [1.0, math.nan])

    @pytest.mark.parametrize("event", EVENTS, ids=[type(event).__name__ for event in EVENTS])
    def test_a_field_that_we_do_not_know_is_skipped(self, event: Any) -> None:
        """An event of a newer release decodes without what it added, wherever that stands."""
        new = subjects_of(type(event).__name__)
        addition = {"name": "added", "type": {"type": "array", "items": "string"}}
        new["fields"] = [addition, *new["fields"], {**addition, "name": "added_too"}]
        data = frame(99, stock_bytes(new, {**datum_of(event), "added": ["a", "b"], "added_too": ["c"]}))

        assert plain(self.codec_knowing(new).decode(data)) == plain(event)

    def test_fields_in_another_order_find_their_places(self) -> None:
        """Avro resolves fields by name."""
        old = subjects_of("MetricPoint")
        old["fields"].reverse()
        event = MetricPoint("w", "mse", 1.5, NOON, 2, "log")

        assert self.codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event)))) == event

    def test_a_narrower_type_is_widened(self) -> None:
        """Int to long and float to double, as Avro's resolution says."""
        old = subjects_of("Forecast")
        old["fields"][2]["type"] = "int"
        mean = next(field for field in old["fields"] if field["name"] == "mean")
        mean["type"] = {"type": "array", "items": "float"}
        event = Forecast(1, 2, 3, "", "m", NOON, (NOON,), (1.5,))

        assert plain(self.codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event))))) == plain(event)

    def test_other_documentation_changes_nothing(self) -> None:
        """A schema that differs in its texts alone is the same schema."""
        old = subjects_of("TrainSeries")
        old["doc"] = old["fields"][0]["doc"] = "Other words."
        event = EVENTS[10]

        assert plain(self.codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event))))) == plain(event)

    def test_a_missing_field_without_default_is_undecodable(self) -> None:
        """There is nothing to put in its place."""
        old = subjects_of("DeleteJob")
        old["fields"] = old["fields"][:1]

        with pytest.raises(UndecodableError, match="schema 99"):
            self.codec_knowing(old).decode(frame(99, stock_bytes(old, {"command_id": "c"})))

    def test_damage_to_an_older_history_is_undecodable(self) -> None:
        """The general path for TrainSeries refuses every truncation and what follows the end."""
        old = subjects_of("TrainSeries")
        old["fields"] = [field for field in old["fields"] if field["name"] != "refit"]
        event = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=[1.0, 2.0])
        data = frame(99, stock_bytes(old, datum_of(event)))
        theirs = self.codec_knowing(old)

        for damaged in (*(data[:length] for length in range(len(data))), data + b"\0"):
            with pytest.raises(UndecodableError):
                theirs.decode(damaged)

    @pytest.mark.parametrize("locked", locked_schemas(), ids=lambda locked: f"{locked.schema_id}-{locked.name}")
    def test_every_locked_version_decodes(self, locked: catalogue.LockedSchema) -> None:
        """Today's code reads each version ever shipped, by its own id: an event with nothing but defaults and zeros."""
        data = frame(locked.schema_id, stock_bytes(locked.schema, smallest(locked.schema)))

        back = Codec().decode(data)

        assert type(back).__name__ == locked.name


def smallest(schema: Any) -> Any:
    """A datum of any schema: zeros, empty texts, empty collections, first symbols and branches."""
    if isinstance(schema, list):
        return smallest(schema[0])
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return {field["name"]: smallest(field["type"]) for field in schema["fields"]}
    if isinstance(kind, dict):
        return smallest(kind)
    if kind == "enum":
        return schema["symbols"][0]
    return {
        "null": None, "boolean": False, "int": 0, "long": 0, "float": 0.0, "double": 0.0, "string": "",
        "array": [], "map": {},
    }[kind]  # fmt: skip


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
        data = frame(99, stock_bytes(subjects_of("DeleteJob"), {"command_id": "c", "job_id": 7}))

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
        data = frame(99, stock_bytes(subjects_of("DeleteJob"), {"command_id": "c", "job_id": 7}))

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
        theirs = TestOlderWriters.codec_knowing(schema)

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
