"""Stored configurations over HTTP (contract 002, section 5)."""

from typing import Any, Final

import pytest

from models.catalog import CATALOG
from tests.acceptance.training.training_jobs_samples import name_of, refused
from tests.integration.services import Api

SAMPLE: Final[dict[str, Any]] = {  # section 9, as printed
    "config_name": "testConfig",
    "config_desc": "This is config",
    "worker_server_num": 1,
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "parameter": [{"label": "learning_rate", "value": "0.01"}, {"label": "batch_size", "value": "32"}],
    "spec_id": 1,
    "dataset_id": "38277e62-9e59-48f4-8d89-c8cf41622c24",
    "dataset_version_id": "2ff0d6ba-c480-45ae-be41-09a8369bfc90",
    "engine_id": 1,
    "train_url": "/usr/train/",
    "log_url": "/usr/log/",
    "model_id": 1,
}


def configs(project: str, name: str = "") -> str:
    """The address."""
    return f"/v1/{project}/training-job-configs" + (f"/{name}" if name else "")


def test_T150_T154_what_was_kept_is_shown(api: Api, project: str) -> None:
    """Created once (T-013, T-015, T-151), described with all that was sent and what is known of it (T-153, T-155)."""
    assert api.call("POST", configs(project), json=SAMPLE).json() == {"is_success": True}
    shown = api.get(configs(project, "testConfig"))

    assert {name: shown[name] for name in SAMPLE} == SAMPLE
    assert {"spec_code", "core", "cpu", "gpu_num", "engine_name", "nas_type", "create_time"} <= set(shown)
    refused(api.call("POST", configs(project), json=SAMPLE), 400, "0103", "testConfig")
    refused(api.call("GET", configs(project, "other")), 404, "0105", "other")
    refused(api.call("GET", configs(project, "testConfig"), params={"config_type": "x"}), 400, "0104", "config_type")


def test_T152_decision_23_what_is_sent_replaces(api: Api, project: str) -> None:
    """What is left out stays, null clears, one form of data takes the place of another."""
    api.call("POST", configs(project), json=SAMPLE)
    answer = api.call("PUT", configs(project, "testConfig"), json={"config_desc": "x"})
    assert answer.json() == {"is_success": True}
    assert api.get(configs(project, "testConfig")) | {"config_desc": ""} == {
        **api.get(configs(project, "testConfig")),
        "config_desc": "",
    }
    api.call("PUT", configs(project, "testConfig"), json={"log_url": None, "data_url": "/uploads/x", "spec_id": "3"})
    shown = api.get(configs(project, "testConfig"))

    assert (shown["config_desc"], shown["log_url"], shown["spec_id"]) == ("x", "", 3)
    assert (shown["data_url"], shown["dataset_id"], shown["train_url"]) == ("/uploads/x", "", "/usr/train/")
    refused(api.call("PUT", configs(project, "other"), json={}), 404, "0105", "other")
    refused(api.call("PUT", configs(project, "testConfig"), json={"train_url": "/../a"}), 400, "0104", "train_url")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"config_name": "a b"}, "config_name"),
        ({"config_desc": "d" * 257}, "config_desc"),
        ({"worker_server_num": 0}, "worker_server_num"),
        ({"data_url": "/uploads/x"}, "data_url"),
        ({"config_name": ""}, "config_name"),
        ({"config_name": "n" * 65}, "config_name"),
        ({"config_name": None}, "config_name"),
        ({"config_name": 5}, "config_name"),
        ({"config_desc": 5}, "config_desc"),
        ({"train_url": "/../x"}, "train_url"),
        ({"parameter": [{"label": "a", "value": 1}] * 2}, "twice"),
        ({"model_id": 99}, "model_id"),
    ],
)
def test_T150_what_is_wrong_is_named(api: Api, project: str, change: dict[str, Any], word: str) -> None:
    """400, 0104."""
    refused(api.call("POST", configs(project), json={**SAMPLE, **change}), 400, "0104", word)


def test_T156_T158_the_list(api: Api, project: str) -> None:
    """Descending where no order is given; the count is that of all pages."""
    for name in ("a1", "b1", "c2"):
        api.call("POST", configs(project), json={**SAMPLE, "config_name": name})
    shown = api.get(configs(project), params={"per_page": 2})

    assert (shown["config_total_count"], [one["config_name"] for one in shown["configs"]]) == (3, ["c2", "b1"])
    assert set(shown["configs"][0]) == {
        "config_name", "config_desc", "create_time", "engine_type", "engine_name", "engine_id", "engine_version",
        "user_image_url", "user_command",
    }  # fmt: skip
    found = api.get(configs(project), params={"order": "asc", "search_content": "1"})["configs"]
    assert [one["config_name"] for one in found] == ["a1", "b1"]
    refused(api.call("GET", configs(project), params={"sortBy": "status"}), 400, "0104", "sortBy")


