"""The second door: the same commands as Avro events by stock clients, with the same effect (J-046, decision 12)."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource
from kafka import KafkaConsumer
from kafka.codec import has_lz4

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, check_error, csv, element, new_job, sample, train
from tests.acceptance.stock import StockClient
from tests.integration.services import Api, Service, until

_IDS = itertools.count(time.time_ns() // 1_000_000)  # ids of a producer's own; the service mints far larger ones


@pytest.fixture
def data_id(service: Service, stock: StockClient) -> Iterator[int]:
    """The sample as a data set added by event; its file lies in the object store under a name of the producer's."""
    data_id = next(_IDS)
    file = service.settings.home / "objects" / "producer" / f"{data_id}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(sample())
    fields = {"data_id": data_id, "name": "sample", "path": f"producer/{file.name}", "file_name": "sample.csv"}
    stock.command(service.topics.dataset_commands, data_id, "AddDataset", related_user=7, **fields)
    until(lambda: _status(service.api, f"/data/{data_id}/") == 200, why="the data set is there")
    yield data_id
    assert file.exists(), "the producer's file is the producer's"


def _status(api: Api, path: str) -> int:
    return api.call("GET", path).status_code


def _post(service: Service, stock: StockClient, record: str, job_id: int, **fields: Any) -> str:
    return stock.command(service.topics.job_commands, job_id, record, job_id=job_id, **fields)


def _configured(service: Service, stock: StockClient, data_id: int) -> tuple[int, int]:
    """A job with one series, made by events."""
    job_id = next(_IDS)
    _post(service, stock, "CreateJob", job_id, data_id=data_id, name="by_event", related_user=7)
    columns = {"timestamp_indexs": [0], "target_indexs": [1], "groupby_indexs": []}
    _post(service, stock, "ConfigureJob", job_id, **columns)

    def series() -> Any:
        answer = service.api.call("GET", f"/job/{job_id}/")
        return answer.status_code == 200 and answer.json()["series"]

    return job_id, until(series, why="the job has its series")[0]["ts_id"]


def test_J046_a_data_set_added_by_event_is_shown_as_an_uploaded_one(api: Api, data_id: int) -> None:
    """Preview, list, owner; and DELETE over HTTP removes it."""
    body = api.get(f"/data/{data_id}/")

    assert (body["data"]["name"], body["data"]["upload"]) == ("sample", "/uploads/sample.csv")
    assert (body["data"]["related_user"], body["data"]["rows"]) == (7, 38)
    assert body["heads"]["sum_PeakDailyCores"] == list(HISTORY[:5])
    assert api.call("DELETE", f"/data/{data_id}/").status_code == 204


def test_forecasts_can_be_read_by_a_client_as_it_is_installed(
    service: Service, stock: StockClient, data_id: int
) -> None:
    """kafka-python, here without a library for LZ4; many at once, so they would be packed."""
    assert not has_lz4()
    job_id, ts_id = _configured(service, stock, data_id)
    _post(service, stock, "SubmitJob", job_id, elements=[element(ts_id, "LinearFit", {"latest_n": 5})] * 50)
    consumer = KafkaConsumer(
        service.topics.forecasts, bootstrap_servers=service.bootstrap, auto_offset_reset="earliest", group_id=None
    )
    key = b"%d" % ts_id

    def mine() -> bool:
        return any(record.key == key for records in consumer.poll(1000).values() for record in records)

    try:
        until(mine, why="the series' forecast is read")
    finally:
        consumer.close()


def test_J046_a_job_by_events_has_the_results_of_one_by_http(
    service: Service, stock: StockClient, data_id: int
) -> None:
    """CreateJob, ConfigureJob, SubmitJob; polled over HTTP, equal but for the ids."""
    elements = [("AdaptiveMaxN", {"latest_n": 5}), ("LinearFit", {"latest_n": 5, "add_std_factor": 0.5})]
    job_id, ts_id = _configured(service, stock, data_id)
    _post(service, stock, "SubmitJob", job_id, elements=[element(ts_id, *item) for item in elements])
    until(lambda: service.api.get(f"/job/{job_id}/")["submitted"] == 2, why="the submission is accepted")
    service.api.finished(job_id)
    by_event = service.api.get(f"/job/{job_id}/job_results/")
    other_job, (other,) = new_job(service.api, sample())
    by_http = train(service.api, other_job, *(element(other, *item) for item in elements))
    for entry in by_http["results"]:
        for shown in (entry, *entry["results"]):
            shown["ts_id"] = ts_id

    assert by_event == by_http
    assert [result["predictions"][0] for result in by_event["results"][0]["results"]] == [237, 239]
    assert service.api.get(f"/job/{job_id}/")["name"] == "by_event"


