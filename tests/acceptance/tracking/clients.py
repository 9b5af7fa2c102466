"""Stock clients in processes of their own, which know nothing of the service but its address."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from schemas.workloads import MetricPoint
from tests.integration.services import Service

__all__ = ["mlflow_environment", "points_of", "run_client", "start_client", "wandb_environment"]


def wandb_environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """Of a W&B client that calls this service alone."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "WANDB_API_KEY": "a" * 40,
        "WANDB_BASE_URL": url,
        "WANDB_DIR": str(folder),
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_MODE": "online",
        "WANDB_SILENT": "true",
        **more,
    }


def mlflow_environment(url: str, folder: Path) -> dict[str, str]:
    """Of an MLflow client that calls this service alone."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": url,
    }


def start_client(script: str, environment: dict[str, str], folder: Path) -> "subprocess.Popen[str]":
    """The script's process; what it prints can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_client(script: str, environment: dict[str, str], folder: Path) -> str:
    """What the script prints; it must end well."""
    process = start_client(script, environment, folder)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    return printed


def points_of(service: Service, uid: str) -> dict[str, list[tuple[int, float | None]]]:
    """Step and value of each point of a workload by metric, as the public topic has them; a repeat counts once."""
    found: dict[Any, MetricPoint] = {}
    for message in service.read_all(service.topics.metrics):
        if message.key() == uid.encode():
            point: MetricPoint = service.codec.decode(message.value())
            found.setdefault((point.metric_name, point.data_source, point.iteration, point.timestamp), point)
    by_name: dict[str, list[tuple[int, float | None]]] = {}
    for point in found.values():
        by_name.setdefault(point.metric_name, []).append((point.iteration, point.value))
    return by_name
