"""The audit topic: every write and every refusal for lack of rights is told of once, and nothing that was sent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from schemas.access import AddProject, AddUser, AuditRecord
from schemas.forecasting import DeleteJob
from streams.access.caller import NOBODY
from streams.access.passwords import hash_password
from streams.audit import log
from streams.audit.log import AuditLog
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.web import forwarding
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def audited(settings: Settings, publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A state worker that tells of writes, though nobody is asked who he is."""
    monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: None)
    return Worker(apps.create_state(settings.model_copy(update={"audit": True}), "127.0.0.1:1"), publisher)


@pytest.fixture
async def http(audited: Worker) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever calls."""
    app: Any = create_http(audited.runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


def told(worker: Worker) -> list[AuditRecord]:
    """What the topic has."""
    found: list[AuditRecord] = worker.events(worker.runtime.topics.audit)
    return found


async def test_a_write_by_http_is_told_once(audited: Worker, http: httpx.AsyncClient) -> None:
    """With the template of its address, what it is about, its outcome and its trace; a read is not."""
    traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await http.put("/uploads/a/b.csv", content=b"secret words", headers=traced)
    await http.get("/uploads/a/b.csv")
    await http.put("/uploads/.hidden", content=b"x")

    found = [(it.door, it.action, it.subject, it.status, it.trace_id) for it in told(audited)]
    assert found[0] == ("http", "PUT /uploads/{path:path}", "path=a/b.csv", 200, TRACE)
    assert found[1][:4] == ("http", "PUT /uploads/{path:path}", "path=.hidden", 400)
    assert len(found) == 2
    assert len(found[1][4]) == 32
    assert not any(b"secret" in (record.value or b"") for record in audited.sent(audited.runtime.topics.audit))


async def test_an_address_that_is_none_is_not_repeated(audited: Worker, http: httpx.AsyncClient) -> None:
    """It may be anything, a password too."""
    await http.post("/no-such-place/hunter2")
    await http.post("/job/?token=hunter2", json={})

    assert [(it.action, it.status) for it in told(audited)] == [("POST", 404), ("POST /job/", 400)]
    assert not any(b"hunter2" in (record.value or b"") for record in audited.sent(audited.runtime.topics.audit))


async def test_commands_over_kafka_are_told_of(audited: Worker) -> None:
    """Applied or refused, with what they are about; neither hash nor secret is."""
    topic, topics = audited.runtime.topics.access_commands, audited.runtime.topics
    add = AddUser("c-2", "ada", hash_password("password one"), "p1", "viewer")
    sent = [AddProject("c-1", "p1", "Retail"), add, replace(add, command_id="c-3", user="eve", project="p9")]
    await audited.consume(topic, *(audited.message(topic, b"access", one) for one in sent))
    await audited.consume(topics.job_commands, audited.message(topics.job_commands, b"7", DeleteJob("c-4", 7, "p1")))

    assert [(it.door, it.project, it.action, it.subject, it.status) for it in told(audited)] == [
        ("kafka", "p1", "AddProject", "project=p1", 200),
        ("kafka", "p1", "AddUser", "user=ada", 200),
        ("kafka", "p9", "AddUser", "user=eve", 409),
        ("kafka", "p1", "DeleteJob", "job_id=7", 404),
    ]
    assert not any(b"argon2id" in (record.value or b"") for record in audited.sent(topics.audit))


async def test_what_came_with_a_request_is_not_told_of_again(audited: Worker) -> None:
    """Its command carries the mark of that."""
    topic = audited.runtime.topics.access_commands
    message = audited.message(topic, b"access", AddProject("c-1", "p1", "Retail"))
    message.headers = [("tidecast-request", b"1")]
    await audited.consume(topic, message)

    assert told(audited) == []


async def test_off_it_is_as_if_there_were_none(state: Worker) -> None:
    """As it is where access control is off, unless TIDECAST_AUDIT says otherwise."""
    topic = state.runtime.topics.access_commands
    await state.consume(topic, state.message(topic, b"access", AddProject("c-1", "p1", "Retail")))

    assert told(state) == []
    assert Settings(auth="token").audited
    assert not Settings(auth="token", audit=False).audited


async def test_what_the_broker_does_not_take_holds_nobody_up(audited: Worker, http: httpx.AsyncClient) -> None:
    """The request is answered, and the log says that its record is lost."""
    audited.publisher.failing = {audited.runtime.topics.audit}
    answer = await http.put("/uploads/a.csv", content=b"x")

    assert answer.status_code == 200
    assert told(audited) == []


async def test_refusals_that_come_again_are_told_as_a_number(audited: Worker, http: httpx.AsyncClient) -> None:
    """The first twenty of a kind one by one; a write in between, and what is refused for another reason, as ever."""
    for number in range(30):
        await http.put(f"/uploads/.hidden{number}", content=b"x")
    await http.put("/uploads/a.csv", content=b"x")
    await http.post("/job/", json={})
    before = [(it.action, it.status, it.count) for it in told(audited)]
    AuditLog.of(audited.runtime).tell_repeats()

    assert before == [
        *[("PUT /uploads/{path:path}", 400, 1)] * 20,
        ("PUT /uploads/{path:path}", 200, 1),
        ("POST /job/", 400, 1),
    ]
    [number_of] = told(audited)[len(before) :]
    assert (number_of.action, number_of.status, number_of.count) == ("PUT /uploads", 400, 10)
    assert (number_of.subject, number_of.address) == ("", "127.0.0.1")


async def test_a_minute_that_is_over_and_an_orderly_stop_tell_the_number(
    audited: Worker, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it each refusal of the kind has an event of its own again."""
    monkeypatch.setattr(log, "MINUTE_S", 0.0)
    part = AuditLog.of(audited.runtime)
    for _ in range(21):
        part.tells_alone(NOBODY, 401, "PUT /uploads", "10.0.0.1")
    await until(lambda: len(told(audited)) == 1)
    monkeypatch.setattr(log, "MINUTE_S", 3600.0)
    assert part.tells_alone(NOBODY, 401, "PUT /uploads", "10.0.0.1")
    for _ in range(25):
        part.tells_alone(NOBODY, 401, "PUT /uploads", "10.0.0.1")
    await part.close()

    assert [(it.count, it.status, it.role) for it in told(audited)] == [(1, 401, ""), (6, 401, "")]
