"""A second model beside the one that answers: judged by the same rows, switched, ended, by HTTP and by events."""

from typing import Any

import httpx
import pytest

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.forecasting import SeriesConfig, StartShadow, StopShadow, SwitchShadow
from tests.acceptance.forecasting.jobs import check_error, csv
from tests.integration.services import Api, Service, until

# Each day sells one more: LinearFit foretells it, AdaptiveMaxN says what the most was.
_FILE = csv("shop,day,sold", *(f"{shop},2020-01-{day:02},{day}" for day in range(1, 13) for shop in "ab"))
_COLUMNS = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
_FIRST = {"ts_id": "all", "model_name": "AdaptiveMaxN", "hyper_params": [], "next_k_prediction": 2, "refit": 1}


@pytest.fixture
def job_id(api: Api) -> int:
    """A standing job on two shops and twelve days, forecast by AdaptiveMaxN."""
    job_id = api.create_job(api.add_dataset(_FILE))
    assert api.call("PUT", f"/job/{job_id}/", json=_COLUMNS).status_code == 200
    element = _FIRST | {"refresh": {"on": "data", "pause_s": 0}}
    assert api.call("PATCH", f"/job/{job_id}/", json=[element]).status_code == 200
    _finished(api, job_id)
    return job_id


def _finished(api: Api, job_id: int) -> None:
    until(lambda: api.get(f"/job/{job_id}/")["status"] >= 3, why="the job is not finished")


def _start(api: Api, job_id: int, **body: Any) -> httpx.Response:
    return api.call("POST", f"/job/{job_id}/shadow/", json={"model_name": "LinearFit"} | body)


def _ids(api: Api, job_id: int) -> list[int]:
    return [one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]]


def _day(api: Api, job_id: int, day: int) -> None:
    """A day comes to both shops, and what it changes is forecast."""
    data_id = api.get(f"/job/{job_id}/")["data_id"]
    body = [{"shop": shop, "day": f"2020-01-{day:02}", "sold": day} for shop in "ab"]
    assert api.call("POST", f"/data/{data_id}/rows", json=body).status_code == 200


def _until_forecast(api: Api, ts_id: int, model: str, day: int) -> Any:
    def is_there() -> bool:
        found = api.get(f"/forecasts/{ts_id}")
        return (found["model_name"], found["timestamps"][0][8:10]) == (model, f"{day}")

    until(is_there, why=f"series {ts_id} has no forecast by {model} from day {day} on")
    return api.get(f"/forecasts/{ts_id}")


