"""Submissions that are refused: whole, with the number of the element and the field (contract 000, J-070 … J-092)."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import LIMITS
from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api, Service

_TWO = csv("g,day,value", *(f"{g},2020-01-{day:02},{day}" for g in "ab" for day in range(1, 11)))


def _fixed(name: str = "latest_n", kind: str = "int", **fields: Any) -> list[dict[str, Any]]:
    return [{"name": name, "type": kind, **fields}]


@pytest.fixture(scope="module")
def data_id(service: Service) -> int:
    """The data set of all jobs here."""
    return service.api.add_dataset(_TWO)


@pytest.fixture
def job(api: Api, data_id: int) -> Iterator[tuple[int, list[int]]]:
    """A job with two series; after the test still CREATED, with nothing stored and nothing trained (J-092)."""
    job_id = api.create_job(data_id)
    ts_ids = api.configure(job_id)
    yield job_id, ts_ids
    assert api.get(f"/job/{job_id}/job_results/") == {"status": 0}
    assert [series["status"] for series in api.get(f"/job/{job_id}/")["series"]] == [0, 0]


def _patch(api: Api, job_id: int, body: Any) -> httpx.Response:
    return api.call("PATCH", f"/job/{job_id}/", json=body)


@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        pytest.param({"ts_id": 1}, ("ts_id", "1"), id="ts_id of no series"),
        pytest.param({"ts_id": "x"}, ("ts_id",), id="ts_id is text"),
        pytest.param({"ts_id": True}, ("ts_id",), id="ts_id is true"),
        pytest.param({"ts_id": 0}, ("ts_id",), id="ts_id is 0"),
        pytest.param({"ts_id": None}, ("ts_id",), id="ts_id is null"),
        pytest.param({"ts_id": 2**70}, ("ts_id",), id="ts_id is huge"),
        pytest.param({"model_name": "NoSuch"}, ("model_name", "NoSuch", "LinearFit"), id="unknown model"),
        pytest.param({"model_name": "linearfit"}, ("model_name",), id="model in small letters"),
        pytest.param({"model_name": None}, ("model_name",), id="no model"),
        pytest.param({"model_name": 5}, ("model_name",), id="model is a number"),
        pytest.param({"hyper_params": None}, ("hyper_params",), id="no hyper-parameters"),
        pytest.param({"hyper_params": {"latest_n": 5}}, ("hyper_params",), id="hyper-parameters as an object"),
        pytest.param({"hyper_params": "[]"}, ("hyper_params",), id="hyper-parameters as text"),
        pytest.param({"hyper_params": [5]}, ("hyper_params",), id="a number for a hyper-parameter"),
        pytest.param(
            {"hyper_params": [{"type": "int", "val": 5}]}, ("hyper_params", "name"), id="parameter without name"
        ),
        pytest.param({"hyper_params": [{"name": "latest_n", "val": 5}]}, ("hyper_params", "type"), id="without type"),
        pytest.param({"hyper_params": _fixed("strategy", val=5)}, ("strategy", "latest_n"), id="unknown parameter"),
        pytest.param({"hyper_params": _fixed(val=5) * 2}, ("latest_n", "twice"), id="parameter given twice"),
        pytest.param({"hyper_params": _fixed(kind="text", val=5)}, ("hyper_params", "type"), id="J-083 unknown type"),
        pytest.param({"hyper_params": _fixed()}, ("latest_n", "val"), id="J-086 no val"),
        pytest.param({"hyper_params": _fixed(low=1, high=5)}, ("latest_n", "val"), id="J-086 range without tuning"),
        pytest.param(
            {"hyper_params": _fixed(kind="list", choice=[])}, ("latest_n", "val"), id="J-085 choice without val"
        ),
        pytest.param({"hyper_params": _fixed(low=5, high=1, val=3)}, ("latest_n", "low", "high"), id="low above high"),
        pytest.param({"hyper_params": _fixed(low=1, val=3)}, ("latest_n", "low", "high"), id="low without high"),
        pytest.param({"hyper_params": _fixed(val=0)}, ("latest_n", "1"), id="value too low"),
        pytest.param({"hyper_params": _fixed(val=2.5)}, ("latest_n", "whole"), id="fraction for an int"),
        pytest.param({"hyper_params": _fixed(val="5")}, ("latest_n",), id="text for an int"),
        pytest.param({"hyper_params": _fixed(val=True)}, ("hyper_params", "val"), id="true for an int"),
        pytest.param({"hyper_params": _fixed(val=[5])}, ("hyper_params", "val"), id="array for an int"),
        pytest.param({"hyper_params": _fixed(val=10**30)}, ("hyper_params", "latest_n"), id="huge value"),
        pytest.param(
            {"hyper_params": _fixed("add_std_factor", "float", val="x")}, ("add_std_factor",), id="text, float"
        ),
        pytest.param({"feature_indexs": "[1]"}, ("feature_indexs", "1"), id="the timestamp as feature"),
        pytest.param({"feature_indexs": "[9]"}, ("feature_indexs", "9"), id="feature of no column"),
        pytest.param({"feature_indexs": "1"}, ("feature_indexs",), id="features without brackets"),
        pytest.param({"max_eval": 0}, ("max_eval", "0"), id="J-076 max_eval 0"),
        pytest.param({"max_eval": LIMITS["max_max_eval"] + 1}, ("max_eval",), id="J-161 max_eval above the limit"),
        pytest.param({"max_eval": "100"}, ("max_eval",), id="max_eval is text"),
        pytest.param({"next_k_prediction": 0}, ("next_k_prediction", "0"), id="J-077 next_k 0"),
        pytest.param({"next_k_prediction": -5}, ("next_k_prediction", "-5"), id="next_k negative"),
        pytest.param({"next_k_prediction": 2.5}, ("next_k_prediction",), id="next_k a fraction"),
        pytest.param({"next_k_prediction": 10**9}, ("next_k_prediction",), id="next_k a milliard"),
        pytest.param({"next_k_prediction": 10**30}, ("next_k_prediction",), id="next_k beyond 64 bits"),
        pytest.param(
            {"next_k_prediction": LIMITS["max_next_k_prediction"] + 1}, ("next_k_prediction",), id="J-161 next_k"
        ),
        pytest.param({"auto_tune": 2}, ("auto_tune", "2"), id="J-078 auto_tune 2"),
        pytest.param({"auto_tune": "no"}, ("auto_tune",), id="auto_tune is text"),
        pytest.param({"auto_tune_metric": "nope"}, ("auto_tune_metric", "nope"), id="J-087 unknown objective"),
        pytest.param({"eval_metrics": ["mse", "nope"]}, ("eval_metrics", "nope", "rmse"), id="J-110 unknown metric"),
        pytest.param({"eval_metrics": "mse"}, ("eval_metrics",), id="metrics as text"),
        pytest.param({"eval_metrics": [1]}, ("eval_metrics",), id="a number for a metric"),
        pytest.param({"refit": 2}, ("refit", "2"), id="refit 2"),
    ],
)
def test_J092_one_wrong_element_refuses_the_whole_submission(
    api: Api, job: tuple[int, list[int]], wrong: dict[str, Any], parts: tuple[str, ...]
) -> None:
    """400 that names element 2 and the field; the right elements around it have no effect."""
    job_id, (first, second) = job
    good = element(first)
    body = check_error(_patch(api, job_id, [good, element(second) | wrong, good]), 400, "element 2", *parts)
    assert (body["element"], body["field"]) == (1, next(iter(wrong)))  # decision 19


def test_J092_the_ts_id_must_be_there(api: Api, job: tuple[int, list[int]]) -> None:
    """400 that names element and field."""
    job_id, _ = job
    check_error(
        _patch(api, job_id, [{"model_name": "LinearFit", "auto_tune": 0}]), 400, "element 1", "ts_id", "missing"
    )


def test_J092_a_series_of_another_job_is_unknown(api: Api, job: tuple[int, list[int]]) -> None:
    """Although its ts_id exists."""
    _, (other, _) = new_job(api, _TWO, timestamp=1, target=2, groupby=[0])
    job_id, (first, _) = job
    check_error(_patch(api, job_id, [element(first), element(other)]), 400, "element 2", "ts_id", str(other))


def test_J092_a_feature_of_words_is_refused_with_the_series_that_uses_it(api: Api) -> None:
    """400 that names the first element with it, the field and the cell."""
    rows = (f"{g},2020-01-{day:02},{day},x{day}" for g in "ab" for day in range(1, 11))
    job_id, (first, second) = new_job(api, csv("g,day,value,f", *rows), timestamp=1, target=2, groupby=[0])
    wrong = element(second, "ARIMA") | {"feature_indexs": "[3]"}
    stored = {"ts_id": first, "model_name": "ARIMA", "hyper_params": []}
    answer = _patch(api, job_id, [stored, element(first), wrong, wrong | {"ts_id": first}])

    check_error(answer, 400, f"element 3 (ts_id {second}), feature_indexs: ", '"f", line 2: "x1" is not a number')


def test_J070_the_body_is_an_array(api: Api, job: tuple[int, list[int]]) -> None:
    """One element without brackets, and no element at all, are refused."""
    job_id, (first, _) = job
    check_error(_patch(api, job_id, element(first)), 400, "array")
    check_error(_patch(api, job_id, []), 400, "empty array")
    check_error(_patch(api, job_id, None), 400)
    check_error(_patch(api, job_id, [[element(first)]]), 400, "element 1", "object")


def test_J088_an_element_with_nothing_in_it_is_refused(api: Api, job: tuple[int, list[int]]) -> None:
    """A bare ts_id neither stores nor trains."""
    job_id, (first, _) = job
    check_error(_patch(api, job_id, [{"ts_id": first}]), 400, "element 1")


def test_J092_stored_settings_are_checked_too(api: Api, job: tuple[int, list[int]]) -> None:
    """The short form with an unknown model or a wrong value is refused, not kept for later."""
    job_id, (first, second) = job
    good = {"ts_id": first, "model_name": "LinearFit", "hyper_params": {}}
    for wrong in ({"model_name": "NoSuch"}, {"hyper_params": _fixed(val=0)}, {"hyper_params": _fixed("nope", val=1)}):
        check_error(_patch(api, job_id, [good, good | {"ts_id": second} | wrong]), 400, "element 2")


def test_J161_more_elements_than_the_limit_are_413(api: Api, job: tuple[int, list[int]]) -> None:
    """The message says how many are accepted."""
    job_id, (first, _) = job
    limit = LIMITS["max_elements"]
    check_error(_patch(api, job_id, [element(first)] * (limit + 1)), 413, str(limit))


def test_J161_the_limits_themselves_are_accepted(api: Api) -> None:
    """As many elements, steps and trials as the settings allow."""
    job_id, (first, _) = new_job(api, _TWO, timestamp=1, target=2, groupby=[0])
    largest = element(first, max_eval=LIMITS["max_max_eval"], next_k_prediction=LIMITS["max_next_k_prediction"])
    body = train(api, job_id, *[largest] * LIMITS["max_elements"])

    assert body["status"] == 3
    lengths = {len(result["predictions"]) for result in body["results"][0]["results"]}
    assert lengths == {LIMITS["max_next_k_prediction"]}
    assert len(body["results"][0]["results"]) == LIMITS["max_elements"]


def test_one_element_for_many_series(api: Api) -> None:
    """By "all" and by group values; the answer names the series, and what chooses none is refused with the columns."""
    rows = (f"{g},{h},2020-01-{day:02},{day}" for g in "ab" for h in "xy" for day in range(1, 11))
    job_id = api.create_job(api.add_dataset(csv("g,h,day,value", *rows)))
    columns = {"groupby_indexs": [0, 1], "timestamp_indexs": [2], "target_indexs": [3]}
    answer = api.call("PUT", f"/job/{job_id}/", json=columns)
    names = {one["ts_id"]: one["groups"] for one in answer.json()["ts_details"]}
    ts_ids = list(names)
    of_a = [ts_id for ts_id, groups in names.items() if groups["g"] == "a"]
    common = {"model_name": "LinearFit", "hyper_params": []}

    for groups, parts in (({"G": "a"}, ("G", "g, h")), ({"g": "c"}, ("g=c",))):
        unknown = {"ts_id": "all", "groups": groups, **common}
        body = check_error(_patch(api, job_id, [unknown]), 400, "element 1", "series", *parts)
        assert (body["element"], body["field"]) == (0, "series")
    stored = _patch(api, job_id, [{"ts_id": "all", **common}])
    assert stored.status_code == 200, stored.text
    assert [one["ts_id"] for one in stored.json()["series"]] == ts_ids
    assert "only stored: 4 series" in stored.json()["message"]
    trained = _patch(api, job_id, [{"ts_id": "all", "groups": {"g": "a"}, "next_k_prediction": 2}])
    assert [one["ts_id"] for one in trained.json()["series"]] == of_a
    results = api.finished(job_id)["results"]
    assert [one["ts_id"] for one in results if one["results"]] == of_a
