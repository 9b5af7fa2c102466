"""Standing jobs: forecasts follow the data by themselves, told and ended by HTTP and by events."""

from typing import Any

import httpx
import pytest

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.forecasting import Refresh, SeriesConfig, SubmitJob
from tests.acceptance.forecasting.jobs import check_error, csv
from tests.integration.services import Api, Service, until

_FILE = csv("shop,day,sold", *(f"{shop},2020-01-{day:02},{day}" for day in range(1, 13) for shop in "ab"))
_COLUMNS = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
_ALL = {"ts_id": "all", "model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 2}
_AT_ONCE = {"on": "data", "pause_s": 0}


@pytest.fixture
def job_id(api: Api) -> int:
    """A job on a data set of two shops and twelve days."""
    job_id = api.create_job(api.add_dataset(_FILE))
    answer = api.call("PUT", f"/job/{job_id}/", json=_COLUMNS)
    assert answer.status_code == 200, answer.text
    return job_id


def _patch(api: Api, job_id: int, *elements: Any) -> httpx.Response:
    return api.call("PATCH", f"/job/{job_id}/", json=list(elements))


def _series(api: Api, job_id: int) -> dict[str, int]:
    return {one["groups"]["shop"]: one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]}


def _add(api: Api, job_id: int, *rows: tuple[str, int, float]) -> None:
    data_id = api.get(f"/job/{job_id}/")["data_id"]
    body = [{"shop": shop, "day": f"2020-01-{day:02}", "sold": sold} for shop, day, sold in rows]
    assert api.call("POST", f"/data/{data_id}/rows", json=body).status_code == 200


def _forecast(api: Api, ts_id: int) -> Any:
    answer = api.call("GET", f"/forecasts/{ts_id}")
    return answer.json() if answer.status_code == 200 else None


def _until_forecast(api: Api, ts_id: int, begin: str) -> Any:
    until(
        lambda: (found := _forecast(api, ts_id)) is not None and found["timestamps"][0] == begin,
        why=f"series {ts_id} has no forecast from {begin} on",
    )
    return _forecast(api, ts_id)


def _finished(api: Api, job_id: int) -> Any:
    until(lambda: api.get(f"/job/{job_id}/")["status"] >= 3, why="the job is not finished")
    return api.get(f"/job/{job_id}/")


def test_forecasts_follow_the_data(api: Api, job_id: int) -> None:
    """Of the series that changed, and of one that is new; the others keep theirs. It is told, and ended by never."""
    told = _patch(api, job_id, _ALL | {"refresh": _AT_ONCE})
    assert told.status_code == 200, told.text
    assert "refreshed 0 s after new data: all" in told.json()["message"]
    _finished(api, job_id)
    ids = _series(api, job_id)
    before = _forecast(api, ids["b"])

    _add(api, job_id, ("a", 13, 13), *(("c", day, 5.0 + day) for day in range(1, 13)))

    _until_forecast(api, ids["a"], "2020-01-14 00:00:00")
    until(lambda: "c" in _series(api, job_id), why="the new shop is no series")
    _until_forecast(api, _series(api, job_id)["c"], "2020-01-13 00:00:00")
    assert _forecast(api, ids["b"]) == before
    job = _finished(api, job_id)
    assert (job["refresh"][0]["on"], job["refresh"][0]["pause_s"], job["submitted"]) == ("data", 0, job["finished"])
    assert job["refreshes"] >= 1
    assert job["refreshed"]
    results = {one["ts_id"]: one["results"] for one in api.get(f"/job/{job_id}/job_results/")["results"]}
    assert [result["timestamps"][0] for result in results[ids["a"]]] == ["2020-01-13 00:00:00", "2020-01-14 00:00:00"]
    assert results[ids["a"]][-1]["ts_history"]["sold"][-1] == 13

    ended = _patch(api, job_id, {"ts_id": "all", "refresh": "never"})
    assert "refreshed no more: all" in ended.json()["message"]
    assert api.get(f"/job/{job_id}/")["refresh"] == []
    _add(api, job_id, ("a", 14, 14))
    assert api.call("POST", f"/job/{job_id}/refresh/").json() == {
        "job_id": job_id,
        "status": 3,
        "series_count": 3,
        "changed": [ids["a"]],
    }


