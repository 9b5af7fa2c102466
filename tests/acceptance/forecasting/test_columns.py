"""Jobs get their series: the choice of columns and what it makes (contract 000, sections 4 and 5)."""

from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import LIMITS
from tests.acceptance.forecasting.jobs import PREVIEW, check_error, csv, element, new_job, sample, train
from tests.integration.services import Api

_CHOICE = {"timestamp_indexs": "[2]", "target_indexs": "[3]", "groupby_indexs": "[0,1]"}
_ALL_GROUPS = [
    "('asiasoutheast', 'FS')",
    "('ussouth', 'A')",
    "('ussouth', 'D')",
    "('europewest', 'B')",
    "('asiasoutheast', 'B')",
]


@pytest.fixture
def job_id(api: Api) -> int:
    """A job on the preview's data set, without columns."""
    return api.create_job(api.add_dataset(PREVIEW))


def _put(api: Api, job_id: int, **fields: Any) -> httpx.Response:
    return api.call("PUT", f"/job/{job_id}/", json=_CHOICE | fields)


def _group_values(api: Api, content: bytes, *, groupby: list[int]) -> list[str]:
    """The `groupby_val` of every series of a file with day and value in its last two columns."""
    columns = content.split(b"\n", 1)[0].count(b",") + 1
    job_id, _ = new_job(api, content, timestamp=columns - 2, target=columns - 1, groupby=groupby)
    return [series["groupby_val"] for series in api.get(f"/job/{job_id}/ts_details/")["ts_details"]]


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param({"timestamp_indexs": "[2]", "target_indexs": "[3]", "groupby_indexs": "[0,1]"}, id="texts"),
        pytest.param(
            {"timestamp_indexs": " [ 2 ]", "target_indexs": "[3] ", "groupby_indexs": "[ 0 , 1 ]"}, id="blanks"
        ),
        pytest.param({"timestamp_indexs": [2], "target_indexs": [3], "groupby_indexs": [0, 1]}, id="arrays"),
    ],
)
def test_J051_J052_columns_come_as_bracketed_text_or_as_arrays(api: Api, job_id: int, choice: dict[str, Any]) -> None:
    """Each form of the three fields makes the same series."""
    answer = api.call("PUT", f"/job/{job_id}/", json=choice)

    assert answer.status_code == 200
    assert [series["groupby_val"] for series in answer.json()["ts_details"]] == _ALL_GROUPS


def test_J054_J055_one_series_per_group_in_order_of_first_appearance(api: Api, job_id: int) -> None:
    """Consecutive ids of 53 bits, status 0, rows counted."""
    details = _put(api, job_id).json()["ts_details"]
    ts_ids = [series["ts_id"] for series in details]

    assert ts_ids == list(range(ts_ids[0], ts_ids[0] + 5))
    assert ts_ids[0] >= 1
    assert ts_ids[-1] <= 2**53 - 1
    assert [series["groupby_val"] for series in details] == _ALL_GROUPS
    assert [series["status"] for series in details] == [0] * 5
    assert [series["points"] for series in details] == [2, 1, 1, 1, 1]


def test_J056_J060_put_answers_as_ts_details_does(api: Api, job_id: int) -> None:
    """200 with `features` and `ts_details`, each series with its id, group values and group labels."""
    body = _put(api, job_id).json()

    assert set(body) == {"features", "ts_details"}
    assert set(body["ts_details"][0]) >= {"ts_id", "groupby_val", "groupby_key"}
    assert body["ts_details"][0]["groupby_key"] == ["Region", "VMSeries"]
    assert api.get(f"/job/{job_id}/ts_details/") == body


def test_J061_a_job_without_columns_has_no_series(api: Api, job_id: int) -> None:
    """Empty lists, and the job is CREATED."""
    assert api.get(f"/job/{job_id}/ts_details/") == {"features": [], "ts_details": []}
    assert api.get(f"/job/{job_id}/")["series"] == []
    assert api.get(f"/job/{job_id}/")["status"] == 0


def test_J062_J063_group_values_follow_the_order_of_the_choice(api: Api, job_id: int) -> None:
    """Columns chosen as [1,0] give the tuple and the labels in that order."""
    details = _put(api, job_id, groupby_indexs="[1, 0]").json()["ts_details"]

    assert details[0]["groupby_val"] == "('FS', 'asiasoutheast')"
    assert details[0]["groupby_key"] == ["VMSeries", "Region"]


def test_J064_one_group_column_gives_a_tuple_of_one(api: Api, job_id: int) -> None:
    """With Python's comma before the bracket."""
    details = _put(api, job_id, groupby_indexs="[0]").json()["ts_details"]

    assert [series["groupby_val"] for series in details] == ["('asiasoutheast',)", "('ussouth',)", "('europewest',)"]
    assert details[0]["groupby_key"] == ["Region"]


