"""The splits of jobs in the object store and in memory."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Dataset
from connectors.objects.store import ObjectStore
from schemas.forecasting import Columns, ConfigureJob
from streams.errors import RejectedError
from streams.forecasting import split_store as splits
from streams.forecasting.split_store import SplitStore

CSV = "g,t,v\n" + "".join(f"{group},2020-01-0{day},{day}\n" for day in (1, 2, 3) for group in "ab")
COMMAND = ConfigureJob("c-1", 7, (1,), (2,), (0,))
COLUMNS = Columns((1,), (2,), (0,))


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty object store."""
    return ObjectStore(str(tmp_path / "objects"))


@pytest.fixture
def dataset(store: ObjectStore, tmp_path: Path) -> Dataset:
    """A data set of two series of three days."""
    file = tmp_path / "data.csv"
    file.write_text(CSV)
    with opened_csv(file) as table:
        return datasets.register(
            store,
            table,
            data_id=2,
            name="d",
            file_name="d.csv",
            related_user=1,
            time_created=datetime(2020, 1, 1, tzinfo=UTC),
        )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were split, one entry per time."""
    calls, split_csv = [], splits.split_csv

    def counted(file: Path, *args: object, **kwargs: object) -> object:
        calls.append(file.name)
        return split_csv(file, *args, **kwargs)

    monkeypatch.setattr(splits, "split_csv", counted)
    return calls


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were read from the store, one entry per time."""
    calls, load_split = [], splits.load_split

    def counted(store: ObjectStore, key: str, *more: object) -> object:
        calls.append(key)
        return load_split(store, key, *more)

    monkeypatch.setattr(splits, "load_split", counted)
    return calls


async def test_a_split_is_made_by_the_columns(store: ObjectStore, dataset: Dataset) -> None:
    """And lies in the store, below its job."""
    key, split = await SplitStore(store, 10).make(COMMAND, dataset, COLUMNS)

    assert split.groupby_val == ("('a',)", "('b',)")
    assert split.history(1) == ([1, 2, 3], ["2020-01-01", "2020-01-02", "2020-01-03"])
    assert key.startswith("splits/7/")
    assert store.keys("splits") == [key]


async def test_a_split_is_made_once(store: ObjectStore, dataset: Dataset, made: list[str], loaded: list[str]) -> None:
    """The view makes it, the agent finds it in memory."""
    here = SplitStore(store, 10)
    first = await here.make(COMMAND, dataset, COLUMNS)
    second = await here.make(COMMAND, dataset, COLUMNS)

    assert (first[0], second[1]) == (second[0], first[1])
    assert (len(made), loaded) == (1, [])


async def test_another_process_reads_what_was_made(
    store: ObjectStore, dataset: Dataset, made: list[str], loaded: list[str]
) -> None:
    """Also after a crash: the same command gives the same series."""
    key, _ = await SplitStore(store, 10).make(COMMAND, dataset, COLUMNS)
    other = SplitStore(store, 10)
    again, split = await other.make(COMMAND, dataset, COLUMNS)
    await other.load(key)

    assert (again, len(split), len(made), loaded) == (key, 2, 1, [key])


FEATURES = "g,t,v,f,w\n" + "".join(f"{g},2020-01-0{d},{d},{10 * d + (g == 'b')},x\n" for d in (3, 1, 2) for g in "ab")


@pytest.fixture
def wide(store: ObjectStore, tmp_path: Path) -> Dataset:
    """Two series of three days, out of order, with a numeric column and one of words."""
    file = tmp_path / "wide.csv"
    file.write_text(FEATURES)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    with opened_csv(file) as table:
        return datasets.register(store, table, data_id=3, name="w", file_name="w.csv", related_user=1, time_created=at)


async def test_J090_a_feature_lies_row_by_row_beside_the_targets(
    store: ObjectStore, wide: Dataset, made: list[str]
) -> None:
    """In the order of the split, whatever the order of the file; read once, and gone with the split."""
    here = SplitStore(store, 10)
    key, split = await here.make(COMMAND, wide, COLUMNS)
    feature = await here.feature(key, COLUMNS, 3, lambda: wide)
    await here.feature(key, COLUMNS, 3, lambda: pytest.fail("it is there"))
    await SplitStore(store, 10).feature(key, COLUMNS, 3, lambda: pytest.fail("it is there"))

    assert [split.rows_of(feature, series).tolist() for series in (0, 1)] == [[10, 20, 30], [11, 21, 31]]
    assert len(made) == 2
    await here.delete(key)
    assert store.keys("splits") == []


