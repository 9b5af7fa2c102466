"""Data sets that grow: rows by HTTP and as events, read back in the preview and in new jobs."""

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.observations import Observation
from tests.acceptance.forecasting.jobs import check_error, csv, element, train
from tests.integration.services import Api, Service, until
from tests.workbooks import workbook

_FILE = csv("shop,day,sold", *(f"{shop},2020-01-{day:02},{day}" for day in range(1, 13) for shop in "ab"))
_COLUMNS = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}


def _configured(api: Api, data_id: int) -> tuple[int, Any]:
    job_id = api.create_job(data_id)
    answer = api.call("PUT", f"/job/{job_id}/", json=_COLUMNS)
    assert answer.status_code == 200, answer.text
    return job_id, answer.json()["ts_details"]


def _history(api: Api, job_id: int, ts_id: int) -> Any:
    return api.get(f"/job/{job_id}/ts_details/{ts_id}/")


@pytest.fixture
def data_id(api: Api) -> int:
    """Two shops of twelve days, whose rows a job tells apart."""
    data_id = api.add_dataset(_FILE)
    _configured(api, data_id)
    return data_id


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _workbook(table: pa.Table) -> bytes:
    return workbook({"Rows": [table.column_names, *(list(row.values()) for row in table.to_pylist())]})


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("vnd.apache.parquet", _parquet),
        ("vnd.apache.arrow.file", _arrow),
        ("vnd.openxmlformats-officedocument.spreadsheetml.sheet", _workbook),
    ],
)
def test_rows_of_other_programs(api: Api, data_id: int, kind: str, write: Callable[[pa.Table], bytes]) -> None:
    """As a CSV file of the same table would be taken; what is no such file is refused, and says why."""
    days = [dt.date(2020, 1, day) for day in (13, 14)]
    table = pa.table({"sold": [13.5, None], "day": days, "shop": ["a", "b"]})
    headers = {"Content-Type": f"application/{kind}"}

    answer = api.call("POST", f"/data/{data_id}/rows", content=write(table), headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"data_id": data_id, "accepted": 2}), answer.text
    lines = api.call("GET", f"/data/{data_id}/rows").text.splitlines()[-2:]
    assert [line.split(",")[0::2] for line in lines] == [["a", "13.5"], ["b", ""]]
    assert [line.split(",")[1][:10] for line in lines] == ["2020-01-13", "2020-01-14"]
    check_error(api.call("POST", f"/data/{data_id}/rows", content=b"no table", headers=headers), 400, "body: ")
    other = api.call("POST", f"/data/{data_id}/rows", content=write(table), headers={"Content-Type": "text/plain"})
    check_error(other, 415, f"application/{kind}")


def test_rows_are_added_and_corrected(api: Api, data_id: int) -> None:
    """As JSON and as CSV; the preview and a new job have them, a new series comes last."""
    rows = [{"shop": "a", "day": "2020-01-13", "sold": 13}, {"shop": "c", "day": "2020-01-13", "sold": None}]
    by_json = api.call("POST", f"/data/{data_id}/rows", json=rows)
    by_csv = api.call(
        "POST",
        f"/data/{data_id}/rows",
        content=csv("day,sold,shop", "2020-01-14,14,a", "2020-01-01,100,a"),
        headers={"Content-Type": "text/csv"},
    )

    assert (by_json.status_code, by_json.json()) == (200, {"data_id": data_id, "accepted": 2})
    assert (by_csv.status_code, by_csv.json()) == (200, {"data_id": data_id, "accepted": 2})
    table = api.call("GET", f"/data/{data_id}/rows")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[-3:] == ["a,2020-01-13,13", "c,2020-01-13,", "a,2020-01-14,14"]
    preview = api.get(f"/data/{data_id}/")
    assert preview["data"]["rows"] == 27
    assert preview["heads"]["sold"] == [100, 1, 2, 2, 3]
    assert [one["rows"] for one in api.get("/data/")["data"] if one["id"] == data_id] == [27]
    job_id, series = _configured(api, data_id)
    assert [one["series_key"] for one in series] == ["shop=a", "shop=b", "shop=c"]
    grown = _history(api, job_id, series[0]["ts_id"])
    assert grown["values"] == [100, *range(2, 15)]
    assert grown["timestamps"][-1] == "2020-01-14 00:00:00"