@pytest.mark.parametrize(
    "fields", [{"groupby_indexs": "[]"}, {"groupby_indexs": []}, None], ids=["text", "array", "absent"]
)
def test_J064_without_group_columns_the_file_is_one_series(
    api: Api, job_id: int, fields: dict[str, Any] | None
) -> None:
    """`()` and no labels."""
    body = {"timestamp_indexs": "[2]", "target_indexs": "[3]"} | (fields or {})
    (series,) = api.call("PUT", f"/job/{job_id}/", json=body).json()["ts_details"]

    assert (series["groupby_val"], series["groupby_key"]) == ("()", [])


def test_J064_values_are_written_as_python_writes_them(api: Api) -> None:
    """Numbers without quotes, a quote inside a text as `repr` does, an empty cell as the empty text."""
    quotes = csv(
        "name,size,day,value",
        *(f"{name},{size},2020-01-01,1" for name, size in (("O'Neil", 7), ('"a ""b"""', 8), ("", 9))),
    )
    padded = csv("code,day,value", "007,2020-01-01,1", "8,2020-01-01,1")

    assert _group_values(api, quotes, groupby=[0, 1]) == ['("O\'Neil", 7)', "('a \"b\"', 8)", "('', 9)"]
    assert _group_values(api, padded, groupby=[0]) == ["('007',)", "('8',)"]


def test_J065_series_are_listed_by_ascending_id(api: Api) -> None:
    """Also where more groups than digits would sort wrongly as text."""
    content = csv("g,day,value", *(f"g{number},2020-01-01,1" for number in range(12)))
    _, ts_ids = new_job(api, content, timestamp=1, target=2, groupby=[0])

    assert ts_ids == sorted(ts_ids)
    assert len(ts_ids) == 12


def test_J066_features_are_the_columns_that_were_not_chosen(api: Api, job_id: int) -> None:
    """With index and label as in the header."""
    features = _put(api, job_id, groupby_indexs="[1]").json()["features"]

    assert features == [{"index": 0, "label": "Region"}]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"timestamp_indexs": "[]"}, ("timestamp_indexs", "exactly one")),
        ({"timestamp_indexs": "[1,2]", "groupby_indexs": "[0]"}, ("timestamp_indexs", "exactly one")),
        ({"target_indexs": "[]"}, ("target_indexs", "exactly one")),
        ({"target_indexs": "[3,1]", "groupby_indexs": "[0]"}, ("target_indexs", "exactly one")),
        ({"target_indexs": "[2]"}, ("timestamp_indexs", "target_indexs", "ObjectTime")),
        ({"groupby_indexs": "[0,2]"}, ("groupby_indexs", "timestamp_indexs")),
        ({"groupby_indexs": "[3]"}, ("groupby_indexs", "target_indexs")),
        ({"groupby_indexs": "[0,0]"}, ("groupby_indexs", "twice")),
        ({"target_indexs": "[4]"}, ("target_indexs", "4", "0 to 3")),
        ({"groupby_indexs": "[-1]"}, ("groupby_indexs", "-1")),
        ({"groupby_indexs": [2**31]}, ("groupby_indexs",)),
        ({"groupby_indexs": f"[{10**400}]"}, ("groupby_indexs",)),
        ({"groupby_indexs": "0,1"}, ("groupby_indexs", "[0, 1]")),
        ({"groupby_indexs": "[0,1"}, ("groupby_indexs", "[0, 1]")),
        ({"groupby_indexs": "[" * 10_000}, ("groupby_indexs", "[0, 1]")),
        ({"groupby_indexs": '["0"]'}, ("groupby_indexs", "[0, 1]")),
        ({"groupby_indexs": [0.5]}, ("groupby_indexs", "integers")),
        ({"groupby_indexs": [True]}, ("groupby_indexs", "integers")),
        ({"groupby_indexs": [[0]]}, ("groupby_indexs", "integers")),
        ({"groupby_indexs": {"0": 1}}, ("groupby_indexs",)),
        ({"target_indexs": 3}, ("target_indexs",)),
        ({"timestamp_indexs": None}, ("timestamp_indexs",)),
        ({"timestamp_indexs": "[0]", "groupby_indexs": "[1]"}, ("timestamp_indexs", "Region", "asiasoutheast")),
        ({"target_indexs": "[2]", "timestamp_indexs": "[3]"}, ("target_indexs", "ObjectTime", "line 2")),
        ({"target_indexs": "[0]", "groupby_indexs": "[]"}, ("target_indexs", "Region", "line 2", "asiasoutheast")),
    ],
)  # fmt: skip
def test_J052_J053_a_choice_that_does_not_fit_is_400_and_changes_nothing(
    api: Api, job_id: int, fields: dict[str, Any], parts: tuple[str, ...]
) -> None:
    """The message names the field; series chosen before are still there."""
    before = _put(api, job_id).json()
    check_error(_put(api, job_id, **fields), 400, *parts)

    assert api.get(f"/job/{job_id}/ts_details/") == before


