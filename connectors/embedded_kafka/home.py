"""The folder of an embedded broker: who owns it, whose data is in it, and what of that may be started."""

import fcntl
import json
import os
import shutil
import uuid
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.config import NODE_ID
from connectors.embedded_kafka.errors import DataRefusedError, HomeInUseError
from connectors.embedded_kafka.jars import KAFKA_VERSION

__all__ = ["Identity", "KafkaHome"]

_META: Final = "meta.properties"
_META_FORMAT: Final = "1"  # of meta.properties, as every KRaft release so far writes it


@dataclass(frozen=True, slots=True)
class Identity:
    """What a home keeps from one start to the next."""

    cluster_id: str
    kafka_version: str
    controller_port: int


class KafkaHome:
    """The files of one embedded broker under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.data = self.root / "data"
        self.new_data = self.root / "data.new"
        self.logs = self.root / "logs"
        self.server_log = self.logs / "server.log"
        self.console_log = self.logs / "console.log"
        self._identity = self.root / "identity.json"
        self._pid = self.root / "broker.pid"
        self._lock: int | None = None

    def acquire(self) -> None:
        """Make this process the only owner until `release` or its end; HomeInUseError where another one is."""
        if self._lock is not None:
            return
        self.root.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.root / "owner.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(lock, 20).decode(errors="replace")
            os.close(lock)
            raise HomeInUseError(
                f"the folder {self.root} is in use by a running Tidecast (process {owner}): stop that one, or set "
                "TIDECAST_HOME to another folder"
            ) from error
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self._lock = lock

    def release(self) -> None:
        """Give the folder up; nothing where it is not owned."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def prepare(self) -> None:
        """Make the folders; empty what only the last start needed."""
        self.logs.mkdir(exist_ok=True)
        for leftover in (self.root / "tmp", self.new_data):
            shutil.rmtree(leftover, ignore_errors=True)
        (self.root / "tmp").mkdir()

    def identity(self) -> Identity:
        """The kept identity after checking that the data, where there is any, belongs to it; a new one where both lack.

        DataRefusedError for data of another cluster, of a newer release, without or with unreadable meta.properties.
        Data without a kept identity (copied in, restored) is adopted.
        """
        kept = self._read_identity()
        if kept is not None and _numbers(kept.kafka_version) > _numbers(KAFKA_VERSION):
            raise DataRefusedError(
                f"{self.data} was last written by Kafka {kept.kafka_version}, which {KAFKA_VERSION} cannot read: use "
                "the newer Tidecast again, or set TIDECAST_HOME to another folder"
            )
        found = self._cluster_of_data()
        if kept is None:
            return Identity(found or _new_cluster_id(), KAFKA_VERSION, controller_port=0)
        if found is not None and found != kept.cluster_id:
            raise DataRefusedError(
                f"{self.data} holds data of the Kafka cluster {found}, but this folder's broker is {kept.cluster_id}: "
                f"put its own data back, or delete {self._identity} to go on with the data that is there"
            )
        return kept

    def keep(self, identity: Identity) -> None:
        """Write the identity, whole or not at all."""
        draft = self._identity.with_suffix(".new")
        draft.write_text(json.dumps(asdict(identity), indent=1) + "\n", encoding="utf-8")
        draft.replace(self._identity)

    @property
    def formatted(self) -> bool:
        """Whether the data folder is there to be opened."""
        return (self.data / _META).exists()

    @property
    def pid(self) -> int | None:
        """The process id of the broker started last and not seen to end."""
        try:
            return int(self._pid.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    @pid.setter
    def pid(self, pid: int | None) -> None:
        if pid is None:
            with suppress(FileNotFoundError):
                self._pid.unlink()
        else:
            self._pid.write_text(str(pid), encoding="ascii")

    def _read_identity(self) -> Identity | None:
        try:
            fields = json.loads(self._identity.read_text(encoding="utf-8"))
            return Identity(str(fields["cluster_id"]), str(fields["kafka_version"]), int(fields["controller_port"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataRefusedError(
                f"{self._identity} cannot be read ({error}): restore it, or delete it to go on with the data there is"
            ) from error

    def _cluster_of_data(self) -> str | None:
        """The cluster id in the data folder, None where that is empty or absent; DataRefusedError where unsound."""
        if not self.data.is_dir() or not any(self.data.iterdir()):
            return None
        meta = self.data / _META
        remedy = f"restore it from a backup, or, if the data may go, delete {self.data}"
        try:
            lines = meta.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise DataRefusedError(f"{self.data} holds data, but {_META} is missing: {remedy}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise DataRefusedError(f"{meta} cannot be read ({error}): {remedy}") from error
        fields = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        for name, expected in (("version", _META_FORMAT), ("node.id", str(NODE_ID))):
            if fields.get(name) != expected:
                raise DataRefusedError(f"{meta} says {name}={fields.get(name)}, expected was {expected}: {remedy}")
        if not fields.get("cluster.id"):
            raise DataRefusedError(f"{meta} names no cluster.id: {remedy}")
        return fields["cluster.id"]


def _new_cluster_id() -> str:
    """A random cluster id in Kafka's form; never with a leading dash, which its tool would take for an option."""
    while True:
        text = urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not text.startswith("-"):
            return text


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
