"""The walk through docs/shadow.md: a second model beside the one that answers, judged by a feed, and switched to."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.services import Api, Service, until

_PAGE = Path(__file__).parents[3] / "docs" / "shadow.md"
_BLOCK = re.compile(r"<!-- tested: tests/acceptance/observations/test_shadow_page.py -->\n```bash\n(.*?)```", re.DOTALL)
_NEXT = "2021-05-06 17:00:00"  # behind the last value


def test_the_walk_works_as_printed(service: Service, api: Api, tmp_path: Path) -> None:
    """But for the pause between values. MSTL is better than yesterday's values, by the same ones; then it answers."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = os.environ | {"TIDECAST_HOME": str(service.settings.home), "COLUMNS": "200"}

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
    feed, show = block.split("tidecast shadow show")
    run(feed)
    job_id = api.get("/job/")["jobs"][-1]["job_id"]
    [ts_id] = [one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]]
    until(
        lambda: api.get(f"/forecasts/{ts_id}")["timestamps"][0] == _NEXT, why="a forecast begins behind the last value"
    )
    until(lambda: api.get(f"/job/{job_id}/")["status"] >= 3, why="both models have forecast")
    assert api.get(f"/forecasts/{ts_id}")["model_name"] == "SeasonalNaive"
    found = api.get(f"/job/{job_id}/shadow/")

    told = run(f". .venv/bin/activate\njob={job_id}\ntidecast shadow show{show}")

    assert found["judged"] > 0
    assert found["better"] == "second"
    assert found["second"]["mae"] < found["first"]["mae"]
    assert "the second is better" in told
    assert "MSTL (second) answers now" in told
    until(lambda: api.get(f"/forecasts/{ts_id}")["model_name"] == "MSTL", why="MSTL's forecast is the published one")
    assert api.get(f"/forecasts/{ts_id}")["timestamps"][0] == _NEXT
    assert api.get(f"/job/{job_id}/")["refresh"] == []
