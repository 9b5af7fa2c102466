"""How long one project waits for an answer while others ask for more than they may have."""

import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import httpx
import numpy as np

from benchmarks.end_to_end import service
from benchmarks.report import show
from streams.cli.service.client import ServiceClient

__all__ = ["run"]

_PASSWORD = "a password for a benchmark"
_PATH = "/model/"
_ROUNDS, _MEASURED_S, _PAUSE_S = 3, 5.0, 0.01
_RATE, _ASKED = 300.0, 1_000  # requests a second that a project may send, and that the crowd sends
_CONNECTIONS = 16
_LOG_IN = json.dumps({"user": "calm", "password": "wrong"}).encode()


class _Crowd(NamedTuple):
    """What is sent again and again, and how each is answered."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    answer: int


def run() -> None:
    """Measure and print; the crowds take turns with an idle service, as the machine's speed changes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with service(home, auth="token", requests_per_s=_RATE) as url:
            tokens = _people(home, url)
            typed = {"Content-Type": "application/json"}
            over = _Crowd("GET", _PATH, {"X-Auth-Token": tokens["eager"]}, b"", 429)
            crowds = {
                "nobody": None,
                "a project beyond its rate": over,
                "wrong passwords": _Crowd("POST", "/access/session", typed, _LOG_IN, 429),
                "uploads of 1 MiB without a token": _Crowd("PUT", "/uploads/x", {}, bytes(2**20), 401),
            }
            rounds = [{name: _waited(url, tokens["calm"], it) for name, it in crowds.items()} for _ in range(_ROUNDS)]
    idle = [each["nobody"] for each in rounds]
    show(
        f"GET {_PATH} of one project every {1e3 * _PAUSE_S:.0f} ms; {_ASKED:,} requests a second of others over "
        f"{_CONNECTIONS} connections (medians of {_ROUNDS} rounds)",
        ("others", "p50", "p99", "p99 to nobody"),
        [
            (
                name,
                f"{1e3 * np.median([p50 for p50, _ in found]):.2f} ms",
                f"{1e3 * np.median([p99 for _, p99 in found]):.2f} ms",
                f"{np.median([p99 / alone for (_, p99), (_, alone) in zip(found, idle, strict=True)]):.2f}x",
            )
            for name in crowds
            if (found := [each[name] for each in rounds])
        ],
    )


def _people(home: Path, url: str) -> dict[str, str]:
    """The tokens of a user in a project of its own, and of another one."""
    note = home / "first-administrator.json"
    while not note.exists():  # it is made when requests are answered already
        time.sleep(0.1)
    with ServiceClient(url) as asking:
        token, _ = asking.log_in("admin", json.loads(note.read_text("utf-8"))["password"], None)
        with httpx.Client(base_url=url, headers={"X-Auth-Token": token}) as admin:
            for name in ("calm", "eager"):
                admin.put(f"/access/projects/{name}", json={"title": name}).raise_for_status()
                user = {"password": _PASSWORD, "project": name, "role": "operator"}
                admin.put(f"/access/users/{name}", json=user).raise_for_status()
        return {name: asking.log_in(name, _PASSWORD, None)[0] for name in ("calm", "eager")}


def _waited(url: str, token: str, crowd: _Crowd | None) -> tuple[float, float]:
    """p50 and p99 in seconds."""
    spawn = multiprocessing.get_context("spawn")
    ready, end = spawn.Event(), spawn.Event()
    asking = spawn.Process(target=_ask, args=(url, crowd, ready, end))
    if crowd is not None:
        asking.start()
        ready.wait()
    seconds: list[float] = []
    deadline = time.perf_counter() + _MEASURED_S
    with httpx.Client(base_url=url, timeout=60, headers={"X-Auth-Token": token}) as client:
        while (begun := time.perf_counter()) < deadline:
            client.get(_PATH).raise_for_status()
            seconds.append(time.perf_counter() - begun)
            time.sleep(_PAUSE_S)
    end.set()
    if crowd is not None:
        asking.join()
        if asking.exitcode:
            raise RuntimeError("the crowd was not answered as it should be")
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return float(p50), float(p99)


def _ask(url: str, crowd: _Crowd, ready: Event, end: Event) -> None:
    """In a process of its own: send until the end, and fail where not most are refused."""
    answers = asyncio.run(_sent(url, crowd, ready, end))
    refused = answers.count(crowd.answer)
    if refused < 0.5 * len(answers):
        raise SystemExit(f"{refused} of {len(answers)} were answered {crowd.answer}")


async def _sent(url: str, crowd: _Crowd, ready: Event, end: Event) -> list[Any]:
    answers: list[Any] = []

    async def send(client: aiohttp.ClientSession) -> None:
        due = time.perf_counter()
        while not end.is_set():
            due = max(due + _CONNECTIONS / _ASKED, time.perf_counter())
            await asyncio.sleep(due - time.perf_counter())
            try:
                async with client.request(
                    crowd.method, url + crowd.path, headers=crowd.headers, data=crowd.body or None
                ) as it:
                    answers.append(it.status)
            except aiohttp.ClientError:  # refused before all of it was read, which may show as a connection that ends
                answers.append(crowd.answer)
            if len(answers) > _RATE + 2 * _ASKED:
                ready.set()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        await asyncio.gather(*(send(client) for _ in range(_CONNECTIONS)))
    return answers