@pytest.mark.parametrize("field", ["timestamp_indexs", "target_indexs"])
def test_J052_timestamp_and_target_must_be_there(api: Api, job_id: int, field: str) -> None:
    """A missing field: 400 that names it, and no series."""
    body = {name: value for name, value in _CHOICE.items() if name != field}
    check_error(api.call("PUT", f"/job/{job_id}/", json=body), 400, field, "missing")

    assert api.get(f"/job/{job_id}/")["series"] == []


def test_J017_columns_can_be_chosen_again_while_nothing_is_submitted(api: Api, job_id: int) -> None:
    """The series are made anew, with ids that were never used, and the job keeps status 0."""
    old = {series["ts_id"] for series in _put(api, job_id).json()["ts_details"]}
    new = {series["ts_id"] for series in _put(api, job_id, groupby_indexs="[0]").json()["ts_details"]}
    job = api.get(f"/job/{job_id}/")

    assert len(new) == 3
    assert not new & old
    assert {series["ts_id"] for series in job["series"]} == new
    assert job["status"] == 0


def test_J017_choosing_again_drops_stored_settings(api: Api, job_id: int) -> None:
    """They belonged to series that are gone: training without a model is refused again."""
    ts_id = _put(api, job_id).json()["ts_details"][0]["ts_id"]
    api.call("PATCH", f"/job/{job_id}/", json=[{"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": {}}])
    new = _put(api, job_id).json()["ts_details"][0]["ts_id"]

    check_error(api.call("PATCH", f"/job/{job_id}/", json=[{"ts_id": new, "next_k_prediction": 5}]), 400, "model_name")


def test_J057_columns_are_fixed_once_training_was_submitted(api: Api) -> None:
    """409, and the results stay."""
    job_id, (ts_id,) = new_job(api, sample())
    before = train(api, job_id, element(ts_id))
    body = {"timestamp_indexs": "[0]", "target_indexs": "[1]"}
    check_error(api.call("PUT", f"/job/{job_id}/", json=body), 409)

    assert api.get(f"/job/{job_id}/job_results/") == before


def test_J005_series_ids_are_unique_over_all_jobs(api: Api) -> None:
    """Two jobs on one data set share no id."""
    data_id = api.add_dataset(PREVIEW)
    jobs = [api.create_job(data_id) for _ in range(3)]
    ts_ids = [series["ts_id"] for job_id in jobs for series in _put(api, job_id).json()["ts_details"]]

    assert len(set(jobs)) == 3
    assert len(set(ts_ids)) == len(ts_ids)


def test_J161_more_series_than_the_limit_are_400(api: Api) -> None:
    """As many as the limit are fine, one more is refused and nothing is made."""
    limit = LIMITS["max_series_per_job"]
    rows = [f"g{number},2020-01-01,1" for number in range(limit + 1)]
    choice = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
    _, ts_ids = new_job(api, csv("g,day,value", *rows[:limit]), timestamp=1, target=2, groupby=[0])
    above = api.create_job(api.add_dataset(csv("g,day,value", *rows)))
    check_error(api.call("PUT", f"/job/{above}/", json=choice), 400, "groupby_indexs", str(limit))

    assert len(ts_ids) == limit
    assert api.get(f"/job/{above}/")["series"] == []


def test_J090_feature_indexs_are_columns_of_the_header(api: Api, job_id: int) -> None:
    """The index that `features` shows is accepted; a chosen column, or one that is not there, is refused by name."""
    body = _put(api, job_id, groupby_indexs="[0]").json()
    ts_id, feature = body["ts_details"][0]["ts_id"], body["features"][0]["index"]

    def store(indexs: Any) -> httpx.Response:
        setting = {"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": {}, "feature_indexs": indexs}
        return api.call("PATCH", f"/job/{job_id}/", json=[setting])

    assert feature == 1
    assert store(f"[{feature}]").status_code == 200
    assert store([feature]).status_code == 200
    for taken_or_absent in ("[0]", "[2]", "[3]", "[4]", "[-1]"):
        check_error(store(taken_or_absent), 400, "element 1", "feature_indexs")
