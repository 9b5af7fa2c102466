"""A real single-node Apache Kafka as a child process, with its data in one folder.

java = find_java()
jars = obtain_jars(default_cache_dir(), progress=print)
record_class_archive(jars, java, progress=print)  # optional: starts take half the time from then on
with EmbeddedKafka(home, port=9092, jars=jars, java=java) as broker:
    ...  # clients use broker.bootstrap
"""

import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from connectors.embedded_kafka.class_archive import ClassArchive
from connectors.embedded_kafka.config import HOME_OPTION, ForwardedPort, Sizes
from connectors.embedded_kafka.errors import BrokerStartError, DataRefusedError, HomeInUseError, PortInUseError
from connectors.embedded_kafka.home import Identity, KafkaHome
from connectors.embedded_kafka.jars import KAFKA_VERSION
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.launch import KafkaLauncher
from connectors.embedded_kafka.log import last_words, size_of
from connectors.embedded_kafka.ports import check_free, free_port, kept_or_free
from connectors.processes.guarded_process import GuardedProcess, end_leftover

__all__ = [
    "BrokerStartError",
    "DataRefusedError",
    "EmbeddedKafka",
    "HomeInUseError",
    "PortInUseError",
    "record_class_archive",
]

READY_WITHIN: Final = timedelta(seconds=60)  # 1 to 4 s on an idle machine; others may want its cores as well
STOP_WITHIN: Final = timedelta(seconds=30)  # 0.3 s as a rule; a kill would only cost the next start some seconds
_POLL_S: Final = 0.05
_ASK_S: Final = 1.0  # one question to the broker; between two its process is looked at
_PORT_SETTING: Final = "TIDECAST_KAFKA_PORT"

log = structlog.get_logger(__name__)


