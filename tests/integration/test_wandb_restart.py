"""The stock W&B client goes through deaths of the worker that it reports to: every row arrives, once."""

import signal
from collections import Counter
from pathlib import Path

import httpx

from tests.acceptance.tracking.clients import start_client, wandb_environment
from tests.integration.services import READY_S, Service, running_service, until

ROWS = 20_000
SCRIPT = f"""
import pathlib, time, wandb
run = wandb.init(project="demo", name="long run")
for step in range({ROWS}):
    run.log({{"train/loss": 1 / (step + 1), "train/step": step}})
    if step in ({ROWS // 4}, {ROWS // 2}):
        pathlib.Path(f"at-{{step}}").touch()
        time.sleep(3)
run.finish()
"""


def _counts(service: Service) -> dict[str, int]:
    answer = httpx.get(f"{service.stack.url}/api/v1/workloads/run-long1/metrics/available", timeout=30)
    return {it["name"]: it["count"] for it in answer.json().get("metrics", ())} if answer.status_code == 200 else {}


def test_M061_20_000_rows_arrive_once_over_deaths_of_the_worker(tmp_path: Path) -> None:
    """Killed twice while rows are on their way; then the run is finished, and its points are complete."""
    folder = tmp_path / "client"
    folder.mkdir()
    with running_service(tmp_path / "home") as service:
        environment = wandb_environment(service.stack.url, folder, WANDB_RUN_ID="long1")
        client = start_client(SCRIPT, environment, folder)
        for step in (ROWS // 4, ROWS // 2):
            until((folder / f"at-{step}").exists, within=120, why=f"row {step} is logged")
            service.signal("state", signal.SIGKILL)
            until(service.is_ready, why="the worker is there again")
        printed, _ = client.communicate(timeout=150)
        assert client.returncode == 0, printed
        complete = {"train/loss": ROWS, "train/step": ROWS}
        until(lambda: _counts(service) == complete, within=READY_S, why="all rows are there")
        url = f"{service.stack.url}/api/v1/workloads"
        lines = httpx.get(f"{url}/run-long1/metrics/data?metrics=train/step&format=csv", timeout=30).text.splitlines()
        listed = [it for it in httpx.get(url, timeout=30).json()["workloads"] if it["workload_uid"] == "run-long1"]

    steps = Counter((int(it[3]), float(it[1])) for it in (line.split(",") for line in lines[1:]))
    assert steps == Counter((step, float(step)) for step in range(ROWS))
    assert [(it["name"], it["kind"], it["status"]) for it in listed] == [("long run", "wandb-run", "succeeded")]
