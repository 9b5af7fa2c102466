"""Training jobs over HTTP and as events: the part of contract 002 that DeepAR needs, and D-070 of contract 001."""

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.training.training_jobs_samples import body, create, ended, name_of, refused, version
from tests.integration.services import Api, Service

ORDINARY: Final[dict[str, Any]] = {  # section 9, as printed
    "job_name": "TestModelArtsJob",
    "job_desc": "This is a ModelArts job",
    "workspace_id": "af261af2218841ec960b01ab3cf1a5fa",
    "config": {
        "worker_server_num": 1,
        "app_url": "/usr/app/",
        "boot_file_url": "/usr/app/boot.py",
        "parameter": [{"label": "learning_rate", "value": "0.01"}, {"label": "batch_size", "value": "32"}],
        "dataset_id": "38277e62-9e59-48f4-8d89-c8cf41622c24",
        "dataset_version_id": "2ff0d6ba-c480-45ae-be41-09a8369bfc90",
        "spec_id": 1,
        "engine_id": 1,
        "train_url": "/usr/train/",
        "log_url": "/usr/log/",
        "model_id": 1,
        "pool_id": "testpool",
    },
}
CUSTOM_IMAGE: Final[dict[str, Any]] = {
    **ORDINARY,
    "job_name": "TestModelArtsJob2",
    "config": {
        "worker_server_num": 1,
        "data_url": "/usr/data/",
        "app_url": "/usr/app/",
        "boot_file_url": "/usr/app/boot.py",
        "parameter": [{"label": "CUSTOM_PARAM1", "value": "1"}],
        "spec_id": 1,
        "engine_id": 1,
        "model_id": 1,
        "pool_id": "testpool",
        "user_command": "bash -x /home/work/run_train.sh python /home/work/user-job-dir/app/mnist/mnist_softmax.py "
        "--data_url /home/work/user-job-dir/app/mnist_data",
        "user_image_url": "100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
        "train_url": "/usr/train/",
        "log_url": "/usr/log/",
    },
}
_NFS: Final = "43b37236-9afa-4855-8174-32254b9562e7"
VOLUMES: Final[list[dict[str, Any]]] = [
    {"nfs": {"id": _NFS, "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas", "read_only": False}},
    {"host_path": {"src_path": "/root/work", "dest_path": "/home/mind", "read_only": False}},
]
WITH_VOLUMES: Final[dict[str, Any]] = {
    **ORDINARY,
    "job_name": "TestModelArtsJob3",
    "config": {**ORDINARY["config"], "volumes": VOLUMES},
}


