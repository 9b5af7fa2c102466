"""Services and requests to them: commands in, rows and answers out."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from agents.deployments import requests as answering
from connectors.objects import scoring_models
from connectors.objects.store import ObjectStore
from schemas.deployments import (
    DeleteService,
    DeployService,
    OperateReplica,
    ScaleService,
    ScoringRequest,
    ServiceRecord,
)
from schemas.scoring import AddModel, DeleteModel
from streams.deployments.requests import key_of as request_key
from streams.deployments.services import key_of
from streams.deployments.state import DeploymentsState, note_use, users_of
from streams.scoring.state import ScoringState
from tests.agents.bench import Worker, refusal, stopped
from tests.iris_models import model_file, records

ADD = AddModel("c-1", "iris", "producer/iris_logistic.onnx")
DEPLOY = DeployService("c-2", "svc", "iris", "3.8", 2)
ASK = ScoringRequest("r-1", "svc", json.dumps({"X": {"X": [list(records(1)[0].values())]}}))


@pytest.fixture
async def worker(state: Worker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    """A worker that has a model, and its tables."""
    monkeypatch.setattr(answering, "is_ready", lambda _: True)
    state.runtime.store.put_bytes(ADD.path, model_file("iris_logistic.onnx"))
    await state.consume(
        state.runtime.topics.model_commands, state.message(state.runtime.topics.model_commands, b"iris", ADD)
    )
    yield state
    await DeploymentsState.of(state.runtime).close()
    await ScoringState.of(state.runtime).close()


async def command(worker: Worker, *commands: Any, key: bytes | None = None) -> None:
    """Let commands arrive as one batch, each under its service's name."""
    topic = worker.runtime.topics.service_commands
    made = [worker.message(topic, one.service.encode() if key is None else key, one) for one in commands]
    await worker.consume(topic, *made)


refused = partial(refusal, command)  # what the sender of a command is told


def row(worker: Worker) -> ServiceRecord | None:
    """The service's row."""
    return DeploymentsState.of(worker.runtime).services.get(key_of("svc"))


async def test_S057_a_service_is_deployed_once(worker: Worker) -> None:
    """A repeat changes nothing; other content under its id, and another key, are dead letters."""
    await command(worker, DEPLOY, DEPLOY)
    made = row(worker)
    assert made is not None
    assert (made.replicas, made.model_name) == (("svc-0", "svc-1"), "iris")
    assert len(worker.sent(worker.runtime.topics.services_changelog)) == 1

    await command(worker, replace(DEPLOY, replicas=3))
    await command(worker, replace(DEPLOY, command_id="c-9"), key=b"other")
    assert len(worker.dead()) == 2
    assert row(worker) == made


async def test_commands_that_come_again_leave_the_service_that_has_the_name_now(worker: Worker) -> None:
    """A worker that is killed takes commands again: those about the service before are done."""
    topic = worker.runtime.topics.service_commands
    await command(worker, DEPLOY)
    again = [
        worker.message(topic, b"svc", one)
        for one in (
            ScaleService("c-3", "svc", 3),
            DeleteService("c-4", "svc"),
            replace(DEPLOY, command_id="c-5", replicas=1),
        )
    ]
    await worker.consume(topic, *again)
    made = row(worker)
    assert made is not None
    assert made.replicas == ("svc-0",)
    written = len(worker.sent(worker.runtime.topics.services_changelog))

    await worker.consume(topic, *again)
    assert row(worker) == made
    assert len(worker.sent(worker.runtime.topics.services_changelog)) == written, "its replicas have not been ended"

    await command(worker, ScaleService("c-6", "svc", 2))
    assert row(worker) == replace(made, replicas=("svc-0", "svc-1"))


async def test_S065_replicas_are_paused_and_deleted(worker: Worker) -> None:
    """As many times as it is said; with the last one the row goes."""
    await command(worker, DEPLOY, OperateReplica("c-3", "svc", "svc-1", "pause"))
    await command(worker, OperateReplica("c-4", "svc", "svc-1", "pause"))
    made = row(worker)
    assert made is not None
    assert made.paused == ("svc-1",)
    await command(worker, ScaleService("c-5", "svc", 1), OperateReplica("c-6", "svc", "svc-0", "delete"))
    assert row(worker) is None
    assert users_of(worker.runtime.store, "iris") == []


