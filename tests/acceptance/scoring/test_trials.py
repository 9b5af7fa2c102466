"""Testing a model: what it answers, in each of the forms that it can be asked in (contract S-012, S-045 … S-049)."""

import io
import json
from typing import Any

import httpx
import numpy as np
import pytest

from tests.acceptance.scoring.samples import ask_model, check_refusal, uploaded
from tests.integration.services import Api, Service
from tests.iris_models import FEATURES, SPECIES, maker, records, trained

_ONE = dict(zip(FEATURES, (5.1, 3.5, 1.4, 0.2), strict=True))
_CLOSE = 1e-5  # ONNX computes with 32 bits


def oracle(name: str) -> Any:
    """What scikit-learn says of all flowers."""
    model = trained()[name]
    x = maker().iris()[0]
    x = x[:, :3] if name.endswith("regression") else x
    return model.transform(x) if name == "pca" else model.predict(x)


@pytest.fixture(scope="module")
def models(service: Service) -> dict[str, str]:
    """The name of the uploaded model of each file that was asked for."""
    names = ("logistic", "regression", "kmeans", "pca")
    files = [f"iris_{name}.{kind}" for name in names for kind in ("onnx", "pmml")]
    return {file_name: uploaded(service.api, file_name) for file_name in files}


def asked(kind: str, columns: int = 4) -> Any:
    """All flowers: by name, as PMML has it, or as one tensor."""
    if kind == "pmml":
        return {"X": records(columns=columns)}
    return {"X": {"X": [list(record.values()) for record in records(columns=columns)]}}


@pytest.mark.parametrize("kind", ["onnx", "pmml"])
class TestTasks:
    """S-019, S-020, S-047: the four kinds of PMML and of ONNX, against scikit-learn on all 150 flowers."""

    def test_S047_classification(self, api: Api, models: dict[str, str], kind: str) -> None:
        """A label, and probabilities that sum to one; in the order of the records."""
        answer = ask_model(api, models[f"iris_logistic.{kind}"], asked(kind), type=kind)
        expected = trained()["logistic"].predict_proba(maker().iris()[0])

        assert (answer["status"], answer["task"]) == (True, "classification")
        assert [one["label"] for one in answer["result"]] == oracle("logistic").tolist()
        found = np.array([[one["probabilities"][name] for name in SPECIES] for one in answer["result"]])
        assert np.abs(found - expected).max() < _CLOSE
        assert np.abs(found.sum(axis=1) - 1).max() < _CLOSE

    def test_S047_regression(self, api: Api, models: dict[str, str], kind: str) -> None:
        """S-021: of its confidence these models say nothing."""
        answer = ask_model(api, models[f"iris_regression.{kind}"], asked(kind, 3))

        assert answer["task"] == "regression"
        assert np.abs([one["prediction"] for one in answer["result"]] - oracle("regression")).max() < _CLOSE
        assert {one["confidence"] for one in answer["result"]} == {None}

    def test_S047_clustering(self, api: Api, models: dict[str, str], kind: str) -> None:
        """The cluster, with distances or affinities."""
        answer = ask_model(api, models[f"iris_kmeans.{kind}"], asked(kind))

        assert answer["task"] == "clustering"
        assert [int(one["cluster"]) for one in answer["result"]] == oracle("kmeans").tolist()
        assert set(answer["result"][0]) == {"cluster", "distances" if kind == "onnx" else "affinities"}

    def test_S047_dimension_reduction(self, api: Api, models: dict[str, str], kind: str) -> None:
        """An array of component values."""
        answer = ask_model(api, models[f"iris_pca.{kind}"], asked(kind))

        assert answer["task"] == "dimension_reduction"
        assert np.abs(np.array([one["components"] for one in answer["result"]]) - oracle("pca")).max() < _CLOSE


@pytest.mark.parametrize(
    "data",
    [
        {"X": [_ONE]},
        {"X": _ONE},
        _ONE,
        [_ONE],
        {"X": [{**_ONE, "colour": "blue"}]},
        {"X": [list(_ONE.values())]},
        {"X": {name: [value] for name, value in _ONE.items()}},
    ],
    ids=["records", "one", "bare", "list", "extra", "position", "columns"],
)
def test_S046_the_forms_of_one_record(api: Api, models: dict[str, str], data: Any) -> None:
    """All say the same; what the model does not have is ignored (S-049)."""
    (result,) = ask_model(api, models["iris_logistic.pmml"], data)["result"]

    assert result["label"] == "setosa"