class TestCreating:
    """POST training-jobs."""

    def test_T080_the_answer(self, api: Api, project: str) -> None:
        """All its fields with their types; a project begins with its first job."""
        name = name_of("new")
        before = round(time.time() * 1000)
        made = create(api, project, body(name))

        assert set(made) == {
            "is_success", "job_id", "job_name", "status", "create_time", "version_id", "resource_id", "version_name",
        }  # fmt: skip
        assert (made["is_success"], made["job_name"], made["status"], made["version_name"]) == (True, name, 1, "V0001")
        assert abs(made["create_time"] - before) < 60_000
        assert isinstance(made["job_id"], int)
        assert isinstance(made["version_id"], int)

    @pytest.mark.parametrize("sample", [ORDINARY, CUSTOM_IMAGE, WITH_VOLUMES], ids=lambda sample: sample["job_name"])
    def test_T086_the_seeds_samples_are_accepted(self, api: Api, project: str, sample: dict[str, Any]) -> None:
        """As printed; their data are not here, so that they cannot be run (T-042), and their log says so."""
        made = create(api, project, sample)
        shown = ended(api, project, made)
        path = f"/v1/{project}/training-jobs/{made['job_id']}/versions/{made['version_id']}"
        (name,) = api.get(f"{path}/log/file-names")["log_file_list"]
        log = api.get(f"{path}/aom-log", params={"log_file": name, "lines": 10})["content"]

        assert {field: shown[field] for field in sample["config"]} == sample["config"]
        assert shown["status"] == 5
        wanted = sample["config"].get("dataset_id") or "usr/data"
        assert wanted in shown["message"]
        assert wanted in log

    @pytest.mark.parametrize("sample", [ORDINARY, CUSTOM_IMAGE, WITH_VOLUMES], ids=lambda sample: sample["job_name"])
    def test_T086_with_deepar_in_their_place_they_are_accepted(
        self, api: Api, project: str, sample: dict[str, Any]
    ) -> None:
        """All fields that mean nothing for DeepAR are kept and shown, as they came (T-057, T-059, T-072, T-074)."""
        without = {"dataset_id", "dataset_version_id"}
        config = {name: value for name, value in sample["config"].items() if name not in without}
        needed = [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": 3}]
        config |= {"model_id": 5, "data_url": "/usr/data/", "parameter": config["parameter"] + needed}
        made = create(api, project, {**sample, "job_name": name_of("sample"), "config": config})
        shown = version(api, project, made)

        assert {name: shown[name] for name in config} == config
        assert shown["job_desc"] == sample["job_desc"]
        unused = config["parameter"][-3]["label"]
        assert f"DeepAR has no use for: {unused}" in shown["message"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda sent: sent.pop("job_name"), ["job_name", "missing"]),
            (lambda sent: sent.update(job_name="a b"), ["job_name"]),
            (lambda sent: sent.update(job_name="n" * 65), ["job_name"]),
            (lambda sent: sent.update(job_desc="d" * 257), ["job_desc", "256"]),
            (lambda sent: sent.pop("config"), ["config", "missing"]),
            (lambda sent: sent["config"].update(worker_server_num=0), ["worker_server_num"]),
            (lambda sent: sent["config"].pop("worker_server_num"), ["worker_server_num"]),
            (lambda sent: sent["config"].pop("model_id"), ["app_url", "missing", "model_id"]),
            (lambda sent: sent["config"].update(model_id=None), ["app_url", "missing", "model_id"]),
            (lambda sent: sent["config"].update(model_id=""), ["model_id"]),
            (lambda sent: sent["config"].update(model_id=-5), ["model_id"]),
            (lambda sent: sent["config"].pop("data_url"), ["data_url", "none of them"]),
            (lambda sent: sent["config"].update(dataset_id="a", dataset_version_id="b"), ["data_url", "2 of them"]),
            (lambda sent: sent["config"].update(dataset_id="a"), ["dataset_id", "together"]),
            (lambda sent: sent["config"].update(data_url="/uploads/../../etc/passwd"), ["data_url"]),
            (lambda sent: sent["config"].update(train_url="/a/../../b"), ["train_url"]),
            (lambda sent: sent["config"].update(create_version="no"), ["create_version"]),
            (lambda sent: sent["config"].update(parameter=[]), ["time_freq", "missing"]),
            (lambda sent: sent["config"]["parameter"].append({"label": "", "value": 1}), ["label"]),
            (lambda sent: sent["config"]["parameter"].append({"label": "seed"}), ["value"]),
            (lambda sent: sent["config"]["parameter"].append({"label": "epochs", "value": 2}), ["epochs", "twice"]),
            (lambda sent: sent["config"]["parameter"].append({"label": "seed", "value": 2**63}), ["seed"]),
            (lambda sent: sent["config"]["parameter"].append({"label": "dropout_rate", "value": 2}), ["dropout_rate"]),
            (
                lambda sent: sent["config"]["parameter"].append({"label": "DEEPAR_INFERENCE_CONFIG", "value": "{"}),
                ["DEEPAR_INFERENCE_CONFIG", "JSON"],
            ),
        ],
    )
    def test_T034_what_is_wrong_is_named(
        self, api: Api, project: str, change: Callable[[dict[str, Any]], Any], words: list[str]
    ) -> None:
        """400, 0104; nothing is created."""
        sent = body(name_of("wrong"))
        change(sent)
        answer = api.call("POST", f"/v1/{project}/training-jobs", json=sent)

        refused(answer, 400, "0104", *words)
        assert api.get(f"/v1/{project}/training-jobs")["job_total_count"] == 0

    @pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'"x"', b""])
    def test_T034_what_is_no_request(self, http: httpx.Client, project: str, content: bytes) -> None:
        """In the envelope too."""
        headers = {"content-type": "application/json"}
        answer = http.post(f"/v1/{project}/training-jobs", content=content, headers=headers)

        refused(answer, 400, "0104", "body")

    def test_T034_other_ways_to_be_refused(self, http: httpx.Client, project: str) -> None:
        """Type, size, method and address: real statuses, one envelope."""
        path = f"/v1/{project}/training-jobs"
        too_large = {**body("x"), "job_desc": "d" * 300_000}

        refused(http.post(path, content=b"x", headers={"content-type": "text/plain"}), 415, "0105", "application/json")
        refused(http.post(path, json=too_large), 413, "0105", "TIDECAST_MAX_BODY_BYTES")
        refused(http.patch(path, json={}), 405, "0105", "GET, POST")
        refused(http.get(f"/v1/{project}/nothing"), 404, "0105", "nothing")
        refused(http.get("/v1/a%20b/training-jobs"), 400, "0104", "project_id")

    def test_T084_a_name_is_taken_once(self, api: Api, project: str) -> None:
        """In the contract's words; another workspace of the project has the same names."""
        name = name_of("taken")
        create(api, project, body(name))
        answer = api.call("POST", f"/v1/{project}/training-jobs", json={**body(name), "workspace_id": "w1"})

        assert (answer.status_code, answer.json()) == (
            400,
            {
                "is_success": False,
                "error_message": f"Job name:{name} is existed",
                "error_code": "ModelArts.0103",
            },
        )

    def test_T085_of_many_at_once_one_succeeds(self, service: Service, project: str) -> None:
        """A single writer per project decides."""
        name, url = name_of("race"), f"{service.stack.url}/v1/{project}/training-jobs"
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: httpx.post(url, json=body(name), timeout=30), range(8)))

        assert sorted(answer.status_code for answer in answers) == [200] + 7 * [400]
        assert {answer.json().get("error_code") for answer in answers} == {None, "ModelArts.0103"}
        assert service.api.get(f"/v1/{project}/training-jobs")["job_total_count"] == 1

    def test_a_repeat_under_its_key_makes_one_job(self, http: httpx.Client, project: str) -> None:
        """Idempotency-Key, as for the other writes; with another body it is refused, after a refusal it is free."""
        path, key = f"/v1/{project}/training-jobs", {"Idempotency-Key": uuid.uuid4().hex}
        wrong = http.post(path, json=body("a b"), headers=key)
        sent = body(name_of("again"))
        one, two = (http.post(path, json=sent, headers=key) for _ in range(2))
        other = http.post(path, json=body(name_of("other")), headers=key)

        assert (wrong.status_code, one.status_code) == (400, 200)
        assert one.json() == two.json()
        refused(other, 409, "0105", "Idempotency-Key")
        assert http.get(path).json()["job_total_count"] == 1

    def test_after_a_deletion_the_same_request_makes_a_new_job(
        self, api: Api, http: httpx.Client, project: str
    ) -> None:
        """Its key names a job that is not to come back: under its id the new one would wait for ever."""
        path, key = f"/v1/{project}/training-jobs", {"Idempotency-Key": uuid.uuid4().hex}
        sent = body(name_of("deleted"))
        first = http.post(path, json=sent, headers=key).json()
        assert http.delete(f"{path}/{first['job_id']}").status_code == 200
        second = http.post(path, json=sent, headers=key).json()

        assert second["is_success"]
        assert second["job_id"] != first["job_id"]
        assert ended(api, project, second)["status"] == 5  # there is no such file: it cannot be run (T-042)


