"""Splits in the object store: whole or absent, of this version and of the first; time zones of their series."""

import io
from pathlib import Path

import numpy as np
import pytest

from connectors.csv_files.inspection import inspect_csv
from connectors.datasets.splits import Split, StoredSplitError, load_split, save_split
from connectors.datasets.splitter import split_csv
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.forecasting.calendars import checked_calendars
from tests.unit.connectors.datasets.splits_samples import ARRANGE, split


def test_a_stored_split_is_complete(path: Path) -> None:
    """Every field comes back equal and of the same type, from a store that is not a disk too."""
    made = split(path, "g,t,v,w\na,2020-01-01,1.5,0\nb,2020-01-01,,0\na,2020-01-03,2,0\n")
    store = ObjectStore("memory://stored-split")
    save_split(store, "s", made)
    loaded = load_split(store, "s", ARRANGE)

    for name in Split.__dataclass_fields__:
        before, after = getattr(made, name), getattr(loaded, name)
        assert type(after) is type(before), name
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype, name
            assert not after.flags.writeable, name
        np.testing.assert_array_equal(after, before, err_msg=name)


def test_absent_and_damaged_splits_are_told_apart(path: Path) -> None:
    """No object, bytes cut off, other bytes and another version each end in an error, never in wrong data."""
    store = ObjectStore(str(path.parent / "store"))
    made = split(path, "g,t,v\na,2020-01-01,1\n")
    save_split(store, "whole", made)
    whole = store.read_bytes("whole")
    store.put_bytes("cut", whole[: len(whole) // 2])
    store.put_bytes("other", b"not a split")
    store.put_bytes("empty", b"")
    with np.load(io.BytesIO(whole)) as arrays, store.writing("newer") as unfinished, unfinished.open("wb") as file:
        described = bytes(arrays["described"]).replace(b'"version": 2', b'"version": 3')
        np.savez(file, **{**arrays, "described": np.frombuffer(described, dtype=np.uint8)})

    with pytest.raises(ObjectNotFoundError):
        load_split(store, "absent", ARRANGE)
    for key in ("cut", "other", "empty"):
        with pytest.raises(StoredSplitError, match=r"is damaged: .* configure the job again"):
            load_split(store, key, ARRANGE)
    with pytest.raises(StoredSplitError, match="version 3, not 2; configure the job again"):
        load_split(store, "newer", ARRANGE)


def test_a_split_of_the_first_version_has_calendars_too(path: Path) -> None:
    """Its moments were instants and its steps all equal: what its texts show is looked at anew."""
    rows = "".join(f"a,2020-0{month}-01T00:00:00+08:00,{month}\n" for month in range(1, 7))
    made = split(path, "g,t,v\n" + rows)
    store = ObjectStore(str(path.parent / "store"))
    save_split(store, "s", made)
    with np.load(io.BytesIO(store.read_bytes("s"))) as arrays, store.writing("old") as unfinished:
        described = bytes(arrays["described"]).replace(b'"version": 2', b'"version": 1')
        kept = {name: array for name, array in arrays.items() if not name.startswith(("calendar", "is_complete"))}
        old = {
            "described": np.frombuffer(described, dtype=np.uint8),
            "moments": arrays["moments"] // 1000 - 8 * 3_600_000,
            "step_ms": np.array([31 * 86_400_000]),
            "is_regular": np.array([False]),
        }
        with unfinished.open("wb") as file:
            np.savez(file, **{**kept, **old})

    loaded = load_split(store, "old", ARRANGE)

    assert loaded.calendar(0) == "MS +08:00"
    assert loaded.times.tolist() == made.times.tolist()
    assert loaded.history(0) == made.history(0)


class TestTimeZones:
    """Decision 17: the clock of a place, which repeats and leaves out hours."""

    def split_in(self, path: Path, zone: str, *texts: str) -> Split:
        """One series of these times, in a zone."""
        path.write_text("t,v\n" + "".join(f"{text},{number}\n" for number, text in enumerate(texts)))
        calendars = checked_calendars("", zone)
        return split_csv(
            path,
            inspect_csv(path).header,
            timestamp_index=0,
            target_index=1,
            groupby_indexs=(),
            max_series=9,
            calendars=calendars,
        )

    def test_a_repeated_hour_is_two_times(self, path: Path) -> None:
        """02:00 comes twice in the night of the 25th of October; rows are those of the file, in its order."""
        texts = [f"2020-10-25 {hour:02}:{minute:02}" for hour in (0, 1, 2, 2, 3) for minute in (0, 30)]
        made = self.split_in(path, "Europe/Berlin", *texts)

        assert made.series(0).complete
        assert made.calendar(0) == "30min @Europe/Berlin"
        assert made.history(0) == (list(range(10)), texts)

    def test_without_the_zone_they_are_one_time(self, path: Path) -> None:
        """The file does not tell them apart."""
        made = split(path, "g,t,v\na,2020-10-25 01:00,1\na,2020-10-25 02:00,2\na,2020-10-25 02:00,3\n")

        assert not made.series(0).complete

    def test_offsets_tell_them_apart(self, path: Path) -> None:
        """Shown alike, an hour from one another: two times, in the right order whatever the file's."""
        rows = ["2020-10-25T02:00:00+01:00", "2020-10-25T02:00:00+02:00", "2020-10-25T01:00:00+02:00"]
        made = split(path, "g,t,v\n" + "".join(f"a,{text},{number}\n" for number, text in enumerate(rows)))

        assert made.series(0).complete
        assert made.history(0)[0] == [2, 1, 0]
        assert made.calendar(0) == "h +01:00"

    def test_a_left_out_hour_is_no_gap(self, path: Path) -> None:
        """From 01:00 to 03:00 it is an hour in the night of the 29th of March."""
        made = self.split_in(path, "Europe/Berlin", *(f"2020-03-29 {hour:02}:00" for hour in (0, 1, 3, 4)))

        assert made.series(0).complete
        assert made.calendar(0) == "h @Europe/Berlin"

    def test_offsets_and_a_zone(self, path: Path) -> None:
        """What is written in UTC is shown on the clock of the zone."""
        made = self.split_in(path, "Asia/Tokyo", *(f"2020-03-{day:02}T15:00:00Z" for day in range(1, 6)))

        assert made.calendar(0) == "D Asia/Tokyo"
        assert made.times[0] == np.datetime64("2020-03-02T00:00", "us").astype(np.int64)
