"""How long a service of one and of two replicas says nothing when one of them is killed under sixteen clients."""

import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from benchmarks.report import console, show
from connectors.embedded_kafka.java import find_java
from connectors.objects.store import ObjectStore
from models.scoring.files import Kind, prepare
from schemas.deployments import ServiceRecord
from streams.deployments.replicas import Replicas
from streams.settings import Settings

__all__ = ["run"]

_CLIENTS: Final = 16
_KILLS: Final = 6
_KEY: Final = "scoring-models/m-bench/0a/served"
_FLOWER: Final = (5.1, 3.5, 1.4, 0.2)
_IRISES: Final = Path(__file__).parents[1] / "examples" / "irises.pmml"


def run() -> None:
    """Measure and print."""
    rows = []
    for kind, served in (("onnx", _onnx()), ("pmml", _pmml())):
        for count in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                silences = asyncio.run(_killed(Path(folder), kind, served, count))
            seconds = [f"{value:.3f}" for value in (float(np.median(silences)), min(silences), max(silences))]
            rows.append((kind, str(count), f"{seconds[0]} s [{seconds[1]} … {seconds[2]}]", "1 s"))
    show(f"A replica killed under {_CLIENTS} clients, {_KILLS} times", ("model", "replicas", "silence", "goal"), rows)
    console.print("no answer is lost or wrong: tests/unit/streams/deployments/test_replicas.py")


@dataclass(frozen=True, slots=True)
class _Served:
    """A model as it is kept to be loaded, and a call of it."""

    content: bytes
    call: bytes


def _onnx() -> _Served:
    rng = np.random.default_rng(1)
    model = LogisticRegression().fit(flowers := rng.normal(0, 1, (200, 4)), flowers[:, 0] > 0)
    content = to_onnx(model, flowers[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
    return _Served(prepare("onnx", content).content, orjson.dumps({"X": {"X": [_FLOWER]}}))


def _pmml() -> _Served:
    """A tree of irises; looked through in a process of its own, for Java starts once in a process and has threads."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        content = process.submit(_prepared_pmml).result()
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    call = orjson.dumps({"X": {name: [value] for name, value in zip(names, _FLOWER, strict=True)}})
    return _Served(content, call)


def _prepared_pmml() -> bytes:
    return prepare("pmml", _IRISES.read_bytes(), java=str(find_java().path)).content


async def _killed(home: Path, kind: Kind, served: _Served, count: int) -> list[float]:
    """The longest time between two answers, for each kill."""
    settings = Settings(home=home)
    ObjectStore(settings.object_store_url).put_bytes(_KEY, served.content)
    record = ServiceRecord(
        name="bench",
        command_id="c",
        model_name="m",
        model_type=kind,
        model_key=_KEY,
        model_size=len(served.content),
        server_version="3.8",
        created=0,
        replicas=tuple(f"bench-{number}" for number in range(count)),
    )
    replicas = Replicas(record, settings)
    await _until_running(replicas)
    answered, ended = [time.perf_counter()], asyncio.Event()

    async def client() -> None:
        while not ended.is_set():
            assert (await replicas.ask(served.call)).error is None
            answered.append(time.perf_counter())

    clients = [asyncio.ensure_future(client()) for _ in range(_CLIENTS)]
    found = [await _silence(answered, lambda: _kill(replicas)) for _ in range(_KILLS)]
    ended.set()
    await asyncio.gather(*clients)
    await replicas.close()
    return found


async def _silence(answered: list[float], work: Callable[[], Awaitable[None]]) -> float:
    await asyncio.sleep(0.5)
    del answered[:-1]
    await work()
    await asyncio.sleep(0.5)
    return float(np.diff(answered).max())


async def _kill(replicas: Replicas) -> None:
    killed = replicas.pids["bench-0"]
    os.kill(killed, signal.SIGKILL)
    while replicas.pids.get("bench-0", killed) == killed:  # noqa: ASYNC110 - no event says so
        await asyncio.sleep(0.01)
    await _until_running(replicas)


async def _until_running(replicas: Replicas) -> None:
    while {status for _, status in replicas.statuses} != {"running"}:  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0.01)
