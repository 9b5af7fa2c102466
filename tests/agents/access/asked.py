"""All that can be asked about a thing that a project has, by the resources that keep projects apart."""

from dataclasses import dataclass
from typing import Any, Final

import httpx

from streams.access.caller import caller

__all__ = ["ASKED", "OF_ONES_OWN", "POINT", "READS", "Asked"]


@dataclass(frozen=True)
class Asked:
    """A request about a thing; `of` is the field of `Things` that names it, `{}` its place in path, query and body.

    `status` is what its own project is answered.
    """

    operation: str
    of: str
    query: str = ""
    body: Any = None
    path: str = ""
    status: int = 200

    def send(self, http: httpx.AsyncClient, named: object) -> Any:
        """It, about this thing, at the caller's own address where that has the project."""
        method, template = self.operation.split(" ")
        path = (self.path or template).replace("{project_id}", caller().project_id).replace("{}", str(named))
        body = None if self.body is None else self.body.replace("{}", str(named)).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        query = self.query.replace("{}", str(named))
        return http.request(method, f"{path}?{query}" if query else path, content=body, headers=headers)


_FORECASTING: Final = [
    Asked("GET /data/{data_id}/", "data_id", path="/data/{}/"),
    Asked("DELETE /data/{data_id}/", "data_id", path="/data/{}/"),
    Asked("GET /data/{data_id}/rows", "data_id", path="/data/{}/rows"),
    Asked("POST /data/{data_id}/rows", "data_id", path="/data/{}/rows", body='[{"day": "2020-08-13", "value": 1}]'),
    Asked("POST /job/", "data_id", body='{"data_id": {}}'),
    Asked("GET /job/{job_id}/", "job_id", path="/job/{}/"),
    Asked("DELETE /job/{job_id}/", "job_id", path="/job/{}/"),
    Asked("PUT /job/{job_id}/", "job_id", path="/job/{}/", body='{"timestamp_indexs": [0], "target_indexs": [2]}'),
    Asked("PATCH /job/{job_id}/", "job_id", path="/job/{}/", body='[{"ts_id": 1, "next_k_prediction": 3}]'),
    Asked("GET /job/{job_id}/ts_details/", "job_id", path="/job/{}/ts_details/"),
    Asked("GET /job/{job_id}/ts_details/{ts_id}/", "job_id", path="/job/{}/ts_details/7/"),
    Asked("POST /job/{job_id}/refresh/", "job_id", path="/job/{}/refresh/"),
    Asked("POST /job/{job_id}/stop/", "job_id", path="/job/{}/stop/"),
    Asked("GET /job/{job_id}/accuracy/", "job_id", path="/job/{}/accuracy/"),
    Asked("GET /job/{job_id}/anomalies/", "job_id", path="/job/{}/anomalies/"),
    Asked("GET /job/{job_id}/export/", "job_id", path="/job/{}/export/", status=409),
    Asked("GET /job/{job_id}/job_results/", "job_id", path="/job/{}/job_results/"),
    Asked("GET /job/{job_id}/explanations/", "job_id", path="/job/{}/explanations/", status=409),
    Asked("GET /job/{job_id}/leaderboard/", "job_id", path="/job/{}/leaderboard/"),
    Asked("GET /job/{job_id}/shadow/", "job_id", path="/job/{}/shadow/", status=404),
    Asked("POST /job/{job_id}/shadow/", "job_id", path="/job/{}/shadow/", body='{"model_name": "SES"}', status=409),
    Asked("POST /job/{job_id}/shadow/switch/", "job_id", path="/job/{}/shadow/switch/", status=404),
    Asked("DELETE /job/{job_id}/shadow/", "job_id", path="/job/{}/shadow/", status=404),
    Asked("GET /job/{job_id}/sums/", "job_id", path="/job/{}/sums/", status=409),
    Asked("POST /job/{job_id}/what-if/", "job_id", path="/job/{}/what-if/", body='{"changes": []}', status=409),
    Asked("GET /forecasts", "data_id", query="series_key=all&data={}", path="/forecasts"),
    Asked("GET /forecasts/{ts_id}", "ts_id", path="/forecasts/{}"),
]
_FILES: Final = [
    Asked("GET /uploads/{path}", "file", path="/uploads/{}"),
    Asked("GET /outputs/{path}", "file", path="/outputs/{}"),
]
POINT: Final = '{"metric_name": "loss", "value": 1, "timestamp": 1600000000000, "iteration": 1, "data_source": "log"}'
_METRICS: Final = "/api/v1/workloads/{}/metrics"
_WORKLOADS: Final = [
    Asked("GET /api/v1/workloads/{workload_uid}/metrics/available", "uid", path=f"{_METRICS}/available"),
    Asked("GET /api/v1/workloads/{workload_uid}/metrics/data", "uid", path=f"{_METRICS}/data"),
]
_JOBS: Final = "/v1/{project_id}/training-jobs"
_CONFIGS: Final = "/v1/{project_id}/training-job-configs"
_LOOKS: Final = "/v1/{project_id}/visualization-jobs"
_CONFIG: Final = '{"config": {"worker_server_num": 1, "model_id": 5}}'


