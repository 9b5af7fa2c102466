"""LSTMs of many series trained together, against one Keras model per series and against stacking in TensorFlow."""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Figure, console, show
from models.arrays.columns import FloatArray
from models.batch import SeriesRequest, forecast_batch
from models.catalog import model_spec
from models.forecasts import SeriesBatch
from models.lstm import forecast as lstm
from models.lstm.training import Float32Array, initial_networks, train

__all__ = ["run"]

_HORIZON, _HELD_OUT = 5, 5
_NAIVE_SERIES = 3  # each takes seconds
_RUNS = 5
_WINDOW = {
    "batch_size_used": 32,
    "epochs_used": 50,
    "lstm_cells_per_layer_used": 32,
    "sample_num": 26,
    "feature_length_used": 12,
}
_SAMPLE = {"batch_size_used": 8, "epochs_used": 145, "lstm_cells_per_layer_used": 6, "sample_fold_used": 4}
_PARTS = {
    "starting weights": "initial_networks",
    "training": "train",
    "forecasts": "continue_series",
    "Keras files": "keras_files",
}


def run() -> None:
    """Measure and print. All figures are processor time of one thread, so that a busy machine matters less."""
    from benchmarks.peers import lstm_tensorflow as peer  # noqa: PLC0415 - other benchmarks need no TensorFlow

    peer.one_thread()
    _one_by_one(peer, _Shape(26, 12, _WINDOW | {"epochs_used": 1}), 1)  # its first model is slower than all others
    _many_small(peer)
    _sample(peer)
    _stacked(peer)


class _Shape:
    """Samples and lags of one series, and how it is trained."""

    def __init__(self, samples: int, lags: int, config: Mapping[str, Any]) -> None:
        self.samples, self.lags = samples, lags
        self.cells = int(config["lstm_cells_per_layer_used"])
        self.epochs, self.batch_size = int(config["epochs_used"]), int(config["batch_size_used"])

    def data(self, series: int) -> tuple[Float32Array, Float32Array]:
        random = np.random.default_rng(1)
        return random.random((series, self.samples, self.lags), np.float32), random.random(
            (series, self.samples), np.float32
        )


def _processor_time(work: Callable[[], object], *, count: int, runs: int) -> Figure:
    seconds = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return Figure(tuple(seconds), count)


def _one_by_one(peer: Any, shape: _Shape, series: int, folder: Path | None = None) -> Figure:
    inputs, targets = shape.data(1)
    return _processor_time(
        lambda: peer.fit_one_by_one(
            inputs[0],
            targets[0],
            cells=shape.cells,
            epochs=shape.epochs,
            batch_size=shape.batch_size,
            horizon=_HORIZON,
            saved_as=folder and folder / "model.h5",
        ),
        count=1,
        runs=series,
    )


def _histories(series: int, points: int) -> FloatArray:
    return np.round(240 + np.random.default_rng(1).normal(0, 12, (series, points)))


def _batch(model_name: str, config: Mapping[str, Any], series: int, points: int) -> SeriesBatch:
    seeds = np.arange(series, dtype=np.uint64)
    return SeriesBatch(_histories(series, points), _HORIZON, model_spec(model_name).resolve(config), seeds=seeds)


def _many_small(peer: Any) -> None:
    batch = _batch("Lstm", _WINDOW, 64, 38)
    ours = _processor_time(lambda: lstm.forecast(batch), count=64, runs=_RUNS)
    naive = _one_by_one(peer, _Shape(26, 12, _WINDOW), _NAIVE_SERIES)
    show(
        "64 LSTMs: 38 points, 26 samples of 12 lags, 32 cells, 50 epochs, batch 32",
        ("how", "per series", "ratio"),
        [
            ("Keras: build, compile, fit, predict", _each(naive), "1"),
            ("Tidecast, all in", _each(ours), _times(ours, naive)),
        ],
    )
    console.print(f"goal: ≥ 90 x ({ours.rate / naive.rate:,.0f})")


