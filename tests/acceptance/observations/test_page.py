"""The walk through docs/streaming.md: a real feed, forecasts that follow it, and how good they were."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.services import Api, Service, until

_PAGE = Path(__file__).parents[3] / "docs" / "streaming.md"
_BLOCK = re.compile(r"<!-- tested: tests/acceptance/observations/test_page.py -->\n```bash\n(.*?)```", re.DOTALL)
_NEXT = "2021-05-06 17:00:00"  # behind the last value


def test_the_walk_works_as_printed(service: Service, api: Api, tmp_path: Path) -> None:
    """But for the pause between values. The latest forecast begins behind the last; the better model is found out."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = os.environ | {"TIDECAST_HOME": str(service.settings.home)}

    def run(script: str) -> str:
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    [block] = _BLOCK.findall(_PAGE.read_text("utf-8"))
    block = block.replace("http://127.0.0.1:8080", service.stack.url).replace("--every 0.5", "--every 0.2")
    feed, judge = block.split("tidecast accuracy")
    run(feed)
    job_id = api.get("/job/")["jobs"][-1]["job_id"]
    [series] = api.get(f"/job/{job_id}/ts_details/")["ts_details"]
    until(
        lambda: api.get(f"/forecasts/{series['ts_id']}")["timestamps"][0] == _NEXT,
        why="a forecast begins behind the last value",
    )
    until(lambda: api.get(f"/job/{job_id}/")["status"] >= 3, why="both models have forecast")
    told = run(f". .venv/bin/activate\njob={job_id}\ntidecast accuracy{judge}")

    assert "SeasonalNaive" in told
    found = api.get(f"/job/{job_id}/accuracy/")
    models = {one["model_name"]: one for one in found["models"]}
    assert set(models) == {"MSTL", "SeasonalNaive"}
    assert models["MSTL"]["mae"] < models["SeasonalNaive"]["mae"]
    assert "refresh" not in api.get(f"/job/{job_id}/") or not api.get(f"/job/{job_id}/")["refresh"]
