"""A series is named for people and programs, the same in every job of its data set."""

from typing import Any

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, csv, element, sample, train
from tests.integration.services import Api, until

_TWO = csv(
    "Carrier,Origin,day,flights",
    *(f"{carrier},EWR,{day},{value}" for carrier in ("AA", "UA") for day, value in zip(DAYS, HISTORY, strict=True)),
)


def _job(api: Api, data_id: int, groupby: list[int], timestamp: int = 2, target: int = 3) -> tuple[int, Any]:
    job_id = api.create_job(data_id)
    body = {"timestamp_indexs": [timestamp], "target_indexs": [target], "groupby_indexs": groupby}
    answer = api.call("PUT", f"/job/{job_id}/", json=body)
    assert answer.status_code == 200, answer.text
    return job_id, answer.json()["ts_details"]


def _found(api: Api, series_key: str, data_id: int) -> Any:
    answer = api.call("GET", "/forecasts", params={"series_key": series_key, "data": data_id})
    assert answer.status_code == 200, answer.text
    return answer.json()["forecasts"]


def _found_by_then(api: Api, series_key: str, data_id: int, count: int) -> Any:
    """The forecasts once there are so many: they come to their table beside the results."""

    def ask() -> Any:
        found = _found(api, series_key, data_id)
        return found if len(found) == count else None

    return until(ask, why=f"there were not {count} forecasts of {series_key}")


def test_a_series_has_one_name_in_all_jobs_of_its_data_set(api: Api) -> None:
    """ts_details tell it, forecasts carry it, and it finds those of all jobs, the newest first."""
    data_id = api.add_dataset(_TWO)
    jobs = [_job(api, data_id, [0, 1]), _job(api, data_id, [1, 0])]
    for job_id, series in jobs:
        train(api, job_id, *(element(one["ts_id"]) for one in series))
    named = {"groups": {"Carrier": "UA", "Origin": "EWR"}, "series_key": "Carrier=UA/Origin=EWR"}

    assert all({"groups": one[1]["groups"], "series_key": one[1]["series_key"]} == named for _, one in jobs)
    wanted = [series[1]["ts_id"] for _, series in reversed(jobs)]
    found = _found_by_then(api, "Carrier=UA/Origin=EWR", data_id, len(jobs))
    assert [forecast["ts_id"] for forecast in found] == wanted
    assert all(forecast.items() >= {**named, "data_id": data_id}.items() for forecast in found)


def test_the_series_of_a_data_set_without_groups_is_called_all(api: Api) -> None:
    """And nobody finds it in another data set."""
    data_id = api.add_dataset(sample())
    job_id, [series] = _job(api, data_id, [], 0, 1)
    train(api, job_id, element(series["ts_id"]))

    found = _found_by_then(api, "all", data_id, 1)
    assert [(forecast["ts_id"], forecast["groups"]) for forecast in found] == [(series["ts_id"], {})]
    assert _found(api, "all", data_id + 1) == []
