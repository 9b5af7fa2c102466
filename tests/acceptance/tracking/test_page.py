"""The sections of docs/metrics.md on other trackers' clients and files, exactly as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.integration.services import Service, until
from tests.unit.connectors.metric_sources.event_samples import event, event_file, tensor

_PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
_BLOCK = re.compile(r"<!-- tested: tests/acceptance/tracking/test_page.py -->\n```(bash|python)\n(.*?)```", re.DOTALL)


def test_every_command_of_the_sections_works_as_printed(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    """Keras, TensorBoard, W&B, MLflow and logs: each of their workloads has its points."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    event_file(tmp_path / "logs" / "train", [event(1704067200.0, n, tensor("epoch_loss", 1 / n)) for n in range(1, 4)])
    (tmp_path / "train.log").write_text("2024-01-01 00:00:00 step 1: loss=0.5\nit 2 cost 0.25\n", "utf-8")
    environment = os.environ | {
        "DO_NOT_TRACK": "true",
        "HOME": str(tmp_path),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TIDECAST_HOME": str(service.settings.home),
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_SILENT": "true",
    }
    for kind, block in _BLOCK.findall(_PAGE.read_text("utf-8")):
        script = block.replace("http://127.0.0.1:8080", service.stack.url)
        command = ["bash", "-euc", script] if kind == "bash" else [sys.executable, "-c", script]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr

    def found() -> dict[str, list[str]]:
        listed = http.get("/api/v1/workloads").json()["workloads"]
        uids = {it["workload_uid"]: it["name"] for it in listed}
        metrics = {
            name: http.get(f"/api/v1/workloads/{uid}/metrics/available").json()["metrics"] for uid, name in uids.items()
        }
        return {name: sorted(it["name"] for it in some) for name, some in metrics.items()}

    wanted = {
        "keras-1": ["accuracy", "loss"],
        "keras-2": ["accuracy", "loss"],
        "mnist-2": ["train/epoch_loss"],
        "page run": ["train/loss"],
        "offline-1": ["train/loss"],
        "page mlflow run": ["train/loss"],
        "train-1": ["cost", "loss"],
    }
    until(lambda: wanted.items() <= found().items(), why=f"all are there: {found()}")
