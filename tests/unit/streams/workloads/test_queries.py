"""What a request for points asks for, and how answers are written."""

import io
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest

from connectors.point_store.columns import ROW, Points, joined, of_rows
from connectors.point_store.store import PointStore
from connectors.point_store.windows import EVER
from streams.errors import InvalidError
from streams.workloads import thinning
from streams.workloads.groups import group_of
from streams.workloads.queries import PointQuery, blocks, is_true, query_of, selection_of
from streams.workloads.shapes import as_csv, as_json, as_objects

SERIES = [("train/loss", "log"), ('odd, "name"', "wandb")]


def asked(**given: str | list[str]) -> PointQuery:
    """The query of some parameters."""
    values = {name: [value] if isinstance(value, str) else value for name, value in given.items()}
    return query_of(lambda name: values.get(name, []))


class TestQuery:
    """Parameters."""

    def test_nothing_is_everything(self) -> None:
        """All optional (M-034); what is empty is as if it were absent (M-039)."""
        assert asked() == PointQuery()
        assert asked(metrics="", start="", end="", tail="") == PointQuery()

    def test_names_are_trimmed_and_joined(self) -> None:
        """Also over several parameters; a name with a comma is one too."""
        assert asked(metrics=" a , b,,a").metrics == {"a", "b", "a , b,,a"}
        assert asked(metrics=["a", "b"]).metrics == {"a", "b"}

    def test_sources_of_any_case(self) -> None:
        """M-040; what was given is repeated (M-051)."""
        query = asked(data_source="WandB,log")
        assert query.sources is not None
        assert {"wandb", "log"} <= query.sources
        assert query.echo == "WandB,log"

    def test_a_span(self) -> None:
        """Beyond all times it ends where they do."""
        assert asked(start="5", end="5").span == (5, 5)
        assert asked(start="-" + "9" * 18, end="9" * 18).span == (-(10**18) + 1, 10**18 - 1)
        assert asked().span == EVER

    @pytest.mark.parametrize(
        "given",
        [
            {"start": "1"},
            {"end": "1"},
            {"start": "2", "end": "1"},
            {"start": "1e3", "end": "2000"},
            {"start": "1704067200", "end": "1704067300000"},
            {"start": "9" * 19, "end": "9" * 19},
            {"tail": "-1"},
            {"max_points": "100001"},
            {"tail": "1", "max_points": "1"},
        ],
        ids=str,
    )
    def test_wrong_ones(self, given: dict[str, str]) -> None:
        """Refused."""
        with pytest.raises(InvalidError):
            asked(**given)

    def test_yes(self) -> None:
        """And no."""
        assert is_true(["true"])
        assert is_true(["0", "YES"])
        assert not is_true([])
        assert not is_true(["false"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PointStore]:
    """A store with 50,000 points of one series, one of which is high, and every tenth could not be computed."""
    it = PointStore(tmp_path, most_series=9, group_of=group_of)
    rows = np.zeros(50_000, ROW)
    rows["at"] = rows["iteration"] = rows["offset"] = np.arange(50_000)
    rows["value"] = np.sin(np.arange(50_000) / 500)
    rows["value"][31_337] = 99
    rows["value"][::10] = np.nan
    workload = it.workload("w", 0, 1)
    it.series_of(workload, "loss", "log")
    it.write(rows, np.zeros(50_000, np.int64), [workload], {0: 50_000})
    yield it
    it.close()


def found(store: PointStore, query: PointQuery) -> Points:
    """All blocks as one."""
    reader = store.reader()
    workload = reader.workload("w")
    assert workload is not None
    return joined(list(blocks(reader, selection_of(workload, query), query)))


class TestBlocks:
    """Parts of a long series."""

    @pytest.mark.parametrize("count", [1, 7, 32_768, 49_999, 50_000, 60_000])
    def test_a_tail(self, store: PointStore, count: int) -> None:
        """Exactly so many, the last ones."""
        points = found(store, PointQuery(tail=count))

        assert points.at.tolist() == list(range(max(0, 50_000 - count), 50_000))

    @pytest.mark.parametrize("ahead", [200_000, 5000])
    def test_thinned_for_a_chart(self, store: PointStore, ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """The high one, the ends and some gaps are there, in order; also where it is done block by block."""
        monkeypatch.setattr(thinning, "_AHEAD", ahead)
        points = found(store, PointQuery(most=200))

        assert 150 <= points.size <= 200
        assert 99 in points.value
        assert 0 < np.isnan(points.value).sum() <= 20
        times = points.at.tolist()
        assert times == sorted(set(times))
        assert (times[0] <= 10, times[-1]) == (True, 49_999)

    @pytest.mark.parametrize("most", [1, 2, 3])
    def test_thinned_to_almost_nothing(self, store: PointStore, most: int) -> None:
        """At most so many."""
        assert 1 <= found(store, PointQuery(most=most)).size <= most


def points_of(*values: float) -> Points:
    """Points of both series in turn."""
    rows = np.zeros(len(values), ROW)
    rows["series"] = np.arange(len(values)) % 2
    rows["at"], rows["value"] = np.arange(len(values)) + 10, values
    return of_rows(rows.tobytes())


class TestShapes:
    """JSON and CSV."""

    @pytest.mark.parametrize("sizes", [[], [0, 3], [2, 2], [1, 0, 3]], ids=str)
    def test_json_of_pieces_is_whole(self, sizes: list[int]) -> None:
        """Whatever they are; no bare NaN (M-053)."""
        parts = [points_of(*([1.5, math.nan, 2.0][:size])) for size in sizes]
        text = b"".join(as_json("w", None, SERIES, [part for part in parts if part.size]))
        content = json.loads(text)

        assert b"NaN" not in text
        assert list(content) == ["workload_uid", "data", "total_count"]
        assert content["total_count"] == len(content["data"]) == sum(sizes)

    def test_the_filter_is_echoed(self) -> None:
        """M-051."""
        assert json.loads(b"".join(as_json("w", "log", SERIES, [])))["data_source"] == "log"

    def test_csv_is_what_pandas_writes(self) -> None:
        """Of the JSON's data (M-085, M-086)."""
        points = points_of(0.1, 1e-7, 1e300, -0.0, math.nan, 123456789.123, 2.0)
        table = pd.DataFrame(json.loads(b"".join(as_json("w", None, SERIES, [points])))["data"])

        assert b"".join(as_csv(SERIES, [points])).decode() == table.to_csv(index=False)
        assert len(pd.read_csv(io.BytesIO(b"".join(as_csv(SERIES, [points]))))) == 7

    def test_numbers_by_the_column_are_those_of_each_point(self) -> None:
        """Whatever they are: as orjson writes the objects."""
        values = [0.0, -0.0, 1.0, 1e300, 5e-324, -1 / 3, 1e16, 123456789.125, math.nan, 2**53 + 0.0]
        rows = np.zeros(len(values), ROW)
        rows["value"], rows["at"], rows["iteration"] = values, range(len(values)), range(-5, len(values) - 5)
        rows["series"] = np.arange(len(values)) % 2
        points = of_rows(rows.tobytes())
        text = b"".join(as_json("w", None, SERIES, [points, points]))

        assert json.loads(text)["total_count"] == 20
        assert b'"data":%b],' % orjson.dumps(2 * as_objects(points, SERIES))[:-1] in text
