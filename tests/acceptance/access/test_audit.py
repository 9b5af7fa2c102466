"""The audit topic of a running service: who did what, once each; no secret is anywhere (security.md 2, 10; D 64)."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from connectors.kafka.topic_reader import read_topic
from schemas.coding.codec import Codec
from streams.topics import Topics
from tests.acceptance.access.conftest import PASSWORD, People
from tests.integration.services import Service, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def entries(service: Service) -> list[Any]:
    """What a consumer of the topic reads."""
    codec, topic = Codec(), Topics(service.settings).audit
    return [codec.decode(record.value) for record in read_topic(service.stack.bootstrap, topic)]


def test_security_10_each_write_and_each_refusal_is_told_once(guarded: Service, people: People) -> None:
    """With who, where, what, the outcome and the trace; reads are not told of, unless they are refused."""
    traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    assert people.ada.put("/uploads/audited.csv", content=b"t,v\n1,2\n", headers=traced).status_code == 200
    assert people.ada.get("/uploads/audited.csv", headers=traced).status_code == 200
    assert people.vic.put("/uploads/audited.csv", content=b"x", headers=traced).status_code == 403
    assert people.client().get("/access/users", headers=traced).status_code == 401
    assert people.login("ada", "not the password").status_code == 401
    made = people.admin.put("/access/projects/audited", json={"title": "x"}, headers=traced)
    assert made.status_code == 201
    point = {"metric_name": "l", "value": 1, "timestamp": 1, "iteration": 1, "data_source": "log"}
    sent = people.bob.post("/api/v1/workloads/audited/metrics", json={"data": [point]}, headers=traced)
    assert sent.status_code == 202
    assert people.bob.get("/access/users", headers=traced).status_code == 403

    def found() -> list[tuple[Any, ...]]:
        return [
            (it.door, it.user, it.project, it.action, it.subject, it.status)
            for it in entries(guarded)
            if it.trace_id == TRACE
        ]

    expected = [
        ("http", "ada", "", "PUT /uploads/{path:path}", "path=audited.csv", 200),
        ("http", "vic", "", "PUT /uploads/{path:path}", "path=audited.csv", 403),
        ("http", "", "", "GET /access/users", "", 401),
        ("http", "admin", "", "PUT /access/projects/{project}", "project=audited", 201),
        ("http", "bob", "p2", "POST /api/v1/workloads/{workload_uid}/metrics", "workload_uid=audited", 202),
        ("http", "bob", "p2", "GET /access/users", "", 403),
    ]
    until(lambda: len(found()) >= len(expected), why="all is told")
    assert sorted(found()) == sorted(expected)
    logins = [(it.user, it.status) for it in entries(guarded) if it.action == "POST /v3/auth/tokens"]
    assert ("ada", 201) in logins
    assert ("ada", 401) in logins


def test_the_command_shows_it(guarded: Service, people: People) -> None:
    """As a table and as JSON; for administrators alone."""
    people.made("PUT", "/access/projects/shown", {"title": "x"})
    for client in (people.ada, people.bob):
        assert client.get("/access/audit").status_code == 403
    environment = os.environ | {
        "TIDECAST_HOME": str(guarded.settings.home),
        "TIDECAST_TOKEN": people.token("admin", people.told["password"]),
    }

    def ran(*options: str) -> str:
        command = [str(Path(sys.executable).parent / "tidecast"), "access", "audit", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    until(lambda: "project=shown" in ran(), why="it is told")
    told = [json.loads(line) for line in ran("--json", "--user", "admin").splitlines()]

    assert {it["user"] for it in told} == {"admin"}
    shown = next(it for it in told if it["subject"] == "project=shown")
    assert (shown["action"], shown["status"], shown["role"]) == ("PUT /access/projects/{project}", 201, "admin")


def test_D64_no_secret_is_anywhere_but_where_it_is_kept(guarded: Service, people: People) -> None:
    """Given at every door, in the right place and in wrong ones: not in logs, events, figures, answers or files."""
    canary = "canary-Zq7"
    password, token, query = f"{canary}-password", f"{canary}-token", f"{canary}-query"
    people.made("PUT", "/access/users/canary", {"password": password})
    good = people.token("canary", password)
    key = people.made("POST", "/access/keys", {"user": "canary"})
    anybody = people.client()
    basic = base64.b64encode(f"canary:{canary}-basic".encode()).decode()
    for path in ("/job/", "/uploads/x", "/endpoints", "/api/v1/workloads", "/metrics", "/v1/p1/training-jobs", "/none"):
        for headers in (
            {"X-Auth-Token": token},
            {"Authorization": f"Bearer {token}"},
            {"Authorization": f"Basic {basic}"},
            {"Cookie": f"tidecast_session={canary}-cookie"},
            {"Authorization": f"SDK-HMAC-SHA256 Access={key['access_key']}, SignedHeaders=host, Signature={canary}0"},
            {"X-Auth-Token": good},
        ):
            address = f"{path}?X-Amz-Signature={query}&token={query}"
            for method in ("GET", "POST", "PUT"):
                anybody.request(method, address, headers=headers, content=b"{")
    people.login("canary", f"{password}-wrong")
    anybody.post("/access/session", json={"user": "canary", "password": f"{password}-wrong"})
    anybody.post("/access/session", json={"user": password, "password": "x", "more": password})
    anybody.post("/access/session", json={"user": password, "password": "x"})
    httpx.delete(f"{people.url}/v3/auth/tokens", headers={"X-Auth-Token": good, "X-Subject-Token": token})
    figures = people.admin.get("/metrics").text
    secrets = [canary, good, key["secret"], PASSWORD, people.told["password"]]

    assert not [secret for secret in secrets if secret in figures]
    topics = {spec.name for spec in Topics(guarded.settings).all}
    for topic in topics:
        for record in read_topic(guarded.stack.bootstrap, topic):
            text = b"%b %b %b" % (record.key or b"", record.value or b"", repr(record.headers).encode())
            assert not [secret for secret in secrets if secret.encode() in text], topic
    for file in files(guarded.settings.home):
        content = file.read_bytes()
        found = [secret for secret in secrets if secret.encode() in content]
        assert not found or file.name == "first-administrator.json", file


def files(home: Path) -> Iterator[Path]:
    """All that the service has written, logs among them."""
    return (file for file in home.rglob("*") if file.is_file())
