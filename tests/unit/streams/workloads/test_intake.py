"""Records of the log become points of the store; what cannot be kept is told with its reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connectors.kafka.publisher import partition_for
from connectors.point_store.columns import joined
from connectors.point_store.store import PointStore
from connectors.point_store.windows import Selection, windows
from schemas.coding.codec import Codec
from schemas.coding.wire import frame
from schemas.forecasting import CreateJob
from schemas.workloads import MetricPoint
from streams.workloads import intake as intake_module
from streams.workloads.groups import group_of
from streams.workloads.intake import Intake, Taken
from tests.unit.streams.workloads.workloads_samples import AT, CODEC, PARTITIONS, Told, point, told


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PointStore]:
    """An empty store."""
    it = PointStore(tmp_path, most_series=3, group_of=group_of)
    yield it
    it.close()


@pytest.fixture
def intake(store: PointStore) -> Intake:
    """What fills it."""
    return Intake(store, CODEC, PARTITIONS)


def take(intake: Intake, records: list[Told]) -> Taken:
    """Both steps."""
    return intake.write(intake.prepare(records))


def kept(store: PointStore, uid: str = "w-1") -> list[tuple[str, str, int, int, float | None]]:
    """What the store has of a workload."""
    reader = store.reader()
    workload = reader.workload(uid)
    if workload is None:
        return []
    found = joined(list(windows(reader, Selection(workload, range(len(workload.series))))))
    rows = zip(found.series.tolist(), found.at.tolist(), found.iteration.tolist(), found.value.tolist(), strict=True)
    return [(*workload.series[i], at, step, None if np.isnan(value) else value) for i, at, step, value in rows]


class TestKept:
    """What comes into the store."""

    def test_points_of_a_batch(self, store: PointStore, intake: Intake) -> None:
        """Several workloads, metrics and sources side by side; the place is behind the last record."""
        records = told(
            point(1), point(2), point(1, metric="lr"), point(1, source="wandb"), point(7, uid="w-2"), first=5
        )
        taken = take(intake, records)

        assert kept(store) == [
            ("train/loss", "log", AT, 1, 2.5),
            ("lr", "log", AT, 1, 2.5),
            ("train/loss", "wandb", AT, 1, 2.5),
            ("train/loss", "log", AT, 2, 2.5),
        ]
        assert kept(store, "w-2") == [("train/loss", "log", AT, 7, 2.5)]
        assert (taken.points, set(taken.uids)) == (5, {"w-1", "w-2"})
        assert store.place(records[4].partition()) == 10

    @pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")], ids=str)
    def test_what_is_no_number(self, store: PointStore, intake: Intake, value: float | None) -> None:
        """M-053."""
        take(intake, told(point(value=value)))
        take(intake, told(point(2, value=value), first=1))

        assert [row[4] for row in kept(store)] == [None, None]

    def test_the_same_again(self, store: PointStore, intake: Intake) -> None:
        """Once each, in one batch or two (M-054)."""
        take(intake, told(point(1), point(1), point(2)))
        take(intake, told(point(1), point(2), first=3))

        assert len(kept(store)) == 2

    def test_points_of_a_registry(self, store: PointStore) -> None:
        """Other ids, some learned on the way."""
        codec = Codec({name: number + 100 for name, number in CODEC._ids.items()}, lookup=lambda _: CODEC._writers[9])
        old = CODEC.encode(point(2))[5:-1]  # without the worker, as the first version has it
        intake = Intake(store, codec, PARTITIONS)
        taken = take(intake, [Told(b"w-1", codec.encode(point(1)), 0), Told(b"w-1", frame(9, old), 1)])

        assert taken.refused == []
        assert [row[3] for row in kept(store)] == [1, 2]

    def test_what_is_remembered_is_let_go(
        self, store: PointStore, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many workloads there are; each keeps its number and its series."""
        monkeypatch.setattr(intake_module, "_MOST_SLOTS", 2)
        for turn in range(4):
            take(intake, told(*(point(turn, uid=f"w-{n}", metric=m) for n in range(3) for m in "ab"), first=turn * 6))

        assert [row[0] for row in kept(store, "w-2")] == ["a", "b"] * 4


