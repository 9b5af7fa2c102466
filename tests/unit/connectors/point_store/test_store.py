"""The store holds each point once, in order, whatever the order in which they came (M-023, M-049, M-054, M-055)."""

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.point_store import groups, keys, merging, store, windows
from connectors.point_store.columns import Points, joined
from connectors.point_store.reading import PointReader
from connectors.point_store.store import PointStore, StoreInUseError, TooManySeriesError, folder_of_log, wipe
from connectors.point_store.windows import EVER, Axis, Selection
from tests.unit.connectors.point_store.store_samples import Filled, Shown, Told, group_of

UID = "w-1"


class Looked:
    """An iterator of the database that counts its steps."""

    def __init__(self, at: Any) -> None:
        self._at = at
        self.steps = 0

    def next(self) -> None:
        self.steps += 1
        self._at.next()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._at, name)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """An empty store."""
    it = Filled(tmp_path / "points")
    yield it
    it.store.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks, merges and windows that a few points fill."""
    monkeypatch.setattr(merging, "_CHUNK", 8)
    monkeypatch.setattr(store, "_MERGE_POINTS", 12)
    monkeypatch.setattr(store, "_MERGE_BLOBS", 6)
    monkeypatch.setattr(windows, "_WINDOW", 10)


def shown(reader: PointReader, uid: str = UID, **wanted: object) -> Shown:
    """What a reader says of a workload."""
    workload = reader.workload(uid)
    if workload is None:
        return []
    chosen = wanted.get("series")
    series = [i for i, name in enumerate(workload.series) if chosen is None or name in chosen]  # type: ignore[operator]
    selection = Selection(workload, series, wanted.get("span", EVER), wanted.get("axis", Axis.TIME))  # type: ignore[arg-type]
    found = list(windows.windows(reader, selection, backwards=bool(wanted.get("backwards"))))
    return told(joined(found[::-1] if wanted.get("backwards") else found), workload.series)


def told(points: Points, series: list[tuple[str, str]]) -> Shown:
    """Points as tuples."""
    columns = (points.series.tolist(), points.at.tolist(), points.iteration.tolist(), points.value.tolist())
    return [(*series[number], at, iteration, value) for number, at, iteration, value in zip(*columns, strict=True)]


def counts(reader: PointReader, uid: str = UID) -> dict[tuple[str, str], int]:
    """How many points each series has."""
    workload = reader.workload(uid)
    assert workload is not None
    return dict(zip(workload.series, reader.counts(workload), strict=True))


def point(at: int, iteration: int = 0, metric: str = "loss", source: str = "log", uid: str = UID) -> Told:
    """One point, whose value tells what it is."""
    return Told(uid, metric, source, at, iteration, at + iteration / 100)


class TestOrder:
    """What comes back."""

    def test_nothing_is_there_at_first(self, filled: Filled) -> None:
        """And no place in the log."""
        assert shown(filled.store.reader()) == []
        assert filled.store.place(0) is None

    def test_points_by_time_then_iteration_then_arrival(self, filled: Filled) -> None:
        """M-049: loss before accuracy, as they came, though not by name."""
        filled.write([point(5, 2), point(5, 1), point(5, 1, "accuracy"), point(4, 9)])

        assert [(name, at, step) for name, _, at, step, _ in shown(filled.store.reader())] == [
            ("loss", 4, 9), ("loss", 5, 1), ("accuracy", 5, 1), ("loss", 5, 2),
        ]  # fmt: skip

    def test_many_batches_make_few_chunks(self, filled: Filled) -> None:
        """Each full but the last ones."""
        for start in range(0, 200, 5):
            filled.write(point(at) for at in range(start, start + 5))
        reader = filled.store.reader()
        workload = reader.workload(UID)
        assert workload is not None
        sizes = [entry.points for entry in reader.entries(workload.number, 0, EVER)]

        assert shown(reader) == filled.expected(UID)
        assert counts(reader) == {("loss", "log"): 200}
        assert len(sizes) <= 30
        assert sum(size == 8 for size in sizes) >= 20

    def test_late_points_are_put_where_their_time_is(self, filled: Filled) -> None:
        """M-055: before all, between chunks, into chunks, and behind them in one batch."""
        filled.write(point(at) for at in range(10, 110, 2))
        filled.write(point(at) for at in [3, 11, 47, 91, 200, 1, 13, 15, 17, 19, 21, 23, 25])

        assert shown(filled.store.reader()) == filled.expected(UID)
        assert counts(filled.store.reader()) == {("loss", "log"): 63}

    def test_workloads_are_apart(self, filled: Filled) -> None:
        """Though one's uid begins as the other's."""
        filled.write([point(1), point(2, uid="w-10"), point(3), point(4, uid="w-10")])

        assert shown(filled.store.reader()) == filled.expected(UID)
        assert shown(filled.store.reader(), "w-10") == filled.expected("w-10")

    def test_what_could_not_be_computed(self, filled: Filled) -> None:
        """Stays NaN, in rows and in chunks."""
        for start in range(0, 24, 4):
            filled.write(Told(UID, "loss", "log", at, 0, float("nan")) for at in range(start, start + 4))

        assert all(np.isnan(value) for *_, value in shown(filled.store.reader()))
        assert counts(filled.store.reader()) == {("loss", "log"): 24}


class TestRepeats:
    """What comes twice is there once."""

    def test_within_a_batch_between_batches_and_against_chunks(self, filled: Filled) -> None:
        """The first one stays (M-054)."""
        filled.write([*[point(at) for at in range(20)], point(3)])
        filled.write([point(7), point(30), point(30), Told(UID, "loss", "log", 5, 0, 99.0)])

        assert shown(filled.store.reader()) == filled.expected(UID)
        assert counts(filled.store.reader()) == {("loss", "log"): 21}
        assert (UID, 5.0) in {(UID, value) for *_, at, _, value in shown(filled.store.reader()) if at == 5}

    def test_sources_are_side_by_side(self, filled: Filled) -> None:
        """M-054; series in order of first appearance (M-027)."""
        filled.write([point(1, source="wandb"), point(1, source="log"), point(1, source="wandb")])

        assert list(counts(filled.store.reader()).items()) == [(("loss", "wandb"), 1), (("loss", "log"), 1)]

    def test_the_log_read_again_changes_nothing(self, filled: Filled) -> None:
        """From its beginning, in other batches."""
        points = [point(at % 37, at % 5, metric=f"m{at % 3}") for at in range(100)]
        for start in range(0, 100, 9):
            filled.write(points[start : start + 9])
        before = shown(filled.store.reader()), counts(filled.store.reader())
        filled.write(points[:63], first=0)
        filled.write(points[63:], first=63)

        assert (shown(filled.store.reader()), counts(filled.store.reader())) == before
        assert before[0] == filled.expected(UID)


class TestReading:
    """Parts of it."""

    @pytest.fixture
    def two(self, filled: Filled) -> Filled:
        """Two series, with late points, some of them not merged."""
        dice = random.Random(7)
        ats = [dice.randrange(1000) for _ in range(300)]
        for start in range(0, 300, 7):
            filled.write(point(at, metric=f"m{at % 2}") for at in ats[start : start + 7])
        return filled

    @pytest.mark.parametrize("span", [(0, 999), (100, 100), (250, 260), (990, 5000), (-5, 3), (5000, 6000)], ids=str)
    @pytest.mark.parametrize("names", [None, [("m1", "log")]], ids=["all", "one"])
    def test_a_span_of_time(self, two: Filled, span: tuple[int, int], names: list[tuple[str, str]] | None) -> None:
        """Both ends included (M-038)."""
        expected = [row for row in two.expected(UID, names) if span[0] <= row[2] <= span[1]]

        assert shown(two.store.reader(), series=names, span=span) == expected
        assert shown(two.store.reader(), series=names, span=span, backwards=True) == expected

    def test_windows_stay_small(self, two: Filled) -> None:
        """Though chunks of both series overlap."""
        reader = two.store.reader()
        workload = reader.workload(UID)
        assert workload is not None
        sizes = [it.size for it in windows.windows(reader, Selection(workload, [0, 1]))]

        assert sum(sizes) == len(two.expected(UID))
        assert max(sizes) <= 30

    def test_by_arrival(self, two: Filled) -> None:
        """From a place of the log on, as they came."""
        by_offset = sorted((offset, key[1], key[3]) for key, (offset, _) in two.kept.items())
        expected = [(name, at) for offset, name, at in by_offset if offset > 123]
        found = shown(two.store.reader(), axis=Axis.ARRIVAL, span=(124, 10**9))

        assert [(name, at) for name, _, at, _, _ in found] == expected

    def test_a_reader_sees_what_was_there_when_it_was_made(self, filled: Filled) -> None:
        """Whatever is merged meanwhile."""
        filled.write([point(1), point(2)])
        reader = filled.store.reader()
        for start in range(10, 60, 10):
            filled.write(point(at) for at in range(start, start + 10))

        assert [at for *_, at, _, _ in shown(reader)] == [1, 2]
        assert len(shown(filled.store.reader())) == 52

    def test_the_newest_workloads_first(self, filled: Filled) -> None:
        """Those of the group and the partitions that are asked for; a group may begin as another does."""
        for number in range(3):
            filled.write([point(1, uid=f"w-{number}"), point(2, uid=f"wx-{number}")])
        reader = filled.store.reader()

        assert [uid for uid, _ in reader.newest_workloads("w", {0})] == ["w-2", "w-1", "w-0"]
        assert list(reader.newest_workloads("w", {1})) == []
        assert [reader.count_workloads(*asked) for asked in (("w", {0, 1}), ("w", {1}), ("x", {0}))] == [3, 0, 0]

    def test_the_newest_are_found_without_a_look_at_the_others(self, filled: Filled) -> None:
        """Nor does a count look at any."""
        filled.write(point(1, uid=f"w-{number}") for number in range(2000))
        reader = filled.store.reader()
        looked = Looked(reader._at)
        reader._at = looked
        newest = next(reader.newest_workloads("w", {0}))

        assert newest[1] == 1000
        assert reader.count_workloads("w", {0}) == 2000
        assert looked.steps < 300  # a page of keys

    @pytest.mark.parametrize("release", [1, 2])
    def test_a_store_of_an_earlier_release(self, filled: Filled, monkeypatch: pytest.MonkeyPatch, release: int) -> None:
        """Its workloads, which are in one line, are put into groups at the first start; the first had no partitions."""
        for number in range(5):
            filled.write([point(1, uid=f"w-{number}"), point(1, uid=f"x-{number}")])
        db = filled.store._db
        for key, value in list(db.items()):
            if key.startswith(keys.GROUP):
                created, uid = keys.of_group(key)
                db[keys.AGE + struct.pack(">Q", 2**63 - created) + uid] = value if release == 2 else b""
            if key.startswith((keys.GROUP, keys.COUNT)):
                del db[key]
        assert not list(filled.store.reader().newest_workloads("w", {0}))
        monkeypatch.setattr(groups, "_AT_ONCE", 3)
        del db
        for _ in range(2):
            filled.reopen()
            reader = filled.store.reader()

            assert [uid for uid, _ in reader.newest_workloads("x", {0})] == [f"x-{number}" for number in range(5)][::-1]
            assert [reader.count_workloads(group, {0}) for group in "wx"] == [5, 5]
            del reader  # which has the store open
        assert not any(key.startswith(keys.AGE) for key in list(filled.store._db.keys()))


class TestKeeping:
    """What stays."""

    def test_points_and_place_after_a_kill(self, filled: Filled) -> None:
        """Numbers of workloads are not given twice."""
        filled.write([point(1), point(2, uid="w-2")])
        filled.reopen()
        filled.write([point(3), point(4, uid="w-3"), point(5, metric="new")])

        assert filled.store.place(0) == 5
        for uid in ("w-1", "w-2", "w-3"):
            assert shown(filled.store.reader(), uid) == filled.expected(uid)

    def test_a_wiped_store_is_empty(self, filled: Filled) -> None:
        """And whoever reads the old one reads on."""
        filled.write([point(1)])
        reader = filled.store.reader()
        filled.store.close()
        wipe(filled.folder)
        filled.store = PointStore(filled.folder, most_series=9, group_of=group_of)

        assert filled.store.place(0) is None
        assert shown(filled.store.reader()) == []
        assert len(shown(reader)) == 1

    def test_an_unreadable_store_begins_anew(self, filled: Filled) -> None:
        """The log has everything."""
        filled.write([point(1)])
        filled.store.close()
        (filled.folder / "points-0" / "CURRENT").write_text("nonsense")
        filled.store = PointStore(filled.folder, most_series=9, group_of=group_of)

        assert filled.store.place(0) is None

    def test_one_process_has_it(self, filled: Filled) -> None:
        """The remedy is named."""
        with pytest.raises(StoreInUseError, match="TIDECAST_WORKER_ID"):
            PointStore(filled.folder, most_series=9, group_of=group_of)

    def test_a_workload_has_so_many_metrics(self, tmp_path: Path) -> None:
        """A name per step would grow without end."""
        filled = Filled(tmp_path / "few", most_series=2)
        filled.write([point(1, metric="a"), point(1, metric="b")])
        with pytest.raises(TooManySeriesError, match="TIDECAST_MAX_WORKLOAD_METRICS"):
            filled.write([point(1, metric="c")])
        filled.store.close()

    def test_a_forgotten_workload_leaves_nothing(self, filled: Filled) -> None:
        """Neither rows nor chunks."""
        for start in range(0, 40, 5):
            filled.write([*(point(at) for at in range(start, start + 5)), point(start, uid="w-2")])
        workload = filled.store.reader().workload(UID)
        assert workload is not None
        filled.store.forget(workload)
        reader = filled.store.reader()

        assert reader.workload(UID) is None
        assert shown(reader, "w-2") == filled.expected("w-2")
        assert [uid for uid, _ in reader.newest_workloads("w", {0})] == ["w-2"]
        assert reader.count_workloads("w", {0}) == 1

    def test_silent_workloads_are_forgotten(self, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those of which the log has nothing any more, over a restart; one that went on keeps its first points, too."""
        monkeypatch.setattr(store, "_STRETCH", 2)
        for uid in (UID, "w-2", "w-3", "w-4", UID):
            filled.write([point(filled.offset, uid=uid)])
        filled.reopen()
        counts = [filled.store.forget_silent(*asked) for asked in ((1, 9), (0, 0), (0, 1), (0, 2), (0, 2), (0, 4))]
        reader = filled.store.reader()

        assert counts == [0, 0, 0, 1, 0, 2]
        assert [uid for uid, _ in reader.newest_workloads("w", {0})] == [UID]
        assert reader.count_workloads("w", {0}) == 1
        assert shown(reader) == filled.expected(UID)
        assert filled.store.place(0) == 5


