"""DeepAR against GluonTS's (torch), which runs in an environment of its own: `make bench-deepar` sets it up.

Both take turns on the same machine, on the same series, with networks of the same size.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.deepar_data import DataSet, flights, m4_hourly, synthetic
from benchmarks.report import console, show
from connectors.processes.compute_process import cores
from models.deepar.config import DeepARConfig
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from models.deepar.summaries import mean_of, quantiles_of

__all__ = ["run"]

_ROOT = Path(__file__).parent.parent
_ENVIRONMENT = Path(os.environ.get("TIDECAST_GLUONTS_VENV", _ROOT / ".venv-gluonts"))
_LEVELS = [level / 10 for level in range(1, 10)]
_SAMPLES = 100
_RUNS = 5
_SEEDS = (1, 2, 3)
_EPOCHS, _BATCHES = 20, 50  # of the comparison of accuracy: 1,000 batches of 32 windows


def run() -> None:
    """Measure and print: seconds to forecast, seconds to train, and how good the forecasts are.

    As in the product ours trains with one thread, and forecasts many series with all cores, which GluonTS always takes.
    """
    os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _Peer() as peer, threadpool_limits(1, user_api="blas"):
        console.print(f"GluonTS with torch {peer.about['torch']}, {peer.about['threads']} threads")
        _speed(peer)
        for data in (flights(), m4_hourly(_ENVIRONMENT)):
            # Two stretches of time: one alone says more of its days than of the models.
            losses = [_accuracy(peer, stretch) for stretch in (data.earlier(), data)]
            ours, theirs = (statistics.mean(loss[name] for loss in losses) for name in ("ours", "GluonTS"))
            console.print(f"{data.name}, both stretches: wQL {ours:.4f} / {theirs:.4f} = [bold]{ours / theirs:.3f}[/]")


class _Peer:
    """The process that runs GluonTS."""

    def __enter__(self) -> Self:
        python = _ENVIRONMENT / "bin" / "python"
        if not python.exists():
            raise SystemExit(f"{python} is not there: run `make bench-deepar`, which installs GluonTS")
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [python, _ROOT / "benchmarks" / "peers" / "deepar_gluonts.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.about = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def train(self, model: str, data: "_Arrays", *, context: int, horizon: int, **more: Any) -> dict[str, Any]:
        """Milliseconds a batch in each epoch but the first, and such of processor time."""
        return self._do(
            do="train", model=model, data=self._saved(data), freq=data.freq, context=context, horizon=horizon,
            folder=self._folder.name, **more,
        )  # fmt: skip

    def predict(self, model: str, data: "_Arrays", *, seed: int = 1) -> tuple[dict[str, Any], Any]:
        """Seconds, and the forecasts' mean [N, P] and quantiles [9, P] of each."""
        answer = Path(self._folder.name) / "answer.npz"
        more = {"cats": list(data.cats)} if data.cats else {}
        seconds = self._do(
            do="predict", model=model, data=self._saved(data), freq=data.freq, samples=_SAMPLES, seed=seed,
            answer=str(answer), **more,
        )  # fmt: skip
        return seconds, dict(np.load(answer))

    def _saved(self, data: "_Arrays") -> str:
        path = Path(self._folder.name) / "data.npz"
        np.savez(path, starts=np.array(data.starts), **{f"target_{row}": it for row, it in enumerate(data.targets)})
        return str(path)

    def _do(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError("the peer ended")


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Series as both sides take them."""

    freq: str
    starts: Sequence[str]
    targets: Sequence[NDArray[np.float32]]
    cats: Sequence[int] = ()

    def series(self) -> list[Series]:
        config = DeepARConfig(self.freq, 1, 1)
        cats: Sequence[tuple[int, ...]] = [(code,) for code in self.cats] or [()] * len(self.targets)
        return [
            Series(config.frequency.align(np.datetime64(start)), target, cat)
            for start, target, cat in zip(self.starts, self.targets, cats, strict=True)
        ]

    def first(self, count: int) -> "_Arrays":
        return _Arrays(self.freq, self.starts[:count], self.targets[:count], self.cats[:count])


def _config(data: _Arrays, *, horizon: int, context: int, epochs: int, batches: int, seed: int = 0) -> DeepARConfig:
    return DeepARConfig(
        time_freq=data.freq,
        prediction_length=horizon,
        context_length=context,
        epochs=epochs,
        num_batches_per_epoch=batches,
        likelihood="student-t",
        early_stopping_patience=None,
        seed=seed,
    )


def _speed(peer: _Peer) -> None:
    from models.deepar.learning.training import Progress, train  # noqa: PLC0415 - imports TensorFlow

    starts, targets = synthetic()
    data = _Arrays("H", starts, targets)
    rows = []
    for horizon in (24, 48):
        marks: dict[str, list[float]] = {"wall": [], "cpu": []}

        def note(_: Progress, marks: dict[str, list[float]] = marks) -> None:
            marks["wall"].append(time.perf_counter())
            marks["cpu"].append(time.process_time())

        size = {"context": horizon, "horizon": horizon}
        artefact = train(data.series(), _config(data, **size, epochs=_RUNS + 1, batches=40), report=note)
        theirs = peer.train(f"P{horizon}", data, **size, seed=1, epochs=_RUNS + 1, batches=40, cardinality=0)
        ours = {kind: [1e3 * seconds / 40 for seconds in np.diff(at)] for kind, at in marks.items()}
        rows += _rows(f"training, P = {horizon}, ms a batch of 32", ours, theirs)
        predictor = Predictor(artefact, threads=cores())
        for count in (1, 50, 500):
            part = data.first(count)
            repeats = 20 if count == 1 else 1
            ours, theirs = {"wall": [], "cpu": []}, {"wall": [], "cpu": []}
            for _ in range(_RUNS + 1):
                mine = _forecast(predictor, part, repeats)
                answers = [peer.predict(f"P{horizon}", part)[0] for _ in range(min(repeats, 3))]
                for kind in ("wall", "cpu"):
                    ours[kind].append(1e3 * mine[kind] / count)
                    theirs[kind].append(1e3 * statistics.median(it[kind] for it in answers) / count)
            rows += _rows(f"forecast, P = {horizon}, {count} series, ms a series", ours, theirs, skip=1)
    show("DeepAR: 100 samples, 2 x 40 cells, hourly series of 720 values", ("what", "ours", "GluonTS", "ratio"), rows)


def _rows(
    what: str, ours: dict[str, list[float]], theirs: dict[str, list[float]], *, skip: int = 0
) -> list[tuple[str, ...]]:
    """Medians with their ranges, of the time on the clock and on the processor; the first `skip` runs warm up."""
    return [
        (
            what + text,
            _median(ours[kind][skip:]),
            _median(theirs[kind][skip:]),
            f"{statistics.median(theirs[kind][skip:]) / statistics.median(ours[kind][skip:]):.1f}x",
        )
        for kind, text in (("wall", ""), ("cpu", " (processor time)"))
    ]


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} [{min(values):.2f} … {max(values):.2f}]"


def _forecast(predictor: Predictor, data: _Arrays, repeats: int) -> dict[str, float]:
    """Seconds of one call, as a request has it: inputs, samples, mean and nine quantiles."""
    series = data.series()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        for samples in predictor.sample(series, _SAMPLES, list(range(len(series)))):
            mean_of(samples)
            quantiles_of(samples, _LEVELS)
    return {"wall": (time.perf_counter() - wall) / repeats, "cpu": (time.process_time() - cpu) / repeats}


def _accuracy(peer: _Peer, data: DataSet) -> dict[str, float]:
    """Print how good the forecasts are; the mean weighted quantile losses."""
    from models.deepar.learning.training import train  # noqa: PLC0415 - imports TensorFlow

    codes = tuple(range(len(data.targets)))
    fitted = _Arrays(data.freq, data.starts, data.fitted, codes)
    folds = data.folds()
    asked = _Arrays(
        data.freq,
        [data.starts[row] for row, _ in folds],
        [data.targets[row][:length] for row, length in folds],
        [row for row, _ in folds],
    )
    actual = np.array([data.targets[row][length : length + data.horizon] for row, length in folds], np.float64)
    size = {"context": data.horizon * 2, "horizon": data.horizon}
    rows = []
    for seed in _SEEDS:
        begun = time.perf_counter()
        artefact = train(fitted.series(), _config(fitted, **size, epochs=_EPOCHS, batches=_BATCHES, seed=seed))
        took = time.perf_counter() - begun
        samples = Predictor(artefact).sample(asked.series(), _SAMPLES, [seed + row for row in range(len(folds))])
        ours = np.array([quantiles_of(drawn, _LEVELS) for drawn in samples])
        begun = time.perf_counter()
        peer.train("accuracy", fitted, **size, seed=seed, epochs=_EPOCHS, batches=_BATCHES, cardinality=len(codes))
        their_time = time.perf_counter() - begun
        theirs = peer.predict("accuracy", asked, seed=seed)[1]["quantiles"]
        for name, quantiles, seconds in (("ours", ours, took), ("GluonTS", theirs, their_time)):
            loss, coverage = _scores(actual, quantiles)
            rows.append((str(seed), name, f"{loss:.4f}", f"{coverage:.1%}", f"{seconds:.0f}"))
            console.print(f"[dim]{data.name}: {', '.join(rows[-1])}[/]")  # each takes minutes
    losses = {name: statistics.mean(float(row[2]) for row in rows if row[1] == name) for name in ("ours", "GluonTS")}
    rows.append(("mean", "ours / GluonTS", f"{losses['ours'] / losses['GluonTS']:.3f}", "", ""))
    show(
        f"{data.name}: {len(data.targets)} series, {data.windows} windows of {data.horizon} steps, "
        f"{_EPOCHS * _BATCHES:,} batches",
        ("seed", "model", "wQL", "in the 80 % interval", "seconds to train"),
        rows,
    )
    return losses


def _scores(actual: NDArray[np.float64], quantiles: NDArray[np.float64]) -> tuple[float, float]:
    """Weighted quantile loss over 0.1 … 0.9, and how often the value lies between the quantiles 0.1 and 0.9."""
    seen = ~np.isnan(actual)
    losses = []
    for place, level in enumerate(_LEVELS):
        error = actual - quantiles[:, place]
        losses.append(2 * np.nansum(np.maximum(level * error, (level - 1) * error)) / np.nansum(np.abs(actual)))
    inside = (actual >= quantiles[:, 0]) & (actual <= quantiles[:, -1])
    return float(np.mean(losses)), float(inside[seen].mean())