def _of(method: str, base: str, place: str, of: str, rest: str = "", body: str | None = None) -> Asked:
    """Of an address that ends with the thing's name, and perhaps the `rest`, where further names are 7."""
    path = f"{base}/{{}}{rest}".replace("{version_id}", "7")
    return Asked(f"{method} {base}/{place}{rest}", of, body=body, path=path)


_VERSION: Final = "/versions/{version_id}"
_TRAINING: Final = [
    *(_of(method, _JOBS, "{job_id}", "training_id") for method in ("GET", "DELETE")),
    _of("PUT", _JOBS, "{job_id}", "training_id", body='{"job_desc": "x"}'),
    _of("POST", _JOBS, "{job_id}", "training_id", "/versions", _CONFIG),
    _of("GET", _JOBS, "{job_id}", "training_id", "/versions"),
    *(_of(method, _JOBS, "{job_id}", "training_id", _VERSION) for method in ("GET", "DELETE")),
    _of("POST", _JOBS, "{job_id}", "training_id", f"{_VERSION}/stop"),
    _of("GET", _JOBS, "{job_id}", "training_id", f"{_VERSION}/log/file-names"),
    _of("GET", _JOBS, "{job_id}", "training_id", f"{_VERSION}/aom-log"),
    *(_of(method, _CONFIGS, "{config_name}", "config_name") for method in ("GET", "DELETE")),
    _of("PUT", _CONFIGS, "{config_name}", "config_name", body='{"config_desc": "x"}'),
    *(_of(method, _LOOKS, "{job_id}", "visualization_id") for method in ("GET", "DELETE")),
    _of("PUT", _LOOKS, "{job_id}", "visualization_id", body='{"job_desc": "x"}'),
    _of("POST", _LOOKS, "{job_id}", "visualization_id", "/stop"),
    _of("POST", _LOOKS, "{job_id}", "visualization_id", "/restart"),
    _of("GET", _LOOKS, "{job_id}", "visualization_id", "/page"),
]
_INSTANCES: Final = '{"instances": [{"start": "2024-01-01", "target": [1, 2, 3]}]}'
_SERVING: Final = [
    Asked("GET /endpoints/{name}", "endpoint", path="/endpoints/{}"),
    Asked("POST /endpoints/{name}/invocations", "endpoint", path="/endpoints/{}/invocations", body=_INSTANCES),
    Asked("GET /transform-jobs/{name}", "transform", path="/transform-jobs/{}"),
    Asked("GET /transform-jobs/{name}/output", "transform", path="/transform-jobs/{}/output"),
    Asked("POST /transform-jobs/{name}/stop", "transform", path="/transform-jobs/{}/stop"),
]
_NAMED: Final = '{"modelName": "{}"}'
_CALL: Final = '{"X": [{"x1": 1.5}]}'
_SCORING: Final = [
    Asked("POST /operate-model", "model", body='{"modelName": "{}", "operation": "delete"}'),
    Asked("POST /model-descript", "model", body=_NAMED),
    Asked("GET /model-descript", "model", query="modelName={}"),
    Asked("POST /model-variable", "model", body=_NAMED),
    Asked("GET /model-variable", "model", query="modelName={}"),
    Asked("POST /model-test", "model", body='{"modelName": "{}", "data": {"X": []}}'),
    Asked(
        "POST /model-deploy-service",
        "model",
        body='{"modelName": "{}", "serviceName": "new", "serverVersion": "3.7"}',
    ),
    Asked("POST /service-info", "service", body='{"serviceName": "{}"}'),
    Asked("POST /operate-pod", "service", body='{"podName": "{}-0", "operationType": "delete"}'),
    Asked("POST /service-scale", "service", body='{"serviceName": "{}", "replicas": 1}'),
    Asked("POST /service-delete", "service", body='{"serviceName": "{}"}'),
    Asked("POST /api/v1/scv/pmml/{name}", "service", path="/api/v1/scv/pmml/{}", body=_CALL),
    Asked("GET /api/v1/scv/pmml/{name}", "service", path="/api/v1/scv/pmml/{}"),
    Asked(
        "GET /api/v1/scv/pmml/{name}/requests/{request_id}", "service", path="/api/v1/scv/pmml/{}/requests/shop_request"
    ),
    Asked("GET /v2/models/{name}", "service", path="/v2/models/{}"),
    Asked("GET /v2/models/{name}/ready", "service", path="/v2/models/{}/ready"),
    Asked("POST /v2/models/{name}/infer", "service", path="/v2/models/{}/infer", body='{"inputs": []}'),
]
_SCORING_JOBS: Final = [
    Asked("POST /operate-dataset", "dataset", body='{"dataset": "{}", "operation": "download"}'),
    Asked("GET /api/v1/datasets/{name}", "dataset", path="/api/v1/datasets/{}"),
    Asked("POST /generate-script", "dataset", body='{"inputDataset": "{}", "outputDataset": "x.csv"}'),
    Asked("POST /model-deploy-job", "script", body='{"fileName": "{}", "jobName": "new"}'),
    Asked("POST /job-info", "scoring_job", body='{"jobName": "{}"}'),
    Asked("GET /api/v1/jobs/{name}", "scoring_job", path="/api/v1/jobs/{}"),
    Asked("POST /api/v1/jobs/{name}", "scoring_job", path="/api/v1/jobs/{}"),
    Asked("DELETE /api/v1/jobs/{name}", "scoring_job", path="/api/v1/jobs/{}"),
    Asked("POST /operate-run", "run_id", body='{"runId": "{}", "type": "result"}'),
]
_RUNS: Final = "/api/2.0/mlflow/runs"
_RUN: Final = '{"run_id": "{}"}'
_TRACKING: Final = [
    Asked("GET /api/2.0/mlflow/experiments/get", "experiment_id", query="experiment_id={}"),
    Asked("GET /api/2.0/mlflow/experiments/get-by-name", "experiment", query="experiment_name={}"),
    Asked(f"GET {_RUNS}/get", "tracked_run", query="run_id={}"),
    Asked("GET /api/2.0/mlflow/metrics/get-history", "tracked_run", query="run_id={}&metric_key=loss"),
    Asked(f"POST {_RUNS}/log-metric", "tracked_run", body='{"run_id": "{}", "key": "a", "value": 1, "timestamp": 1}'),
    Asked(f"POST {_RUNS}/log-batch", "tracked_run", body=_RUN),
]
"""Of those that change a run the agent answers: see `test_trackers_apart.py`."""
OF_ONES_OWN: Final = {
    *(f"POST {_RUNS}/{what}" for what in ("create", "update", "delete", "restore", "log-parameter", "set-tag")),
    "POST /api/2.0/mlflow/experiments/create",
    "POST /graphql",
    "POST /files/{entity}/{project}/{run}/file_stream",
    "PUT /uploads/{path}",
    "POST /api/v1/workloads/{workload_uid}/metrics",
    "GET /api/v1/workloads/{workload_uid}/metrics/stream",
    "POST /add-dataset",
    "POST /invocations",
    "POST /model-upload",
    "POST /transform-jobs",
    f"POST {_JOBS}",
    f"POST {_CONFIGS}",
    f"POST {_LOOKS}",
}
"""What begins a thing of the caller's own where the project has none of the name; looked at in the tests."""
ASKED: Final = [*_FORECASTING, *_FILES, *_WORKLOADS, *_TRAINING, *_SERVING, *_SCORING, *_SCORING_JOBS, *_TRACKING]
_INSIDE: Final = ("{ts_id}/", "{version_id}", "/v2/models/{name}/ready")
READS: Final = [
    one for one in ASKED if one.operation.startswith("GET") and not any(it in one.operation for it in _INSIDE)
]
"""Those that the thing's own project is answered, though it was never asked for what is inside of it."""
