"""A service on brokers that know their clients: every client of ours shows who it is, over TLS, and says no secret."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Message

from connectors.embedded_kafka.java import Java
from connectors.kafka.admin import broker_reachable
from connectors.kafka.security import Security, secure
from tests.integration.guarded_broker import PASSWORD, USER, guarded_broker
from tests.integration.processes import environment_of, worker_processes
from tests.integration.services import csv_of, until


@pytest.fixture(scope="module")
def environment(kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of an installation on such a broker."""
    folder = tmp_path_factory.mktemp("guarded-broker")
    with guarded_broker(folder, kafka_jars, java) as (bootstrap, ca):
        yield environment_of(bootstrap, "guarded.", folder / "home") | {
            "TIDECAST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "TIDECAST_KAFKA_SASL_MECHANISM": "PLAIN",
            "TIDECAST_KAFKA_SASL_USERNAME": USER,
            "TIDECAST_KAFKA_SASL_PASSWORD": PASSWORD,
            "TIDECAST_KAFKA_SSL_CA_LOCATION": str(ca),
        }


def test_a_forecast_is_made_over_sasl_and_tls(environment: dict[str, str], tmp_path: Path) -> None:
    """Upload, columns, submission, training, result: producers, consumers, Faust and the questions about topics."""
    Path(environment["TIDECAST_HOME"]).mkdir(exist_ok=True)
    with worker_processes(environment, tmp_path, ("state", "trainer")) as (state, trainer):
        until(lambda: state.is_ready() and trainer.is_working(), why="both work")
        with httpx.Client(base_url=state.url, timeout=30) as client:
            data = client.post("/data/", files={"upload": ("a.csv", csv_of(1, 40))}).json()["data"]["id"]
            job = client.post("/job/", json={"data_id": data}).json()["job_id"]
            columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
            put = client.put(f"/job/{job}/", json=columns)
            assert put.status_code == 200, put.text
            ts_id = client.get(f"/job/{job}/ts_details/").json()["ts_details"][0]["ts_id"]
            element = {"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 2}
            sent = client.patch(f"/job/{job}/", json=[element])
            assert sent.status_code == 200, sent.text
            until(lambda: client.get(f"/job/{job}/job_results/").json()["status"] >= 3, why="the forecast is there")
            assert client.get(f"/job/{job}/job_results/").json()["status"] == 3
            assert client.get("/cluster").status_code == 200
        assert _first_message(environment, "guarded.forecasts").key() == b"%d" % ts_id
        logs = "".join(worker.log.read_text() for worker in (state, trainer))
        commands = [[sys.executable, "-m", "streams.cli", *words] for words in (["dead-letters", "list"], ["settings"])]
        told = [
            subprocess.run(it, env=environment, capture_output=True, text=True, check=False, timeout=60)
            for it in commands
        ]

    assert [it.returncode for it in told] == [0, 0], told
    assert PASSWORD not in logs + "".join(it.stdout + it.stderr for it in told)


def _first_message(environment: dict[str, str], topic: str) -> Message:
    """As any program reads it that knows the password."""
    options: dict[str, str | int | float | bool] = {
        "bootstrap.servers": environment["TIDECAST_KAFKA_BOOTSTRAP"],
        "group.id": "reader",
        "auto.offset.reset": "earliest",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USER,
        "sasl.password": PASSWORD,
        "ssl.ca.location": environment["TIDECAST_KAFKA_SSL_CA_LOCATION"],
    }
    consumer = Consumer(options)
    consumer.subscribe([topic])
    try:
        return until(lambda: consumer.poll(0.5), why=f"a message of {topic}")
    finally:
        consumer.close()


def test_who_shows_nothing_or_something_wrong_gets_nothing(environment: dict[str, str]) -> None:
    """Without the password, in plain, or without the authority that the broker was signed by."""
    bootstrap, ca = environment["TIDECAST_KAFKA_BOOTSTRAP"], environment["TIDECAST_KAFKA_SSL_CA_LOCATION"]
    right = Security("SASL_SSL", "PLAIN", USER, PASSWORD, ca)
    tries = {
        "right": right,
        "wrong password": Security("SASL_SSL", "PLAIN", USER, "wrong", ca),
        "unknown authority": Security("SASL_SSL", "PLAIN", USER, PASSWORD),
        "plain": Security(),
    }
    found = {}
    for name, security in tries.items():
        secure(bootstrap, security)
        found[name] = broker_reachable(bootstrap, timedelta(seconds=10 if security is right else 3))

    assert found == {"right": True, "wrong password": False, "unknown authority": False, "plain": False}
