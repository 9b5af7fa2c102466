"""What a service with passwords in its settings prints and answers, while what they are for is away."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from pydantic import SecretStr

from streams.cli.service.client import ServiceClient
from streams.settings import SecretUrl, Settings
from streams.workers.stack import StackError
from tests.integration.services import Service, csv_of, running_service, until

CANARY = "c4n4ry"
OF_OTHERS = ("AWS_SECRET_ACCESS_KEY", "SINK_POSTGRES_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD")
"""Secrets that are in the environment of a service for its neighbours, and no settings of its own."""
ADDRESSES = {"redis_url": f"redis://:{CANARY}-redis@127.0.0.1:1/0", "object_store": f"ftp://ada:{CANARY}-ftp@127.0.0.1"}
ELSEWHERE = {
    "registry_url": "no worker starts where it does not answer: the test below",
    "object_store": "S3 has its keys in the environment; others that take a password are no part of the tests",
    "kafka_sasl_password": "takes a broker that asks for it: test_guarded_broker",
}
"""Settings that are secret and cannot be set to something of a running service with brokers of its own."""


def printed(home: Path) -> str:
    """All that the processes of a service wrote, in their logs and elsewhere."""
    texts = [path.read_text("utf-8", errors="replace") for path in home.rglob("*.log*") if path.is_file()]
    return "\n".join(texts)


def test_no_password_is_told_while_redis_is_away(tmp_path: Path) -> None:
    """In logs, figures and documents; the log does say what is away."""
    with running_service(tmp_path, redis_url=SecretUrl(f"redis://:{CANARY}@127.0.0.1:1/0")) as service:
        until(lambda: "online_store_away" in printed(tmp_path) or None, why="the log tells that Redis is away")
        with httpx.Client(base_url=service.stack.url, timeout=30) as client:
            told = [client.get(path).text for path in ("/metrics", "/asyncapi.json", "/openapi.json", "/readyz")]

    assert CANARY not in "\n".join([*told, printed(tmp_path)])


def test_no_password_is_told_where_the_registry_does_not_answer(tmp_path: Path) -> None:
    """A worker cannot start then; its error names the registry without the password."""
    url = SecretUrl(f"http://user:{CANARY}@127.0.0.1:1")
    with pytest.raises(StackError) as failed, running_service(tmp_path, registry_url=url):
        pass

    text = f"{failed.value}\n{printed(tmp_path)}"
    assert CANARY not in text
    assert "the schema registry at http://user:***@127.0.0.1:1 does not answer" in text


def secret_settings() -> Iterator[str]:
    """All there are, by their types, so that a new one is looked at too."""
    for name, field in Settings.model_fields.items():
        if any(
            isinstance(it, type) and issubclass(it, SecretStr) for it in (field.annotation, *get_args(field.annotation))
        ):
            yield name


def canary_of(name: str) -> SecretStr:
    """Something of the setting's type that it takes."""
    if SecretUrl in get_args(Settings.model_fields[name].annotation):
        return SecretUrl(ADDRESSES.get(name) or f"http://ada:{CANARY}-{name}@127.0.0.1:1")
    return SecretStr(f"{CANARY}-{name}".ljust(40, "0"))


def printed_by(environment: Mapping[str, str], *command: str) -> str:
    """What a command of ours prints, whether it works or not."""
    ran = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.stdout + ran.stderr


def test_D64_settings_that_are_secret_are_never_printed(tmp_path: Path) -> None:
    """By the command that prints all of them, nor by the refusal of one."""
    given = {f"TIDECAST_{name.upper()}": canary_of(name).get_secret_value() for name in secret_settings()}
    brokers = {
        "TIDECAST_HOME": str(tmp_path),
        "TIDECAST_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIDECAST_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TIDECAST_KAFKA_SASL_USERNAME": "ada",
    }
    told = printed_by(brokers | given, "settings")
    wrong_way = printed_by(given, "settings")

    assert told.count("TIDECAST_") > 50
    assert all(name in told for name in given)
    assert CANARY not in told
    assert "is of no use with PLAINTEXT" in wrong_way
    assert CANARY not in wrong_way


def test_D64_no_secret_of_any_setting_is_told(
    received: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In logs, traces, figures, documents, answers, dead letters, audit events or any other record."""
    secrets: dict[str, Any] = {name: canary_of(name) for name in secret_settings() if name not in ELSEWHERE}
    for name in OF_OTHERS:
        monkeypatch.setenv(name, f"{CANARY}-{name}")
    with running_service(tmp_path, auth="token,ak-sk", **secrets) as service:
        told = list(use(service))
        until(lambda: any(role == "tidecast-trainer" for role, _ in list(received)), why="the spans arrive")
        until(lambda: "online_store_away" in printed(tmp_path) or None, why="the log tells that Redis is away")
        records = [
            f"{message.key()!r} {message.value()!r} {message.headers()!r}"
            for topic in service.topics.all
            for message in service.read_all(topic.name)
        ]

    assert len(records) > 10
    assert not [text for text in (*told, *records) if CANARY in text]
    assert not [span for _, span in received if CANARY in str(span)]
    assert CANARY not in printed(tmp_path)


def use(service: Service) -> Iterator[str]:
    """A job is made, wrong credentials are sent, and what cannot be read is sent; all that is answered."""
    note = service.settings.home / "first-administrator.json"
    until(note.exists, why="the first administrator is told")
    administrator = json.loads(note.read_text("utf-8"))
    with ServiceClient(service.stack.url) as asking:
        token, _ = asking.log_in("admin", administrator["password"], None)
    signed = f"SDK-HMAC-SHA256 Access={administrator['access_key']}, SignedHeaders=host, Signature={CANARY}"
    api = service.api
    for headers in (
        {"X-Auth-Token": f"{CANARY}-sent"},
        {"Authorization": f"Bearer {CANARY}-sent"},
        {"Authorization": signed},
    ):
        yield api._client.get("/job/", headers=headers).text
    api._client.headers["X-Auth-Token"] = token
    job_id, ts_ids = api.new_job(csv_of(2, 20))
    api.train(job_id, ts_ids)
    yield json.dumps(api.finished(job_id))
    for path in (
        "/metrics",
        "/asyncapi.json",
        "/openapi.json",
        "/readyz",
        "/cluster",
        "/dead-letters",
        "/access/audit",
    ):
        yield api._client.get(path).text
