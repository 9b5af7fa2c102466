"""Users' programs: from POST to the first line against the bare command, and from POST of a stop to no process left."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

from benchmarks.report import console, show
from streams.settings import Settings
from streams.workers.stack import Stack

__all__ = ["run"]

_RUNS = 7
_PROJECT = "bench"
_PROGRAM = "import time\nprint(time.time(), flush=True)\n"
_WAITS = f"{_PROGRAM}while True: time.sleep(0.05)\n"
_DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{_WAITS}"
_LIMIT_S = 60.0


def run() -> None:
    """Measure and print; bare runs and ours take turns."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "boot.py").write_text(_PROGRAM, "utf-8")
        settings = Settings(home=home / "home", http_port=0, kafka_port=0, user_code="process")
        with Stack(settings, progress=lambda text: console.print(f"[dim]{text}[/]")) as stack:
            bench = _Bench(stack.url, home / "home" / "runs")
            bench.started("warm", _PROGRAM)  # the trainer has found its group by then
            bare, ours, polite, deaf = [], [], [], []
            for number in range(_RUNS):
                bare.append(_bare(home / "boot.py"))
                ours.append(bench.started(f"ends-{number}", _PROGRAM)[0])
                polite.append(bench.stopped(f"waits-{number}", _WAITS))
                deaf.append(bench.stopped(f"deaf-{number}", _DEAF))
    rows = [
        ("bare command to its first line", _shown(bare), ""),
        ("POST of a job to the same line", _shown(ours), f"{median(ours) - median(bare):.2f} s more; ≤ 1 s"),
        ("POST of a stop to no process left", _shown(polite), "≤ 2 s"),
        ("the same where SIGTERM is ignored", _shown(deaf), "≤ 2 s"),
    ]
    show(f"A user's program, {_RUNS} runs each", ("what", "", "goal"), rows)


def _bare(file: Path) -> float:
    begun = time.time()
    told = subprocess.run([sys.executable, file], capture_output=True, check=True)
    return float(told.stdout) - begun


class _Bench:
    """Runs programs by HTTP."""

    def __init__(self, url: str, runs: Path) -> None:
        self._http = httpx.Client(base_url=url, timeout=60)
        self._runs = str(runs)

    def started(self, name: str, program: str) -> tuple[float, str]:
        """Seconds to its first line, and the address of its version."""
        folder = f"/uploads/{name}"
        self._http.put(f"{folder}/boot.py", content=program.encode()).raise_for_status()
        config = {
            "worker_server_num": 1,
            "spec_id": 1,
            "app_url": f"{folder}/",
            "boot_file_url": f"{folder}/boot.py",
            "data_url": f"{folder}/",
        }
        begun = time.time()
        made = self._http.post(f"/v1/{_PROJECT}/training-jobs", json={"job_name": name, "config": config}).json()
        path = f"/v1/{_PROJECT}/training-jobs/{made['job_id']}/versions/{made['version_id']}"
        (first,) = _until(lambda: [line for line in self._log(path) if line.replace(".", "").isdigit()])
        return float(first) - begun, path

    def stopped(self, name: str, program: str) -> float:
        """Seconds from the stop to the end of the last of its processes."""
        _, path = self.started(name, program)
        mine = _until(lambda: [one for one in psutil.process_iter() if f"{self._runs}/" in _words(one)])
        begun = time.perf_counter()
        self._http.post(f"{path}/stop").raise_for_status()
        _until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in mine))
        return time.perf_counter() - begun

    def _log(self, path: str) -> Sequence[str]:
        lines: Sequence[str] = self._http.get(f"{path}/aom-log").json()["content"].splitlines()
        return lines


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _LIMIT_S
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.01)
    raise RuntimeError("it did not come in time")


def _shown(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f} s [{min(seconds):.2f} … {max(seconds):.2f}]"