async def test_S040_a_model_that_is_deployed_while_it_is_removed_stays(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service may be another worker's: it has found the model when nobody seemed to use it."""

    def deployed_just_now(store: ObjectStore, name: str) -> None:
        note_use(store, name, "svc")
        withdraw(store, name)

    withdraw = scoring_models.withdraw
    monkeypatch.setattr(scoring_models, "withdraw", deployed_just_now)
    topic, store = worker.runtime.topics.model_commands, worker.runtime.store
    before = scoring_models.manifest(store, "iris")

    await worker.consume(topic, worker.message(topic, b"iris", DeleteModel("c-8", "iris")))

    assert scoring_models.manifest(store, "iris") == before
    assert store.is_file(before["model_key"])
    assert ScoringState.of(worker.runtime).models.get(b"iris") is not None
    assert ["svc" in letter["error"] for letter in worker.dead()] == [True]


async def test_S057_a_service_of_an_unknown_model_uses_none(worker: Worker) -> None:
    """A model of that name may come, and go."""
    await command(worker, replace(DEPLOY, model_name="other"))

    assert ["there is no model 'other'" in letter["error"] for letter in worker.dead()] == [True]
    assert users_of(worker.runtime.store, "other") == []


async def test_S040_a_model_that_is_deployed_stays(worker: Worker) -> None:
    """Until its service goes."""
    await command(worker, DEPLOY)
    delete = DeleteModel("c-3", "iris")
    topic = worker.runtime.topics.model_commands
    await worker.consume(topic, worker.message(topic, b"iris", delete))
    assert ["svc" in letter["error"] for letter in worker.dead()] == [True]

    await command(worker, DeleteService("c-4", "svc"))
    await worker.consume(topic, worker.message(topic, b"iris", replace(delete, command_id="c-5")))
    assert len(worker.dead()) == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (replace(DEPLOY, model_name="nothing"), 404),
        (replace(DEPLOY, server_version="2.7"), 400),
        (replace(DEPLOY, replicas=-1), 400),
        (ScaleService("c-3", "svc", 1), 404),
        (ScaleService("c-3", "svc", 1000), 400),
        (OperateReplica("c-3", "svc", "svc-0", "explode"), 400),
        (DeleteService("c-3", "svc"), 404),
    ],
    ids=["model", "version", "count", "unknown", "many", "operation", "delete"],
)
async def test_decision_12_events_are_checked_as_http_is(worker: Worker, sent: Any, status: int) -> None:
    """The sender is told; nothing is kept."""
    assert (await refused(worker, sent)).status == status
    assert row(worker) is None


async def answers(worker: Worker, *asked: ScoringRequest, count: int) -> list[Any]:
    """The results that are published for requests."""
    topic = worker.runtime.topics.scoring_requests
    task = worker.start(topic, *(worker.message(topic, one.service.encode(), one) for one in asked))
    try:
        async with asyncio.timeout(60):
            while len(worker.sent(worker.runtime.topics.scoring_results)) < count:
                await asyncio.sleep(0.02)
            rows = DeploymentsState.of(worker.runtime).scoring_answers
            while any((it := rows.get(request_key(one.service, one.command_id))) and it.ended is None for one in asked):
                await asyncio.sleep(0.02)
    finally:
        await stopped(task)
    return worker.events(worker.runtime.topics.scoring_results)


async def test_S069_a_request_by_event_is_answered_once(worker: Worker) -> None:
    """The answer is published under its id and kept in its row; so is what is wrong."""
    await command(worker, DEPLOY)
    wrong = replace(ASK, command_id="r-2", data="{")
    nobody = replace(ASK, command_id="r-3", service="nothing")
    found = {it.request_id: it for it in await answers(worker, ASK, ASK, wrong, nobody, count=3)}

    assert json.loads(found["r-1"].result)["result"][0]["label"] == "setosa"
    assert (found["r-2"].result, bool(found["r-2"].error)) == (None, True)
    assert "no service" in found["r-3"].error
    kept = DeploymentsState.of(worker.runtime).scoring_answers.get(request_key("svc", "r-1"))
    assert kept is not None
    assert (kept.data, kept.result) == (None, found["r-1"].result)


async def test_S069_a_request_without_an_answer_is_taken_up_again(worker: Worker) -> None:
    """After a restart the row says what was asked."""
    await command(worker, DEPLOY, OperateReplica("c-3", "svc", "svc-0", "pause"))
    await command(worker, OperateReplica("c-4", "svc", "svc-1", "pause"))
    topic = worker.runtime.topics.scoring_requests
    await worker.consume(topic, worker.message(topic, b"svc", ASK))  # its agent ends here
    assert worker.sent(worker.runtime.topics.scoring_results) == []

    await command(worker, OperateReplica("c-5", "svc", "svc-0", "start"))
    [found] = await answers(worker, count=1)
    assert found.request_id == "r-1"
