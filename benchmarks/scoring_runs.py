"""A run over a large table, against onnxruntime alone with the same batch size: the engine, and a script around it."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import pandas as pd
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from agents.scoring_jobs.pool import ScoringPool
from agents.scoring_jobs.run import score_dataset
from benchmarks.report import measure, show
from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests as datasets
from connectors.objects import scoring_models
from connectors.objects.store import ObjectStore
from models.scoring.files import prepare
from schemas.scoring_jobs import ScoreDataset
from streams.settings import Settings

__all__ = ["run"]

_ROWS: Final = int(os.environ.get("TIDECAST_BENCH_ROWS", "1000000"))
_BATCH: Final = 4096  # as agents.scoring_jobs.piecework has it
_RUNS: Final = 3
_NAMES: Final = ("a", "b", "c", "d")


def run() -> None:
    """Measure and print."""
    rng = np.random.default_rng(1)
    table = np.round(rng.normal(0, 1, (_ROWS, len(_NAMES))), 3)
    known, classes = table[:2000], (table[:2000, 0] > table[:2000, 1]).astype(int) + (table[:2000, 2] > 1)
    models: dict[str, Any] = {
        "logistic regression": LogisticRegression(max_iter=300).fit(known, classes),
        "forest of 100 trees": RandomForestClassifier(100, random_state=1, n_jobs=1).fit(known, classes),
    }
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        pd.DataFrame(table, columns=_NAMES).to_csv(source, index=False)
        for name, model in models.items():
            content = to_onnx(model, known[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
            _compare(name, content, table.astype(np.float32), source, Path(folder))


def _compare(name: str, content: bytes, table: "np.ndarray[Any, Any]", source: Path, folder: Path) -> None:
    session = _session(content)
    ways: dict[str, Callable[[], object]] = {
        "onnxruntime alone, rows in memory, results dropped": lambda: _engine(session, table),
        "onnxruntime in a script: pandas reads, pandas writes": lambda: _script(session, source, folder / "out.csv"),
        "a run, one process": _Runs(content, source, folder / f"{name}-1", 1).once,
        "a run, two processes": _Runs(content, source, folder / f"{name}-2", 2).once,
    }
    for way in ways.values():
        way()  # files are in memory, processes are there
    figures = {title: measure(way, count=_ROWS, runs=_RUNS) for title, way in ways.items()}
    engine, script = (figure.rate for figure in list(figures.values())[:2])
    rows = [
        (title, str(figure), f"{figure.rate / engine:.2f}x", f"{figure.rate / script:.2f}x")
        for title, figure in figures.items()
    ]
    show(f"{name}, {_ROWS:,} rows", ("how", "rows", "to the engine", "to the script"), rows)


def _session(content: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _engine(session: Any, table: "np.ndarray[Any, Any]") -> None:
    for begin in range(0, len(table), _BATCH):
        session.run(None, {"X": table[begin : begin + _BATCH]})


def _script(session: Any, source: Path, target: Path) -> None:
    first = True
    for frame in pd.read_csv(source, chunksize=_BATCH):
        labels, scores = session.run(None, {"X": frame.to_numpy(dtype=np.float32)})
        frame["label"] = labels
        for place in range(scores.shape[1]):
            frame[f"probability_{place}"] = scores[:, place]
        frame.to_csv(target, mode="w" if first else "a", header=first, index=False)
        first = False


class _Runs:
    """Runs of one installation, each with its result and its data set."""

    def __init__(self, content: bytes, source: Path, home: Path, processes: int) -> None:
        self._settings = Settings(home=home, training_processes=processes)
        self._store = ObjectStore(self._settings.object_store_url)
        self._number = 0
        prepared = prepare("onnx", content)
        file_key, model_key = scoring_models.places("m", "c", "onnx")
        stored = {"name": "m", "model_type": "onnx", "file_key": file_key, "model_key": model_key, "created": 1}
        model = home / "model.onnx"
        home.mkdir(parents=True)
        model.write_bytes(content)
        scoring_models.publish(
            self._store, stored | {"inputs": prepared.info.plain()["inputs"]}, model, prepared.content
        )
        with opened_csv(source) as table:
            datasets.register(
                self._store,
                table,
                data_id=1,
                name="in",
                file_name="in.csv",
                related_user=1,
                time_created=datetime.now(UTC),
            )
        self._loop = asyncio.new_event_loop()
        self._pool = ScoringPool(self._settings)

    def once(self) -> None:
        """One run."""
        self._number += 1
        command = ScoreDataset(
            run_id=f"r-{self._number:020x}",
            job_name="bench",
            attempt=1,
            model_name="m",
            input_dataset="in.csv",
            output_dataset="out.csv",
            output_id=2,
        )

        async def told(status: str, rows: int, wrong: int) -> None:
            del status, rows, wrong

        url = self._settings.object_store_url
        rows, wrong = self._loop.run_until_complete(score_dataset(self._store, url, self._pool, command, told))
        if (rows, wrong) != (_ROWS, 0):
            sys.exit(f"{rows} rows, {wrong} of them wrong")
