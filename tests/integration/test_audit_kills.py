"""Who did what, through deaths of the worker that is asked: each write that was answered is told of, once."""

import json
import signal
from collections import Counter
from pathlib import Path

import httpx

from streams.cli.service.client import ServiceClient
from tests.integration.services import Service, running_service, until

KILLS = 2
WRITES = 40


def test_security_10_a_write_that_was_answered_is_told_of_once_though_its_worker_is_killed(tmp_path: Path) -> None:
    """In the middle of writes: of what got no answer there may be a record, or none; never two."""
    with running_service(tmp_path, auth="token") as service:
        answered: list[str] = []
        with httpx.Client(base_url=service.stack.url, headers={"X-Auth-Token": token(service)}, timeout=10) as client:
            for kill in range(KILLS):
                until(service.is_ready, why="the worker is back")
                for number in range(WRITES):
                    path = f"kill{kill}-{number}.txt"
                    try:
                        put = client.put(f"/uploads/{path}", content=b"x")
                    except httpx.TransportError:
                        continue
                    if put.status_code == 200:
                        answered.append(path)
                    if number == WRITES // 2:
                        service.signal("state", signal.SIGKILL)
        until(service.is_ready, why="the worker is back")
        records = [service.codec.decode(message.value()) for message in service.read_all(service.topics.audit)]

    told = Counter(it.subject.removeprefix("path=") for it in records if it.action == "PUT /uploads/{path:path}")
    assert len(answered) >= KILLS * WRITES // 2
    assert {path: told[path] for path in answered} == dict.fromkeys(answered, 1)
    assert max(told.values()) == 1
    assert {(it.user, bool(it.trace_id)) for it in records if it.subject.startswith("path=kill")} == {("admin", True)}


def token(service: Service) -> str:
    """The first administrator's."""
    note = service.settings.home / "first-administrator.json"
    until(note.exists, why="the first administrator is told")
    with ServiceClient(service.stack.url) as asking:
        return asking.log_in("admin", json.loads(note.read_text("utf-8"))["password"], None)[0]