@pytest.mark.parametrize(
    "data",
    [
        {"X": {"X": [[5.1, 3.5, 1.4, 0.2]]}},
        {"X": {"X": [5.1, 3.5, 1.4, 0.2]}},
        {"X": [{"X": [5.1, 3.5, 1.4, 0.2]}]},
        {"X": [[5.1, 3.5, 1.4, 0.2]]},
    ],
    ids=["tensor", "one", "records", "position"],
)
def test_S046_the_forms_of_a_tensor(api: Api, models: dict[str, str], data: Any) -> None:
    """An input that is a row of numbers."""
    (result,) = ask_model(api, models["iris_logistic.onnx"], data)["result"]

    assert result["label"] == "setosa"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"X": [{"sepal_length": 1}]}, "record 1: the variable sepal_width"),
        ({"X": [_ONE, {**_ONE, "petal_width": "wide"}]}, 'record 2, petal_width: expected a number, not "wide"'),
        ({"X": [{**_ONE, "petal_width": True}]}, "petal_width: expected a number, not true"),
        ({"X": [{**_ONE, "petal_width": "1.5"}]}, "petal_width: expected a number"),
        ({"X": []}, "X: is empty"),
        ({"X": 5}, "X: expected an array of records"),
        ({"X": [_ONE, 7]}, "record 2: expected an object"),
        ({"Y": []}, "X: is missing"),
        ({"X": [[1, 2]]}, "record 1 has 2 values"),
        ("wide", "data, byte 0: not valid JSON"),
        (7, "data: expected"),
        (None, "data"),
    ],
)
def test_S049_what_cannot_be_scored(api: Api, models: dict[str, str], data: Any, words: str) -> None:
    """400, naming the record and the variable."""
    name = models["iris_logistic.pmml"]
    body = check_refusal(api.call("POST", "/model-test", json={"modelName": name, "data": data}), 400, words)

    assert body["code"] == "BadInput"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"X": {"X": [[1, 2, 3]]}}, "shape (N, 4), not (1, 3)"),
        ({"X": {"X": [[1, 2, 3, "a"]]}}, 'X: expected a number, not "a"'),
        ({"X": {"X": [[1, 2, 3, 4], [1, 2]]}}, "not all of one length"),
        ({"X": {"Z": [[1, 2, 3, 4]]}}, "the variable X (tensor(float)) is missing"),
    ],
)
def test_S049_tensors_that_cannot_be_scored(api: Api, models: dict[str, str], data: Any, words: str) -> None:
    """The same of ONNX."""
    name = models["iris_logistic.onnx"]
    check_refusal(api.call("POST", "/model-test", json={"modelName": name, "data": data}), 400, words)


def test_S049_models_that_are_not_there_or_of_another_type(api: Api, models: dict[str, str]) -> None:
    """404 and 400, naming it."""
    sent = {"modelName": models["iris_logistic.onnx"], "type": "pmml", "data": {"X": [[1, 2, 3, 4]]}}

    check_refusal(api.call("POST", "/model-test", json=sent), 400, "is of type onnx")
    check_refusal(api.call("POST", "/model-test", json={"modelName": "nobody", "data": {}}), 404, "nobody")
    check_refusal(api.call("POST", "/model-test", json={"data": {}}), 400, "modelName: is missing")


class TestForms:
    """S-048: one part for each variable, a text or a file."""

    def send(self, api: Api, name: str, parts: dict[str, Any]) -> httpx.Response:
        return api.call("POST", "/api/v1/model-test", files={"modelName": (None, name), **parts})

    def test_S048_texts(self, api: Api, models: dict[str, str]) -> None:
        """Numbers as they are written."""
        parts = {name: (None, str(value)) for name, value in _ONE.items()}
        answer = self.send(api, models["iris_logistic.pmml"], {"type": (None, "pmml"), **parts})

        assert answer.json()["data"]["result"][0]["label"] == "setosa"

    def test_S048_all_as_one_text(self, api: Api, models: dict[str, str]) -> None:
        """In both kinds of form, in JSON and in the query (S-007)."""
        whole = json.dumps({"X": records(2)})
        everywhere: list[dict[str, Any]] = [
            {"data": {"data": whole}},
            {"files": {"data": (None, whole)}},
            {"json": {"data": whole}},
            {"params": {"data": whole, "modelName": models["iris_logistic.pmml"]}},
        ]
        for sent in everywhere:
            answer = api.call("POST", f"/model-test?modelName={models['iris_logistic.pmml']}", **sent)
            assert [one["label"] for one in answer.json()["data"]["result"]] == ["setosa"] * 2, answer.text

    def test_S048_a_text_that_is_no_number(self, api: Api, models: dict[str, str]) -> None:
        """Named as in JSON."""
        parts = dict.fromkeys(_ONE, (None, "wide"))
        check_refusal(self.send(api, models["iris_logistic.pmml"], parts), 400, "sepal_length: expected a number")

    @pytest.mark.parametrize("form", ["json", "csv", "npy", "data"])
    def test_S048_a_file_for_a_tensor(self, api: Api, models: dict[str, str], form: str) -> None:
        """Its content is the variable's value."""
        rows = [list(record.values()) for record in records(3)]
        npy = io.BytesIO()
        np.save(npy, np.array(rows))
        files = {
            "json": ("X", "x.json", json.dumps(rows).encode()),
            "csv": ("X", "x.csv", b"a,b,c,d\n" + "\n".join(",".join(map(str, row)) for row in rows).encode()),
            "npy": ("X", "x.npy", npy.getvalue()),
            "data": ("data", "all.json", json.dumps({"X": rows}).encode()),
        }
        field, file_name, content = files[form]
        answer = self.send(api, models["iris_logistic.onnx"], {field: (file_name, content)})

        assert [one["label"] for one in answer.json()["data"]["result"]] == ["setosa"] * 3

    def test_S048_a_table_of_records(self, api: Api, models: dict[str, str]) -> None:
        """CSV with the variables' names above."""
        lines = [",".join(FEATURES), *(",".join(map(str, record.values())) for record in records(5))]
        parts = {"X": ("flowers.csv", "\n".join(lines).encode())}

        assert len(self.send(api, models["iris_logistic.pmml"], parts).json()["data"]["result"]) == 5
