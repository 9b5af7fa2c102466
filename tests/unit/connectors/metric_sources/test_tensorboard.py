"""The reader of TensorBoard's event files: every scalar, in order, whatever is wrong in between or not written yet."""

import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.metric_sources import tfrecords
from connectors.metric_sources.source_points import SourcePoint
from connectors.metric_sources.tensorboard import EventFile, EventFolder
from tests.unit.connectors.metric_sources.event_samples import (
    chunk,
    event,
    event_file,
    framed,
    masked,
    simple,
    tensor,
    varint,
)

START = b"\x09" + struct.pack("<d", 1.0) + chunk(3, b"brain.Event:2")


def read_all(file: EventFile) -> list[SourcePoint]:
    found = []
    while points := file.read_new():
        found += points
    return found


def test_scalars_of_both_kinds_are_read_in_order(tmp_path: Path) -> None:
    """Times in milliseconds, steps of all lengths, several values of one event in its order."""
    path = event_file(
        tmp_path,
        [
            START,
            event(1704067200.0, 0, tensor("train/loss", 2.5)),
            event(1704067200.1234, 1, simple("train/loss", 1.5), simple("lr", 0.25)),
            event(1704067200.2, 300, tensor("train/loss", 0.5)),
            event(1704067200.3, 2**40, simple("train/loss", -1.0)),
            event(1704067200.4, -3, simple("train/loss", 0.0)),
        ],
    )
    file = EventFile(path)

    assert read_all(file) == [
        ("train/loss", 2.5, 1704067200000, 0),
        ("train/loss", 1.5, 1704067200123, 1),
        ("lr", 0.25, 1704067200123, 1),
        ("train/loss", 0.5, 1704067200200, 300),
        ("train/loss", -1.0, 1704067200300, 2**40),
        ("train/loss", 0.0, 1704067200400, -3),
    ]
    assert file.problems.count == 0
    assert file.position == path.stat().st_size


def test_a_value_that_is_not_finite_is_none(tmp_path: Path) -> None:
    """M-053."""
    values = [math.nan, math.inf, -math.inf, 1.0]
    path = event_file(tmp_path, [event(1.0, n + 1, simple("loss", value)) for n, value in enumerate(values)])

    assert [point.value for point in read_all(EventFile(path))] == [None, None, None, 1.0]


def _tensor_of(dtype: int, *fields: bytes, shape: bytes = b"", plugin: bytes | None = b"scalars") -> bytes:
    content = b"\x08" + varint(dtype) + chunk(2, shape) + b"".join(fields)
    told = b"" if plugin is None else chunk(9, chunk(1, chunk(1, plugin)))
    return chunk(1, b"it") + chunk(8, content) + told


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (_tensor_of(1, chunk(5, struct.pack("<f", 1.5))), 1.5),
        (_tensor_of(1, b"\x2d" + struct.pack("<f", 1.5)), 1.5),
        (_tensor_of(2, chunk(6, struct.pack("<d", 0.1))), 0.1),
        (_tensor_of(2, chunk(4, struct.pack("<d", 0.1))), 0.1),
        (_tensor_of(3, chunk(7, varint(-7))), -7.0),
        (_tensor_of(3, b"\x38" + varint(300)), 300.0),
        (_tensor_of(9, chunk(10, varint(2**40))), float(2**40)),
        (_tensor_of(9, chunk(4, struct.pack("<q", -5))), -5.0),
        (_tensor_of(19, chunk(13, varint(0x3E00))), 1.5),
        (_tensor_of(14, chunk(13, varint(0x3FC0))), 1.5),
        (_tensor_of(14, chunk(4, b"\xc0\x3f")), 1.5),
        (_tensor_of(1), 0.0),  # zeros may be left out
        (_tensor_of(1, chunk(4, struct.pack("<f", 2.0)), plugin=None), 2.0),
        (_tensor_of(1, chunk(4, struct.pack("<f", 2.0)), shape=chunk(2, b"\x08\x01")), 2.0),
        (_tensor_of(1, chunk(4, struct.pack("<ff", 2.0, 3.0)), shape=chunk(2, b"\x08\x02")), None),
        (_tensor_of(1, chunk(4, struct.pack("<f", 2.0)), shape=chunk(2, b"\x08\x01"), plugin=None), None),
        (_tensor_of(7, chunk(8, b"text")), None),
        (_tensor_of(1, chunk(4, struct.pack("<f", 2.0)), plugin=b"hparams"), None),
        (chunk(1, b"it") + chunk(5, b"\x00" * 40), None),  # a histogram
        (chunk(1, b"") + b"\x15" + struct.pack("<f", 1.0), None),
    ],
    ids=str,
)
def test_numbers_in_tensors_are_read_and_other_things_are_not(tmp_path: Path, value: bytes, expected: Any) -> None:
    """Of every type that a scalar may have, by content and by list, packed or not."""
    file = EventFile(event_file(tmp_path, [event(1.0, 5, value), event(2.0, 6, simple("end", 1.0))]))

    assert read_all(file) == ([("it", expected, 1000, 5)] if expected is not None else []) + [("end", 1.0, 2000, 6)]
    assert file.problems.count == 0


