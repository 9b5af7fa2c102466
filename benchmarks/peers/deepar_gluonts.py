"""DeepAR as GluonTS has it (torch), answering commands of the benchmark; runs in an environment of its own.

A command is one JSON line on standard input with the path of a file of arrays, an answer one JSON line on standard
output. Nothing of ours is imported: it is not installed there.
"""

import json
import logging
import sys
import time
import warnings
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from gluonts.torch.model.deepar import DeepAREstimator

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

_LEVELS = [level / 10 for level in range(1, 10)]


class _Epochs(pl.Callback):
    """Seconds of each epoch's batches, and seconds of processor time."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def on_train_epoch_start(self, *_: Any) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def on_train_epoch_end(self, *_: Any) -> None:
        self.wall.append(time.perf_counter() - self._begun[0])
        self.cpu.append(time.process_time() - self._begun[1])


def _entries(path: str, freq: str) -> list[dict[str, Any]]:
    with np.load(path) as arrays:
        targets = [arrays[f"target_{row}"] for row in range(len(arrays["starts"]))]
        starts = [str(start) for start in arrays["starts"]]
    return [
        {"start": pd.Period(start, freq), "target": target, "feat_static_cat": np.array([row])}
        for row, (start, target) in enumerate(zip(starts, targets, strict=True))
    ]


def _train(command: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    pl.seed_everything(command["seed"], workers=True)
    clock = _Epochs()
    estimator = DeepAREstimator(
        freq=command["freq"],
        prediction_length=command["horizon"],
        context_length=command["context"],
        num_layers=2,
        hidden_size=40,
        dropout_rate=0.1,
        lr=1e-3,
        batch_size=32,
        num_batches_per_epoch=command["batches"],
        num_feat_static_cat=1 if command["cardinality"] else 0,
        cardinality=[command["cardinality"]] if command["cardinality"] else None,
        trainer_kwargs={
            "max_epochs": command["epochs"],
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "logger": False,
            "callbacks": [clock],
            "default_root_dir": command["folder"],
        },
    )
    predictor = estimator.train(_entries(command["data"], command["freq"]))
    batches = command["batches"]
    return predictor, {
        kind: [1e3 * seconds / batches for seconds in epochs[1:] or epochs]  # the first one warms up
        for kind, epochs in (("wall", clock.wall), ("cpu", clock.cpu))
    }


def _predict(predictor: Any, command: dict[str, Any]) -> dict[str, Any]:
    entries = _entries(command["data"], command["freq"])
    if command.get("cats"):
        for entry, code in zip(entries, command["cats"], strict=True):
            entry["feat_static_cat"] = np.array([code])
    predictor.batch_size = 64  # the quickest of 32, 64, 128 here
    torch.manual_seed(command["seed"])
    wall, cpu = time.perf_counter(), time.process_time()
    means, quantiles = [], []
    for forecast in predictor.predict(entries, num_samples=command["samples"]):
        means.append(forecast.samples.mean(axis=0))
        quantiles.append(np.quantile(forecast.samples, _LEVELS, axis=0))
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    np.savez(command["answer"], mean=np.array(means), quantiles=np.array(quantiles))
    return seconds


def main() -> None:
    """Answer until the input ends."""
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    predictors: dict[str, Any] = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "train":
            predictors[command["model"]], answer = _train(command)
        else:
            answer = _predict(predictors[command["model"]], command)
        print(json.dumps(answer), flush=True)


main()