async def test_J092_a_feature_of_words_is_refused(store: ObjectStore, wide: Dataset) -> None:
    """The message names the field and the cell."""
    here = SplitStore(store, 10)
    key, _ = await here.make(COMMAND, wide, COLUMNS)
    with pytest.raises(RejectedError, match=r'feature_indexs: column "w", line 2: "x" is not a number') as refusal:
        await here.feature(key, COLUMNS, 4, lambda: wide)

    assert refusal.value.status == 400


async def test_each_command_has_its_own(store: ObjectStore, dataset: Dataset) -> None:
    """Of the same job with other columns, and of other jobs."""
    here = SplitStore(store, 10)
    commands = [COMMAND, ConfigureJob("c-2", 7, (1,), (2,)), ConfigureJob("c-1", 8, (1,), (2,), (0,))]
    keys = {(await here.make(command, dataset, COLUMNS))[0] for command in commands}

    assert sorted(keys) == store.keys("splits")
    assert len(keys) == 3


@pytest.mark.parametrize("command_id", ["", "../../x", "a/b", "a b", "é" * 500, "x\0"])
async def test_any_command_id_will_do(store: ObjectStore, dataset: Dataset, command_id: str) -> None:
    """Producers choose them; they need not be file names."""
    key, split = await SplitStore(store, 10).make(ConfigureJob(command_id, 7, (1,), (2,), (0,)), dataset, COLUMNS)

    assert len(split) == 2
    assert store.keys("splits/7") == [key]


async def test_a_deleted_split_is_gone(store: ObjectStore, dataset: Dataset) -> None:
    """From the store and from memory; deleting it again is no error."""
    here = SplitStore(store, 10)
    key, _ = await here.make(COMMAND, dataset, COLUMNS)
    await here.delete(key)
    await here.delete(key)

    assert not store.exists(key)
    with pytest.raises(RejectedError, match="create another job") as refusal:
        await here.load(key)
    assert refusal.value.status == 409


async def test_a_column_that_does_not_fit_leaves_nothing_behind(store: ObjectStore, dataset: Dataset) -> None:
    """The refusal names the column; a later try with other columns is not confused by it."""
    here = SplitStore(store, 10)
    with pytest.raises(RejectedError, match="timestamp_indexs"):
        await here.make(COMMAND, dataset, Columns((0,), (2,), ()))

    assert store.keys("splits") == []
    assert len((await here.make(COMMAND, dataset, COLUMNS))[1]) == 2


async def test_J161_the_number_of_series_is_limited(store: ObjectStore, dataset: Dataset) -> None:
    """As the settings say."""
    with pytest.raises(RejectedError, match="groupby_indexs"):
        await SplitStore(store, 1).make(COMMAND, dataset, COLUMNS)


async def test_a_file_that_is_gone_is_said(store: ObjectStore, dataset: Dataset) -> None:
    """As a refusal, of the view and of the agent alike."""
    store.delete(dataset.path)
    with pytest.raises(RejectedError, match="upload it again"):
        await SplitStore(store, 10).make(COMMAND, dataset, COLUMNS)


async def test_what_was_used_lately_stays_in_memory(
    store: ObjectStore, dataset: Dataset, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to a number of rows; then the one that was used longest ago goes, and is read again when asked for."""
    monkeypatch.setattr(splits, "_KEPT_ROWS", 12)
    here = SplitStore(store, 10)
    keys = [(await here.make(ConfigureJob(name, 7, (1,), (2,)), dataset, COLUMNS))[0] for name in "ab"]
    await here.load(keys[0])
    keys.append((await here.make(ConfigureJob("c", 7, (1,), (2,)), dataset, COLUMNS))[0])
    await here.load(keys[0])
    await here.load(keys[2])
    assert loaded == []
    await here.load(keys[1])

    assert loaded == [keys[1]]


async def test_one_split_is_kept_however_large(
    store: ObjectStore, dataset: Dataset, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polling a large job must not read its file each time."""
    monkeypatch.setattr(splits, "_KEPT_ROWS", 1)
    here = SplitStore(store, 10)
    key, _ = await here.make(COMMAND, dataset, COLUMNS)
    await here.load(key)

    assert loaded == []


async def test_the_event_loop_goes_on_while_a_file_is_split(
    store: ObjectStore, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other requests are answered meanwhile."""
    loop, split_csv = asyncio.get_running_loop(), splits.split_csv
    turned = []

    def slow(*args: object, **kwargs: object) -> object:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0, turned.append("turn")), loop).result(10)
        return split_csv(*args, **kwargs)

    monkeypatch.setattr(splits, "split_csv", slow)
    _, split = await SplitStore(store, 10).make(COMMAND, dataset, COLUMNS)

    assert (len(split), turned) == (2, ["turn"])
