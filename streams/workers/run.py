"""Runs one worker process: a Faust app in asyncio's own runner, ended by SIGTERM, SIGINT or the app's crash."""

import asyncio
import fcntl
import gc
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import IO

import structlog
from faust.contrib.asgi import faust_app_running

from connectors.kafka.admin import TopicsLostError
from streams.engine.hands import take_up
from streams.runtime import Part, TrainerRuntime

__all__ = ["WorkerIdTakenError", "run_worker"]

log = structlog.get_logger(__name__)

_FLUSH = timedelta(seconds=3)  # what the broker does not take by then is not acknowledged either: it comes again
_SWITCH_S = 0.001  # threads compute beside the event loop; by Python's own 5 ms a request waits for its turn ten times
# Faust may leave tasks that will not be cancelled, such as a consumer's whose topics are gone. By then all is said.
_END_S = 3.0
_GARBAGE = (50_000, 20, 50)  # new objects before a look at the youngest, and how many such looks before older ones
_STOP_S = 25.0  # a worker that cannot stop in this time leaves its work to the next one; its commands are in the log
_OTHER_ENDS_S = 30.0  # another process of this worker that is told to stop needs no longer
_POLL_S = 0.1


class WorkerIdTakenError(RuntimeError):
    """Another process is this worker already; the text has the remedy."""


def run_worker(runtime: TrainerRuntime, role: str) -> int:
    """Run until a signal (0) or a crash (1); the caller exits with that status and a supervisor starts it again."""
    end = _End()
    try:
        with _only_one(runtime.settings.home, role, runtime.settings.worker_id):
            return asyncio.run(_run(runtime, role, end))
    except WorkerIdTakenError as error:
        log.error("worker_id_taken", role=role, reason=str(error))  # noqa: TRY400 - it says all
        return 1
    except Exception:  # the edge of the process: the reason belongs in the log, whatever it is
        log.exception("worker_failed", role=role)
        return 1
    finally:
        end.came()


@contextmanager
def _only_one(home: Path, role: str, worker_id: str) -> Iterator[None]:
    """Hold the worker's name in its home until the process ends, however it does; WorkerIdTakenError.

    Two of one name would be one member of their group, and each would take the other's notes of what it has in hand for
    its own. A file system that has no locks is believed.
    """
    place = home / "hands" / f"{role}-{worker_id}.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("ab") as file:
        if not _lock(file):
            log.warning("another_process_is_this_worker", role=role, worker=worker_id, waits_s=_OTHER_ENDS_S)
            deadline = time.monotonic() + _OTHER_ENDS_S
            while not _lock(file):
                if time.monotonic() >= deadline:
                    raise WorkerIdTakenError(
                        f"another {role} with TIDECAST_WORKER_ID={worker_id} runs in {home}: give each an id of its own"
                    )
                time.sleep(_POLL_S)
        yield


def _lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        log.warning("no_locks_of_files", file=file.name)
    return True


async def _run(runtime: TrainerRuntime, role: str, end: "_End") -> int:
    app = runtime.app
    sys.setswitchinterval(_SWITCH_S)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runtime.publisher.start()
    figures = ExitStack()
    if role == "trainer":
        _serve_figures(runtime, figures)
    hands = app.transport.hands
    await take_up(runtime, hands)
    log.info("worker_starting", role=role, worker=runtime.settings.worker_id)
    async with faust_app_running(app, stop_timeout=_STOP_S):
        with _collecting_seldom():
            log.info("worker_ready", role=role)
            crashed = await _until_end(runtime, role, stop)
        if isinstance(crashed, TopicsLostError):  # nobody is there to hand work back to
            end.within(_END_S, 1)
    hands.close()  # what ends in order, be it by an error, was not killed by a message
    for part in runtime.parts.values():
        await part.close()
    await runtime.publisher.close(_FLUSH)
    await asyncio.to_thread(figures.close)
    log.info("worker_stopped", role=role)
    status = 0 if crashed is None and stop.is_set() else 1
    end.within(_END_S, status)
    return status


async def _until_end(runtime: TrainerRuntime, role: str, stop: asyncio.Event) -> BaseException | None:
    """Wait for the signal, for the app's crash or for a part's failure; the last two are returned."""
    prepared = asyncio.ensure_future(_prepared(runtime.parts.values() if role == "state" else ()))
    waits = [asyncio.ensure_future(wait) for wait in (stop.wait(), runtime.app.wait_until_stopped())]
    await asyncio.wait([*waits, prepared], return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
        with suppress(asyncio.CancelledError):
            await wait
    prepared.cancel()
    [failed] = await asyncio.gather(prepared, return_exceptions=True)  # asked for, else asyncio tells of it as an error
    of_part = failed.exceptions[0] if isinstance(failed, ExceptionGroup) else None  # nobody has told of this one
    crashed: BaseException | None = runtime.app.crash_reason or of_part
    if crashed is not None:
        log.error("worker_crashed", role=role, error=repr(crashed), exc_info=of_part)
    return crashed


async def _prepared(parts: Iterable[Part]) -> None:
    """Does what parts do beforehand and all along. Never ends well: a worker whose part has failed must not go on."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part.prepare())
    await asyncio.Event().wait()


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Let garbage be looked for seldom, and not among what has been there from the start.

    Batches make objects by the ten thousand and no cycles. By Python's own thresholds each one makes it look through
    all there is several times: 10 % of the time of a worker, in pauses of up to 250 ms (10,000 series, two cores).
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.enable()  # it is off while a worker starts
    gc.set_threshold(*_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _End:
    """Sees to it that the process ends, whatever keeps its event loop from ending."""

    def __init__(self) -> None:
        self._timer: Timer | None = None

    def within(self, seconds: float, status: int) -> None:
        """Exit with this status unless `came` is called in time."""
        self.came()
        self._timer = Timer(seconds, os._exit, (status,))
        self._timer.daemon = True
        self._timer.start()

    def came(self) -> None:
        """Call the exit off: the loop has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()


def _serve_figures(runtime: TrainerRuntime, until: ExitStack) -> None:
    """Give Prometheus the figures of a worker without an HTTP view; it works without them where the port is taken."""
    settings = runtime.settings
    if settings.metrics_port is not None:
        try:
            until.enter_context(runtime.metrics.served(settings.http_host, settings.metrics_port))
        except OSError as error:
            log.warning("metrics_not_served", port=settings.metrics_port, reason=str(error))
