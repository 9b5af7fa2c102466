"""Walks through pages of docs/ that begin with a feed: as a reader's shell runs them."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.integration.services import Api, Service, until

__all__ = ["NEXT", "Walk", "fed"]

NEXT: Final = "2021-05-06 17:00:00"  # behind the last value of the feed
_DOCS: Final = Path(__file__).parents[3] / "docs"


@dataclass(frozen=True)
class Walk:
    """A walk whose feed has ended: the job and its series, and what of the page is still to come."""

    folder: Path
    home: Path
    job_id: int
    ts_id: int
    rest: str

    def go_on(self) -> str:
        """What the rest prints."""
        return _ran(f". .venv/bin/activate\njob={self.job_id}\n{self.rest}", self.folder, self.home)


def fed(page: str, test: str, rest: str, *, service: Service, api: Api, folder: Path) -> Walk:
    """The walk of a page that names this test, run but for a shorter pause up to where `rest` begins.

    Each model has forecast from behind the last value then.
    """
    tested = f"<!-- tested: tests/acceptance/observations/{test} -->\n```bash\n(.*?)```"
    [block] = re.findall(tested, (_DOCS / page).read_text("utf-8"), re.DOTALL)
    block = block.replace("http://127.0.0.1:8080", service.stack.url).replace("--every 0.5", "--every 0.2")
    feed, more = block.split(rest)
    (folder / ".venv").symlink_to(sys.prefix)
    _ran(feed, folder, service.settings.home)
    job_id = api.get("/job/")["jobs"][-1]["job_id"]
    [series] = api.get(f"/job/{job_id}/ts_details/")["ts_details"]
    until(
        lambda: api.get(f"/forecasts/{series['ts_id']}")["timestamps"][0] == NEXT,
        why="a forecast begins behind the last value",
    )
    until(lambda: api.get(f"/job/{job_id}/")["status"] >= 3, why="both models have forecast")
    return Walk(folder, service.settings.home, job_id, series["ts_id"], f"{rest}{more}")


def _ran(script: str, folder: Path, home: Path) -> str:
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"TIDECAST_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
