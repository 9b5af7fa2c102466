"""One worker process: how it ends, with which status, and what its log looks like."""

import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.kafka.admin import TopicsLostError
from streams.workers import run as worker
from streams.workers.run import run_worker

pytestmark = pytest.mark.slow  # whole processes


class Runtime:
    """App and publisher as far as a worker knows them; `when_ready` happens as soon as the app runs."""

    def __init__(self, when_ready: Callable[["Runtime"], None]) -> None:
        self.when_ready = when_ready
        self.app = self.publisher = self
        self.parts = {Runtime: SimpleNamespace(close=self._close_part, prepare=self._prepare_part)}
        self.part_fails: BaseException | None = None
        self.settings = SimpleNamespace(worker_id="1", metrics_port=None, home=Path(tempfile.mkdtemp()))
        hands = SimpleNamespace(open=lambda: None, healthy=lambda: None, close=lambda: None)
        self.transport = SimpleNamespace(hands=hands)
        self.tries = SimpleNamespace(condemned={}, given_up=lambda _: {})
        self.crash_reason: BaseException | None = None
        self.stopped = asyncio.Event()
        self.happened: list[str] = []

    async def wait_until_stopped(self) -> None:
        await self.stopped.wait()

    def start(self) -> None:
        self.happened.append("publisher started")

    async def close(self, within: timedelta) -> None:
        self.happened.append(f"publisher closed within {within.total_seconds():g} s")

    async def _prepare_part(self) -> None:
        if self.part_fails is not None:
            raise self.part_fails
        try:
            await asyncio.Event().wait()
        finally:
            self.happened.append("part's work ended")

    async def _close_part(self) -> None:
        self.happened.append("part closed")

    def end(self, reason: BaseException | None = None) -> None:
        """End as an app does whose agent failed."""
        self.crash_reason = reason
        self.stopped.set()


@pytest.fixture(autouse=True)
def _app_without_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting and stopping the app takes no broker."""

    @asynccontextmanager
    async def running(app: Runtime, *, stop_timeout: float) -> AsyncIterator[None]:
        app.happened.append("app started")
        asyncio.get_running_loop().call_soon(app.when_ready, app)
        yield
        app.happened.append("app stopped")

    monkeypatch.setattr(worker, "faust_app_running", running)


def run(when_ready: Callable[[Runtime], None], *, role: str = "trainer") -> tuple[int, list[str]]:
    """Exit status of a worker, and what happened in it."""
    runtime: Any = Runtime(when_ready)
    return run_worker(runtime, role), runtime.happened


ORDERLY = ["publisher started", "app started", "app stopped", "part closed", "publisher closed within 3 s"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: int) -> None:
    """Status 0. The publisher goes last: what the app still sends must reach the broker."""
    assert run(lambda _: os.kill(os.getpid(), number)) == (0, ORDERLY)


def test_a_state_worker_ends_in_order_without_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """What its parts do all along ends before the app does, and asyncio has nothing to say of it."""
    ended = run(lambda _: os.kill(os.getpid(), signal.SIGTERM), role="state")
    gc.collect()  # asyncio tells of an error that nobody asked for when its future is thrown away

    assert ended == (0, [*ORDERLY[:2], "part's work ended", *ORDERLY[2:]])
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_part_that_fails_ends_the_worker() -> None:
    """Its points or its users would not be kept any more, and nobody would be told."""
    runtime: Any = Runtime(lambda app: asyncio.get_running_loop().call_later(10, app.end))  # where it would go on
    runtime.part_fails = OSError("no space left")
    with capture_logs() as told:
        status = run_worker(runtime, "state")

    assert (status, runtime.happened) == (1, ORDERLY)
    assert [line["error"] for line in told if line["event"] == "worker_crashed"] == ["OSError('no space left')"]


def test_a_crash_ends_it_with_status_1() -> None:
    """The supervisor starts it again."""
    assert run(lambda app: app.end(RuntimeError("agent failed"))) == (1, ORDERLY)


def test_an_app_that_stops_by_itself_is_a_failure() -> None:
    """Nobody asked for it, so it must be started again."""
    assert run(lambda app: app.end()) == (1, ORDERLY)


def test_a_crash_while_it_is_asked_to_stop_is_a_failure() -> None:
    """What failed was not acknowledged and must be seen."""

    def both(app: Runtime) -> None:
        app.end(RuntimeError("agent failed"))
        os.kill(os.getpid(), signal.SIGTERM)

    assert run(both)[0] == 1


def test_an_app_that_cannot_start_ends_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason; the process itself does not raise."""

    @asynccontextmanager
    async def failing(*_: Any, **__: Any) -> AsyncIterator[None]:
        raise ConnectionError("no broker")
        yield

    monkeypatch.setattr(worker, "faust_app_running", failing)

    assert run(lambda _: None)[0] == 1


LOGGING = """
import logging, structlog
from streams.telemetry.logs import configure_logging
configure_logging()
structlog.get_logger("ours").info("worker_ready", role="state")
logging.getLogger("aiokafka.consumer").info("noise")
logging.getLogger("aiokafka.consumer").warning("broker gone: %s", "x")
try:
    raise ValueError("the reason")
except ValueError:
    structlog.get_logger("ours").exception("worker_failed")
"""


def test_the_log_is_one_json_object_per_line() -> None:
    """Where nobody looks at a terminal: with time, level and logger; chatty libraries only from warnings up."""
    ran = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    ready, gone, failed = (json.loads(line) for line in ran.stderr.splitlines())

    assert (ready["event"], ready["role"], ready["level"], ready["logger"]) == ("worker_ready", "state", "info", "ours")
    assert ready["timestamp"].endswith("Z")
    assert (gone["event"], gone["level"]) == ("broker gone: x", "warning")
    assert failed["exception"].endswith("ValueError: the reason")
    assert ran.stdout == ""


def test_a_second_process_of_one_id_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before it is a member of the group; one that takes the place of a process that is ending waits for its end."""
    runtime = Runtime(lambda it: os.kill(os.getpid(), signal.SIGTERM))
    runtime.settings.home = tmp_path
    (tmp_path / "hands").mkdir()
    with (tmp_path / "hands" / "trainer-1.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(worker, "_OTHER_ENDS_S", 0.0)
        refused = run_worker(runtime, "trainer"), list(runtime.happened)  # type: ignore[arg-type]
        monkeypatch.setattr(worker, "_OTHER_ENDS_S", 60.0)
        threading.Timer(0.3, fcntl.flock, (other, fcntl.LOCK_UN)).start()
        taken_over = run_worker(runtime, "trainer")  # type: ignore[arg-type]

    assert refused == (1, [])
    assert taken_over == 0


def test_lost_topics_end_it_however_long_the_app_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust does not get its consumer to stop then; with nobody to hand work back to, nothing is waited for."""
    exits: list[tuple[float, int]] = []
    monkeypatch.setattr(worker._End, "within", lambda _, seconds, status: exits.append((seconds, status)))
    status, _ = run(lambda app: app.end(TopicsLostError("gone")))

    assert status == 1
    assert exits[0] == (3.0, 1)


def test_a_loop_that_does_not_end_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the status that the worker has by then; a loop that ends in time calls it off."""
    ended: list[int] = []
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    end = worker._End()
    end.within(0.01, 1)
    until = time.monotonic() + 10
    while not ended and time.monotonic() < until:
        time.sleep(0.01)
    end.within(0.05, 0)
    end.came()
    time.sleep(0.1)

    assert ended == [1]
