"""Replicas of a service, in processes: started, killed, paused, and what becomes of calls meanwhile."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.objects.store import ObjectStore
from models.scoring.files import prepare
from schemas.deployments import ServiceRecord
from streams.deployments.replicas import Replicas
from streams.errors import RejectedError
from streams.serving.errors import InferenceClosedError
from streams.settings import Settings
from tests.iris_models import model_file, records

ROW = ServiceRecord(
    name="svc",
    command_id="c",
    model_name="iris",
    model_type="onnx",
    model_key="scoring-models/m-iris/0a/served",
    model_size=1000,
    server_version="3.8",
    created=0,
    replicas=("svc-0", "svc-1"),
)


def call(row: int) -> bytes:
    """One flower; which one tells whose answer it is."""
    return orjson.dumps({"X": {"X": [list(records(150)[row].values())]}})


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Replicas]:
    """Two of them."""
    settings = Settings(home=tmp_path, scoring_timeout_s=20)
    ObjectStore(settings.object_store_url).put_bytes(
        ROW.model_key, prepare("onnx", model_file("iris_logistic.onnx"), java=None).content
    )
    made = Replicas(ROW, settings)
    yield made
    await made.close()


async def until(what: Any, within_s: float = 60.0) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(within_s):
        while not what():
            await asyncio.sleep(0.02)


async def run(replicas: Replicas) -> None:
    """Wait until all run."""
    await until(lambda: {status for _, status in replicas.statuses} == {"running"})


async def probabilities(replicas: Replicas, row: int) -> Any:
    """What is answered for one flower."""
    reply = await replicas.ask(call(row))
    assert reply.error is None
    return orjson.loads(reply.content)["result"][0]["probabilities"]


async def test_a_killed_replica_is_replaced_and_nobody_notices(replicas: Replicas) -> None:
    """Sixteen clients ask all the time; each gets the answer to its own question."""
    await run(replicas)
    rows = [0, 60, 120]
    right = [await probabilities(replicas, row) for row in rows]
    stop = False

    async def client(number: int) -> int:
        answered = 0
        while not stop:
            found = await probabilities(replicas, rows[number % 3])
            assert found == pytest.approx(right[number % 3], abs=1e-5)  # alone and together, floats differ a little
            answered += 1
        return answered

    clients = [asyncio.ensure_future(client(number)) for number in range(16)]
    for _ in range(3):
        await asyncio.sleep(0.2)
        os.kill(replicas.pids["svc-0"], signal.SIGKILL)
        await until(lambda: "svc-0" not in replicas.pids or dict(replicas.statuses)["svc-0"] != "running")
        await run(replicas)
    stop = True

    assert all(answered > 3 for answered in await asyncio.gather(*clients))


async def test_a_replica_that_is_killed_while_it_waits_is_replaced(replicas: Replicas) -> None:
    """Nobody need ask for that."""
    await run(replicas)
    before = replicas.pids
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    await until(lambda: len(replicas.pids) == 2 and not set(replicas.pids.values()) & set(before.values()))
    await run(replicas)


async def test_S066_paused_ones_answer_nobody_but_who_is_patient(replicas: Replicas) -> None:
    """503 at once; a request that can wait is answered when one starts again."""
    await run(replicas)
    replicas.follow(replace(ROW, paused=ROW.replicas))
    assert (replicas.status, [status for _, status in replicas.statuses]) == ("paused", ["paused", "paused"])
    with pytest.raises(RejectedError) as caught:
        await replicas.ask(call(0))
    assert (caught.value.status, caught.value.code) == (503, "service_paused")

    waiting = asyncio.ensure_future(replicas.ask(call(0), patient=True))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    replicas.follow(replace(ROW, paused=("svc-0",)))
    assert (await waiting).error is None


async def test_what_is_in_hand_is_answered_before_a_replica_goes(replicas: Replicas) -> None:
    """Scaling down loses nothing."""
    await run(replicas)
    asked = [asyncio.ensure_future(probabilities(replicas, row)) for row in range(100)]
    await asyncio.sleep(0)
    replicas.follow(replace(ROW, replicas=("svc-1",)))

    assert len(await asyncio.gather(*asked)) == 100
    assert set(replicas.pids) <= {"svc-1"}


async def test_a_model_that_is_gone_fails(replicas: Replicas) -> None:
    """And says why; whoever waits is told."""
    gone = Replicas(replace(ROW, name="gone", model_key="scoring-models/m-iris/0b/served"), replicas._settings)
    try:
        await until(lambda: gone.status == "failed")
        with pytest.raises(RejectedError, match="has been removed"):
            await gone.ask(call(0))
    finally:
        await gone.close()


async def test_the_end_is_told(replicas: Replicas) -> None:
    """To who waits patiently, so that it is asked again elsewhere."""
    replicas.follow(replace(ROW, paused=ROW.replicas))
    waiting = asyncio.ensure_future(replicas.ask(call(0), patient=True))
    await asyncio.sleep(0)
    await replicas.close()

    with pytest.raises(InferenceClosedError):
        await waiting
