"""Points read as columns are the points that the codec reads, and nothing else is taken for one."""

import math
import struct
from dataclasses import replace
from io import BytesIO

from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import locked_schemas
from schemas.coding.codec import Codec
from schemas.coding.point_columns import PointReader
from schemas.coding.point_writer import PointBatch, encoded_points
from schemas.coding.wire import UndecodableError, decode_long, frame
from schemas.workloads import MetricPoint

CODEC = Codec()
READER = PointReader(CODEC)
LONGS = st.integers(-(2**63), 2**63 - 1)
POINTS = st.builds(
    MetricPoint,
    workload_uid=st.text(max_size=200),
    metric_name=st.text(max_size=20),
    value=st.none() | st.floats(),
    timestamp=LONGS,
    iteration=LONGS,
    data_source=st.sampled_from(["log", "wandb", "tensorflow", ""]),
    worker=st.just("") | st.sampled_from(["pod-1", "ü"]),
)


def texts(encoded: bytes) -> list[str]:
    """The texts that stand one behind the other."""
    found, at = [], 0
    while at < len(encoded):
        length, at = decode_long(encoded, at)
        found.append(encoded[at : at + length].decode(errors="surrogateescape"))  # of broken records too
        at += length
    return found


def read(records: list[bytes]) -> list[tuple[object, ...] | None]:
    """Each record's fields, None where it is left to the codec."""
    columns = READER.read(records)
    return [
        (
            *texts(record[5 : columns.head_end[index]]),
            None if math.isnan(columns.value[index]) else float(columns.value[index]),
            int(columns.timestamp[index]),
            int(columns.iteration[index]),
            *texts(record[columns.tail[index] : columns.tail_end[index]]),
        )
        if columns.fits[index]
        else None
        for index, record in enumerate(records)
    ]


def fields(point: MetricPoint) -> tuple[object, ...]:
    """The same of a point."""
    value = None if point.value is None or math.isnan(point.value) else point.value
    return (point.workload_uid, point.metric_name, value, point.timestamp, point.iteration, point.data_source)


@given(st.lists(POINTS, max_size=20))
def test_columns_are_what_the_codec_reads(points: list[MetricPoint]) -> None:
    """Whatever the texts and numbers are."""
    assert read([CODEC.encode(point) for point in points]) == [
        fields(point) if point.worker.isascii() else None for point in points
    ]


@given(st.lists(st.binary(max_size=60) | st.tuples(POINTS, st.integers(0, 60), st.binary(max_size=3)), max_size=12))
def test_broken_records_are_left_to_the_codec(parts: list[bytes | tuple[MetricPoint, int, bytes]]) -> None:
    """Cut, or with something behind them; whoever stands beside them is read all the same."""
    whole = MetricPoint("w", "loss", 1.5, 1, 2, "log")
    records = [
        part if isinstance(part, bytes) else CODEC.encode(part[0])[: -part[1] or None] + part[2] for part in parts
    ]
    found = read([*records, CODEC.encode(whole)])

    assert found[-1] == fields(whole)
    for record, columns in zip(records, found, strict=False):
        try:
            expected = CODEC.decode(record)
        except UndecodableError:
            assert columns is None or not is_utf8(record)
        else:
            assert columns is None if not isinstance(expected, MetricPoint) else columns in (None, fields(expected))


def is_utf8(record: bytes) -> bool:
    """Texts are looked at by whoever keeps the point."""
    columns = READER.read([record])
    try:
        texts(record[5 : columns.head_end[0]])
        texts(record[columns.tail[0] :])
    except UnicodeDecodeError:
        return False
    return True


def test_the_first_version_is_read_too() -> None:
    """It has no worker."""
    [old] = [it for it in locked_schemas() if it.name == "MetricPoint" and it.version == 1]
    buffer = BytesIO()
    values = {
        "workload_uid": "w", "metric_name": "loss", "value": 0.5, "timestamp": 7, "iteration": 8, "data_source": "log",
    }  # fmt: skip
    schemaless_writer(buffer, parse_schema(old.schema), values)

    assert read([frame(old.schema_id, buffer.getvalue())]) == [("w", "loss", 0.5, 7, 8, "log")]


def test_other_ids_are_left_to_the_codec() -> None:
    """A registry has its own; those of the lock file mean nothing there."""
    ids = {it.name: it.schema_id + 100 for it in locked_schemas()}
    codec = Codec(ids, lookup=None)
    record = codec.encode(MetricPoint("w", "loss", 1.0, 1, 1, "log"))
    columns = PointReader(codec).read([record, struct.pack(">bI", 0, 9) + record[5:]])

    assert columns.fits.tolist() == [True, False]


@given(
    st.lists(POINTS.filter(lambda it: it.value is None or math.isfinite(it.value)), max_size=20), st.text(max_size=200)
)
def test_points_are_written_as_the_codec_writes_them(points: list[MetricPoint], uid: str) -> None:
    """Byte for byte."""
    points = [replace(point, workload_uid=uid) for point in points]

    assert encoded_points(CODEC, PointBatch.of(uid, points)) == [CODEC.encode(point) for point in points]


def test_no_records() -> None:
    """Nothing comes of them."""
    assert READER.read([]).fits.tolist() == []