class TestRefused:
    """What becomes a dead letter."""

    @pytest.mark.parametrize(
        ("record", "words"),
        [
            (Told(b"w-1", b"nonsense"), "first byte is 110"),
            (Told(b"w-1", None), "tombstone"),
            (Told(b"w-1", CODEC.encode(CreateJob("c", 1, 1))), "a CreateJob, not a MetricPoint"),
            (Told(b"w-1", CODEC.encode(point(uid="w-2"))), "the record's key must be the workload_uid, w-2"),
            (Told(b"a b", CODEC.encode(point(uid="a b"))), "use 1 to 128 characters"),
            (Told(b"w-1", CODEC.encode(point(source="custom"))), "'custom' is none of"),
            (Told(b"w-1", CODEC.encode(point(metric=" x"))), "begins or ends blank"),
            (Told(b"w-1", CODEC.encode(point(at=1_704_067_200))), "looks like seconds"),
            (Told(b"w-1", CODEC.encode(point(at=-1))), "is no time"),
            (Told(b"w-1", CODEC.encode(point(2**60))), "is beyond"),
            (Told(b"w-1", CODEC.encode(point())[:-1] + b"\x02\xff"), "does not fit the bytes"),
            (Told(b"u" * 1_000_000, CODEC.encode(point(uid="u" * 1_000_000))), "use 1 to 128 characters"),
        ],
        ids=range(12),
    )
    def test_the_reason_is_told_and_others_are_kept(
        self, store: PointStore, intake: Intake, record: Told, words: str
    ) -> None:
        """One bad record stops nobody, also where its series is known."""
        take(intake, told(point(1)))
        record.offset_, last = 1, told(point(3), first=2)
        taken = take(intake, [record, *last])

        [(index, error)] = taken.refused
        assert index == 0
        assert words in str(error)
        assert len(str(error)) < 300
        assert [row[3] for row in kept(store)] == [1, 3]

    @pytest.mark.parametrize("where", ["columns", "codec"])
    def test_decision_21_what_nobody_has_thought_of_stops_no_other(
        self, store: PointStore, intake: Intake, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        """A mistake of ours costs the record that it is met with; what reads all at once leaves each to the codec."""
        records = told(*(point(step) for step in range(5)))
        wrong, decode = records[2], intake.decode

        def broken(value: bytes | None) -> MetricPoint:
            if value == wrong.value():
                raise KeyError("nobody has thought of it")
            return decode(value)

        def read(_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(intake, "decode", broken)
        if where == "columns":
            monkeypatch.setattr(intake._reader, "read", read)
        else:
            records = [wrong, *records[:2], *records[3:]]  # the first of its series is looked at by itself
            begin, begun = intake.slots.by_bytes, []

            def slot(*names: Any) -> int:
                begun.append(names)
                if len(begun) == 1:
                    raise KeyError("nobody has thought of it")
                return begin(*names)

            monkeypatch.setattr(intake.slots, "by_bytes", slot)
        taken = take(intake, records)

        assert [at for *_, at, _ in kept(store)] == [0, 1, 3, 4]
        assert [(index, type(error)) for index, error in taken.refused] == [(2 if where == "columns" else 0, KeyError)]
        assert store.place(records[0].partition()) == 5

    def test_a_record_without_key(self, intake: Intake) -> None:
        """Belongs nowhere."""
        taken = take(intake, [Told(None, CODEC.encode(point()), 0, 0)])

        assert "the record's key" in str(taken.refused[0][1])

    def test_a_metric_too_many(self, store: PointStore, intake: Intake) -> None:
        """Those that are known go on."""
        taken = take(intake, told(*(point(1, metric=name) for name in "abcd"), point(2, metric="a")))

        assert [(index, "TIDECAST_MAX_WORKLOAD_METRICS" in str(error)) for index, error in taken.refused] == [(3, True)]
        assert [row[0] for row in kept(store)] == ["a", "b", "c", "a"]

    def test_a_record_of_another_partition_is_to_be_moved(self, store: PointStore, intake: Intake) -> None:
        """Where its key belongs, though its series is known here."""
        take(intake, told(point(1)))
        wrong = (partition_for(b"w-1", PARTITIONS) + 1) % PARTITIONS
        taken = take(intake, [Told(b"w-1", CODEC.encode(point(2)), 0, wrong)])

        assert list(taken.elsewhere) == [0]
        assert taken.refused == []
        assert [row[3] for row in kept(store)] == [1]


def test_a_point_is_a_point() -> None:
    """The sample is what the tests take it for."""
    assert point() == MetricPoint("w-1", "train/loss", 2.5, AT, 1, "log")
