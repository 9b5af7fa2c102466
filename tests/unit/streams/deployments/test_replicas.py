"""Replicas of a service, in processes: started, killed, paused, and what becomes of calls meanwhile."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
import pytest

from connectors.embedded_kafka.java import find_java
from connectors.objects.store import ObjectStore
from models.scoring.files import prepare
from schemas.deployments import ServiceRecord
from streams.deployments import replica
from streams.deployments.replicas import Replicas
from streams.errors import RejectedError
from streams.serving.errors import InferenceClosedError
from streams.settings import Settings
from tests.iris_models import model_file, records
from tests.unit.models.scoring.onnx_makers import scaled
from tests.waiting import until

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


async def run(replicas: Replicas) -> None:
    """Wait until all run."""
    await until(lambda: {status for _, status in replicas.statuses} == {"running"})


async def probabilities(replicas: Replicas, row: int) -> Any:
    """What is answered for one flower."""
    reply = await replicas.ask(call(row))
    assert reply.error is None
    return orjson.loads(reply.content)["result"][0]["probabilities"]


@pytest.mark.slow
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


@pytest.mark.slow
async def test_53_scaled_under_load_nothing_is_lost(replicas: Replicas) -> None:
    """From 1 to 4 to 1: sixteen clients notice nothing. At 0 each is told so at once, and none waits for ever."""
    replicas.follow(replace(ROW, replicas=("svc-0",)))
    await run(replicas)
    rows = [0, 60, 120]
    right = [await probabilities(replicas, row) for row in rows]
    refusals = []

    async def client(number: int) -> int:
        answered = 0
        while True:
            try:
                found = await probabilities(replicas, rows[number % 3])
            except RejectedError as error:
                refusals.append((error.status, error.code))
                return answered
            assert found == pytest.approx(right[number % 3], abs=1e-5)
            answered += 1

    clients = [asyncio.ensure_future(client(number)) for number in range(16)]
    for count in (4, 1, 4):
        replicas.follow(replace(ROW, replicas=tuple(f"svc-{number}" for number in range(count))))
        await run(replicas)
        await asyncio.sleep(0.2)
    assert refusals == []
    replicas.follow(replace(ROW, replicas=()))
    async with asyncio.timeout(5):
        answered = await asyncio.gather(*clients)

    assert all(count > 3 for count in answered)
    assert refusals == [(503, "no_replica")] * 16


@pytest.mark.slow
async def test_the_only_replica_is_killed_under_load(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its calls wait for the next one, which is started without a pause: sixteen clients get all their answers."""
    monkeypatch.setattr(replica, "_PAUSES_S", (0.0, 0.0, 600.0))
    replicas.follow(replace(ROW, replicas=("svc-0",)))
    await run(replicas)
    right = await probabilities(replicas, 60)
    clock = asyncio.get_running_loop().time
    silences: list[float] = []
    last, stop = clock(), False

    async def client() -> None:
        nonlocal last
        while not stop:
            assert await probabilities(replicas, 60) == pytest.approx(right, abs=1e-5)
            silences.append(clock() - last)
            last = clock()

    clients = [asyncio.ensure_future(client()) for _ in range(16)]
    for _ in range(3):
        await asyncio.sleep(0.3)
        os.kill(replicas.pids["svc-0"], signal.SIGKILL)
        seen = len(silences)
        await until(lambda seen=seen: len(silences) > seen + 32)
    stop = True
    await asyncio.gather(*clients)

    assert max(silences) < 10  # a third of a second where cores are free


async def test_answers_go_on_without_the_replica_that_was_killed(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had in hand is asked of the other one at once, however long its successor takes to come."""
    await run(replicas)
    right, comes = await probabilities(replicas, 60), threading.Event()
    start = replicas.processes.start
    monkeypatch.setattr(replicas.processes, "start", lambda: comes.wait() and start())
    answered, stop = 0, False

    async def client() -> None:
        nonlocal answered
        while not stop:
            assert await probabilities(replicas, 60) == pytest.approx(right, abs=1e-5)
            answered += 1

    clients = [asyncio.ensure_future(client()) for _ in range(16)]
    try:
        await until(lambda: answered > 32)
        os.kill(replicas.pids["svc-0"], signal.SIGKILL)
        await until(lambda: "svc-0" not in replicas.pids)
        before = answered
        await until(lambda: answered > before + 320)
        assert dict(replicas.statuses) == {"svc-0": "starting", "svc-1": "running"}
    finally:
        stop = True
        comes.set()
    await asyncio.gather(*clients)


@pytest.mark.slow
async def test_54_the_jvm_of_a_replica_is_killed_under_load(replicas: Replicas, tmp_path: Path) -> None:
    """It is in the replica's process: both go, a new one takes over, and sixteen clients get all their answers."""
    java = str(find_java().path)
    key, store = "scoring-models/m-iris/0b/served", ObjectStore(Settings(home=tmp_path).object_store_url)
    store.put_bytes(key, prepare("pmml", model_file("iris_tree.pmml"), java=java).content)
    served = Replicas(replace(ROW, replicas=("svc-0",), model_type="pmml", model_key=key), Settings(home=tmp_path))
    asked = orjson.dumps({"X": records(61)[60:]})
    answered, stop = 0, False

    async def client() -> None:
        nonlocal answered
        while not stop:
            reply = await served.ask(asked)
            assert (reply.error, orjson.loads(reply.content)["result"][0]["label"]) == (None, "versicolor")
            answered += 1

    try:
        await run(served)
        clients = [asyncio.ensure_future(client()) for _ in range(16)]
        await until(lambda: answered > 32)
        killed = served.pids["svc-0"]
        assert any("libjvm" in it.path for it in psutil.Process(killed).memory_maps())
        os.kill(killed, signal.SIGKILL)
        await until(lambda: served.pids.get("svc-0", killed) != killed)
        await run(served)
        before = answered
        await until(lambda: answered > before + 32)
        stop = True
        await asyncio.gather(*clients)
    finally:
        await served.close()


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


async def test_S070_a_call_waits_for_a_limited_time(replicas: Replicas) -> None:
    """504 where no replica is ready in time; nothing of the call is left in the line."""
    replicas.limit_s = 0  # over before a process can have started, on any machine

    with pytest.raises(RejectedError) as caught:
        await replicas.ask(call(0))

    assert (caught.value.status, caught.value.code) == (504, "timeout")
    assert replicas.line.take() == []


@pytest.mark.slow
async def test_a_model_that_takes_more_than_its_reserve_is_told_so(tmp_path: Path) -> None:
    """With the field that says how much; a small one has enough with the least that can be reserved (acceptance)."""
    settings = Settings(home=tmp_path, scoring_timeout_s=20)
    large = scaled(np.ones(60_000_000), [60_000_000])  # 240 MB
    ObjectStore(settings.object_store_url).put_bytes(ROW.model_key, large)
    replicas = Replicas(replace(ROW, memory_reserve=16, replicas=("svc-0",)), settings)
    try:
        await until(lambda: {status for _, status in replicas.statuses} == {"failed"})

        assert "memoryReserve" in replicas.reason
    finally:
        await replicas.close()
