"""A good body for each operation of contract 003 and of the doors for W&B's and MLflow's clients."""

from typing import Any, Final

__all__ = ["BODIES"]

_MLFLOW: Final = "POST /api/2.0/mlflow"
BODIES: Final[dict[str, Any]] = {
    "POST /data/{data_id}/rows": [{"day": "2024-01-01", "sales": 7}],
    "POST /job/{job_id}/what-if/": {
        "ts_id": "all",
        "groups": {"shop": "a"},
        "model_name": "Auto",
        "changes": [{"feature": "price", "multiply": 0.9, "from": 3, "to": 7, "groups": {"shop": "a"}}],
    },
    "POST /job/{job_id}/shadow/": {
        "ts_id": "all",
        "groups": {"shop": "a"},
        "model_name": "LinearFit",
        "hyper_params": [{"name": "latest_n", "type": "int", "val": 5}],
    },
    "POST /operate-model": {"modelName": "a", "operation": "delete", "force": True},
    "POST /model-descript": {"modelName": "a"},
    "POST /model-variable": {"modelName": "a"},
    "POST /model-test": {"modelName": "a", "type": "onnx", "data": {"X": [{"x": 1.5}]}},
    "POST /model-deploy-service": {
        "modelName": "a",
        "serviceName": "s",
        "serverVersion": "3.8",
        "cpuReserve": 0.5,
        "memoryReserve": "512Mi",
        "replicas": 2,
    },
    "POST /service-info": {"serviceName": "s"},
    "POST /operate-pod": {"podName": "s-0", "operationType": "pause"},
    "POST /service-scale": {"serviceName": "s", "replicas": 1},
    "POST /service-delete": {"serviceName": "s"},
    "POST /api/v1/scv/pmml/{name}": {"X": [{"x": 1.5}]},
    "POST /v2/models/{name}/infer": {
        "id": "1",
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2]}],
    },
    "POST /operate-dataset": {"dataset": "a.csv", "operation": "delete"},
    "POST /generate-script": {"inputDataset": "a.csv", "outputDataset": "b.csv", "modelName": "a", "fileName": "f"},
    "POST /model-deploy-job": {
        "fileName": "f",
        "ext": ".py",
        "jobName": "j",
        "jobDescription": "d",
        "environment": "3.7",
        "variables": {"A": "1"},
        "args": "",
        "dispatch": "schedule",
        "runName": "r",
        "schedule": "0 2 * * *",
        "timeZone": "Europe/Berlin",
        "missedRuns": "skip",
    },
    "POST /job-info": {"jobName": "j"},
    "POST /api/v1/jobs/{name}": {"runName": "r"},
    "POST /operate-run": {"runName": "r", "type": "result", "dispatch": "demand", "runId": "r-1"},
    "POST /graphql": {"operationName": "Viewer", "query": "query Viewer { viewer { id } }", "variables": {"a": 1}},
    "POST /files/{entity}/{project}/{run}/file_stream": {
        "files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"_step": 1, "loss": 0.5}']}},
        "complete": True,
        "exitcode": 0,
    },
    "POST /v3/auth/tokens": {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": {"name": "ada", "password": "secret word"}}},
            "scope": {"project": {"id": "p1"}},
        }
    },
    "POST /access/session": {"user": "ada", "password": "secret word"},
    "PUT /access/users/{user}": {"password": "secret word", "project": "p1", "role": "viewer"},
    "PUT /access/projects/{project}": {"title": "Retail"},
    "PUT /access/projects/{project}/quotas": {"jobs": 5},
    "POST /access/keys": {"user": "ada"},
    f"{_MLFLOW}/experiments/create": {"name": "e"},
    f"{_MLFLOW}/experiments/search": {"max_results": 10, "filter": "", "page_token": ""},
    f"{_MLFLOW}/runs/create": {
        "experiment_id": "0",
        "user_id": "u",
        "start_time": 1_704_067_200_000,
        "run_name": "r",
        "tags": [{"key": "k", "value": "v"}],
    },
    f"{_MLFLOW}/runs/update": {"run_id": "a", "status": "FINISHED", "end_time": 1_704_067_200_000, "run_name": "r"},
    f"{_MLFLOW}/runs/delete": {"run_id": "a"},
    f"{_MLFLOW}/runs/restore": {"run_id": "a"},
    f"{_MLFLOW}/runs/log-parameter": {"run_id": "a", "key": "k", "value": "v"},
    f"{_MLFLOW}/runs/set-tag": {"run_id": "a", "key": "k", "value": "v"},
    f"{_MLFLOW}/runs/log-metric": {
        "run_id": "a",
        "key": "loss",
        "value": 0.5,
        "timestamp": 1_704_067_200_000,
        "step": 1,
    },
    f"{_MLFLOW}/runs/log-batch": {
        "run_id": "a",
        "metrics": [{"key": "loss", "value": 0.5, "timestamp": 1_704_067_200_000, "step": 1}],
        "params": [{"key": "k", "value": "v"}],
        "tags": [{"key": "k", "value": "v"}],
    },
    f"{_MLFLOW}/runs/search": {"experiment_ids": ["0"], "max_results": 10},
}