def _sample(peer: Any) -> None:
    series = 1_024
    batch = _batch("LstmLong", _SAMPLE, series, 38 - _HELD_OUT)
    requests = [
        SeriesRequest(history, "LstmLong", _SAMPLE, _HORIZON, refit=False, eval_metrics=("mse", "rmse"), seed=seed)
        for seed, history in enumerate(_histories(series, 38))
    ]
    ours = _processor_time(lambda: lstm.forecast_long(batch), count=series, runs=_RUNS)
    scored = _processor_time(lambda: forecast_batch(requests), count=series, runs=_RUNS)
    alone = SeriesBatch(batch.history[:1], batch.horizon, batch.config, seeds=batch.seeds[:1])
    single = _processor_time(lambda: lstm.forecast_long(alone), count=1, runs=_RUNS)
    parts = {name: Figure((seconds,), series) for name, seconds in _parts(batch).items()}
    with tempfile.TemporaryDirectory() as folder:
        naive = _one_by_one(peer, _Shape(8, 25, _SAMPLE), _NAIVE_SERIES, Path(folder))
    show(
        f"LstmLong in the sample's shape: 8 samples of 25 lags, 6 cells, 145 epochs, batch 8; {series:,} series",
        ("how", "per series", "ratio"),
        [
            ("Keras: build, compile, fit, predict, save", _each(naive), "1"),
            ("Tidecast, all in", _each(ours), _times(ours, naive)),
            *((f"  of that {name}", _each(part), "") for name, part in parts.items()),
            ("Tidecast, with hold-out and metrics", _each(scored), _times(scored, naive)),
            ("Tidecast, one series alone", _each(single), _times(single, naive)),
        ],
    )
    console.print(f"goal: all in ≥ 3,000 x ({ours.rate / naive.rate:,.0f})")


def _parts(batch: SeriesBatch) -> dict[str, float]:
    """Processor seconds of one run by part."""
    seconds = dict.fromkeys(_PARTS, 0.0)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            result = function(*args, **kwargs)
            seconds[name] += time.process_time() - begun
            return result

        return wrapper

    originals = {attribute: getattr(lstm, attribute) for attribute in _PARTS.values()}
    try:
        for name, attribute in _PARTS.items():
            setattr(lstm, attribute, timed(name, originals[attribute]))
        begun = time.process_time()
        lstm.forecast_long(batch)
        total = time.process_time() - begun
    finally:
        for attribute, function in originals.items():
            setattr(lstm, attribute, function)
    return {"preparation (layout, scaling, seeds)": total - sum(seconds.values())} | seconds


def _stacked(peer: Any) -> None:
    """Training alone, from the same start, in numpy and as a `tf.function`: why the product trains in numpy."""
    in_graph = peer.stacked_training()
    shapes = {
        "8 x 25, 6 cells, 145 epochs": (_Shape(8, 25, _SAMPLE), (1, 16, 64, 1_024)),
        "26 x 12, 32 cells, 50 epochs": (_Shape(26, 12, _WINDOW), (1, 64)),
        "16 x 17, 100 cells, 20 epochs": (_Shape(16, 17, model_spec("Lstm").resolve({"epochs_used": 20})), (1, 64)),
    }
    rows = [
        (title, f"{series:,}", *_numpy_and_graph(in_graph, shape, series))
        for title, (shape, numbers) in shapes.items()
        for series in numbers
    ]
    show(
        "Training alone, networks stacked: numpy against a tf.function (one graph for all shapes, one thread)",
        ("shape", "networks", "numpy", "tf.function", "ratio", "apart by"),
        rows,
    )


def _numpy_and_graph(in_graph: Callable[..., Any], shape: _Shape, series: int) -> tuple[str, str, str, str]:
    inputs, targets = shape.data(series)
    start = initial_networks([np.random.default_rng(seed) for seed in range(series)], shape.lags, shape.cells)

    def numpy_way() -> Any:
        return train(
            start, inputs, targets, epochs=shape.epochs, batch_size=shape.batch_size, generators=None
        ).dense_kernel

    def graph_way() -> Any:
        return in_graph(start, inputs, targets, shape.epochs, shape.batch_size)[2]

    apart = np.abs(numpy_way() - graph_way()).max()  # and the first call traces the graph
    ours = _processor_time(numpy_way, count=series, runs=3)
    peer = _processor_time(graph_way, count=series, runs=3)
    return _each(ours), _each(peer), f"{ours.rate / peer.rate:.2f}x", f"{apart:.0e}"


def _each(figure: Figure) -> str:
    shortest, median, longest = (
        f"{1000 * summary(figure.seconds) / figure.count:,.3f}" for summary in (min, statistics.median, max)
    )
    return f"{median} ms" + (f" [{shortest} … {longest}]" if len(figure.seconds) > 1 else "")


def _times(ours: Figure, naive: Figure) -> str:
    return f"{ours.rate / naive.rate:,.0f}x"
