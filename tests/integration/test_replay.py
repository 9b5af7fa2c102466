"""`tidecast replay`: a job computed again from the log, beside the service that it ran on."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.coding.codec import Codec
from schemas.series import Forecast, SeriesResult
from schemas.workloads import MetricPoint
from tests.integration.program import SOON_S, Up
from tests.integration.services import Api, csv_of, read_all, until

PREFIX = "tidecast."
CODEC = Codec()
MODELS = ("LinearFit", "AdaptiveMaxN", "SES")
SERIES = 3
COUNT = SERIES * len(MODELS)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, kafka_jars: Path) -> Iterator[Up]:
    """One service for all tests of this module."""
    with Up.running(tmp_path_factory.mktemp("replay") / "home") as running:
        yield running


@pytest.fixture
def api(service: Up) -> Iterator[Api]:
    """A client of it."""
    api = Api(service.notes["url"])
    yield api
    api.close()


@pytest.fixture
def job(api: Api) -> int:
    """A finished job of three series with three models."""
    job_id, ts_ids = api.new_job(csv_of(SERIES, 40))
    api.train(job_id, ts_ids, MODELS)
    assert api.finished(job_id)["status"] == 3
    return job_id


def replayed(service: Up, job_id: int, *options: str, status: int) -> subprocess.CompletedProcess[str]:
    """The program's answer, which ends with this status."""
    ended = service.run("replay", job_id, *options, within=3 * SOON_S)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended


def told(service: Up, job_id: int, *options: str, status: int) -> Any:
    """The same as a document."""
    return json.loads(replayed(service, job_id, "--json", *options, status=status).stdout)


def events(service: Up, topic: str, job_id: int) -> list[Any]:
    """The events about the job on a topic, in the order of each partition."""
    found = [CODEC.decode(m.value()) for m in read_all(service.notes["bootstrap"], PREFIX + topic) if m.value()]
    return [
        event
        for event in found
        if f"fj-{job_id}-" in getattr(event, "workload_uid", "") or getattr(event, "job_id", 0) == job_id
    ]


def send(service: Up, topic: str, key: bytes, event: Any) -> None:
    """Append an event, as anybody may who reaches the broker."""
    producer = Producer({"bootstrap.servers": service.notes["bootstrap"], "partitioner": "murmur2_random"})
    producer.produce(PREFIX + topic, CODEC.encode(event), key)
    assert producer.flush(SOON_S) == 0


def ends(service: Up) -> Mapping[str, int]:
    """How many records the topics have that a trainer reads and writes."""
    topics = ("series-commands", "training-runs", "job-results", "forecasts", "metrics", "job-status", "dead-letters")
    return {topic: len(read_all(service.notes["bootstrap"], PREFIX + topic)) for topic in topics}


def groups(service: Up) -> set[str]:
    """The consumer groups that the broker knows."""
    admin = AdminClient({"bootstrap.servers": service.notes["bootstrap"]})
    return {group.group_id for group in admin.list_consumer_groups().result(SOON_S).valid}


def test_a_job_computed_again_is_identical(service: Up, job: int) -> None:
    """Each forecast, each metric point, each result; nothing is published, and no group is made."""
    before = ends(service), groups(service)
    ended = replayed(service, job, status=0)
    document = told(service, job, status=0)

    assert (ends(service), groups(service)) == before
    assert re.search(rf"Forecast +{COUNT} +0 *\n", ended.stdout)
    assert re.search(rf"MetricPoint +{2 * COUNT} +0 *\n", ended.stdout)
    assert re.search(rf"SeriesResult +{COUNT} +0 *\n", ended.stdout)
    assert ended.stdout.endswith(f"job {job}: identical\n")
    assert (document["verdict"], document["commands"], document["commands_gone"]) == ("identical", COUNT, 0)
    assert len(document["outputs"]) == 4 * COUNT
    assert len({output["sha256_logged"] for output in document["outputs"]}) == 4 * COUNT
    assert document["sha256_logged"] == document["sha256_computed"]
    assert f"in the log  {document['sha256_logged']}" in ended.stdout


def test_a_result_that_was_tampered_with_is_different(service: Up, job: int) -> None:
    """With the field, both values and how far they are apart; all others are identical still."""
    result = next(one for one in events(service, "job-results", job) if one.n == 4)
    assert isinstance(result, SeriesResult)
    was = result.predictions[1]
    wrong = [result.predictions[0], was * 1.25, *result.predictions[2:]]
    send(service, "job-results", b"%d" % job, replace(result, predictions=wrong, note="better"))
    ended = replayed(service, job, status=1)
    document = told(service, job, status=1)

    row = rf"SeriesResult +{result.ts_id}:4 +predictions\[1\] +{was * 1.25} +{was} +2.0e-01"
    assert re.search(rf"SeriesResult +{COUNT - 1} +1 *\n", ended.stdout)
    assert re.search(row, ended.stdout)
    assert re.search(r"note +better +none", ended.stdout)
    assert ended.stdout.endswith(f"job {job}: different\n")
    (different,) = [output for output in document["outputs"] if output["verdict"] != "identical"]
    assert (different["kind"], different["submission"]) == ("SeriesResult", f"{result.ts_id}:4")
    assert different["sha256_logged"] != different["sha256_computed"]
    assert document["sha256_logged"] != document["sha256_computed"]


