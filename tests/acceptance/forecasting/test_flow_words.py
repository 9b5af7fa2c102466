"""What a client of contract 000 leans on from upload to result: ids, the two meanings of `status`, whose things are."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, PREVIEW, check_error, csv, element, new_job, sample, train
from tests.integration.services import Api


def test_J032_J037_a_data_set_has_a_uuid_and_its_preview_the_status_200(api: Api) -> None:
    """The uuid is one as texts write it, stays the same, and is another one for the same file again."""
    upload = {"upload": ("series.csv", PREVIEW)}
    made, other = (api.call("POST", "/data/", files=upload).json()["data"] for _ in range(2))
    shown = api.get(f"/data/{made['id']}/")

    assert str(uuid.UUID(made["uuid"])) == made["uuid"] == shown["data"]["uuid"]
    assert made["uuid"] != other["uuid"]
    assert (shown["status"], type(shown["status"])) == (200, int)


def test_J006_J010_status_is_of_the_job_up_to_4_and_of_http_from_100_on(api: Api, http: httpx.Client) -> None:
    """Of one job through its life, and of each refusal on the way."""
    data_id = api.add_dataset(sample())
    answer = api.call("POST", "/job/", json={"data_id": data_id})
    job_id = answer.json()["job_id"]
    assert (answer.status_code, answer.json()["status"]) == (201, 0)
    check_error(http.patch(f"/job/{job_id}/", json=[element(1)]), 409)
    body = {"timestamp_indexs": "[0]", "target_indexs": "[1]", "groupby_indexs": "[]"}
    ((ts_id),) = [it["ts_id"] for it in api.call("PUT", f"/job/{job_id}/", json=body).json()["ts_details"]]
    assert api.get(f"/job/{job_id}/job_results/") == {"status": 0}
    stored = [{"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": {}, "feature_indexs": "[]"}]
    assert api.call("PATCH", f"/job/{job_id}/", json=stored).json()["status"] == 1
    check_error(http.patch(f"/job/{job_id}/", json=[]), 400)
    assert api.get(f"/job/{job_id}/job_results/") == {"status": 1}
    assert api.call("PATCH", f"/job/{job_id}/", json=[element(ts_id)]).json()["status"] in (2, 3)
    api.finished(job_id)
    assert api.get(f"/job/{job_id}/job_results/")["status"] == 3


def test_J013_J014_a_job_of_good_series_is_done_and_one_with_a_bad_series_is_an_exception(api: Api) -> None:
    """The good series has its result in both; the bad one has an error that names what is wrong."""
    good = [f"a,{day},{value}" for day, value in zip(DAYS, HISTORY, strict=True)]
    twice = ["b,8/1/2020,1", "b,8/1/2020,2", "b,8/2/2020,3"]
    for rows, status in ((good, 3), (good + twice, 4)):
        job_id, series = new_job(api, csv("g,day,v", *rows), timestamp=1, target=2, groupby=(0,))
        body = train(api, job_id, *(element(ts_id) for ts_id in series))
        found: dict[int, Any] = {it["ts_id"]: it["results"] for it in body["results"]}

        assert body["status"] == api.get(f"/job/{job_id}/")["status"] == status
        assert len(found[series[0]][0]["predictions"]) == 5
        assert ("message" in body) is (status == 4)
        for ts_id in series[1:]:
            assert set(found[ts_id][0]) == {"ts_id", "model_name", "error"}
            assert "8/1/2020" in found[ts_id][0]["error"] or "2020-08-01" in found[ts_id][0]["error"]


@pytest.mark.parametrize(("time", "target", "groups"), [(2, 3, (0, 1)), (2, 3, (1,)), (2, 3, ())])
def test_J050_put_chooses_times_target_and_groups(api: Api, time: int, target: int, groups: tuple[int, ...]) -> None:
    """Whichever columns these are: labels, groups and history follow."""
    names = PREVIEW.decode().partition("\n")[0].split(",")
    rows = [line.split(",") for line in PREVIEW.decode().splitlines()[1:]]
    if not groups:
        rows = [row for row in rows if row[:2] == ["asiasoutheast", "FS"]]
    content = csv(",".join(names), *(",".join(row) for row in rows))
    job_id, series = new_job(api, content, timestamp=time, target=target, groupby=groups)
    details = api.get(f"/job/{job_id}/ts_details/")["ts_details"]

    keys = list(dict.fromkeys(tuple(row[it] for it in groups) for row in rows))
    assert [it["groupby_val"] for it in details] == [repr(key) for key in keys]
    assert all(it["groupby_key"] == [names[index] for index in groups] for it in details)
    body = train(api, job_id, element(series[0], refit=1))
    history = body["results"][0]["results"][0]["ts_history"]
    first = [row for row in rows if tuple(row[it] for it in groups) == keys[0]]
    assert history == {names[target]: [int(row[target]) for row in first], names[time]: [row[time] for row in first]}


def test_J135_J137_J138_a_result_says_whose_it_is_and_has_the_metrics_that_were_asked_for(api: Api) -> None:
    """Two series with two models each, and other metrics for each: nothing is mixed up, in the order of submission."""
    rows = [f"{name},{day},{value}" for name in "ab" for day, value in zip(DAYS, HISTORY, strict=True)]
    job_id, series = new_job(api, csv("g,day,v", *rows), timestamp=1, target=2, groupby=(0,))
    asked = [
        (series[1], "AdaptiveMaxN", ["mae"]), (series[0], "LinearFit", ["mse", "mda", "r2"]),
        (series[1], "LinearFit", ["rmse"]), (series[0], "AdaptiveMaxN", ["smape", "bias"]),
    ]  # fmt: skip
    body = train(api, job_id, *(element(ts_id, model, eval_metrics=keys) for ts_id, model, keys in asked))

    for entry in body["results"]:
        results = entry["results"]
        assert {it["ts_id"] for it in results} == {entry["ts_id"]}
        expected = [(model, set(keys)) for ts_id, model, keys in asked if ts_id == entry["ts_id"]]
        assert [(it["model_name"], set(it["metrics"])) for it in results] == expected
        assert all(type(value) is float for it in results for value in it["metrics"].values())


def test_J151_J152_what_a_page_needs_is_told(api: Api, http: httpx.Client) -> None:
    """Models and their parameters have words for tooltips, a range and a default; there is a page for people."""
    for name in api.get("/model/")["data"]:
        for parameter in api.get(f"/model/{name}")["data"]:
            assert parameter["intro"].endswith("."), (name, parameter)
            assert parameter["type"] in ("int", "float", "list"), (name, parameter)
            assert (parameter["type"] == "list") is bool(parameter["choice"]), (name, parameter)
    for path in ("/docs", "/"):
        assert http.get(path).headers["content-type"].startswith("text/html"), path


def test_J160_without_a_setting_nobody_is_asked_who_they_are(api: Api, http: httpx.Client) -> None:
    """A user exists all the same: `related_user`."""
    made = http.post("/data/", files={"upload": ("series.csv", PREVIEW)}, headers={"Authorization": "Bearer none"})

    assert made.status_code == 201
    assert type(made.json()["data"]["related_user"]) is int
    assert api.get("/access/me")["auth"] == "off"
