"""Training jobs over HTTP that are stopped, deleted, or trained to their end."""

import itertools
import json
import time
from typing import Any

import httpx

from tests.acceptance.stock import StockClient
from tests.acceptance.training.training_jobs_samples import TINY, body, create, ended, name_of, refused, version
from tests.integration.services import Api, Service, until

_IDS = itertools.count(time.time_ns() // 1_000_000)  # ids of a producer's own; the service mints far larger ones


def endpoint_status(api: Api, name: str) -> int:
    """Of GET."""
    return api.call("GET", f"/endpoints/{name}").status_code


class TestEnding:
    """Stop and delete."""

    def test_T134_an_ended_version_cannot_be_stopped(self, api: Api, project: str) -> None:
        """400, 0105. Its end came by the missing file, which was no reason to refuse it (T-071)."""
        job = create(api, project, body(name_of("ended")))
        shown = ended(api, project, job)
        path = f"/v1/{project}/training-jobs/{job['job_id']}/versions/{job['version_id']}/stop"

        assert shown["status"] in (5, 11)
        assert "nothing.jsonl" in shown["message"]
        refused(api.call("POST", path), 400, "0105", "ended")

    def test_T135_a_running_version_is_stopped(self, api: Api, project: str, data_url: str) -> None:
        """9 at once, then 12 or 13; the job stays, without an endpoint."""
        sent = body(name_of("stopped"), data_url)
        sent["config"]["parameter"] = [
            {**item, "value": 100_000} if item["label"] == "epochs" else item for item in sent["config"]["parameter"]
        ] + [{"label": "early_stopping_patience", "value": ""}]
        job = create(api, project, sent)
        path = f"/v1/{project}/training-jobs/{job['job_id']}/versions/{job['version_id']}"
        until(lambda: version(api, project, job)["epoch"] > 0, why="it trains")
        answers = [api.call("POST", f"{path}/stop")]
        at_once = version(api, project, job)["status"]
        last = ended(api, project, job)

        assert [answer.json() for answer in answers] == [{"is_success": True}]
        assert at_once in (9, 12)
        assert last["status"] == 12
        assert last["epoch"] > 0
        assert version(api, project, job)["duration"] == last["duration"] > 0
        assert endpoint_status(api, sent["job_name"]) == 404

    def test_T019_a_deleted_job_is_gone(self, api: Api, project: str) -> None:
        """Its name is free; a second deletion finds nothing."""
        sent = body(name_of("deleted"))
        job = create(api, project, sent)
        path = f"/v1/{project}/training-jobs/{job['job_id']}"

        assert api.call("DELETE", path).json() == {"is_success": True}
        refused(api.call("GET", f"{path}/versions"), 404, "0105")
        refused(api.call("DELETE", path), 404, "0105")
        assert create(api, project, sent)["job_id"] != job["job_id"]


class TestTraining:
    """From the data to the endpoint."""

    def test_D070_a_job_becomes_an_endpoint(self, api: Api, project: str, data_url: str) -> None:
        """Progress and scores in the version; the endpoint of its name answers; deleted, it is gone."""
        name = name_of("model")
        sent = body(name, data_url)
        sent["config"]["parameter"].append({"label": "DEEPAR_INFERENCE_CONFIG", "value": '{"output_types": ["mean"]}'})
        job = create(api, project, sent)
        shown = ended(api, project, job)
        assert shown["status"] == 10, shown
        assert (shown["epoch"], shown["epochs"], shown["endpoint"]) == (1, 1, name)
        scores = json.loads(shown["model_metric_list"])["total_metric"]["total_metric_values"]
        assert scores == shown["metrics"] != {}
        assert isinstance(shown["loss"], float)
        assert 0 < shown["duration"] < 60_000

        described = api.get(f"/endpoints/{name}")
        assert (described["project_id"], described["job_id"]) == (project, job["job_id"])
        assert described["environment"] == {"DEEPAR_INFERENCE_CONFIG": '{"output_types": ["mean"]}'}
        line = {"content-type": "application/jsonlines"}
        asked = b'{"start": "2024-01-01", "target": [1.0, 2.0, 3.0]}\n'

        def answered() -> Any:
            url = f"{api.url}/endpoints/{name}/invocations"
            answer = httpx.post(url, content=asked, headers=line, timeout=60)
            return answer.json() if answer.status_code == 200 else None

        forecast = until(answered, why="the endpoint answers")
        assert list(forecast) == ["mean"]
        assert len(forecast["mean"]) == 3

        other = api.call("POST", f"/v1/{project}-2/training-jobs", json=body(name, data_url))
        refused(other, 400, "0103", name, "another project")
        assert api.call("DELETE", f"/v1/{project}/training-jobs/{job['job_id']}").status_code == 200
        assert endpoint_status(api, name) == 404

    def test_decision_12_events_do_the_same(
        self, service: Service, stock: StockClient, project: str, data_url: str
    ) -> None:
        """TrainDeepAR, StopTrainingJob and DeleteTrainingJob on the topic of commands, keyed by the project."""
        api, job_id, name = service.api, next(_IDS), name_of("event")
        job = {"job_id": job_id, "version_id": job_id}

        def post(record: str, **fields: Any) -> None:
            topic = service.topics.training_commands
            stock.command(topic, project, record, project_id=project, job_id=job_id, **fields)

        parameters = {label: value for label, value in TINY.items() if label != "epochs"}
        post("TrainDeepAR", job_name=name, data_url=data_url, parameters={**parameters, "epochs": 100_000})
        path = f"/v1/{project}/training-jobs"
        until(lambda: api.get(path)["job_total_count"] == 1, why="the job is there")
        until(lambda: version(api, project, job)["status"] == 8, why="it runs")
        post("StopTrainingJob", version_id=job_id)
        shown = ended(api, project, job)
        assert shown["status"] == 12
        assert {"label": "epochs", "value": 100_000} in shown["parameter"]
        post("DeleteTrainingJob")
        until(lambda: api.get(path)["job_total_count"] == 0, why="the job is gone")