def test_T159_samples_are_shipped(api: Api, project: str) -> None:
    """One for each algorithm; they cannot be changed."""
    shown = api.get(configs(project), params={"config_type": "sample", "per_page": 100})

    assert {one["config_name"] for one in shown["configs"]} == {f"sample-{name}" for name in CATALOG}
    described = api.get(configs(project, "sample-LinearFit"), params={"config_type": "sample"})
    assert (described["model_id"], described["worker_server_num"]) == (1, 1)
    refused(api.call("DELETE", configs(project, "sample-LinearFit")), 404, "0105", "sample-LinearFit")


def test_T160_a_job_may_name_one(api: Api, project: str) -> None:
    """And adds what it leaves out; deleted, it is gone."""
    sent = {
        "job_name": name_of("named"),
        "config_name": "sample-LinearFit",
        "config": {"data_url": "/uploads/none.csv"},
    }
    job = api.call("POST", f"/v1/{project}/training-jobs", json=sent).json()
    shown = api.get(f"/v1/{project}/training-jobs/{job['job_id']}/versions/{job['version_id']}")

    assert (shown["model_id"], shown["data_url"]) == (1, "/uploads/none.csv")
    refused(api.call("POST", f"/v1/{project}/training-jobs", json={**sent, "config_name": "no"}), 404, "0105", "no")
    api.call("POST", configs(project), json=SAMPLE)
    assert api.call("DELETE", configs(project, "testConfig")).json() == {"is_success": True}
    refused(api.call("GET", configs(project, "testConfig")), 404, "0105")


@pytest.mark.parametrize(
    ("query", "count", "names"),
    [
        ({}, 4, ["b", "a_2", "a1", "A"]),  # T-158: descending by name
        ({"order": "asc"}, 4, ["A", "a1", "a_2", "b"]),
        ({"sortBy": "config_desc"}, 4, ["b", "A", "a1", "a_2"]),  # equal ones by name
        ({"sort_by": "create_time", "order": "asc"}, 4, ["b", "a1", "A", "a_2"]),
        ({"search_content": "A"}, 3, ["a_2", "a1", "A"]),
        ({"search_content": "_"}, 1, ["a_2"]),
        ({"search_content": "%"}, 0, []),
        ({"per_page": 1, "page": 2}, 4, ["a_2"]),  # T-157: the count is before paging
        ({"page": 9}, 4, []),
        ({"config_type": "custom"}, 4, ["b", "a_2", "a1", "A"]),
    ],
)
def test_T014_T157_T158_which_in_which_order(
    api: Api, project: str, query: dict[str, Any], count: int, names: list[str]
) -> None:
    """As the query says."""
    for name, description in (("b", "y"), ("a1", "x"), ("A", "x"), ("a_2", "x")):
        sent = {"config_name": name, "config_desc": description}
        assert api.call("POST", configs(project), json=sent).json() == {"is_success": True}
    shown = api.get(configs(project), params=query)

    assert (shown["config_total_count"], [one["config_name"] for one in shown["configs"]]) == (count, names)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"per_page": 0}, "per_page"),
        ({"per_page": 1001}, "per_page"),
        ({"page": 65_536}, "page"),
        ({"order": "up"}, "order"),
        ({"config_type": "x"}, "config_type"),
        ({"config_type": ""}, "config_type"),
        ({"config_type": "sample", "sortBy": "create_time"}, "sortBy"),
        ({"search_content": "s" * 65}, "search_content"),
    ],
)
def test_T158_bounds_are_not_corrected(api: Api, project: str, query: dict[str, Any], word: str) -> None:
    """0104."""
    refused(api.call("GET", configs(project), params=query), 400, "0104", word)


def test_T016_T159_samples_are_read_only(api: Api, project: str) -> None:
    """PUT and DELETE find none of that name among the project's own; a configuration of the same name is one's own."""
    place = configs(project, "sample-LinearFit")
    for method in ("PUT", "DELETE"):
        refused(api.call(method, place, json={}), 404, "0105", "sample-LinearFit is shipped, and read-only")
    assert api.call("POST", configs(project), json={"config_name": "sample-LinearFit"}).json() == {"is_success": True}
    assert api.call("DELETE", place).json() == {"is_success": True}
    assert api.get(place, params={"config_type": "sample"})["config_name"] == "sample-LinearFit"


def test_a_body_may_begin_with_a_byte_order_mark(api: Api, project: str) -> None:
    """As editors and shells of Windows write it; every door reads JSON so."""
    body, headers = b'\xef\xbb\xbf{"config_name": "marked"}', {"Content-Type": "application/json"}

    assert api.call("POST", configs(project), content=body, headers=headers).json() == {"is_success": True}
