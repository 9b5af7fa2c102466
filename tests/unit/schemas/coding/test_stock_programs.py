"""Our bytes read by stock Avro readers, and theirs by us."""

import io
import json
import struct
from datetime import UTC, datetime
from typing import Any

import avro.io
import avro.schema
import fastavro
import pytest

from schemas.coding.codec import Codec
from schemas.coding.wire import frame, unframe
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import Forecast, TrainSeries
from schemas.workloads import MetricPoint
from tests.unit.schemas.coding.stock import datum_of, plain, schema_of, stock_bytes
from tests.unit.schemas.event_samples import NOON


class TestStockReaders:
    """Our bytes, read by the shipped .avsc and nothing of ours."""

    def test_fastavro_reads_our_bytes(self, ours: Codec, event: Any) -> None:
        """Stock fastavro sees every field, times as datetimes, and no byte is left over."""
        buffer = io.BytesIO(bytes(unframe(ours.encode(event))[1]))

        read = fastavro.schemaless_reader(
            buffer, fastavro.parse_schema(schema_of(type(event).__name__), named_schemas={}), None
        )

        assert plain(read) == plain(event)
        assert buffer.read() == b""

    def test_apache_avro_reads_our_bytes(self, ours: Codec, event: Any) -> None:
        """The reference implementation agrees."""
        buffer = io.BytesIO(bytes(unframe(ours.encode(event))[1]))
        schema = avro.schema.parse(json.dumps(schema_of(type(event).__name__)))

        read = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(buffer))

        assert plain(read) == plain(event)
        assert buffer.read() == b""

    def test_times_are_avro_timestamps(self, ours: Codec) -> None:
        """A stock reader sees 2020-09-07 12:00 UTC, not a number."""
        payload = unframe(ours.encode(MetricPoint("w", "mse", 1.0, NOON, 0, "log")))[1]

        read: Any = fastavro.schemaless_reader(
            io.BytesIO(payload), fastavro.parse_schema(schema_of("MetricPoint"), named_schemas={}), None
        )

        assert read["timestamp"] == datetime(2020, 9, 7, 12, tzinfo=UTC)

    def test_J015_the_misspelt_names_are_on_the_wire(self, ours: Codec) -> None:
        """The enum's symbols are those of the contract, in its order."""
        statuses = [CmdStatus(number) for number in range(5)]
        payloads = [unframe(ours.encode(JobStatus(7, status, 1, 0, 0, 0, 0)))[1] for status in statuses]
        schema = fastavro.parse_schema(schema_of("JobStatus"), named_schemas={})

        read: list[Any] = [fastavro.schemaless_reader(io.BytesIO(payload), schema, None) for payload in payloads]

        assert [item["status"] for item in read] == ["CREATED", "UNCOMITTED", "COMITTED", "DONE", "EXCEPTION"]


class TestStockWriters:
    """Bytes of other programs, read by us."""

    def test_fastavro_writes_what_we_read(self, ours: Codec, event: Any) -> None:
        """Stock fastavro with the shipped .avsc and our header makes an event."""
        name = type(event).__name__
        written = frame(ours.schema_id_of(type(event)), stock_bytes(schema_of(name), datum_of(event)))

        assert plain(ours.decode(written)) == plain(event)

    def test_apache_avro_writes_what_we_read(self, ours: Codec, event: Any) -> None:
        """So does the reference implementation."""
        name = type(event).__name__
        buffer = io.BytesIO()
        writer = avro.io.DatumWriter(avro.schema.parse(json.dumps(schema_of(name))))
        writer.write(datum_of(event), avro.io.BinaryEncoder(buffer))

        assert plain(ours.decode(frame(ours.schema_id_of(type(event)), buffer.getvalue()))) == plain(event)

    def test_ours_are_the_same_bytes(self, ours: Codec, event: Any) -> None:
        """Not only readable: identical to a stock writer's, so compaction and comparison work across programs."""
        assert bytes(unframe(ours.encode(event))[1]) == stock_bytes(schema_of(type(event).__name__), datum_of(event))

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
        rest = b"\0" * 9  # no mean, quantiles, other model, microseconds, offsets, project; no groups, key, data set
        head = forecast.removesuffix(b"\x04\x08\x0a\x00" + rest)

        back = ours.decode(head + b"\x01\x02\x08" + b"\x02\x0a" + b"\0" + rest)

        assert list(back.timestamps) == [4, 5]
        assert len(head) == len(forecast) - 13