class TestReading:
    """GET."""

    def test_T101_the_list(self, api: Api, project: str) -> None:
        """Count, limits, and the jobs by name; with and without the final slash."""
        assert api.get(f"/v1/{project}/training-jobs") == {
            "is_success": True,
            "job_total_count": 0,
            "job_count_limit": 1000,
            "quotas": api.get(f"/v1/{project}/training-jobs")["quotas"],
            "jobs": [],
        }
        names = sorted(name_of(word) for word in ("b", "A", "c"))
        made = {name: create(api, project, {**body(name), "job_desc": name[0]}) for name in reversed(names)}
        shown = api.get(f"/v1/{project}/training-jobs/")

        assert [job["job_name"] for job in shown["jobs"]] == names
        assert (shown["job_total_count"], shown["job_count_limit"]) == (3, 997)
        assert shown["quotas"] >= 1
        for job in shown["jobs"]:
            assert set(job) == {
                "job_id", "job_name", "version_id", "status", "create_time", "duration", "job_desc", "version_count",
            }  # fmt: skip
            assert job["job_id"] == made[job["job_name"]]["job_id"]
            assert (job["job_desc"], job["version_count"]) == (job["job_name"][0], 1)

    def test_T090_filters_order_and_pages(self, api: Api, project: str) -> None:
        """As the query says; sort_by is another word for sortBy."""
        names = sorted(name_of(word) for word in ("job-b", "JOB-a", "x"))
        for name in names:
            create(api, project, body(name))
        create(api, project, {**body(name_of("elsewhere")), "workspace_id": "w1"})

        def found(**query: Any) -> list[str]:
            jobs = api.get(f"/v1/{project}/training-jobs", params=query)["jobs"]
            return [job["job_name"] for job in jobs]

        assert found() == names
        assert found(search_content="job") == names[:2]
        assert found(order="desc") == names[::-1]
        assert found(sortBy="create_time", order="desc") == names[::-1]
        assert found(sort_by="create_time", order="desc") == names[::-1]
        assert found(per_page=2, page=2) == names[2:]
        assert found(per_page=2, page=3) == []
        assert found(status="3") == []
        assert found(status='"1"|"7"|"8"|5,11') == names
        assert len(found(workspace_id="w1")) == 1

    @pytest.mark.parametrize(
        ("query", "word"),
        [
            ({"per_page": 0}, "per_page"),
            ({"per_page": 1001}, "per_page"),
            ({"page": 0}, "page"),
            ({"page": 65_536}, "page"),
            ({"sortBy": "job_id"}, "sortBy"),
            ({"order": "up"}, "order"),
            ({"search_content": "s" * 65}, "search_content"),
            ({"status": "x"}, "status"),
            ({"status": "22"}, "status"),
            ({"status": "7|"}, "status"),
        ],
    )
    def test_T100_wrong_queries(self, api: Api, project: str, query: dict[str, Any], word: str) -> None:
        """0104, not silently corrected."""
        refused(api.call("GET", f"/v1/{project}/training-jobs", params=query), 400, "0104", word)

    def test_T116_versions(self, api: Api, project: str) -> None:
        """All of them, or a page; the detail has the same fields at its top (T-130)."""
        job = create(api, project, body(name_of("versions")))
        path = f"/v1/{project}/training-jobs/{job['job_id']}/versions"
        shown, detail = api.get(path), version(api, project, job)
        head = {"is_success": True, "job_id": job["job_id"], "job_name": job["job_name"], "job_desc": ""}

        assert {name: shown[name] for name in (*head, "version_count")} == {**head, "version_count": 1}
        (only,) = shown["versions"]
        assert json.loads(only.pop("system_metric_list")) == detail.pop("system_metric_list")  # T-127
        changing = {"status", "duration", "start_time", "message"}
        assert set(only) - changing <= set(detail)
        assert {**head, **only, **{name: detail[name] for name in changing & set(detail)}} == detail
        assert (only["version_id"], only["version_name"], only["resource_id"]) == (
            job["version_id"],
            "V0001",
            job["resource_id"],
        )
        assert [item["version_id"] for item in api.get(path, params={"page": 1})["versions"]] == [job["version_id"]]
        assert api.get(path, params={"page": 2})["versions"] == []
        refused(api.call("GET", path, params={"page": -1}), 400, "0104", "page")
        refused(api.call("GET", f"{path}/{job['version_id'] + 1}"), 404, "0105", "version")

    @pytest.mark.parametrize("path", ["", "/versions", "/versions/1"])
    def test_T132_what_is_not_there(self, api: Api, project: str, path: str) -> None:
        """404, 0105; what is no number 400, 0104 (T-004)."""
        method = "DELETE" if path == "" else "GET"

        refused(api.call(method, f"/v1/{project}/training-jobs/7{path}"), 404, "0105", project, "7")
        refused(api.call(method, f"/v1/{project}/training-jobs/x{path}"), 400, "0104", "job_id")

    def test_T003_head(self, http: httpx.Client, project: str) -> None:
        """The headers of GET, without its body."""
        path = f"/v1/{project}/training-jobs"
        got, head = http.get(path), http.head(path)

        assert (head.status_code, head.content, got.status_code) == (200, b"", 200)
        assert head.headers["content-length"] == str(len(got.content))
        assert http.head(f"{path}/7/versions").status_code == 404
