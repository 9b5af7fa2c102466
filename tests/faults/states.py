"""State workers on one broker that a case starts and kills as it likes; what the first one sends can be held up."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from yarl import URL

from connectors.embedded_kafka.broker import EmbeddedKafka
from streams.access.vault import Vault
from streams.settings import Settings
from streams.topics import Topics
from streams.views.web.admission.hops import Hops
from tests.faults.history import History, RecordingApi
from tests.integration.processes import WorkerProcess, only
from tests.integration.services import until

__all__ = ["HELD_UP", "SilentLink", "States"]

HELD_UP = "1"  # the state worker that reaches the broker through the link
_PRODUCE = b"\0\0"  # the number of this request in Kafka's protocol
_SIZE, _HEAD = 4, 6  # bytes of a request's size, and of that and its number
_CHUNK = 1 << 20
_SECRET = "0123456789abcdef" * 2  # by which the workers know each other, and believe what a case asks as one of them


class SilentLink:
    """A way to the broker on which the connections of producers can fall silent, and those of consumers go on.

    Nothing is lost: what a producer sends meanwhile comes when the silence is over.
    """

    def __init__(self, port: int, broker_port: int) -> None:
        self._broker_port = broker_port
        self._flows = threading.Event()
        self._flows.set()
        self._server = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Hold up what producers send, in the block."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def close(self) -> None:
        """Take no more connections."""
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._server.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self._broker_port))
                except OSError:
                    client.close()
                    continue
                for ends in ((client, broker, True), (broker, client, False)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_request: bool) -> None:
        requests = _Requests()
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if is_request:
                    requests.read(data)
                if requests.produce:
                    self._flows.wait()
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Requests:
    """The requests of one connection, as they come in pieces: whether one of them was a producer's."""

    def __init__(self) -> None:
        self.produce = False
        self._unread = b""

    def read(self, data: bytes) -> None:
        """Look at what has come: each request has its size before it, and begins with its number."""
        self._unread += data
        while len(self._unread) >= _HEAD and not self.produce:
            self.produce = self._unread[_SIZE:_HEAD] == _PRODUCE
            end = _SIZE + int.from_bytes(self._unread[:_SIZE])
            if len(self._unread) < end:
                break
            self._unread = self._unread[end:]


class States:
    """State workers by name, and a trainer; each is started again under its name when it is asked for."""

    def __init__(self, kafka: EmbeddedKafka, link_port: int, folder: Path, prefix: str) -> None:
        self.bootstrap = kafka.bootstrap
        self.topics = Topics(Settings(home=folder, topic_prefix=prefix))
        self.prefix = prefix
        self._held_up = f"127.0.0.1:{link_port}"
        self._hops = Hops(Vault(_SECRET.encode()).hop_key)
        self._folder = folder
        self._running: dict[str, WorkerProcess] = {}
        self.trainer = self._worker("trainer", "1", self.bootstrap)

    def __getitem__(self, name: str) -> WorkerProcess:
        return self._running[name]

    def start(self, name: str) -> WorkerProcess:
        """Start one, also where it has been killed; does not wait."""
        bootstrap = self._held_up if name == HELD_UP else self.bootstrap
        self._running[name] = self._worker("state", name, bootstrap)
        return self._running[name]

    def are(self, *names: str) -> None:
        """Bring it about that exactly these run, that each owns partitions, and that they own all between them.

        One that was ended in order stays in the group until its session is over, so that it is back at once where it is
        started again: what it owned is nobody's until then.
        """
        for name in only(self._running, names):
            self.start(name)
            until(self[name].is_ready, why=f"state worker {name} is ready")
        until(lambda: self._are_settled(names), why=f"{names} own all partitions")

    def _are_settled(self, names: Sequence[str]) -> bool:
        owned = [self.owned(name) for name in names]
        return all(owned) and sum(owned) == self.topics.partitions and all(self[name].is_ready() for name in names)

    def owned(self, name: str) -> int:
        """How many partitions the worker owns; none while it does not answer."""
        try:
            text = httpx.get(f"{self[name].url}/metrics", timeout=5).text
        except httpx.TransportError:
            return 0
        lines = [line for line in text.splitlines() if line.startswith("tidecast_partitions ")]
        return int(float(lines[0].split()[1])) if lines else 0

    def has_itself(self, name: str, path: str) -> bool:
        """Whether the worker answers for what is at the path; what another one owns it does not pass on."""
        url = URL(f"{self[name].url}{path}")
        return httpx.get(str(url), headers=self._hops.header("GET", url), timeout=30).status_code == 200

    def api(self, name: str, history: History) -> RecordingApi:
        """A client of one of them."""
        return RecordingApi(self[name].url, history)

    def end(self) -> None:
        """Kill all."""
        for worker in (*self._running.values(), self.trainer):
            worker.kill()

    def _worker(self, role: str, name: str, bootstrap: str) -> WorkerProcess:
        environment = {
            "TIDECAST_CLUSTER_SECRET": _SECRET,
            "TIDECAST_HOME": str(self._folder),
            "TIDECAST_KAFKA_BOOTSTRAP": bootstrap,
            "TIDECAST_TOPIC_PREFIX": self.prefix,
            "TIDECAST_GROUP_PREFIX": self.prefix,
        }
        return WorkerProcess(role, name, environment, self._folder)
