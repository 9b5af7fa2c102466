"""`tidecast jobs …` as a new user types it, against a live service."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.services import Service, until

_TIDECAST = Path(sys.prefix) / "bin" / "tidecast"
_STEADY = """import time
step = 0
while True:
    step += 1
    print(f"Epoch {step}/900 - loss: {1 / step}", flush=True)
    time.sleep(0.1)
"""
Tidecast = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def tidecast(user_code: Service, tmp_path: Path) -> Iterator[Tidecast]:
    """Begin a command in a folder of its own; what runs still is ended with the test."""
    begun = []
    environment = os.environ | {"TIDECAST_HOME": str(user_code.settings.home), "COLUMNS": "120"}

    def begin(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [_TIDECAST, "jobs", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def ran(process: "subprocess.Popen[str]", status: int = 0) -> tuple[str, str]:
    """What a command printed and complained of."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, (out, err)
    return out, err


def test_a_script_is_run_followed_listed_stopped_and_deleted(tidecast: Tidecast, tmp_path: Path) -> None:
    """By the name of its job alone."""
    (tmp_path / "steady.py").write_text(_STEADY, "utf-8")
    (tmp_path / "data.csv").write_text("1\n", "utf-8")
    out, _ = ran(tidecast("run", "steady", "steady.py", "--data", "data.csv"))
    assert len(out.split()) == 2
    followed = tidecast("logs", "-f", "steady")
    assert followed.stdout is not None
    until(lambda: "Epoch 2/900 - loss: 0.5" in followed.stdout.readline(), why="the log is followed")
    assert "running" in ran(tidecast("list"))[0]
    ran(tidecast("stop", "steady"))
    rest, complaint = ran(followed, 1)
    assert rest.splitlines()[-1] == "stopped"
    assert "steady V0001 stopped" in complaint

    shown, _ = ran(tidecast("show", "steady"))
    assert "V0001" in shown
    assert "stopped" in shown
    assert "has ended" in ran(tidecast("stop", "steady"), 1)[1]
    ran(tidecast("delete", "steady"))
    assert "there is no job steady" in ran(tidecast("show", "steady"), 1)[1]
