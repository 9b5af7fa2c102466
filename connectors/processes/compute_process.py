"""A process that computes for another: how it is started, limited, asked, and ended."""

import fcntl
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Final, Self

__all__ = ["ComputeProcess", "EndedError", "RaisedError", "answer_in", "cores", "ends_call"]

_ENVIRONMENT: Final = Lock()  # held by the thread that changes it for a moment
_BORN_WITHIN_S: Final = 120.0  # the first process waits for the imports, some seconds on an idle machine
_STATUS_UNKNOWN: Final = 255  # what multiprocessing says of a process whose fork server has ended
# One thread each: the processes are as many as the cores. Read when the libraries are loaded.
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_QUIET: Final = "TF_CPP_MIN_LOG_LEVEL"  # else TensorFlow warns in each epoch that an odd number of series is slow
_ANSWER, _REPORT, _RAISED = "answer", "report", "raised"  # what a message of the process is

# Python has one fork server per process, whatever it starts: it loads what every kind of process here has asked for.
_preloaded: set[str] = set()

Report = Callable[[object], None]


class EndedError(RuntimeError):
    """A process ended, or could not be started, before it had answered."""


class RaisedError(RuntimeError):
    """The function raised, and its process is ready for the next call.

    What it raised is told by name, for it may be of a library that this process has not loaded, or not bear the way:
    `kind` is its class as people know it, `text` what it says, and `is_a` tells of which classes it is.
    """

    def __init__(self, classes: Sequence[str], text: str) -> None:
        """`classes` are the full names of its class and of those that this is one of, the nearest first."""
        self.kind = classes[0].rpartition(".")[2]
        super().__init__(f"{self.kind}: {text}")
        self.classes = tuple(classes)
        self.text = text

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What a caller is told of this error."""
        return cls([_full_name(one) for one in type(error).__mro__], str(error))

    def is_a(self, kind: type[BaseException]) -> bool:
        """Whether ``except kind`` would have caught it where it was raised."""
        return _full_name(kind) in self.classes


class ComputeProcess:
    """A process that calls one function again and again; used by one thread at a time, killed by any.

    `entry` is ``module:function``; the function takes the argument of a call and `report`, and returns the answer. The
    process has one thread for linear algebra and dies with this one, however this one dies.
    """

    def __init__(
        self,
        entry: str,
        preload: Sequence[str] = (),
        *,
        memory_limit: int | None = None,
        niceness: int = 10,
        name: str = "tidecast-compute",
    ) -> None:
        """Start it. EndedError if that fails.

        `preload` names modules that the fork server loads once for all; the entry's own is one of them. They must not
        start threads. `memory_limit` is in bytes of private writable memory (None: no limit; no effect on macOS).
        `niceness` is as the kernel's: by default the event loop's heartbeats go first where every core is busy.
        """
        context = multiprocessing.get_context("forkserver")
        try:
            self._pipe, theirs = context.Pipe()
            with theirs, _one_thread_each():  # closed here, so that the process's end closes the pipe
                _preloaded.update((__name__, entry.partition(":")[0], *preload))
                context.set_forkserver_preload(sorted(_preloaded))
                self._process = context.Process(
                    target=_serve, args=(theirs, entry, memory_limit, niceness), name=name, daemon=True
                )
                self._process.start()
        except (OSError, EOFError) as error:
            raise EndedError(f"no process could be started: {error!r}") from error
        self._new = True

    @property
    def alive(self) -> bool:
        """Whether it waits for work; to be asked only while it has none."""
        return self._new or not self._pipe.poll()  # what can be read then is the end

    @property
    def pipe(self) -> Connection:
        """How it is asked; for who reads its answers in a way of its own."""
        return self._pipe

    @property
    def pid(self) -> int | None:
        """The process id, also after its end."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until it can take a call, which `call` does as well. EndedError if it does not come to that."""
        try:
            if self._new:
                if not self._pipe.poll(_BORN_WITHIN_S):
                    raise EndedError("the process did not start")
                self._pipe.recv()
                self._new = False
        except (EOFError, ConnectionError) as error:
            raise EndedError("the process ended") from error

    def call(self, argument: object, limit_s: float | None = None, *, on_report: Report | None = None) -> Any:
        """What the function makes of `argument`; the limit does not include the start of the process.

        `on_report` gets, in this thread and in order, all that the function hands to `report` meanwhile. TimeoutError,
        EndedError and what `on_report` raises leave a process that must be killed; RaisedError does not.
        """
        self.wait_until_ready()
        try:
            self._pipe.send(argument)
            end = None if limit_s is None else time.monotonic() + limit_s
            while True:
                if not self._pipe.poll(None if end is None else max(0.0, end - time.monotonic())):
                    raise TimeoutError
                message = self._pipe.recv()
                if ends_call(message):
                    return answer_in(message)
                if on_report is not None:
                    on_report(message[1])
        except (EOFError, ConnectionError) as error:
            raise EndedError("the process ended") from error

    def kill(self) -> None:
        """End it, whatever it does. A thread that waits for it gets EndedError."""
        # Not Process.kill: it does nothing if the fork server has ended, as nobody knows the exit status then.
        if self._process.exitcode in (None, _STATUS_UNKNOWN) and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)


def ends_call(message: tuple[str, Any]) -> bool:
    """Whether a message of a process is the last of a call, and no report."""
    return message[0] != _REPORT


def answer_in(message: tuple[str, Any]) -> Any:
    """What a call's last message says; RaisedError where the function raised."""
    kind, content = message
    if kind == _RAISED:
        raise RaisedError(*content)
    return content


def cores() -> int:
    """How many this process may use; a container may have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """The environment for the fork server, should it be started with a process; this process keeps its own."""
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in (*_ONE_THREAD, _QUIET)}
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        os.environ.setdefault(_QUIET, "2")  # errors only
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _serve(pipe: Connection, entry: str, memory_limit: int | None, niceness: int) -> None:
    """The life of a process: compute what comes until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent
    _end_with_parent()
    os.nice(niceness)
    if memory_limit is not None:
        # Not RLIMIT_AS: TensorFlow reserves 2.7 GiB of addresses, of which it uses a fifth.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = memory_limit if most == resource.RLIM_INFINITY else min(memory_limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
    module, _, function = entry.partition(":")
    compute: Callable[[Any, Report], object] = getattr(importlib.import_module(module), function)
    pipe.send("ready")

    def report(content: object) -> None:
        pipe.send((_REPORT, content))

    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        try:
            message = _ANSWER, compute(argument, report)
        except Exception as error:  # noqa: BLE001 - the edge of the process: the caller decides what it means
            told = RaisedError.of(error)
            message = _RAISED, (told.classes, told.text)
        pipe.send(message)


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