def test_a_job_keeps_the_series_that_it_was_made_of(api: Api, data_id: int) -> None:
    """Until it is told otherwise."""
    job_id, series = _configured(api, data_id)
    api.call("POST", f"/data/{data_id}/rows", json=[{"shop": "a", "day": "2020-01-13", "sold": 13}])

    assert _history(api, job_id, series[0]["ts_id"])["values"] == list(range(1, 13))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"shop": "a", "day": "2020-01-13", "sold": 13}, {"shop": "a", "day": "soon", "sold": 1}], "row 2: day"),
        ([{"shop": "a", "day": "2020-01-13", "sold": "many"}], "row 1: sold"),
        ([{"shop": "a", "day": "2020-01-13", "price": 1}], "row 1: 'price' is no column"),
        ([{"day": "2020-01-13", "sold": 1}], "row 1: shop is missing"),
        ([], "rows: there are none"),
    ],
    ids=["time", "number", "column", "group", "none"],
)
def test_rows_are_taken_all_or_none(api: Api, http: httpx.Client, data_id: int, rows: Any, words: str) -> None:
    """With the row that is wrong, and what is wrong with it."""
    answer = http.post(f"/data/{data_id}/rows", json=rows)

    assert answer.status_code == 400
    assert words in answer.json()["message"]
    if words.startswith("row "):  # decision 19: for programs
        number, field = words.removeprefix("row ").split()[:2]
        assert answer.json()["element"] == int(number.strip(":")) - 1
        assert answer.json()["field"] == field.strip("'")
    assert api.get(f"/data/{data_id}/")["data"]["rows"] == 24


def test_which_columns_tell_rows_apart_must_be_known(api: Api, http: httpx.Client) -> None:
    """By a job, or by whoever sends the first rows; then it stays."""
    data_id = api.add_dataset(_FILE)
    path, rows = f"/data/{data_id}/rows", [{"shop": "a", "day": "2020-01-13", "sold": 13}]
    unknown = http.post(path, json=rows)
    wrong = http.post(path, json=rows, params={"timestamp_column": "date"})
    said = http.post(path, json=rows, params={"timestamp_column": "day", "group_columns": ["shop"]})
    other = http.post(path, json=rows, params={"timestamp_column": "day"})

    check_error(unknown, 409, "does not tell its rows apart yet")
    check_error(wrong, 400, "timestamp_column")
    assert said.status_code == 200, said.text
    check_error(other, 409, "rows are known by day, shop already")
    assert api.get(f"/data/{data_id}/")["data"]["rows"] == 25


def test_other_refusals(http: httpx.Client, data_id: int) -> None:
    """Of what is not there, and of another kind of body."""
    check_error(http.post("/data/99887766/rows", json=[{"day": "2020-01-13"}]), 404, "99887766")
    assert http.post(f"/data/{data_id}/rows", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415


async def test_observations_are_events(api: Api, service: Service, data_id: int) -> None:
    """The same as rows by HTTP; what cannot be one becomes a dead letter, and the rest is kept."""
    codec, topic = Codec(), "tidecast.observations"
    events = [
        Observation(data_id, "2020-01-13", {"sold": 13.0}, {"shop": "a"}),
        Observation(data_id, "never", {"sold": 13.0}, {"shop": "a"}),
        Observation(data_id, "2020-01-13", {"sold": 14.0}, {"shop": "a"}),
        Observation(data_id, "2020-01-13", {"sold": 1.0}, {"shop": "b"}),
    ]
    publisher = Publisher(service.bootstrap, client_id="test")
    try:
        await publisher.send([Record(topic, b"%d" % data_id, codec.encode(event)) for event in events])
    finally:
        await publisher.close()

    until(lambda: api.get(f"/data/{data_id}/")["data"]["rows"] == 26, why="the observations did not become rows")
    job_id, series = _configured(api, data_id)
    assert _history(api, job_id, series[0]["ts_id"])["values"][-1] == 14
    letters = [one for one in service.read_all("tidecast.dead-letters") if one.key() == b"%d" % data_id]
    assert len(letters) == 1


def test_a_jobs_series_grow_and_keep_their_ids(api: Api, data_id: int) -> None:
    """Those that changed are told; a PATCH trains them, and the results of before stay."""
    job_id, series = _configured(api, data_id)
    ts_ids = [one["ts_id"] for one in series]
    train(api, job_id, *map(element, ts_ids))
    api.call("POST", f"/data/{data_id}/rows", json=[{"shop": shop, "day": "2020-01-13", "sold": 13} for shop in "ac"])

    answer = api.call("POST", f"/job/{job_id}/refresh/")

    new = ts_ids[-1] + 1
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"job_id": job_id, "status": 3, "series_count": 3, "changed": [ts_ids[0], new]}
    assert [one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]] == [*ts_ids, new]
    body = train(api, job_id, element(ts_ids[0]))
    [found] = [one["results"] for one in body["results"] if one["ts_id"] == ts_ids[0]]
    assert [result["timestamps"][0] for result in found] == ["2020-01-13 00:00:00", "2020-01-14 00:00:00"]