class EmbeddedKafka:
    """One broker at `host`, an address of this machine, that keeps its data under `home` and ends with this process.

    `port` 0 takes a free one, kept until this object's end, so that clients find the broker again after a restart.
    `forwarded` are further ports, for clients behind proxies.
    For one thread at a time.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int,
        jars: Path,
        java: Java,
        host: str = "127.0.0.1",
        sizes: Sizes | None = None,
        forwarded: Sequence[ForwardedPort] = (),
        record_archive_to: Path | None = None,
    ) -> None:
        """Prepare, touching nothing; `record_archive_to` is for `record_class_archive`."""
        self._home = KafkaHome(home)
        self._host = host
        self._port = port
        self._may_move = not port  # until clients know the port
        self._forwarded = tuple(forwarded)
        self._launcher = KafkaLauncher(
            self._home,
            jars=jars,
            java=java,
            sizes=sizes or Sizes(),
            record_archive_to=record_archive_to,
        )
        self._process: GuardedProcess | None = None
        self._identity: Identity | None = None
        self._log_start = 0
        self._may_retry = True

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; with port 0 only after `start`."""
        return f"{self._host}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of the broker started last, None before the first start."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker; it answers once `wait_ready` returns. Nothing where it runs already.

        BrokerStartError, in words for the user, where it cannot be: HomeInUseError, DataRefusedError, PortInUseError.
        """
        if self.alive:
            return
        self._home.acquire()
        try:
            # 1. A broker whose owner was killed: it holds the data and perhaps the port.
            self._end_leftover()
            # 2. Whose data is this? Before anything is written.
            identity = self._home.identity()
            # 3. The ports, while a refusal can still be in words.
            identity = replace(identity, controller_port=kept_or_free(identity.controller_port))
            self._port = self._port or free_port()
            check_free(self._host, self._port, setting=_PORT_SETTING)
            # 4. The identity, and only then the data that belongs to it.
            self._home.prepare()
            self._home.keep(identity)
            self._launcher.write_settings(identity, host=self._host, port=self._port, forwarded=self._forwarded)
            if not self._home.formatted:
                self._launcher.format_storage(identity.cluster_id)
            # 5. The server.
            self._may_retry = True
            self._spawn(identity)
        except BaseException:
            self.kill()
            raise

    def wait_ready(self, timeout: timedelta = READY_WITHIN) -> None:
        """Return when the broker answers clients; BrokerStartError with its last words where it ends or time is up."""
        begun = time.monotonic()
        deadline = begun + timeout.total_seconds()
        admin: AdminClient | None = None
        while True:
            process, identity = self._process, self._identity
            if process is None or identity is None:
                raise BrokerStartError("the Kafka broker was not started: call start() first")
            if process.poll() is not None:
                self._retry_or_raise(identity)
                admin = None
            elif admin is None:
                if self._accepts():  # only then: a client that meets a closed port backs off
                    admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
                    continue
            elif self._answers(admin, identity):
                break
            if time.monotonic() > deadline:
                waited = f"{timeout.total_seconds():g} s"
                raise BrokerStartError(f"no Kafka broker at {self.bootstrap} after {waited}. {self._last_words()}")
            time.sleep(_POLL_S)
        self._launcher.started()
        self._may_move = False
        if identity.kafka_version != KAFKA_VERSION:  # older data, which this release has now taken over
            self._identity = replace(identity, kafka_version=KAFKA_VERSION)
            self._home.keep(self._identity)
        log.info("kafka_broker_ready", bootstrap=self.bootstrap, seconds=round(time.monotonic() - begun, 2))

    def stop(self, timeout: timedelta = STOP_WITHIN) -> None:
        """End the broker in order, by force when time is up; acknowledged records stay. Nothing where it never ran."""
        if self._process is not None:
            begun = time.monotonic()
            status = self._process.stop(timeout)
            log.info("kafka_broker_stopped", status=status, seconds=round(time.monotonic() - begun, 2))
        self._ended()

    def kill(self) -> None:
        """End the broker at once, as a crash would (SIGKILL): for tests of what survives that."""
        if self._process is not None:
            self._process.kill()
        self._ended()

    def __enter__(self) -> Self:
        """Start, and wait until the broker answers."""
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop in order."""
        self.stop()

    def _ended(self) -> None:
        if self._process is not None:
            self._home.pid = None
        self._home.release()

    def _end_leftover(self) -> None:
        pid = self._home.pid
        if pid is None:
            return
        try:
            if end_leftover(pid, f"{HOME_OPTION}{self._home.root}", STOP_WITHIN):
                log.warning("leftover_kafka_broker_ended", pid=pid)
        except (TimeoutError, PermissionError) as error:
            raise HomeInUseError(
                f"a Kafka broker of an earlier Tidecast (process {pid}) still runs in {self._home.root} and cannot be "
                f"ended ({error}): end it yourself, then start again"
            ) from error
        self._home.pid = None

    def _spawn(self, identity: Identity) -> None:
        self._identity = identity
        self._log_start = size_of(self._home.server_log)
        self._process = self._launcher.spawn()
        self._home.pid = self._process.pid
        log.info("kafka_broker_started", pid=self._process.pid, bootstrap=self.bootstrap, home=str(self._home.root))

    def _retry_or_raise(self, identity: Identity) -> None:
        """After an early end: once more where the cause may be of our own making, else tell what it was."""
        words = self._last_words()
        port_lost = "Address already in use" in words  # taken between our look at it and the broker's
        if not self._may_retry or not (self._launcher.try_without_archive() or port_lost):
            self._ended()
            raise BrokerStartError(f"the Kafka broker ended while starting. {words}")
        log.warning("kafka_broker_start_repeated", words=words)
        self._may_retry = False
        if self._may_move:
            self._port = kept_or_free(self._port)
        check_free(self._host, self._port, setting=_PORT_SETTING)
        identity = replace(identity, controller_port=kept_or_free(identity.controller_port))
        self._home.keep(identity)
        self._launcher.write_settings(identity, host=self._host, port=self._port, forwarded=self._forwarded)
        self._spawn(identity)

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self._host, self._port), _ASK_S).close()
        except OSError:
            return False
        return True

    def _answers(self, admin: AdminClient, identity: Identity) -> bool:
        """Whether the broker answers; PortInUseError where what answers is another one."""
        try:
            cluster = admin.list_topics(timeout=_ASK_S).cluster_id
        except KafkaException:
            return False
        if cluster != identity.cluster_id:
            raise PortInUseError(
                f"another Kafka broker (cluster {cluster}) answers at {self.bootstrap}: stop it, or set "
                f"{_PORT_SETTING} to another port"
            )
        return True

    def _last_words(self) -> str:
        return last_words(self._home.server_log, self._home.console_log, start=self._log_start)


def record_class_archive(jars: Path, java: Java, *, progress: Callable[[str], None]) -> None:
    """Record the class archive for these jars and this Java where there is none: some seconds, once per user.

    Every later EmbeddedKafka with the same jars and Java starts from it. Done by a broker of its own in a temporary
    folder, so that nothing of it touches real data. No failure raises: brokers then start without, in twice the time.
    """
    archive = ClassArchive.of(jars, java)
    if not archive.wanted:
        return
    progress(f"preparing Kafka for quick starts with Java {java.version}, once per user")
    try:
        with tempfile.TemporaryDirectory(prefix="recording-", dir=jars.parent) as folder:
            draft = Path(folder) / "archive"
            with EmbeddedKafka(Path(folder) / "home", port=0, jars=jars, java=java, record_archive_to=draft):
                pass
            draft.replace(archive.path)
    except (BrokerStartError, OSError) as error:
        log.warning("kafka_class_archive_not_recorded", reason=str(error))
        archive.give_up()