@pytest.mark.parametrize("log_id", ["UzqWrajSrSdAEHh62znlw", "UzqWra/jSrSdAEHh62znlw", "/Uzq/"])
def test_the_folder_of_a_log_stays(tmp_path: Path, log_id: str) -> None:
    """Whatever its id is made of; that of another log goes."""
    (folder_of_log(tmp_path, "other") / "points-0").mkdir(parents=True)
    (folder_of_log(tmp_path, log_id) / "points-0").mkdir(parents=True)

    assert (folder_of_log(tmp_path, log_id) / "points-0").is_dir()
    assert len(list(tmp_path.iterdir())) == 1


_POINTS = st.lists(
    st.builds(
        Told,
        uid=st.sampled_from(["w-1", "w-2"]),
        metric=st.sampled_from(["a", "b"]),
        source=st.sampled_from(["log", "wandb"]),
        at=st.integers(0, 60) | st.integers(0, 2**40),
        iteration=st.integers(-2, 4) | st.integers(-(2**53), 2**53),
        value=st.floats(allow_nan=False),
    ),
    max_size=40,
)
_STEPS = st.lists(_POINTS | st.just("kill") | st.integers(0, 60), max_size=12)


@settings(max_examples=40, deadline=None)
@given(steps=_STEPS, span=st.tuples(st.integers(0, 70), st.integers(0, 70)))
def test_it_holds_what_a_dictionary_would(steps: list[object], span: tuple[int, int]) -> None:
    """Batches, kills, and the log read again from some place on."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # an open reader's files go when it does
        filled = Filled(Path(folder))
        log: list[Told] = []
        for step in steps:
            if isinstance(step, list):
                filled.write(step)
                log += step
            elif isinstance(step, int):
                filled.write(log[step:], first=min(step, len(log)))
            else:
                filled.reopen()
        reader = filled.store.reader()
        for uid in ("w-1", "w-2"):
            expected = filled.expected(uid)
            assert shown(reader, uid) == expected
            assert shown(reader, uid, span=span) == [row for row in expected if span[0] <= row[2] <= span[1]]
            if expected:
                assert sum(counts(reader, uid).values()) == len(expected)
                assert sorted(shown(reader, uid, axis=Axis.ARRIVAL)) == sorted(expected)
        filled.store.close()