def test_by_hand_and_by_cron(api: Api, job_id: int) -> None:
    """A refresh by hand trains what changed, for each element; GET tells when the schedule is next due."""
    cron = {"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}
    told = _patch(
        api,
        job_id,
        _ALL | {"refresh": "hand"},
        _ALL | {"groups": {"shop": "b"}, "model_name": "SES", "refresh": cron},
    )
    assert told.status_code == 200, told.text
    job = _finished(api, job_id)
    assert job["refresh"][0] == {"ts_id": "all", "model_name": "LinearFit", "on": "hand"}
    assert job["refresh"][1]["next"][11:16] in ("04:00", "05:00")
    assert job["refresh"][1]["groups"] == {"shop": "b"}
    ids = _series(api, job_id)
    _add(api, job_id, ("a", 13, 13), ("b", 13, 13))

    answer = api.call("POST", f"/job/{job_id}/refresh/").json()

    assert answer["changed"] == [ids["a"], ids["b"]]
    _finished(api, job_id)
    results = {one["ts_id"]: one["results"] for one in api.get(f"/job/{job_id}/job_results/")["results"]}
    models = {ts_id: [result["model_name"] for result in found] for ts_id, found in results.items()}
    assert models == {ids["a"]: ["LinearFit"] * 2, ids["b"]: ["LinearFit", "SES"] * 2}


def test_an_element_that_cannot_be_refreshed_holds_up_no_other(api: Api) -> None:
    """The reason is told with the element, as a dead letter, and to who refreshes by hand."""
    lines = (f"{shop},2020-01-{day:02},{day},{day}" for day in range(1, 13) for shop in "ab")
    job_id = api.create_job(api.add_dataset(csv("shop,day,sold,price", *lines)))
    assert api.call("PUT", f"/job/{job_id}/", json=_COLUMNS).status_code == 200
    regression = {"model_name": "Regression", "feature_indexs": [3], "refit": 1, "refresh": _AT_ONCE}
    assert _patch(api, job_id, _ALL | {"refresh": _AT_ONCE}, _ALL | regression).status_code == 200
    _finished(api, job_id)
    first = _series(api, job_id)["a"]
    data_id = api.get(f"/job/{job_id}/")["data_id"]

    # Of the two days that are forecast the price of the first alone is known.
    rows = [{"shop": "a", "day": "2020-01-13", "sold": 13, "price": 1}, {"shop": "a", "day": "2020-01-14", "price": 1}]
    assert api.call("POST", f"/data/{data_id}/rows", json=rows).status_code == 200

    _until_forecast(api, first, "2020-01-14 00:00:00")
    fine, failed = _finished(api, job_id)["refresh"]
    assert "error" not in fine
    assert f"element 2 (ts_id {first}), " in failed["error"]
    [letter] = api.get(f"/dead-letters?topic=tidecast.job-commands&key={job_id}")["dead_letters"]
    assert letter["error"] == failed["error"]
    answer = api.call("POST", f"/job/{job_id}/refresh/").json()
    assert (answer["changed"], answer["errors"]) == ([], [failed["error"]])


async def test_an_event_does_the_same(api: Api, service: Service, job_id: int) -> None:
    """A producer that sends the command has the same effect."""
    element = SeriesConfig(0, "SES", (), next_k_prediction=2, series="shop=a", refresh=Refresh("data", 0.0))
    publisher = Publisher(service.bootstrap, client_id="test")
    try:
        command = SubmitJob("standing", job_id, (element,))
        await publisher.send([Record("tidecast.job-commands", b"%d" % job_id, Codec().encode(command))])
    finally:
        await publisher.close()
    until(lambda: bool(api.get(f"/job/{job_id}/").get("refresh")), why="the event had no effect")
    _finished(api, job_id)
    _add(api, job_id, ("a", 13, 13))

    found = _until_forecast(api, _series(api, job_id)["a"], "2020-01-14 00:00:00")
    assert found["model_name"] == "SES"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refresh": {"on": "dat"}}, "element 1, refresh, on: expected 'data', 'cron', 'hand' or 'never'"),
        ({"refresh": {"cron": "never"}}, "cron: found 'never'"),
        ({"refresh": {"cron": "0 6 * * *", "time_zone": "Mars"}}, "time_zone: found 'Mars'"),
        ({"refresh": {"on": "data", "pause_s": -1}}, "pause_s"),
        ({"refresh": {"pause": 5}}, "did you mean pause_s?"),
        ({"refresh": {}}, "on: is missing"),
        ({"refresh": "hand", "next_k_prediction": None}, "goes with an element that trains"),
    ],
    ids=["on", "cron", "zone", "pause", "near", "empty", "storing"],
)
def test_refusals(api: Api, job_id: int, change: dict[str, Any], words: str) -> None:
    """The field is named, and nothing stands."""
    check_error(_patch(api, job_id, _ALL | change), 400, words)
    assert "refresh" not in api.get(f"/job/{job_id}/")
