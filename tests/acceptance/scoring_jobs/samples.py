"""What tests of scoring jobs are made of: models, data, and a client that waits."""

import csv
import io
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import httpx
import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from tests.integration.services import Service, until

__all__ = ["ROWS", "Jobs", "iris_csv", "onnx_iris", "pmml_line"]

ROWS: Final = 150
_NAMES: Final = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@cache
def _samples(rows: int) -> np.ndarray[Any, Any]:
    centres = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
    made = centres[np.arange(rows) % 3] + np.random.default_rng(1).normal(0, 0.3, (rows, 4))
    return np.round(made, 2)


@cache
def onnx_iris() -> bytes:
    """A logistic regression of three classes that takes four numbers."""
    samples = _samples(300)
    model = LogisticRegression(max_iter=500).fit(samples, np.arange(300) % 3)
    made: bytes = to_onnx(model, samples[:1].astype(np.float32)).SerializeToString()
    return made


def pmml_line() -> bytes:
    """y = 3 + 2 sepal_length."""
    return b"""<?xml version="1.0"?>
<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/>
<DataDictionary><DataField name="sepal_length" optype="continuous" dataType="double"/>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
<RegressionModel functionName="regression"><MiningSchema><MiningField name="sepal_length"/>
<MiningField name="y" usageType="target"/></MiningSchema>
<RegressionTable intercept="3"><NumericPredictor name="sepal_length" coefficient="2"/></RegressionTable>
</RegressionModel></PMML>"""


def iris_csv(rows: int) -> bytes:
    """A table with the four columns, and one of texts."""
    lines = [",".join((*_NAMES, "note"))]
    lines += [
        ",".join((*map(str, row), f'"a, ""{place}"""' if place % 7 == 0 else ""))
        for place, row in enumerate(_samples(rows))
    ]
    return "\n".join(lines).encode() + b"\n"


class Jobs:
    """A patient client."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.service.api.call("POST", path, json=body)

    def get(self, path: str) -> Any:
        return self.service.api.get(path)

    def delete(self, name: str) -> httpx.Response:
        return self.service.api.call("DELETE", f"/api/v1/jobs/{name}")

    def upload(self, name: str, kind: str, content: bytes) -> None:
        answer = self.service.api.call(
            "POST", "/model-upload", files={"file": (f"{name}.{kind}", content)}, data={"name": name, "type": kind}
        )
        assert answer.status_code == 200, answer.text

    def add(self, name: str, content: bytes) -> None:
        answer = self.service.api.call(
            "POST", "/add-dataset", files={"file": (name, content)}, data={"dataSource": "local", "fileName": name}
        )
        assert answer.status_code == 200, answer.text

    def script(self, name: str, *, model: str, source: str = "iris-batch.csv", output: str | None = None) -> Any:
        answer = self.post(
            "/generate-script",
            inputDataset=source,
            outputDataset=output or f"{name}.csv",
            modelName=model,
            fileName=name,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def deploy(self, name: str, script: str, **fields: Any) -> None:
        answer = self.post("/model-deploy-job", fileName=script, jobName=name, **fields)
        assert answer.status_code == 200, answer.text

    def info(self, name: str) -> Any:
        answer = self.post("/job-info", jobName=name)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ended(self, name: str) -> list[dict[str, Any]]:
        """The job's runs, when none goes on."""

        def ask() -> list[dict[str, Any]] | None:
            runs: list[dict[str, Any]] = self.info(name)["runList"]
            return None if not runs or any(run["status"] == "running" for run in runs) else runs

        return until(ask, why=f"the runs of {name} have ended")

    def datasets(self) -> Mapping[str, Any]:
        return {one["name"]: one for one in self.get("/dataset-info")["data"]["datasetList"]}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a data set."""
        content = self.service.api.call("GET", f"/uploads/{name}").text
        if name.endswith(".csv"):
            return list(csv.DictReader(io.StringIO(content, newline="")))
        return [json.loads(line) for line in content.splitlines()]
