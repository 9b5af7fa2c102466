"""The real program in a test: run to its end, or kept running, on a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.integration.services import until

__all__ = ["SOON_S", "Home", "Up"]

PROGRAM = Path(sys.executable).with_name("tidecast")
SOON_S = 120  # for whatever takes seconds on an idle machine


class Home:
    """A TIDECAST_HOME, and the program run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDECAST_")}
        self.environment |= {"TIDECAST_HOME": str(folder), "TIDECAST_HTTP_PORT": "0", "TIDECAST_KAFKA_PORT": "0"}

    def run(self, *arguments: object, within: float = SOON_S, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command to its end; whatever it is, it shows no traceback."""
        ended = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=within,
        )
        assert "Traceback" not in ended.stdout + ended.stderr, ended.stderr
        return ended

    def start(self, log: Path, *arguments: object) -> subprocess.Popen[bytes]:
        """A command that goes on; all it prints is in `log`."""
        with log.open("wb") as printed:
            return subprocess.Popen(
                [PROGRAM, *map(str, arguments)], env=self.environment, stdout=printed, stderr=subprocess.STDOUT
            )

    @property
    def notes(self) -> Mapping[str, str]:
        """Where the service answers."""
        found: dict[str, str] = json.loads((self.folder / "service.json").read_text("utf-8"))
        return found

    def processes(self) -> list[int]:
        """Workers and brokers of this home."""
        marks = {f"-Xtidecast-home={self.folder}", f"-Dtidecast.home={self.folder}"}
        running = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
        return [pid for pid in running if marks & _command_line(pid)]


def _command_line(pid: int) -> set[str]:
    try:
        return set(Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0"))
    except OSError:
        return set()


class Up(Home):
    """A home with `tidecast up` on it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.log = folder.parent / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        self._process = self.start(self.log, "up")
        until(lambda: "Tidecast is ready" in self.log.read_text("utf-8"), within=SOON_S, why="tidecast up is ready")

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Self]:
        """One that is ready; it is told to end at the end."""
        made = cls(folder)
        made.up()
        yield made
        made.end()

    def wait(self) -> int:
        """The exit status once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(SOON_S)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def end(self) -> int:
        """The exit status after SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(SOON_S)
