"""Training jobs and endpoints over HTTP: what is sent, and what is made of the answers."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.deepar import client as deepar_client
from streams.cli.deepar.csv_series import Columns
from streams.cli.deepar.series import SeriesLine
from tests.unit.streams.cli.deepar_service import FakeService, job, model

JOBS = "POST /v1/default/training-jobs"
TAKEN = httpx.Response(
    400, json={"is_success": False, "error_code": "ModelArts.0103", "error_message": "Job name:sales is existed"}
)
COLUMNS = Columns("day", "sold", ("shop",), (), "D", (("north", "south"),))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "sales.jsonl"
    path.write_bytes(b'{"start": "2020-01-01", "target": [1]}\n')
    return path


class Uploading(FakeService):
    """Takes any upload."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self._answers.setdefault(f"PUT {request.url.path}", [{}])
        return super().__call__(request)


def test_D070_a_job_is_asked_for_with_the_uploaded_file(data: Path) -> None:
    """The file goes up as it is, under a path of its own; the parameters are label and value."""
    fake = Uploading({JOBS: [job()]})
    with fake.client as client:
        created = deepar_client.create_job(client, "sales", data, {"time_freq": "D", "epochs": 5})
    (sent,) = fake.bodies(JOBS)
    upload = fake.requests[0]

    assert created["job_id"] == 7
    assert upload.content == data.read_bytes()
    assert upload.headers["Content-Length"] == str(len(upload.content))
    assert sent == {
        "job_name": "sales",
        "config": {
            "worker_server_num": 1, "model_id": 5, "data_url": upload.url.path,
            "parameter": [{"label": "time_freq", "value": "D"}, {"label": "epochs", "value": 5}],
        },
    }  # fmt: skip


def test_T084_a_name_that_was_chosen_is_not_changed(data: Path) -> None:
    """The user is told to choose another."""
    fake = Uploading({JOBS: [TAKEN]})
    with fake.client as client, pytest.raises(CommandError, match="--name sales: there is a model of this name"):
        deepar_client.create_job(client, "sales", data, {})


def test_T084_a_name_made_of_the_files_gets_a_number(data: Path) -> None:
    """The first that is free; the file is uploaded once."""
    fake = Uploading({JOBS: [TAKEN, TAKEN, job(job_name="sales-3")]})
    with fake.client as client:
        created = deepar_client.create_job(client, "sales", data, {}, rename=True)

    assert created["job_name"] == "sales-3"
    assert [body["job_name"] for body in fake.bodies(JOBS)] == ["sales", "sales-2", "sales-3"]
    assert [request.method for request in fake.requests] == ["PUT", "POST", "POST", "POST"]


def test_T031_another_refusal_is_the_services_own_sentence(data: Path) -> None:
    """From error_message."""
    refusal = {"is_success": False, "error_code": "ModelArts.0104", "error_message": "config, epochs: is -1"}
    fake = Uploading({JOBS: [httpx.Response(400, json=refusal)]})
    with fake.client as client, pytest.raises(CommandError, match=r"^config, epochs: is -1$"):
        deepar_client.create_job(client, "sales", data, {}, rename=True)


def test_columns_come_back_as_they_were_kept() -> None:
    """With the codes of the group values."""
    kept = Uploading({})
    with kept.client as client:
        deepar_client.keep_columns(client, job(), COLUMNS)
    (upload,) = kept.requests
    fake = FakeService({f"GET {upload.url.path}": [upload.content]})
    with fake.client as client:
        assert deepar_client.columns_of(client, model()) == COLUMNS


@pytest.mark.parametrize("stored", [None, {"job_id": 6, **COLUMNS.as_dict()}])
def test_columns_of_another_training_are_not_those_of_this_one(stored: Any) -> None:
    """A model of the same name may have been deleted meanwhile: its codes would be wrong without anyone noticing."""
    fake = FakeService({} if stored is None else {"GET /uploads/sales/columns.json": [json.dumps(stored).encode()]})
    with fake.client as client:
        assert deepar_client.columns_of(client, model()) is None


def test_an_unknown_endpoint_brings_the_list() -> None:
    """And the one that is meant, if it is close."""
    fake = FakeService({"GET /endpoints": [{"endpoints": [model("sales"), model("visits")]}]})
    with fake.client as client:
        assert deepar_client.endpoint(client, "visits")["name"] == "visits"
        with pytest.raises(CommandError, match=r"did you mean sales\? There are: sales, visits"):
            deepar_client.endpoint(client, "slaes")


def test_without_any_endpoint_the_way_to_one_is_told() -> None:
    """Train a model."""
    fake = FakeService({"GET /endpoints": [{"endpoints": []}]})
    way = re.escape(f"the service has none yet: train a model, {command_line('deepar train FILE')}")
    with fake.client as client, pytest.raises(CommandError, match=way):
        deepar_client.endpoint(client, "sales")


class Echo(FakeService):
    """Predicts the first value of each target."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        instances = json.loads(request.read())["instances"]
        return httpx.Response(200, json={"predictions": [{"mean": one["target"]} for one in instances]})


def test_D043_series_are_sent_in_small_requests_and_come_back_in_order() -> None:
    """Each once; the progress counts them; no request draws the same paths as another."""
    fake, counted = Echo({}), []
    series = [SeriesLine((f"s{number}",), {"start": "2020-01-01", "target": [number]}) for number in range(50)]
    found = deepar_client.forecast_all(fake.session, "sales", series, {"num_samples": 5, "seed": 3}, counted.append)
    bodies = fake.bodies("POST /endpoints/sales/invocations")

    assert [one["mean"] for one in found] == [[number] for number in range(50)]
    assert sum(counted) == 50
    assert max(len(body["instances"]) for body in bodies) == 16
    assert len({body["configuration"]["seed"] for body in bodies}) == len(bodies) == 4


def test_D081_a_refused_series_is_named() -> None:
    """The request's index means nothing to the user."""
    body = {"code": "ValidationError", "message": "cat is missing", "instance": 1}
    fake = FakeService({"POST /endpoints/sales/invocations": [httpx.Response(400, json=body)]})
    series = [SeriesLine((name,), {"start": "2020-01-01", "target": [1]}) for name in ("north", "south")]
    with pytest.raises(CommandError, match=r"^south: cat is missing$"):
        deepar_client.forecast_all(fake.session, "sales", series, {}, lambda _: None)