def test_J046_events_can_remove_what_http_made(service: Service, stock: StockClient) -> None:
    """DeleteJob and DeleteDataset."""
    job_id, _ = new_job(service.api, sample())
    data_id = service.api.get(f"/job/{job_id}/")["data_id"]
    _post(service, stock, "DeleteJob", job_id)
    until(lambda: _status(service.api, f"/job/{job_id}/") == 404, why="the job is gone")
    stock.command(service.topics.dataset_commands, data_id, "DeleteDataset", data_id=data_id)
    until(lambda: _status(service.api, f"/data/{data_id}/") == 404, why="the data set is gone")


def test_J046_a_schema_from_the_catalogue_serves_as_well(service: Service, stock: StockClient, data_id: int) -> None:
    """A producer without schema files takes the latest version of `tidecast.CreateJob`."""
    job_id = next(_IDS)
    fields = {"command_id": f"c{job_id}", "job_id": job_id, "data_id": data_id}
    value = stock.registered("CreateJob", fields, service.topics.job_commands)
    stock.raw(service.topics.job_commands, b"%d" % job_id, value)
    until(lambda: _status(service.api, f"/job/{job_id}/") == 200, why="the job is there")

    assert service.api.get(f"/job/{job_id}/")["status"] == 0


_WRONG: tuple[dict[str, Any], ...] = (
    {"ts_id": 1},
    {"model_name": "NoSuch"},
    {"hyper_params": [{"name": "latest_n", "type": "int", "low": 5, "high": 1}]},
    {"hyper_params": [{"name": "nope", "type": "int", "val": 1}]},
    {"next_k_prediction": 0},
    {"next_k_prediction": 2_000_000_000},
    {"eval_metrics": ["nope"]},
    {"feature_indexs": [0]},
    {"auto_tune_metric": "nope"},
)


def test_J046_J092_a_refused_submission_goes_to_the_dead_letters_with_the_words_of_http(
    service: Service, stock: StockClient, data_id: int
) -> None:
    """For each mistake the reason in the header is the message of the 400, and nothing of the submission is done."""
    job_id, ts_id = _configured(service, stock, data_id)
    for wrong in _WRONG:
        elements = [element(ts_id), element(ts_id) | wrong]
        said = check_error(service.api.call("PATCH", f"/job/{job_id}/", json=elements), 400)["message"]
        headers = stock.refusal(_post(service, stock, "SubmitJob", job_id, elements=elements))

        assert headers["error"] == said
        assert headers["topic"] == service.topics.job_commands
    assert service.api.get(f"/job/{job_id}/job_results/") == {"status": 0}


def test_J046_other_refused_commands_go_there_too(service: Service, stock: StockClient, data_id: int) -> None:
    """Unknown data set, job or file, wrong columns, a second job of one id, a key that is not the id, a bad name."""
    job_id, _ = _configured(service, stock, data_id)
    job_commands, dataset_commands = service.topics.job_commands, service.topics.dataset_commands
    missing, path = next(_IDS), {"name": "x", "path": "producer/none.csv", "file_name": "x.csv"}
    columns = {"timestamp_indexs": [0], "target_indexs": [0], "groupby_indexs": []}
    refused = {
        _post(service, stock, "CreateJob", missing, data_id=1): "data_id",
        _post(service, stock, "CreateJob", job_id, data_id=data_id): "exists already",
        _post(service, stock, "CreateJob", next(_IDS), data_id=data_id, name="two words"): "name",
        _post(service, stock, "SubmitJob", missing, elements=[element(1)]): str(missing),
        _post(service, stock, "SubmitJob", job_id, elements=[]): "empty array",
        _post(service, stock, "ConfigureJob", job_id, **columns): "timestamp_indexs",
        _post(service, stock, "DeleteJob", missing): str(missing),
        stock.command(job_commands, 5, "DeleteJob", job_id=job_id): "key",
        stock.command(dataset_commands, missing, "AddDataset", data_id=missing, **path): "path",
        stock.command(dataset_commands, missing, "AddDataset", data_id=missing, **path | {"path": "../x"}): "path",
        stock.command(dataset_commands, missing, "DeleteDataset", data_id=missing): str(missing),
    }
    for command_id, part in refused.items():
        headers = stock.refusal(command_id)
        assert part in headers["error"]
        assert headers["error-class"] == "RejectedError"


