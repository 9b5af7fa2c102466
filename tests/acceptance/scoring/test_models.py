"""Models over HTTP: uploaded, listed, described, removed (contract 003, section 2)."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from connectors.objects.store import ObjectStore
from tests.acceptance.scoring.samples import check_refusal, new_name, upload, uploaded
from tests.acceptance.stock import StockClient
from tests.integration.services import Api, Service, until
from tests.iris_models import FEATURES, model_file

AS_CURL = {"Content-Type": "application/x-www-form-urlencoded"}  # what it says of JSON unless it is told otherwise


def entry(api: Api, name: str, prefix: str = "") -> Any:
    """The model in the list; None where it is not there."""
    return next((one for one in api.get(f"{prefix}/model-info")["data"]["modelList"] if one["name"] == name), None)


@pytest.fixture(scope="module")
def iris(service: Service) -> str:
    """An ONNX model that is only looked at."""
    return uploaded(service.api, "iris_logistic.onnx", type="onnx", descript="demo")


@pytest.fixture(scope="module")
def tree(service: Service) -> str:
    """The same of PMML."""
    return uploaded(service.api, "iris_tree.pmml", descript="ein Baum")


def test_S032_the_answer_to_an_upload(api: Api) -> None:
    """All fields, misspelt ones beside those that are spelt right (S-002)."""
    name = new_name()
    data = upload(api, name, model_file("iris_tree.onnx"), "t.onnx", type="onnx", descript="demo").json()["data"]

    assert {key: data[key] for key in ("modelName", "modelType", "descript", "operation", "status")} == {
        "modelName": name,
        "modelType": "onnx",
        "descript": "demo",
        "operation": ["delete"],
        "status": True,
    }
    assert datetime.fromisoformat(data["updataTime"]).utcoffset() is not None
    assert data["updateTime"] == data["updataTime"]


def test_S011_S033_a_model_can_be_viewed(api: Api, iris: str, tree: str) -> None:
    """What is listed can be described, whichever kind it is; all that can be done with it is to delete it."""
    for name, kind in ((iris, "onnx"), (tree, "pmml")):
        listed = entry(api, name)
        described = api.get("/model-descript", params={"modelName": listed["name"]})["data"]
        variables = api.get("/model-variable", params={"modelName": listed["name"]})["data"]

        assert (listed["type"], listed["operation"]) == (kind, ["delete"])
        assert described["modelType"] == kind
        assert variables["inputVariables"]
        assert variables["targetVariables"]


@pytest.mark.parametrize(
    ("file_name", "algorithm"),
    [
        ("iris_logistic.pmml", "RegressionModel"),
        ("iris_tree.pmml", "TreeModel"),
        ("iris_kmeans.pmml", "ClusteringModel"),
        ("iris_network.pmml", "NeuralNetwork"),
        ("iris_logistic.onnx", "LinearClassifier"),
        ("iris_tree.onnx", "TreeEnsembleClassifier"),
    ],
)
def test_S022_S042_each_algorithm_is_named(api: Api, file_name: str, algorithm: str) -> None:
    """The element of PMML, the operator of ONNX; the engine has a name and a version. S-022: they can be exchanged."""
    described = api.get("/model-descript", params={"modelName": uploaded(api, file_name)})["data"]

    engine, version = described["modelEngine"].split(maxsplit=1)
    assert described["algorithm"] == algorithm
    assert engine == ("pypmml" if file_name.endswith(".pmml") else "onnxruntime")
    assert version[0].isdigit()


def test_S038_entries_are_objects(api: Api, iris: str, tree: str) -> None:
    """With at least the keys that the notes use; what was uploaded last stands first."""
    listed = api.get("/model-info")["data"]["modelList"]
    latest = uploaded(api, "iris_tree.onnx")
    now = api.get("/model-info")["data"]["modelList"]

    assert {iris, tree} <= {one["name"] for one in listed}
    assert all({"name", "type", "createTime"} <= set(one) for one in now)
    assert (now[0]["name"], now[1]) == (latest, listed[0])


@pytest.mark.parametrize("prefix", ["", "/api/v1"], ids=["root", "api"])
def test_S037_the_list_has_the_newest_first(api: Api, iris: str, tree: str, prefix: str) -> None:
    """S-006: at both addresses."""
    listed = api.get(f"{prefix}/model-info")["data"]["modelList"]
    times = [datetime.fromisoformat(one["createTime"]) for one in listed]

    assert {"name": iris, "type": "onnx"}.items() <= entry(api, iris, prefix).items()
    assert entry(api, tree, prefix)["type"] == "pmml"
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("POST", lambda name: {"json": {"modelName": name}}),
        ("POST", lambda name: {"data": {"modelName": name}}),
        ("POST", lambda name: {"files": {"modelName": (None, name)}}),
        ("POST", lambda name: {"content": f'{{"modelName": "{name}"}}', "headers": AS_CURL}),
        ("POST", lambda name: {"params": {"modelName": name}}),
        ("GET", lambda name: {"params": {"modelName": name}}),
    ],
    ids=["json", "form", "multipart", "curl", "query", "get"],
)
def test_S007_a_model_is_named_anywhere(api: Api, iris: str, method: str, sent: Any) -> None:
    """S-041: what it is; S-043: its variables."""
    described = api.call(method, "/model-descript", **sent(iris)).json()["data"]
    variables = api.call(method, "/api/v1/model-variable", **sent(iris)).json()["data"]

    assert {"modelName": iris, "modelType": "onnx", "descript": "demo", "algorithm": "LinearClassifier"}.items() <= (
        described.items()
    )
    assert described["modelEngine"].startswith("onnxruntime ")
    assert variables["inputVariables"] == [{"name": "X", "type": "tensor(float)", "shape": [None, 4]}]
    assert [one["name"] for one in variables["targetVariables"]] == ["output_label", "output_probability"]


def test_S007_a_name_that_is_sent_twice_is_refused(api: Api, iris: str) -> None:
    """In the query and in a form: one of the two would be passed over."""
    twice: list[dict[str, Any]] = [
        {"params": [("modelName", iris), ("modelName", "other")]},
        {"data": {"modelName": [iris, "other"]}},
        {"files": [("modelName", (None, iris)), ("modelName", (None, "other"))]},
    ]
    for sent in twice:
        check_refusal(api.call("POST", "/model-descript", **sent), 400, "modelName: is there more than once")


def test_S044_variables_of_pmml_are_those_of_its_mining_schema(api: Api, tree: str) -> None:
    """With types, measures and the values of what is categorical."""
    described = api.get("/model-descript", params={"modelName": tree})["data"]
    variables = api.get("/model-variable", params={"modelName": tree})["data"]

    assert (described["algorithm"], described["modelEngine"].split()[0]) == ("TreeModel", "pypmml")
    assert described["descript"] == "ein Baum"
    assert variables["inputVariables"] == [
        {"name": name, "type": "double", "measure": "continuous"} for name in FEATURES
    ]
    assert variables["targetVariables"] == [
        {
            "name": "species",
            "type": "string",
            "measure": "categorical",
            "values": ["setosa", "versicolor", "virginica"],
        }
    ]


def test_heads_are_answered_where_gets_are(http: httpx.Client, iris: str) -> None:
    """Without a body."""
    for path in ("/model-info", f"/model-descript?modelName={iris}", f"/api/v1/model-variable?modelName={iris}"):
        answer = http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("content", "file_name", "form", "words"),
    [
        ("iris_tree.onnx", "a.onnx", {"type": "pmml"}, "type: is pmml, but the file's name ends in .onnx"),
        ("iris_tree.onnx", "a", {"type": "pmml"}, "no XML"),
        ("iris_tree.pmml", "a.onnx", {}, "holds XML"),
        ("iris_tree.onnx", "a.zip", {"type": "onnx"}, "ends in .zip"),
        ("iris_tree.onnx", "a", {}, "type: is missing"),
        ("iris_tree.onnx", "a.onnx", {"type": "keras"}, "type: found 'keras'"),
    ],
)
def test_S031_type_suffix_and_content_must_fit(
    api: Api, content: str, file_name: str, form: dict[str, str], words: str
) -> None:
    """400, and nothing is listed (S-034)."""
    name = new_name()

    check_refusal(upload(api, name, model_file(content), file_name, **form), 400, words)
    assert entry(api, name) is None


def test_S031_without_a_type_the_suffix_decides(api: Api) -> None:
    """.xml is PMML."""
    name = new_name()

    assert upload(api, name, model_file("iris_tree.pmml"), "Tree.XML").json()["data"]["modelType"] == "pmml"


@pytest.mark.parametrize("name", [None, "", "a b", "ä", "x" * 65, "../a"])
def test_S008_names_that_cannot_be(api: Api, name: str | None) -> None:
    """400, naming the field."""
    check_refusal(upload(api, name, model_file("iris_tree.onnx"), "a.onnx"), 400, "name")


def test_S008_a_second_model_of_a_name(api: Api, iris: str) -> None:
    """409; the first stays as it is."""
    body = check_refusal(upload(api, iris, model_file("iris_tree.onnx"), "a.onnx"), 409, iris)

    assert body["code"] == "ModelExists"
    assert entry(api, iris)["algorithm"] == "LinearClassifier"


def test_an_upload_that_is_repeated_with_its_key_is_one(http: httpx.Client) -> None:
    """The same answer; another file under the key is refused."""
    name, key = new_name(), {"Idempotency-Key": new_name()}

    def send(file_name: str) -> httpx.Response:
        files = {"file": ("a.onnx", model_file(file_name))}
        return http.post("/model-upload", data={"name": name}, files=files, headers=key)

    answers = [send("iris_tree.onnx") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    check_refusal(send("iris_logistic.onnx"), 409)


def test_S036_a_file_that_is_too_large(api: Api) -> None:
    """413, naming the setting."""
    check_refusal(upload(api, new_name(), b"<" * 160_000, "a.pmml"), 413, "TIDECAST_MAX_MODEL_BYTES")


def test_S039_a_model_is_removed(api: Api) -> None:
    """From the list, and with all that is known of it."""
    name = uploaded(api, "iris_tree.onnx")
    answer = api.call("POST", "/operate-model", json={"modelName": name, "operation": "delete"})

    assert answer.json() == {"data": {"status": True}}
    assert entry(api, name) is None
    for path in ("/model-descript", "/model-variable"):
        check_refusal(api.call("GET", path, params={"modelName": name}), 404, name)
    check_refusal(api.call("POST", "/operate-model", json={"modelName": name, "operation": "delete"}), 404, name)


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"modelName": "nobody", "operation": "delete"}, 404, "nobody"),
        ({"modelName": "nobody", "operation": "burn"}, 400, "operation: found 'burn'"),
        ({"modelName": "nobody"}, 400, "operation: is missing"),
        ({"operation": "delete"}, 400, "modelName: is missing"),
        ({"modelName": 5, "operation": "delete"}, 400, "modelName: expected a text"),
        ({"modelName": "nobody", "operation": "delete", "force": "maybe"}, 400, "force"),
    ],
)
def test_S040_what_cannot_be_done_with_a_model(api: Api, sent: dict[str, Any], status: int, words: str) -> None:
    """False, and why."""
    check_refusal(api.call("POST", "/operate-model", json=sent), status, words)


def test_models_are_added_and_removed_by_events(service: Service, api: Api, stock: StockClient) -> None:
    """Decision 12: the same commands as Avro, of a file that lies in the object store."""
    name, path = new_name(), f"producer/{new_name()}.onnx"
    ObjectStore(service.settings.object_store_url).put_bytes(path, model_file("iris_tree.onnx"))
    topic = service.topics.model_commands
    stock.command(topic, name, "AddModel", name=name, path=path, descript="by event")
    described = until(lambda: entry(api, name), why="the model is listed")

    assert (described["type"], described["descript"], described["task"]) == ("onnx", "by event", "classification")
    stock.command(topic, name, "DeleteModel", name=name)
    until(lambda: entry(api, name) is None, why="the model is removed")
