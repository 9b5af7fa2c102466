"""`tidecast up`: the embedded broker, a state worker and trainers as child processes, started, watched and stopped."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Self
from urllib.error import URLError
from urllib.request import urlopen

import structlog

from connectors.embedded_kafka.broker import EmbeddedKafka, record_class_archive
from connectors.embedded_kafka.config import Sizes
from connectors.embedded_kafka.errors import BrokerStartError, DataRefusedError, HomeInUseError, PortInUseError
from connectors.embedded_kafka.jars import default_cache_dir, obtain_jars
from connectors.embedded_kafka.java import find_java
from connectors.embedded_kafka.ports import kept_or_free
from connectors.kafka.admin import BrokerUnreachableError
from connectors.processes.guarded_process import GuardedProcess, end_leftover
from connectors.user_code.modes import NoModeError
from streams.settings import Settings
from streams.topics import Topics
from streams.training.user_code import mode_of
from streams.workers.apps import declare_topics
from streams.workers.home_lock import take
from streams.workers.privacy import private_home

__all__ = ["Stack", "StackError"]

log = structlog.get_logger(__name__)

_READY_S = 60.0  # about 5 s on an idle machine
_POLL_S = 0.1
_STOP = timedelta(seconds=30)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0  # between restarts of a worker that keeps crashing
_BROKER_STARTS = 3  # in a row: it may have been killed, or been short of memory, while it started
_LEFTOVER = timedelta(seconds=10)  # a worker whose broker is gone needs some seconds to give up
_HEALTHY_S = 60.0  # a worker that ran for so long does not keep crashing


class StackError(RuntimeError):
    """The service cannot run; the text names the cause and the remedy."""


class Stack:
    """One installation on this machine. A worker that ends by itself is started again, the broker too."""

    def __init__(self, settings: Settings, *, trainers: int = 1, progress: Callable[[str], None] = log.info) -> None:
        self._settings = settings
        self._progress = progress
        self._lock: IO[str] | None = None
        self._broker: EmbeddedKafka | None = None
        self._failed_starts = 0
        self._workers = {"state": ("state", "1")} | {
            f"trainer-{i}": ("trainer", str(i)) for i in range(1, trainers + 1)
        }
        self._processes: dict[str, GuardedProcess] = {}
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._born: dict[str, float] = {}
        self._port = settings.http_port
        self._pids = settings.home / "workers.json"
        self._mark = f"-Xtidecast-home={settings.home}"  # no effect in Python: tells by its command line whose it is

    @property
    def url(self) -> str:
        """Address of the HTTP view."""
        return f"http://{self._settings.http_host}:{self._port}"

    @property
    def bootstrap(self) -> str:
        """Address of the broker."""
        return self._settings.kafka_bootstrap or (self._broker.bootstrap if self._broker else "")

    @property
    def log_folder(self) -> Path:
        """Where the workers' logs are."""
        return self._settings.home / "logs"

    def pid(self, name: str) -> int:
        """Process id of a worker: state, trainer-1 and so on."""
        return self._processes[name].pid

    @property
    def broker(self) -> EmbeddedKafka | None:
        """The embedded broker, None where an external cluster is used."""
        return self._broker

    def start(self) -> None:
        """1. the home's lock, 2. the broker, 3. the topics, 4. the workers. Returns when requests are answered."""
        self._acquire()
        try:
            self._end_leftovers()
            self._check_user_code()
            self._choose_port()
            if self._settings.kafka_bootstrap is None:
                self._start_broker()
            declare_topics(self._settings, Topics(self._settings), self.bootstrap)
            for name in self._workers:
                self._spawn(name)
            self._wait_ready()
            (self._settings.home / "service.json").write_text(
                json.dumps({"url": self.url, "bootstrap": self.bootstrap, "pid": os.getpid()}), "utf-8"
            )
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Look once at all processes and start again what has ended; call it a few times a second."""
        if self._broker is not None and not self._broker.alive:
            self._restart(self._broker)
        now = time.monotonic()
        for name, process in self._processes.items():
            if process.poll() is None:
                continue
            if name not in self._due:
                if now - self._born[name] > _HEALTHY_S:
                    self._pauses.pop(name, None)
                pause = self._pauses.get(name, _FIRST_PAUSE_S)
                self._pauses[name] = min(2 * pause, _LONGEST_PAUSE_S)
                self._due[name] = now + pause
                log.warning("worker_restarting", worker=name, status=process.poll(), pause_s=pause)
        for name in [name for name, due in self._due.items() if due <= now]:
            del self._due[name]
            self._spawn(name)

    def stop(self) -> None:
        """Workers first, so that they can hand back their work, then the broker. State stays in the home."""
        with suppress(FileNotFoundError):
            (self._settings.home / "service.json").unlink()
        running = {name: process for name, process in self._processes.items() if process.poll() is None}
        if running:
            self._progress(f"stopping {', '.join(running)}")
            with ThreadPoolExecutor(len(running)) as pool:  # side by side: each may need some seconds
                list(pool.map(lambda process: process.stop(_STOP), running.values()))
        self._processes.clear()
        self._due.clear()
        self._pids.unlink(missing_ok=True)
        if self._broker is not None:
            self._progress("stopping the broker")
            self._broker.stop()
            self._broker = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _acquire(self) -> None:
        home = self._settings.home
        try:
            private_home(home)
            self.log_folder.mkdir(parents=True, exist_ok=True)
            lock = take(home)
        except OSError as error:
            raise StackError(f"{home} cannot be used: {error}; set TIDECAST_HOME to a folder you may write") from error
        if lock is None:
            raise StackError(
                f"a Tidecast service runs already on {home}: use it, stop it, or set TIDECAST_HOME to another folder"
            )
        self._lock = lock

    def _end_leftovers(self) -> None:
        """End the workers of a service that was killed: they would hold the port, and the names of the new ones."""
        try:
            pids = json.loads(self._pids.read_text("utf-8"))
        except (OSError, ValueError):
            return
        for name, pid in pids.items():
            try:
                if end_leftover(pid, self._mark, _LEFTOVER):
                    log.warning("leftover_worker_ended", worker=name, pid=pid)
            except (TimeoutError, PermissionError) as error:
                raise StackError(
                    f"the {name} worker of an earlier Tidecast (process {pid}) still runs and cannot be ended "
                    f"({error}): end it yourself, then start again"
                ) from error

    def _check_user_code(self) -> None:
        """Say what holds users' programs, and start nothing where nothing can (decision 24)."""
        try:
            mode = mode_of(self._settings)
        except NoModeError as error:
            raise StackError(f"TIDECAST_USER_CODE={self._settings.user_code}: {error}") from None
        if mode is not None:
            self._progress(f"user code: {mode.words}")

    def _choose_port(self) -> None:
        """A port in use is said here in words; uvicorn would end the worker after all the rest had started."""
        asked, kept = self._settings.http_port, self._settings.home / "http.port"
        if not asked:  # the same as last time where that can be: clients find it again, and the worker its partitions
            with suppress(OSError, ValueError):
                asked = int(kept.read_text("ascii"))
            asked = kept_or_free(asked)
            kept.write_text(str(asked), "ascii")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._settings.http_host, asked))
            except OSError as error:
                raise StackError(
                    f"{self._settings.http_host}:{asked} cannot be opened ({error.strerror}): set TIDECAST_HTTP_PORT "
                    "to a free port (0 picks one), or TIDECAST_HTTP_HOST to an address of this machine"
                ) from error
            self._port = asked

    def _start_broker(self) -> None:
        java = find_java()
        jars = obtain_jars(default_cache_dir(), progress=self._progress)
        record_class_archive(jars, java, progress=self._progress)
        self._progress("starting the broker")
        sizes = Sizes(Topics(self._settings).largest_record)
        broker = EmbeddedKafka(self._settings.home, port=self._settings.kafka_port, jars=jars, java=java, sizes=sizes)
        broker.start()
        self._broker = broker
        broker.wait_ready()

    def _restart(self, broker: EmbeddedKafka) -> None:
        log.warning("broker_restarting")
        try:
            broker.start()
            broker.wait_ready()
        except (DataRefusedError, HomeInUseError, PortInUseError):
            raise  # it would be so the next time too
        except BrokerStartError as error:
            self._failed_starts += 1
            if self._failed_starts == _BROKER_STARTS:
                raise
            log.warning("broker_start_repeated", reason=str(error))
            return
        self._failed_starts = 0
        with suppress(BrokerUnreachableError):  # it has ended again: the next look starts it
            declare_topics(self._settings, Topics(self._settings), self.bootstrap)  # says so where its data is gone

    def _spawn(self, name: str) -> None:
        role, worker_id = self._workers[name]
        self._progress(f"starting {name}")
        output = self.log_folder / f"{name}.log"
        if output.exists():
            output.replace(output.with_suffix(".log.1"))  # the last words of the process before
        given: dict[str, object] = {
            "kafka_bootstrap": self.bootstrap,
            "http_port": self._port,
            "worker_id": worker_id,
        }
        if role == "trainer" and self._settings.metrics_port is not None:
            given["metrics_port"] = self._settings.metrics_port + int(worker_id) - 1
        self._processes[name] = GuardedProcess(
            [sys.executable, self._mark, "-m", "streams.cli", role],
            cwd=Path.cwd(),
            env=os.environ | self._settings.environment(**given),
            output=output,
        )
        self._born[name] = time.monotonic()
        self._pids.write_text(json.dumps({name: process.pid for name, process in self._processes.items()}), "utf-8")

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while not _answers(f"{self.url}/readyz"):
            for name, process in self._processes.items():
                status = process.poll()
                if status is not None:
                    raise StackError(f"{name} ended with status {status} while starting; see {self._log_of(name)}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.url} was not ready after {_READY_S:.0f} s; see {self.log_folder}")
            time.sleep(_POLL_S)

    def _log_of(self, name: str) -> str:
        path = self.log_folder / f"{name}.log"
        with suppress(OSError):
            last = path.read_text("utf-8", "replace").strip().splitlines()[-1:]
            return f"{path}: {last[0][:300]}" if last else str(path)
        return str(path)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310  # our own http address
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False
