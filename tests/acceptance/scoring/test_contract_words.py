"""The words of the contract's section 2 as they are on the wire: every key with its value, letter by letter."""

from datetime import datetime
from typing import Any

import pytest

from tests.acceptance.deployments.test_services import deploy, info
from tests.acceptance.scoring.samples import ask_model, check_refusal, new_name, upload, uploaded
from tests.integration.services import Service
from tests.iris_models import FEATURES, SPECIES, model_file, records


def told(service: Service, path: str, **fields: Any) -> Any:
    """What a POST answers under `data`."""
    answer = service.api.call("POST", path, json=fields)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"data"}
    return answer.json()["data"]


@pytest.mark.parametrize("kind", ["pmml", "onnx"])
def test_S002_S010_S030_S035_an_upload_and_its_words(service: Service, kind: str) -> None:
    """Both forms of model; the seed's spellings, with the right ones beside them; times with their offset."""
    name, before = new_name(), datetime.now().astimezone()
    file_name = f"iris_logistic.{kind}"
    answer = upload(service.api, name, model_file(file_name), file_name, type=kind, descript="by measures")
    data = answer.json()["data"]

    assert (data["modelName"], data["modelType"], data["status"], data["operation"]) == (name, kind, True, ["delete"])
    assert data["descript"] == data["description"] == "by measures"
    assert data["updataTime"] == data["updateTime"]
    made = datetime.fromisoformat(data["updataTime"])
    assert made.utcoffset() is not None
    assert abs((made - before).total_seconds()) < 60
    listed = next(one for one in service.api.get("/model-info")["data"]["modelList"] if one["name"] == name)
    assert (listed["type"], listed["createTime"]) == (kind, data["updataTime"])


@pytest.mark.parametrize("right", ["description", "descript"])
def test_S002_the_right_spelling_may_be_sent(service: Service, right: str) -> None:
    """And is answered under both."""
    name = new_name()
    answer = upload(service.api, name, model_file("iris_tree.onnx"), "iris_tree.onnx", **{right: "words"})

    assert answer.json()["data"]["descript"] == "words"
    assert told(service, "/model-descript", modelName=name)["descript"] == "words"


def test_S002_the_prefix_of_services_has_both_spellings(service: Service) -> None:
    """`scv` is shown, `svc` answers too."""
    name = deploy(service, uploaded(service.api, "iris_tree.onnx"))
    shown = info(service, name)["restfulUrl"]

    assert shown.endswith(f"/api/v1/scv/pmml/{name}")
    for word in ("scv", "svc"):
        assert service.api.get(f"/api/v1/{word}/pmml/{name}")["data"]["serviceName"] == name


@pytest.mark.parametrize(
    ("file_name", "engine", "algorithm"),
    [("iris_tree.pmml", "pypmml", "TreeModel"), ("iris_tree.onnx", "onnxruntime", "TreeEnsembleClassifier")],
)
def test_S041_a_description_has_these_keys(service: Service, file_name: str, engine: str, algorithm: str) -> None:
    """By POST as it is headed, and by GET as its example calls it."""
    name = uploaded(service.api, file_name, descript="a tree")
    data = told(service, "/model-descript", modelName=name)

    assert {"modelName", "modelType", "modelEngine", "descript", "algorithm"} <= set(data)
    assert (data["modelName"], data["modelType"], data["descript"]) == (name, file_name[-4:], "a tree")
    assert data["modelEngine"].lower().startswith(engine)
    assert algorithm in data["algorithm"]
    assert service.api.get(f"/model-descript?modelName={name}")["data"] == data


def test_S043_variables_of_both_sides(service: Service) -> None:
    """In the order of the file; by either method."""
    name = uploaded(service.api, "iris_tree.pmml")
    data = told(service, "/model-variable", modelName=name)

    assert set(data) == {"inputVariables", "targetVariables"}
    assert [one["name"] for one in data["inputVariables"]] == list(FEATURES)
    assert {one["type"] for one in data["inputVariables"]} == {"double"}
    assert [sorted(one["values"]) for one in data["targetVariables"]] == [sorted(SPECIES)]
    assert service.api.get(f"/model-variable?modelName={name}")["data"] == data


def test_S045_a_test_answers_at_once(service: Service) -> None:
    """`type` must be the model's, where it is sent."""
    name = uploaded(service.api, "iris_tree.pmml")

    for fields in ({}, {"type": "pmml"}):
        found = ask_model(service.api, name, {"X": records(2)}, **fields)
        assert (found["status"], found["task"], len(found["result"])) == (True, "classification", 2)
    answer = service.api.call(
        "POST", "/model-test", json={"modelName": name, "type": "onnx", "data": {"X": records(1)}}
    )
    check_refusal(answer, 400, "type", "pmml")


@pytest.mark.parametrize("kind", ["pmml", "onnx"])
def test_S021_a_regression_without_confidence_has_null(service: Service, kind: str) -> None:
    """The key is there all the same."""
    name = uploaded(service.api, f"iris_regression.{kind}")
    asked = records(1, 3) if kind == "pmml" else {"X": [list(one.values()) for one in records(1, 3)]}
    (found,) = ask_model(service.api, name, {"X": asked})["result"]

    assert set(found) == {"prediction", "confidence"}
    assert isinstance(found["prediction"], float)
    assert found["confidence"] is None
