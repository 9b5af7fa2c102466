"""A training script of one's own: the sunspots of a year from those of the eleven before, by gradient descent.

It knows nothing of Tidecast: it reads a CSV file, prints a line for each epoch, and writes its model into a folder.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

YEARS_BEFORE = 11
YEARS_TO_JUDGE = 60

parser = argparse.ArgumentParser()
parser.add_argument("--data_url", required=True, help="the CSV file: YEAR, SUNACTIVITY")
parser.add_argument("--train_url", required=True, help="folder for the model")
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--learning_rate", type=float, default=0.05)
arguments, _ = parser.parse_known_args()

with Path(arguments.data_url).open(encoding="utf-8", newline="") as file:
    spots = np.array([float(row["SUNACTIVITY"]) for row in csv.DictReader(file)])
scaled = spots / spots.max()
inputs = np.lib.stride_tricks.sliding_window_view(scaled[:-1], YEARS_BEFORE)
targets = scaled[YEARS_BEFORE:]
train, judge = slice(None, -YEARS_TO_JUDGE), slice(-YEARS_TO_JUDGE, None)

weights, bias = np.zeros(YEARS_BEFORE), 0.0
for epoch in range(1, arguments.epochs + 1):
    for start in range(0, len(targets) - YEARS_TO_JUDGE, 16):
        batch = slice(start, start + 16)
        errors = inputs[train][batch] @ weights + bias - targets[train][batch]
        weights -= arguments.learning_rate * errors @ inputs[train][batch] / len(errors)
        bias -= arguments.learning_rate * errors.mean()
    loss, val_loss = (float(np.mean((inputs[part] @ weights + bias - targets[part]) ** 2)) for part in (train, judge))
    print(f"Epoch {epoch}/{arguments.epochs} - loss: {loss:.6f} - val_loss: {val_loss:.6f}", flush=True)

model = {"weights": weights.tolist(), "bias": bias, "scale": spots.max()}
Path(arguments.train_url, "model.json").write_text(json.dumps(model), encoding="utf-8")