def test_a_tag_of_another_plugin_stays_so_when_later_events_do_not_say_it(tmp_path: Path) -> None:
    """Writers may say what a tag is for in its first event alone."""
    first = _tensor_of(1, chunk(4, struct.pack("<f", 2.0)), plugin=b"mesh")
    later = _tensor_of(1, chunk(4, struct.pack("<f", 2.0)), plugin=None)
    path = event_file(tmp_path, [event(1.0, 1, first), event(1.0, 2, later)])

    assert read_all(EventFile(path)) == []


def _sample(count: int = 40) -> list[bytes]:
    one = [event(100.0 + n, n * 7, tensor("a", n / 4), simple("b", -n)) for n in range(count)]
    return [START, *one]


@given(cuts=st.lists(st.integers(0, 5000), max_size=6))
def test_a_file_that_grows_gives_each_point_once(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    """Wherever it is cut while it is read: never a wrong point, and the rest arrives later."""
    whole = b"".join(map(framed, _sample()))
    path = tmp_path_factory.mktemp("grows") / "events.out.tfevents.1.host"
    path.write_bytes(b"")
    file = EventFile(path)
    found = []
    for cut in [*sorted(cut % len(whole) for cut in cuts), len(whole)]:
        path.write_bytes(whole[:cut])
        found += read_all(file)

    assert found == [
        (tag, v, round((100.0 + n) * 1000), n * 7) for n in range(40) for tag, v in (("a", n / 4), ("b", -n))
    ]
    assert file.problems.count == 0


@given(at=st.integers(0, 40), byte=st.integers(0, 2000), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_its_record_or_what_is_behind_a_length(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, bit: int
) -> None:
    """Never a wrong point, and it is told."""
    frames = list(map(framed, _sample()))
    frame = bytearray(frames[at])
    place = byte % len(frame)
    frame[place] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "events.out.tfevents.1.host"
    path.write_bytes(b"".join([*frames[:at], bytes(frame), *frames[at + 1 :]]))
    file = EventFile(path)
    found = read_all(file)

    of_record = [[], *([("a", n / 4), ("b", -n)] for n in range(40))]
    kept = of_record[:at] if place < 12 else of_record[:at] + of_record[at + 1 :]
    assert [point[:2] for point in found] == [pair for pairs in kept for pair in pairs]
    assert file.problems.count == 1
    assert ("checksum of a length" if place < 12 else "checksum of a record") in file.problems.words[0]


def test_an_unreadable_event_is_left_out_and_told(tmp_path: Path) -> None:
    """Its checksum is right, but it is no message."""
    good = event(1.0, 1, simple("a", 1.0))
    file = EventFile(event_file(tmp_path, [good, b"\xff" * 30, b"\x0b", good]))

    assert len(read_all(file)) == 2
    assert file.problems.count == 2


def test_a_record_larger_than_what_is_read_at_a_time_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is larger than anything with scalars is passed over, without its bytes."""
    monkeypatch.setattr(tfrecords, "_CHUNK", 64)
    monkeypatch.setattr(tfrecords, "_LARGEST", 1000)
    picture = chunk(1, b"picture") + chunk(4, b"\x00" * 500)
    graph = event(1.0, 2) + chunk(4, b"\x00" * 5000)
    last = event(3.0, 3, simple("a", 2.0))
    path = event_file(tmp_path, [event(1.0, 1, picture, simple("a", 1.0)), graph, last])
    file = EventFile(path)

    assert read_all(file) == [("a", 1.0, 1000, 1), ("a", 2.0, 3000, 3)]
    place = len(framed(event(1.0, 1, picture, simple("a", 1.0))))
    assert file.problems.words == [
        f"{path}, byte {place}: a record of {len(framed(graph))} bytes is too large to be looked into"
    ]


def test_a_file_that_becomes_shorter_is_told_and_not_read_on(tmp_path: Path) -> None:
    """What is in it now cannot be what was read."""
    path = event_file(tmp_path, _sample())
    file = EventFile(path)
    read_all(file)
    path.write_bytes(path.read_bytes()[:50])

    assert read_all(file) == []
    assert "has become shorter" in file.problems.words[0]


def test_many_tags_of_equal_length_keep_their_values(tmp_path: Path) -> None:
    """Equal forms are found by sums; which of them is which is compared byte by byte."""
    records = [event(float(n), n, simple(f"tag/{n % 997:04}", n)) for n in range(4000)]
    file = EventFile(event_file(tmp_path, records))

    assert read_all(file) == [(f"tag/{n % 997:04}", n, n * 1000, n) for n in range(4000)]


def test_a_folder_has_runs_and_new_files(tmp_path: Path) -> None:
    """Metrics of a run in a folder of its own begin with the folder's name; a file that appears later is read too."""
    event_file(tmp_path / "train", [event(1.0, 1, simple("epoch_loss", 1.0))])
    event_file(tmp_path / "validation", [event(1.0, 1, simple("epoch_loss", 2.0))])
    event_file(tmp_path, [event(1.0, 1, simple("lr", 3.0))])
    (tmp_path / "notes.txt").write_text("nothing")
    folder = EventFolder(tmp_path)
    first = [point for points in folder.read_new() for point in points]
    event_file(tmp_path / "train", [event(2.0, 2, simple("epoch_loss", 0.5))], name="events.out.tfevents.2.host")
    second = [point for points in folder.read_new() for point in points]

    assert first == [("lr", 3.0, 1000, 1), ("train/epoch_loss", 1.0, 1000, 1), ("validation/epoch_loss", 2.0, 1000, 1)]
    assert second == [("train/epoch_loss", 0.5, 2000, 2)]
    assert len(folder.files) == 4


def test_the_same_as_tensorflow_itself(tmp_path: Path) -> None:
    """What its own writer wrote and its own classes read: both kinds of scalars, and other things between them."""
    import tensorflow as tf  # noqa: PLC0415  # seconds, for this test alone

    v1 = tf.compat.v1
    metadata = v1.SummaryMetadata(plugin_data=v1.SummaryMetadata.PluginData(plugin_name="scalars"))
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for step in range(200):
            tf.summary.write("train/loss", tf.constant(1 / (step + 1)), step=step, metadata=metadata)
            tf.summary.write("train/count", tf.constant(step, tf.int64), step=step, metadata=metadata)
            tf.summary.write("text", tf.constant(["a"]), step=step)
            tf.summary.experimental.write_raw_pb(
                v1.Summary(value=[v1.Summary.Value(tag="old", simple_value=step / 2)]).SerializeToString(), step=step
            )
    writer.close()
    (path,) = tmp_path.iterdir()
    expected = []
    for record in tf.data.TFRecordDataset(str(path)):
        one = v1.Event.FromString(record.numpy())
        for value in one.summary.value:
            if value.HasField("simple_value"):
                number = value.simple_value
            elif value.metadata.plugin_data.plugin_name == "scalars":
                number = float(tf.make_ndarray(value.tensor))
            else:
                continue
            expected.append((value.tag, number, round(one.wall_time * 1000), one.step))
    file = EventFile(path)

    assert read_all(file) == expected
    assert len(expected) == 600
    assert file.problems.count == 0


def test_checksums_are_tensorflows() -> None:
    """RFC 3720's example, masked as TensorFlow's documents say."""
    assert masked(b"\x00" * 32) == struct.pack(
        "<I", (((0x8A9136AA >> 15) | (0x8A9136AA << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    )
