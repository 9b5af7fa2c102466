"""Jobs, models and the series configurations of PATCH (contract 000, sections 3a, 6 and 7)."""

import uuid
from typing import Any

import httpx
import pytest

from tests.acceptance.forecasting.jobs import PREVIEW, check_error, csv, element, new_job, sample, train
from tests.integration.services import Api

_TWO = csv("g,day,value", *(f"{g},2020-01-{day:02},{day}" for g in "ab" for day in range(1, 11)))
_STORED = {"model_name": "LinearFit", "hyper_params": {}}


@pytest.fixture
def job(api: Api) -> tuple[int, list[int]]:
    """A job with two series of ten points."""
    return new_job(api, _TWO, timestamp=1, target=2, groupby=[0])


def _patch(api: Api, job_id: int, *elements: Any) -> httpx.Response:
    return api.call("PATCH", f"/job/{job_id}/", json=list(elements))


def _statuses(api: Api, job_id: int) -> tuple[int, list[int]]:
    """Of the job and of its series."""
    body = api.get(f"/job/{job_id}/")
    return body["status"], [series["status"] for series in body["series"]]


def test_J043_a_job_is_created_on_a_data_set(api: Api) -> None:
    """201 with its id and status 0; the name is kept."""
    data_id = api.add_dataset(PREVIEW)
    answer = api.call("POST", "/job/", json={"data_id": data_id, "name": "peak_cores"})
    job_id = answer.json()["job_id"]

    assert answer.status_code == 201
    assert answer.json() == {"job_id": job_id, "status": 0}
    assert 1 <= job_id <= 2**53 - 1
    assert api.get(f"/job/{job_id}/")["name"] == "peak_cores"


@pytest.mark.parametrize("name", ["", "x" * 33, "two words", "a-b", "ä", "a\n", 7])
def test_J043_a_job_name_is_1_to_32_of_letters_digits_and_underscore(api: Api, name: Any) -> None:
    """Any other name: 400 that names the field."""
    check_error(api.call("POST", "/job/", json={"data_id": api.add_dataset(PREVIEW), "name": name}), 400, "name")


def test_J043_a_job_on_an_unknown_data_set_is_404(api: Api) -> None:
    """The message names the field, and no job is made."""
    before = api.get("/job/")
    check_error(api.call("POST", "/job/", json={"data_id": 1}), 404, "data_id")

    assert api.get("/job/") == before


def test_J044_a_job_and_its_series_have_a_status(api: Api, job: tuple[int, list[int]]) -> None:
    """GET /job/{job_id}/ shows id, status, data set and series; GET /job/ lists it."""
    job_id, ts_ids = job
    body = api.get(f"/job/{job_id}/")

    assert (body["job_id"], body["status"]) == (job_id, 0)
    assert body["data_id"] in [dataset["id"] for dataset in api.get("/data/")["data"]]
    assert body["series"] == [{"ts_id": ts_id, "status": 0} for ts_id in ts_ids]
    assert {"job_id": job_id, "status": 0, "data_id": body["data_id"], "name": None} in api.get("/job/")["jobs"]


def test_J044_a_removed_job_is_gone(api: Api, job: tuple[int, list[int]]) -> None:
    """204, then 404 at every address of the job; it is listed no more."""
    job_id, ts_ids = job
    train(api, job_id, element(ts_ids[0]))

    assert api.call("DELETE", f"/job/{job_id}/").status_code == 204
    for path in ("", "ts_details/", "job_results/"):
        check_error(api.call("GET", f"/job/{job_id}/{path}"), 404, str(job_id))
    check_error(_patch(api, job_id, element(ts_ids[0])), 404, str(job_id))
    assert job_id not in [listed["job_id"] for listed in api.get("/job/")["jobs"]]


def test_J045_the_models_are_listed(api: Api) -> None:
    """Their names under `data`, the same with an id each under `models`."""
    body = api.get("/model/")

    assert {"LinearFit", "AdaptiveMaxN", "AdaptiveAverageN"} <= set(body["data"])
    assert [model["model_name"] for model in body["models"]] == body["data"]
    assert len({model["model_id"] for model in body["models"]}) == len(body["data"])


def test_J045_a_model_shows_its_hyper_parameters(api: Api) -> None:
    """Each with label, intro, type and default; an unknown model is 404."""
    linear = api.get("/model/LinearFit")["data"]
    facts = [(parameter["label"], parameter["type"]) for parameter in linear]
    defaults = {parameter["label"]: parameter["val"] for parameter in api.get("/model/AdaptiveMaxN")["data"]}

    assert facts == [("latest_n", "int"), ("add_std_factor", "float")]
    assert all(parameter["intro"] for parameter in linear)
    assert defaults == {"latest_n": 5}
    check_error(api.call("GET", "/model/NoSuch"), 404, "NoSuch", "LinearFit")


@pytest.mark.parametrize("features", ["[]", "[2]", [2], [], None])
def test_J088_the_short_form_stores_and_does_not_train(api: Api, features: Any) -> None:
    """L8 of the seed: model and features are stored, series and job become UNCOMITTED, nothing is trained."""
    content = csv("g,day,temperature,value", "a,2020-01-01,20,1", "b,2020-01-01,21,2")
    job_id, ts_ids = new_job(api, content, timestamp=1, target=3, groupby=[0])
    answer = _patch(api, job_id, {"ts_id": ts_ids[0], "feature_indexs": features, **_STORED})

    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("message").startswith("only stored: ")
    assert body == {"job_id": job_id, "status": 1, "series": [{"ts_id": ts_ids[0], "status": 1}]}
    assert _statuses(api, job_id) == (1, [1, 0])
    assert api.get(f"/job/{job_id}/job_results/") == {"status": 1}


