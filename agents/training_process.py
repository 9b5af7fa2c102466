"""A process that computes series for another: how it is started, limited, and ended."""

import fcntl
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from threading import Lock

from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from models.catalog import CATALOG

__all__ = ["EndedError", "TrainingProcess"]

_ENVIRONMENT = Lock()  # held by the thread that changes it for a moment
_BORN_WITHIN_S = 120.0  # the first process waits for the imports, some seconds on an idle machine
_STATUS_UNKNOWN = 255  # what multiprocessing says of a process whose fork server has ended
_NICENESS = 10  # the event loop's heartbeats go first where training keeps every core busy
# One thread each: the processes are as many as the cores. Read when the libraries are loaded.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
# `models.batch` makes an error of what a model raises, and names the kind: MemoryError, numpy's own, TensorFlow's.
_OUT_OF_MEMORY = ("MemoryError)", "(ResourceExhaustedError)")


class EndedError(RuntimeError):
    """A process ended, or could not be started, before it had answered."""


class TrainingProcess:
    """A process that computes chunks; used by one thread at a time, killed by any."""

    def __init__(self, memory_limit: int | None) -> None:
        """Start it. EndedError if that fails."""
        context = multiprocessing.get_context("forkserver")
        try:
            self._pipe, theirs = context.Pipe()
            with theirs, _one_thread_each():  # closed here, so that the process's end closes the pipe
                context.set_forkserver_preload([__name__, *_heavy_modules()])
                self._process = context.Process(
                    target=_serve, args=(theirs, memory_limit), name="tidecast-training", daemon=True
                )
                self._process.start()
        except (OSError, EOFError) as error:
            raise EndedError(f"no process could be started: {error!r}") from error
        self._new = True

    @property
    def alive(self) -> bool:
        """Whether it waits for work; to be asked only while it has none."""
        return self._new or not self._pipe.poll()  # what can be read then is the end

    def compute(
        self, prepare: Callable[[], object] | None, requests: list[SeriesRequest], limit_s: float
    ) -> list[SeriesAnswer]:
        """Send the requests and wait; the time does not include the start of the process."""
        try:
            if self._new:
                if not self._pipe.poll(_BORN_WITHIN_S):
                    raise EndedError("the process did not start")
                self._pipe.recv()
                self._new = False
            self._pipe.send((prepare, requests))
            if not self._pipe.poll(limit_s):
                raise TimeoutError
            answers: list[SeriesAnswer] = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            raise EndedError("the process ended") from error
        return answers

    def kill(self) -> None:
        """End it, whatever it does. A thread that waits for it gets EndedError."""
        # Not Process.kill: it does nothing if the fork server has ended, as nobody knows the exit status then.
        if self._process.exitcode in (None, _STATUS_UNKNOWN) and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)


def _heavy_modules() -> list[str]:
    """What the fork server loads once for all: the code of every heavy model, but no model is run there."""
    return sorted({spec.entry.partition(":")[0] for spec in CATALOG.values() if spec.heavy})


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """The environment for the fork server, should it be started with a process; this process keeps its own."""
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _serve(pipe: Connection, memory_limit: int | None) -> None:
    """The life of a process: compute what comes until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent
    _end_with_parent()
    os.nice(_NICENESS)
    if memory_limit is not None:
        # Not RLIMIT_AS: TensorFlow reserves 2.7 GiB of addresses, of which it uses a fifth.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = memory_limit if most == resource.RLIM_INFINITY else min(memory_limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    pipe.send("ready")
    while True:
        try:
            prepare, requests = pipe.recv()
        except EOFError:
            return
        if prepare is not None:
            prepare()
        answers = forecast_batch(requests)
        if any(kind in answer.error for answer in answers if answer.error for kind in _OUT_OF_MEMORY):
            os._exit(1)  # what is short now would be short for the next series too
        pipe.send(answers)


def _end_with_parent() -> None:
    """Die at once when the parent does, even by kill -9 and in the middle of compiled code that never returns."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    if sys.platform == "linux":
        # The parent alone holds the other end of this pipe. When the kernel closes it, SIGIO comes, and ends a process.
        # Linux's parent-death signal would watch the fork server, which lives as long as any of its children.
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not parent.is_alive():
        os._exit(1)
