"""Workers as processes of their own, beside those of a service, and which processes a worker has started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from connectors.embedded_kafka.ports import kept_or_free

__all__ = ["WorkerProcess", "computing", "environment_of", "only", "processor_s", "worker_processes"]


class WorkerProcess:
    """`tidecast state` or `tidecast trainer` as a process of its own, which nobody starts again when it ends."""

    def __init__(self, role: str, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.port = kept_or_free(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{role}-{name}.log"
        own = {"TIDECAST_WORKER_ID": name, "TIDECAST_HTTP_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", role],
                env=os.environ | environment | own,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def is_ready(self) -> bool:
        """Whether a state worker says so; AssertionError with its log where it has ended."""
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def is_working(self) -> bool:
        """Whether it has said that it is ready; for a trainer, which has no HTTP view."""
        assert self._process.poll() is None, self.log.read_text()
        return "worker_ready" in self.log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """End it in order; its exit status."""
        self._process.terminate()
        return self._process.wait(40)


def only(running: dict[str, WorkerProcess], names: Sequence[str]) -> list[str]:
    """Stop and forget all processes but these; those of them that are to be started."""
    for name, worker in list(running.items()):
        if name not in names:
            if worker.status is None:
                worker.stop()
            del running[name]
    return [name for name in names if name not in running or running[name].status is not None]


def environment_of(bootstrap: str, prefix: str, folder: Path) -> dict[str, str]:
    """Of workers of an installation of its own on a broker that is there."""
    return {
        "TIDECAST_HOME": str(folder),
        "TIDECAST_KAFKA_BOOTSTRAP": bootstrap,
        "TIDECAST_TOPIC_PREFIX": prefix,
        "TIDECAST_GROUP_PREFIX": prefix,
    }


@contextmanager
def worker_processes(
    environment: Mapping[str, str], folder: Path, roles: Sequence[str]
) -> Iterator[list[WorkerProcess]]:
    """A worker of each role, numbered from 1; killed at the end."""
    with ExitStack() as stack:
        started = []
        for number, role in enumerate(roles, 1):
            started.append(WorkerProcess(role, str(number), environment, folder))
            stack.callback(started[-1].kill)
        yield started


def computing(worker: int, *, for_s: float = 0) -> list[int]:
    """The processes that compute for a worker, the children of its fork server, which have had a core for `for_s`."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(path.name))
        if fields and fields[0] not in "ZX":
            parents[int(path.name)] = int(fields[1])
    return [pid for pid, parent in parents.items() if parents.get(parent) == worker and processor_s(pid) >= for_s]


def processor_s(pid: int) -> float:
    """Seconds that a process has had a core; 0 for one that has ended."""
    return sum(map(int, _stat(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """What /proc says of a process behind its name; nothing where it has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
