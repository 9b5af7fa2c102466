"""The walk through docs/shadow.md: a second model beside the one that answers, judged by a feed, and switched to."""

from pathlib import Path

from tests.acceptance.observations.walks import NEXT, fed
from tests.integration.services import Api, Service, until


def test_the_walk_works_as_printed(service: Service, api: Api, tmp_path: Path) -> None:
    """But for the pause between values. MSTL is better than yesterday's values, by the same ones; then it answers."""
    walk = fed("shadow.md", "test_shadow_page.py", "tidecast shadow show", service=service, api=api, folder=tmp_path)
    job, forecast = f"/job/{walk.job_id}/", f"/forecasts/{walk.ts_id}"
    assert api.get(forecast)["model_name"] == "SeasonalNaive"
    found = api.get(f"{job}shadow/")

    told = walk.go_on()

    assert found["judged"] > 0
    assert found["better"] == "second"
    assert found["second"]["mae"] < found["first"]["mae"]
    assert "the second is better" in told
    assert "MSTL (second) answers now" in told
    until(lambda: api.get(forecast)["model_name"] == "MSTL", why="MSTL's forecast is the published one")
    assert api.get(forecast)["timestamps"][0] == NEXT
    assert api.get(job)["refresh"] == []
