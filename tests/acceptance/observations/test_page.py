"""The walk through docs/streaming.md: a real feed, forecasts that follow it, and how good they were."""

from pathlib import Path

from tests.acceptance.observations.walks import fed
from tests.integration.services import Api, Service


def test_the_walk_works_as_printed(service: Service, api: Api, tmp_path: Path) -> None:
    """But for the pause between values. The latest forecast begins behind the last; the better model is found out."""
    walk = fed("streaming.md", "test_page.py", "tidecast accuracy", service=service, api=api, folder=tmp_path)
    told = walk.go_on()

    assert "SeasonalNaive" in told
    found = api.get(f"/job/{walk.job_id}/accuracy/")
    models = {one["model_name"]: one for one in found["models"]}
    assert set(models) == {"MSTL", "SeasonalNaive"}
    assert models["MSTL"]["mae"] < models["SeasonalNaive"]["mae"]
    assert "refresh" not in api.get(f"/job/{walk.job_id}/") or not api.get(f"/job/{walk.job_id}/")["refresh"]