def test_J071_features_models_and_the_go_may_come_in_three_calls(api: Api, job: tuple[int, list[int]]) -> None:
    """Each call lays its fields over what is stored; the last one trains with all of them."""
    job_id, (ts_id, _) = job
    _patch(api, job_id, {"ts_id": ts_id, "refit": 1})
    params = [{"name": "latest_n", "type": "int", "val": 2}]
    _patch(api, job_id, {"ts_id": ts_id, "model_name": "AdaptiveMaxN", "hyper_params": params})
    body = train(api, job_id, {"ts_id": ts_id, "next_k_prediction": 2})
    (result,) = body["results"][0]["results"]

    assert (result["model_name"], result["config"]) == ("AdaptiveMaxN", {"latest_n": 2})
    assert result["predictions"] == [10.0, 10.0]
    assert "backtest" in result


@pytest.mark.parametrize(
    "field", [{"max_eval": 100}, {"next_k_prediction": 5}, {"auto_tune": 0}, {"eval_metrics": ["mse"]}]
)
def test_J088_any_of_four_fields_asks_for_training(api: Api, job: tuple[int, list[int]], field: dict[str, Any]) -> None:
    """With just one of them the series is trained; only this one, and the job is DONE (J-018)."""
    job_id, ts_ids = job
    train(api, job_id, {"ts_id": ts_ids[1], **_STORED, **field})

    assert _statuses(api, job_id) == (3, [0, 3])


def test_J075_to_J079_what_is_absent_has_a_default(api: Api, job: tuple[int, list[int]]) -> None:
    """Five steps, mse and rmse, no refit, the model's own hyper-parameters."""
    job_id, (ts_id, _) = job
    body = train(api, job_id, {"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": {}, "auto_tune": 0})
    (result,) = body["results"][0]["results"]

    assert len(result["predictions"]) == 5
    assert list(result["metrics"]) == ["mse", "rmse"]
    assert result["config"] == {"latest_n": 5, "add_std_factor": 0.1}
    assert "backtest" not in result


def test_J078_false_stands_for_0(api: Api, job: tuple[int, list[int]]) -> None:
    """The old user interface sent booleans."""
    job_id, (ts_id, _) = job

    assert train(api, job_id, element(ts_id, auto_tune=False))["status"] == 3


def test_J091_a_submission_answers_with_the_status_of_job_and_series(api: Api, job: tuple[int, list[int]]) -> None:
    """200 with the series that it names, each once, in its order."""
    job_id, (first, second) = job
    body = _patch(api, job_id, element(second), element(first), element(second)).json()

    assert set(body) == {"job_id", "status", "message", "series"}
    assert body["job_id"] == job_id
    assert body["status"] in (2, 3)
    assert [series["ts_id"] for series in body["series"]] == [second, first]


def test_J093_a_submission_before_the_columns_is_409(api: Api) -> None:
    """The job has no series yet."""
    job_id = api.create_job(api.add_dataset(sample()))
    check_error(_patch(api, job_id, element(1)), 409, str(job_id))

    assert _statuses(api, job_id) == (0, [])


def test_J017_a_finished_job_can_be_trained_again(api: Api, job: tuple[int, list[int]]) -> None:
    """3 → 2 → 3; settings that are only stored leave it DONE."""
    job_id, (first, second) = job
    train(api, job_id, element(first))
    _patch(api, job_id, {"ts_id": second, **_STORED})

    assert _statuses(api, job_id) == (3, [3, 1])
    assert _patch(api, job_id, element(second)).json()["status"] in (2, 3)
    assert [len(series["results"]) for series in api.finished(job_id)["results"]] == [1, 1]


def test_D10_a_repeated_write_with_its_key_takes_effect_once(http: httpx.Client, api: Api) -> None:
    """Decision 10: the same Idempotency-Key and body give the same job, series and single result."""
    data_id = api.add_dataset(sample())

    def twice(method: str, path: str, body: Any) -> Any:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        first, second = (http.request(method, path, json=body, headers=key) for _ in range(2))
        assert first.status_code == second.status_code
        return first.json(), second.json()

    created, again = twice("POST", "/job/", {"data_id": data_id})
    job_id = created["job_id"]
    assert again == created
    details, again = twice("PUT", f"/job/{job_id}/", {"timestamp_indexs": [0], "target_indexs": [1]})
    assert again == details
    twice("PATCH", f"/job/{job_id}/", [element(details["ts_details"][0]["ts_id"])])
    assert [len(series["results"]) for series in api.finished(job_id)["results"]] == [1]


def test_D10_a_key_cannot_be_used_for_another_body(http: httpx.Client, api: Api) -> None:
    """Decision 10: 409 instead of an answer that belongs to something else."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"data_id": api.add_dataset(sample()), "name": "one"}

    assert http.post("/job/", json=body, headers=headers).status_code == 201
    check_error(http.post("/job/", json=body | {"name": "two"}, headers=headers), 409, "Idempotency-Key")
