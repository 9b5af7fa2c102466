"""A small ONNX model asked over HTTP by 1 and 16 clients, against MLServer with the same file and the same requests."""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import orjson
from skl2onnx import to_onnx

from benchmarks.end_to_end import service
from benchmarks.report import console, show

__all__ = ["run"]

_ROOT: Final = Path(__file__).parents[1]
_ENVIRONMENT: Final = Path(os.environ.get("TIDECAST_MLSERVER_VENV", _ROOT / ".venv-mlserver"))
_LOAD: Final = _ROOT / "benchmarks" / "peers" / "http_load.py"
_CLIENTS: Final = (1, 16)
_RUNS: Final = 3
_SECONDS: Final = float(os.environ.get("TIDECAST_BENCH_SECONDS", "4"))
_READY_WITHIN_S: Final = 90.0
_FLOWER: Final = [5.1, 3.5, 1.4, 0.2]
_TENSORS: Final = orjson.dumps({"inputs": [{"name": "X", "shape": [1, 4], "datatype": "FP32", "data": _FLOWER}]})
_RECORDS: Final = orjson.dumps({"X": {"X": [_FLOWER]}})


@dataclass(frozen=True, slots=True)
class _Door:
    """An address and what it is asked."""

    name: str
    url: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Load:
    """Requests a second, and the times that they took."""

    rate: float
    p50: float
    p99: float


def run() -> None:
    """Measure and print; the doors take turns, so that a busy machine hits all."""
    sys.path.append(str(_ROOT / "examples"))
    import make_models  # noqa: PLC0415 - an example, which is no package

    model = make_models.models()["logistic"]
    content = to_onnx(model, np.zeros((1, 4), np.float32), options={"zipmap": False}).SerializeToString()
    if not (_ENVIRONMENT / "bin" / "mlserver").exists():
        console.print(f"{_ENVIRONMENT} is not there: `make bench-mlserver` installs what ours is compared with")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "iris.onnx"
        file.write_bytes(content)
        with service(Path(folder) / "home") as url, _mlserver(file) as other:
            _deploy(url, file)
            doors = [
                _Door("ours, /v2", url, "/v2/models/iris/infer", _TENSORS),
                _Door("ours, /api/v1/scv", url, "/api/v1/scv/pmml/iris", _RECORDS),
                *([_Door("MLServer", other, "/v2/models/iris/infer", _TENSORS)] if other else []),
            ]
            for clients in _CLIENTS:
                _compare(doors, clients)
    console.print("goal: ours ≥ 2x the requests, p99 ≤ 0.5x MLServer's")


def _compare(doors: list[_Door], clients: int) -> None:
    runs: dict[str, list[_Load]] = {door.name: [] for door in doors}
    for door in doors:
        _load(door, clients, _SECONDS / 2)  # warm
    for _ in range(_RUNS):
        for door in doors:
            runs[door.name].append(_load(door, clients, _SECONDS))
    of = {name: _Load(*(statistics.median(values) for values in zip(*map(_figures, them), strict=True)))
          for name, them in runs.items()}  # fmt: skip
    last = of[doors[-1].name]
    rows = [
        (name, f"{it.rate:,.0f}", f"{1e3 * it.p50:.2f} ms", f"{1e3 * it.p99:.2f} ms",
         f"{it.rate / last.rate:.1f}x", f"{it.p99 / last.p99:.2f}x")
        for name, it in of.items()
    ]  # fmt: skip
    columns = ("door", "requests/s", "p50", "p99", f"requests to {doors[-1].name}", "p99")
    show(f"iris, one flower a request, {clients} client{'s'[: clients > 1]}, medians of {_RUNS} runs", columns, rows)


def _figures(load: _Load) -> tuple[float, float, float]:
    return load.rate, load.p50, load.p99


def _load(door: _Door, clients: int, seconds: float) -> _Load:
    host, port = door.url.removeprefix("http://").split(":")
    command = [sys.executable, _LOAD, host, port, door.path, str(clients), str(seconds)]
    told = json.loads(subprocess.run(command, input=door.body, stdout=subprocess.PIPE, check=True).stdout)
    p50, p99 = np.quantile(told["seconds"], (0.5, 0.99))
    return _Load(len(told["seconds"]) / told["wall"], float(p50), float(p99))


def _deploy(url: str, file: Path) -> None:
    with httpx.Client(base_url=url, timeout=60) as client, file.open("rb") as opened:
        client.post("/model-upload", files={"file": opened}, data={"name": "iris"}).raise_for_status()
        body = {"modelName": "iris", "serviceName": "iris", "serverVersion": "3.9"}
        client.post("/model-deploy-service", json=body).raise_for_status()
        _wait_until_ready(f"{url}/v2/models/iris/ready")


@contextmanager
def _mlserver(file: Path) -> Iterator[str]:
    """Address of an MLServer that has the file; empty where its environment is not there."""
    program = _ENVIRONMENT / "bin" / "mlserver"
    if not program.exists():
        yield ""
        return
    folder = file.parent / "mlserver"
    folder.mkdir()
    ports = _free_ports(3)
    names = ("http_port", "grpc_port", "metrics_port")
    settings = {"host": "127.0.0.1", "parallel_workers": 0, **dict(zip(names, ports, strict=True))}
    model = {"name": "iris", "implementation": "mlserver_onnx.OnnxModel", "parameters": {"uri": str(file)}}
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), "utf-8")
    places = os.environ | {"PYTHONPATH": str(_ROOT / "benchmarks" / "peers")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "start", folder], cwd=folder, env=places, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{ports[0]}"
        _wait_until_ready(f"{url}/v2/models/iris/ready")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            sys.exit(f"{url} is not ready in time")
        time.sleep(0.3)