def test_D11_a_command_posted_twice_takes_effect_once(service: Service, stock: StockClient, data_id: int) -> None:
    """Decision 11: at least once for the producer, effectively once for every reader."""
    job_id, ts_id = _configured(service, stock, data_id)
    topic = service.topics.job_commands
    fields = {"command_id": f"twice-{job_id}", "job_id": job_id, "elements": [element(ts_id)]}
    value = stock.registered("SubmitJob", fields, topic)
    for _ in range(2):
        stock.raw(topic, b"%d" % job_id, value)
    marker = _post(service, stock, "SubmitJob", job_id, elements=[])  # refused, once both before it are applied
    stock.refusal(marker)

    assert [len(entry["results"]) for entry in service.api.finished(job_id)["results"]] == [1]
    assert service.api.get(f"/job/{job_id}/")["submitted"] == 1


def test_J046_forecasts_metrics_and_status_can_be_read_with_stock_classes(
    service: Service, stock: StockClient, api: Api
) -> None:
    """Forecast keyed by ts_id, MetricPoint by workload, JobStatus by job_id with growing sequence (J-020)."""
    job_id, (ts_id,) = new_job(api, sample())
    train(api, job_id, element(ts_id, "AdaptiveMaxN", {"latest_n": 5}, eval_metrics=["mse", "r2"]))
    workload = f"fj-{job_id}-{ts_id}-0"
    (forecast,) = [event for key, event in stock.events(service.topics.forecasts) if key == b"%d" % ts_id]
    metrics = {
        event["metric_name"]: event for key, event in stock.events(service.topics.metrics) if key == workload.encode()
    }
    statuses = [event for key, event in stock.events(service.topics.job_status) if key == b"%d" % job_id]

    assert (forecast["job_id"], forecast["ts_id"], forecast["n"]) == (job_id, ts_id, 0)
    assert (forecast["model_name"], forecast["item_id"]) == ("AdaptiveMaxN", "()")
    assert forecast["mean"] == [237.0] * 5
    assert forecast["cutoff"] == datetime(2020, 9, 7, tzinfo=UTC)
    assert forecast["timestamps"] == [datetime(2020, 9, day, tzinfo=UTC) for day in range(8, 13)]
    assert {name: event["value"] for name, event in metrics.items()} == {
        "mse": 160.4,
        "r2": pytest.approx(-23.15662651),
    }
    assert {event["workload_uid"] for event in metrics.values()} == {workload}
    assert [event["status"] for event in statuses] == ["CREATED", "COMITTED", "DONE"]
    assert [event["sequence"] for event in statuses] == sorted({event["sequence"] for event in statuses})
    assert (statuses[-1]["submitted"], statuses[-1]["finished"], statuses[-1]["failed"]) == (1, 1, 0)


def test_J010_to_J019_the_status_events_follow_the_life_of_a_job(
    service: Service, stock: StockClient, api: Api
) -> None:
    """CREATED, UNCOMITTED, COMITTED (sic), EXCEPTION with its message, and again; a removed job ends in a tombstone."""
    rows = [f"good,{day},1" for day in DAYS] + ["double,1/1/2020,1"] * 2
    job_id, (good, double) = new_job(api, csv("g,day,value", *rows), timestamp=1, target=2, groupby=[0])
    api.call("PATCH", f"/job/{job_id}/", json=[{"ts_id": good, "model_name": "LinearFit", "hyper_params": {}}])
    train(api, job_id, element(good), element(double))
    train(api, job_id, element(good))
    api.call("DELETE", f"/job/{job_id}/")
    events = [event for key, event in stock.events(service.topics.job_status) if key == b"%d" % job_id]
    names = [event and event["status"] for event in events]

    assert names == ["CREATED", "UNCOMITTED", "COMITTED", "EXCEPTION", "COMITTED", "EXCEPTION", None]
    assert [str(double) in (event["message"] or "") for event in events[:4]] == [False, False, False, True]


def test_J046_the_topic_of_forecasts_is_compacted(service: Service) -> None:
    """It keeps the latest forecast of each series; the status topic keeps the latest of each job."""
    admin = AdminClient({"bootstrap.servers": service.bootstrap})

    def clean_up(topic: str) -> set[str]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        policy = admin.describe_configs([resource])[resource].result(30)["cleanup.policy"].value
        return set(policy.split(","))

    assert clean_up(service.topics.forecasts) == {"compact", "delete"}
    assert clean_up(service.topics.job_status) == {"compact"}


def test_J046_the_catalogue_lists_a_subject_for_every_public_topic(http: httpx.Client, service: Service) -> None:
    """Under the default names of stock serialisers, each with a schema that can be fetched by its id."""
    topics = service.topics
    subjects = http.get("/registry/subjects").json()
    for topic in (topics.job_commands, topics.dataset_commands, topics.forecasts, topics.metrics, topics.job_status):
        assert f"{topic}-value" in subjects
        latest = http.get(f"/registry/subjects/{topic}-value/versions/latest").json()
        assert http.get(f"/registry/schemas/ids/{latest['id']}").json()["schema"] == latest["schema"]