def test_judged_side_by_side_switched_and_switched_back(api: Api, job_id: int) -> None:
    """Published is who answers; both are compared by the same values; the other one goes on in the shadow."""
    shop_a, shop_b = _ids(api, job_id)
    told = _start(api, job_id)
    assert told.status_code == 201, told.text
    assert (told.json()["answers"], told.json()["first"]["answers"], told.json()["judged"]) == ("first", True, 0)
    until(lambda: api.get(f"/job/{job_id}/shadow/")["second"]["forecasts"] == 2, why="the shadow has not forecast")
    results = api.get(f"/job/{job_id}/job_results/?history=0")["results"][0]["results"]
    assert [(one["model_name"], one.get("shadow")) for one in results] == [("AdaptiveMaxN", None), ("LinearFit", True)]
    assert api.get(f"/forecasts/{shop_a}")["model_name"] == "AdaptiveMaxN"
    refresh = api.get(f"/job/{job_id}/")["refresh"]
    assert [(one["model_name"], one.get("shadow")) for one in refresh] == [("AdaptiveMaxN", None), ("LinearFit", True)]

    _day(api, job_id, 13)
    _until_forecast(api, shop_a, "AdaptiveMaxN", 14)
    _finished(api, job_id)
    found = api.get(f"/job/{job_id}/shadow/")

    assert (found["judged"], found["better"], found["significant"], found["times"]) == (2, "second", False, 1)
    assert (found["first"]["mae"], found["first"]["bias"]) == (1.0, 1.0)
    assert found["second"]["mae"] == pytest.approx(0.0, abs=1e-6)
    assert (found["first"]["mase"], found["note"], found["p_value"]) == (1.0, None, None)
    assert [(one["ts_id"], one["judged"], one["better"]) for one in found["series"]] == [
        (shop_a, 1, "second"),
        (shop_b, 1, "second"),
    ]
    assert found["second"]["seconds"] > 0
    assert api.get(f"/job/{job_id}/leaderboard/")["series"][0]["winner"] == "AdaptiveMaxN"
    assert api.get(f"/job/{job_id}/sums/")["sums"][0]["models"] == {"AdaptiveMaxN": 2}  # the shadow's are better
    assert api.get(f"/job/{job_id}/anomalies/")["series"][0]["model_name"] == "AdaptiveMaxN"

    switched = api.call("POST", f"/job/{job_id}/shadow/switch/")
    assert (switched.status_code, switched.json()["answers"]) == (200, "second")
    made = _until_forecast(api, shop_b, "LinearFit", 14)
    assert (made["switches"], made["cutoff"], made["series_key"]) == (1, "2020-01-13 00:00:00", "shop=b")
    assert made["mean"] == pytest.approx([14.0, 15.0])

    _day(api, job_id, 14)
    _until_forecast(api, shop_a, "LinearFit", 15)
    _finished(api, job_id)
    assert api.call("POST", f"/job/{job_id}/shadow/switch/?to=second").json()["switches"] == 1  # it answers already
    assert api.call("POST", f"/job/{job_id}/shadow/switch/?to=first").json()["switches"] == 2
    _until_forecast(api, shop_a, "AdaptiveMaxN", 15)

    assert api.call("DELETE", f"/job/{job_id}/shadow/").status_code == 204
    check_error(api.call("GET", f"/job/{job_id}/shadow/"), 404, "has no shadow: POST")
    assert [one["model_name"] for one in api.get(f"/job/{job_id}/")["refresh"]] == ["AdaptiveMaxN"]


async def test_by_events_it_is_the_same(api: Api, service: Service, job_id: int) -> None:
    """Started for one shop, it takes over that one alone."""
    shop_a, shop_b = _ids(api, job_id)
    publisher = Publisher(service.bootstrap, client_id="test")

    async def send(*commands: Any) -> None:
        values = map(Codec().encode, commands)
        await publisher.send([Record("tidecast.job-commands", b"%d" % job_id, value) for value in values])

    try:
        await send(StartShadow("c1", job_id, SeriesConfig(shop_b, "LinearFit")))
        until(lambda: api.call("GET", f"/job/{job_id}/shadow/").status_code == 200, why="there is no shadow")
        _finished(api, job_id)
        await send(SwitchShadow("c2", job_id), StopShadow("c3", job_id))
    finally:
        await publisher.close()

    _until_forecast(api, shop_b, "LinearFit", 13)
    _day(api, job_id, 13)
    _until_forecast(api, shop_a, "AdaptiveMaxN", 14)
    _until_forecast(api, shop_b, "LinearFit", 14)


def test_what_cannot_be_is_told_with_its_remedy(api: Api, job_id: int) -> None:
    """Of series, models and settings that cannot be, and where nothing is refreshed."""
    check_error(_start(api, job_id, refresh="hand"), 400, "refresh")
    check_error(_start(api, job_id, model_name="LinearFitt"), 400, "LinearFitt")
    check_error(_start(api, job_id, groups={"shop": "z"}), 400, "no series of job")
    check_error(api.call("POST", f"/job/{job_id}/shadow/", json={}), 400, "model_name")
    check_error(api.call("POST", f"/job/{job_id}/shadow/switch/"), 404, "has no shadow: POST")
    check_error(api.call("DELETE", f"/job/{job_id}/shadow/"), 404, "has no shadow: POST")
    assert _start(api, job_id).status_code == 201
    check_error(_start(api, job_id, model_name="SES"), 409, "has a shadow already")
    check_error(api.call("POST", f"/job/{job_id}/shadow/switch/?to=third"), 400, "to: ")
    assert api.call("PATCH", f"/job/{job_id}/", json=[{"ts_id": "all", "refresh": "never"}]).status_code == 200
    check_error(api.call("GET", f"/job/{job_id}/shadow/"), 404, "has no shadow: POST")
    check_error(_start(api, job_id), 409, "send a PATCH with refresh first")
