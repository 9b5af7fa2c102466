"""docs/metrics.md, exactly as it is printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.acceptance.workloads.workloads_clients import data
from tests.integration.services import Service

_PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
_BLOCK = re.compile(r"<!-- tested: tests/acceptance/workloads/test_page.py -->\n```(bash|python)\n(.*?)```", re.DOTALL)


def test_every_command_of_the_page_works_as_printed(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    """One after the other: points sent, asked for, watched, drawn, exported, and read again from the topic."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    environment = os.environ | {"TIDECAST_HOME": str(service.settings.home), "MPLBACKEND": "agg"}
    said = []
    for kind, block in _BLOCK.findall(_PAGE.read_text("utf-8")):
        script = block.replace("http://127.0.0.1:8080", service.stack.url)
        command = ["bash", "-euc", script] if kind == "bash" else [sys.executable, "-c", script]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        said.append(ran.stdout)
    sent, asked, live, drawn, own, commands = said

    assert json.loads(sent) == {"accepted": 3}
    assert '"name":"train/loss","data_source":["log"],"count":2' in asked
    assert (tmp_path / "training_metrics.csv").read_text("utf-8").count("\n") == 4
    assert "event: points" in live
    assert drawn == "2 points, the last one 1.8765\n"
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert own == ""
    assert data(http, "own-1")["total_count"] == 40
    assert "█" in commands
    assert "points were read in" in commands
    assert (tmp_path / "loss.csv").read_text("utf-8").count("\n") == 21


def test_M089_figures_of_our_own_are_stated_as_they_were_measured() -> None:
    """Points ingested per second, and the time of a data call over a stated number of points."""
    page = _PAGE.read_text("utf-8").partition("## How quick")[2].partition("\n## ")[0]
    measured = (_PAGE.parents[1] / "benchmarks" / "README.md").read_text("utf-8")
    posted = re.search(r"\| points posted, .*? \| ([\d,]+)/s", measured)
    asked = re.search(r"\| a window of 10,000 of a million points .*? \| p50 (\d+ ms), p99 (\d+ ms)", measured)

    assert posted is not None
    assert f"{round(int(posted[1].replace(',', '')), -3):,} points/s from POST to readable" in page
    assert asked is not None
    for words in ("10,000 points out of a million", f"in {asked[1]} (median; {asked[2]}"):
        assert words in page