def test_a_forecast_and_a_metric_that_were_tampered_with_are_different(service: Up, job: int) -> None:
    """Every kind of output counts."""
    forecast = events(service, "forecasts", job)[0]
    point = events(service, "metrics", job)[0]
    assert isinstance(forecast, Forecast)
    assert isinstance(point, MetricPoint)
    assert point.value is not None
    send(service, "forecasts", b"%d" % forecast.ts_id, replace(forecast, cutoff=forecast.cutoff + 1))
    send(service, "metrics", point.workload_uid.encode(), replace(point, value=point.value + 1))
    found = [output for output in told(service, job, status=1)["outputs"] if output["verdict"] == "different"]

    assert [(output["kind"], output["differences"][0]["field"]) for output in found] == [
        ("Forecast", "cutoff"),
        ("MetricPoint", "value"),
    ]
    assert found[1]["detail"] == point.metric_name


def test_commands_that_were_delivered_twice_are_no_difference(service: Up, job: int) -> None:
    """Metric points have the time of their command; those of either one are as computed."""
    commands = events(service, "series-commands", job)
    for command in commands[:4]:
        send(service, "series-commands", b"%d" % command.ts_id, command)
    until(lambda: len(events(service, "job-results", job)) == COUNT + 4, why="the repeated commands are answered")

    assert told(service, job, status=0)["commands"] == COUNT


def test_another_model_is_compared_by_its_metrics(service: Up, job: int) -> None:
    """Each submission's scores then and with it, and their means; a model that there is not is said to be none."""
    ended = replayed(service, job, "--model", "SeasonalNaive", status=0)
    document = told(service, job, "--model", "SeasonalNaive", status=0)
    results = {(one.ts_id, one.n): one for one in events(service, "job-results", job)}
    wrong = service.run("replay", job, "--model", "SeasonalNave")

    old = [results[row["ts_id"], row["n"]].metrics for row in document["rows"]]
    new = [row["new"]["mse"] for row in document["rows"]]
    assert [row["old"] for row in document["rows"]] == old
    assert len(document["rows"]) == len(results) == COUNT
    assert len(set(new)) == SERIES  # whatever model a series had before
    assert document["means"]["mse"]["new"] == pytest.approx(sum(new) / COUNT)
    assert re.search(r"mean +\S+ +\S+", ended.stdout)
    assert "with SeasonalNaive" in ended.stdout
    assert (wrong.returncode, "did you mean SeasonalNaive?" in wrong.stderr) == (2, True)


def test_what_the_log_has_no_more_is_said(service: Up, job: int) -> None:
    """First some commands are gone, then all of them: what is left is compared, and the rest cannot be told."""
    topic = PREFIX + "series-commands"
    own = [m for m in read_all(service.notes["bootstrap"], topic) if CODEC.decode(m.value()).job_id == job]
    cut = [m for m in own if m.partition() == own[0].partition()]
    left = len(own) - len(cut)
    assert left
    _delete(service, topic, {cut[0].partition(): cut[-1].offset() + 1})
    some = replayed(service, job, status=2)
    _delete(service, topic, {m.partition(): m.offset() + 1 for m in own})
    none = replayed(service, job, status=2)

    assert f"{len(cut)} of {COUNT} commands are not in the log any more: commands are kept for 7 days" in some.stdout
    assert re.search(rf"SeriesResult +{left} +0 +{len(cut)} *\n", some.stdout)
    assert some.stdout.endswith("it cannot be told\n")
    assert f"the log has none of the {COUNT} commands of job {job} any more" in none.stderr


def _delete(service: Up, topic: str, before: Mapping[int, int]) -> None:
    admin = AdminClient({"bootstrap.servers": service.notes["bootstrap"]})
    asked = admin.delete_records([TopicPartition(topic, partition, offset) for partition, offset in before.items()])
    for done in asked.values():
        done.result(SOON_S)


def test_a_job_that_the_log_does_not_have_is_said(service: Up, api: Api) -> None:
    """And one that has asked for nothing."""
    job_id = api.create_job(api.add_dataset(csv_of(1, 20)))

    assert "there is no job 1 in the log" in replayed(service, 1, status=2).stderr
    assert f"job {job_id} has asked for no forecasts yet" in replayed(service, job_id, status=2).stderr


@pytest.mark.timeout(600)  # models are trained, which takes minutes on a busy machine
def test_networks_are_computed_again_with_the_same_bits(service: Up, api: Api) -> None:
    """One for each series, and one for all series of the job with its losses; both in processes of their own."""
    job_id, ts_ids = api.new_job(csv_of(2, 60))
    small = [{"name": name, "type": "int", "val": val} for name, val in {"epochs": 2, "num_cells": 4}.items()]
    elements: list[dict[str, Any]] = [
        {"ts_id": ts_id, "model_name": model, "hyper_params": params, "next_k_prediction": 3, "refit": 1}
        for model, params in (("DeepAR", small), ("Lstm", []))
        for ts_id in ts_ids
    ]
    answer = api.call("PATCH", f"/job/{job_id}/", json=elements)
    assert answer.status_code == 200, answer.text
    assert api.finished(job_id, within=4 * SOON_S)["status"] == 3
    document = told(service, job_id, status=0)

    losses = [output for output in document["outputs"] if output["submission"].startswith("together")]
    assert {output["detail"].partition(" ")[0] for output in losses} >= {"loss"}
    assert document["counts"]["SeriesResult"] == {"identical": 4}
