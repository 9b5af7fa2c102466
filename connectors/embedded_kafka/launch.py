"""Runs Kafka's programs from the jars: the formatting tool, and the server as a guarded child."""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.class_archive import ClassArchive
from connectors.embedded_kafka.config import LOG4J2_PROPERTIES, ForwardedPort, Sizes, java_options, server_properties
from connectors.embedded_kafka.errors import BrokerStartError
from connectors.embedded_kafka.home import Identity, KafkaHome
from connectors.embedded_kafka.java import Java
from connectors.processes.guarded_process import GuardedProcess

__all__ = ["KafkaLauncher"]

_FORMAT_WITHIN_S: Final = 120.0  # half a second to three on an idle machine
_EXCERPT_LINES: Final = 8


class KafkaLauncher:
    """Knows the command lines of one broker; starts from the class archive where there is one that works."""

    def __init__(
        self,
        home: KafkaHome,
        *,
        jars: Path,
        java: Java,
        sizes: Sizes,
        record_archive_to: Path | None = None,
    ) -> None:
        self._home = home
        self._java = java
        self._sizes = sizes
        self._options = java_options(java, home=home.root, sizes=sizes)
        # Nothing of the user's environment: it may hold secrets, and options meant for other Javas.
        class_path = ":".join(str(path.absolute()) for path in sorted(jars.glob("*.jar")))
        self._environment = {"CLASSPATH": class_path, "LANG": "C.UTF-8"}
        self._archive = ClassArchive.of(jars, java)
        self._archive_options = self._archive.use_options if self._archive.usable else []
        self._archive_suspected = False
        self._record_options = [] if record_archive_to is None else self._archive.record_options(record_archive_to)

    def write_settings(
        self, identity: Identity, *, host: str, port: int, forwarded: Sequence[ForwardedPort] = ()
    ) -> None:
        """Write what `format_storage` and `spawn` read."""
        for name, log_dir in (("server", self._home.data), ("format", self._home.new_data)):
            text = server_properties(
                host=host,
                port=port,
                controller_port=identity.controller_port,
                log_dir=log_dir.name,
                sizes=self._sizes,
                forwarded=forwarded,
            )
            (self._home.root / f"{name}.properties").write_text(text, encoding="latin-1")
        (self._home.root / "log4j2.properties").write_text(LOG4J2_PROPERTIES, encoding="latin-1")

    def format_storage(self, cluster_id: str) -> None:
        """Make the data folder with Kafka's own tool, whole or not at all; BrokerStartError where that fails."""
        command = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", "format.properties"]
        while True:
            shutil.rmtree(self._home.new_data, ignore_errors=True)
            try:
                done = subprocess.run(
                    self._command(command),
                    cwd=self._home.root,
                    env=self._environment,
                    capture_output=True,
                    text=True,
                    timeout=_FORMAT_WITHIN_S,
                    check=False,
                    start_new_session=True,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise BrokerStartError(f"Kafka's storage in {self._home.root} cannot be formatted: {error}") from error
            if done.returncode == 0:
                break
            if not self.try_without_archive():
                words = [
                    line for line in (done.stderr + done.stdout).splitlines() if line and not line.startswith("\t")
                ]
                raise BrokerStartError(
                    f"Kafka's storage in {self._home.root} cannot be formatted: {' | '.join(words[:_EXCERPT_LINES])}"
                )
        with suppress(FileNotFoundError):
            self._home.data.rmdir()  # an empty one: any other was refused before
        self._home.new_data.rename(self._home.data)

    def spawn(self) -> GuardedProcess:
        """Start the server; BrokerStartError where there is no such Java."""
        try:
            return GuardedProcess(
                self._command([*self._record_options, "kafka.Kafka", "server.properties"]),
                cwd=self._home.root,
                env=self._environment,
                output=self._home.console_log,
            )
        except OSError as error:
            raise BrokerStartError(f"{self._java.path} cannot be run: {error}") from error

    def try_without_archive(self) -> bool:
        """From now on start without the class archive; False where that is already so."""
        if not self._archive_options:
            return False
        self._archive_options = []
        self._archive_suspected = True
        return True

    def started(self) -> None:
        """Note that the server is up: if only without its archive, then the archive was to blame and goes for good."""
        if self._archive_suspected:
            self._archive.give_up()
            self._archive_suspected = False

    def _command(self, main: list[str]) -> list[str]:
        return [str(self._java.path), *self._options, *self._archive_options, *main]
