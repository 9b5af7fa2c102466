"""Trained networks as the content of Keras' own HDF5 files, which `keras.models.load_model` reads.

A file holds the whole way from values to values: it takes the latest values as [1, lags], oldest first and as they are,
and gives the next one as [1, 1]. Two Dense layers of one 64-bit weight around the network scale to the training's range
0 … 1 and back; Keras' Rescaling would be the obvious layer, but version 3.15 rounds its numbers to 32 bits.

Keras is not needed to write one. Its writer costs 14 ms a file after seconds of importing TensorFlow, and 140 ms more
for each new number of lags. Here a template is laid out once per shape with h5py, as Keras 3 lays it out, and each
network's numbers are put into a copy at the places where HDF5 keeps them: some microseconds.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.lstm.training import Float32Array, Networks

__all__ = ["keras_files"]

_KERAS_VERSION = "3.15.1"  # whose layout this is

# Series of one job mostly share a shape; a template is about as large as a file (0.2 MB with 100 cells).
_TEMPLATES = 32

_NAME = "lstm_forecast"
_SCALED, _LSTM, _DENSE, _FORECAST = "scaled", "lstm", "dense", "forecast"


def keras_files(networks: Networks, low: FloatArray, high: FloatArray, *, loss: str) -> list[bytes]:
    """Return the file of each network that was trained on values scaled from `low` [N] … `high` [N] to 0 … 1.

    It names the `loss`, and Adam, so that Keras gives the network back compiled.
    """
    _, lags, four_gates = networks.kernel.shape
    template = _template(lags, four_gates // 4, loss)
    spread = high - low
    arrays: dict[str, FloatArray | Float32Array] = {
        f"{_SCALED}/kernel": 1 / spread,
        f"{_SCALED}/bias": -low / spread,
        f"{_LSTM}/lstm_cell/kernel": networks.kernel,
        f"{_LSTM}/lstm_cell/bias": networks.bias,
        f"{_DENSE}/kernel": networks.dense_kernel,
        f"{_DENSE}/bias": networks.dense_bias,
        f"{_FORECAST}/kernel": spread,
        f"{_FORECAST}/bias": low,
    }
    stored = [(template.places[name], _bytes_of_rows(values)) for name, values in arrays.items()]
    return [template.filled([(place, rows[row]) for place, rows in stored]) for row in range(len(spread))]


@dataclass(frozen=True, slots=True)
class _Template:
    """A file's content, and where in it each array stands."""

    content: bytes
    places: Mapping[str, slice]

    def filled(self, arrays: Iterable[tuple[slice, NDArray[np.uint8]]]) -> bytes:
        content = bytearray(self.content)
        for place, values in arrays:
            content[place] = values.data
        return bytes(content)


def _bytes_of_rows(values: FloatArray | Float32Array) -> NDArray[np.uint8]:
    """Return each network's numbers as the bytes of a little-endian array."""
    little_endian = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return little_endian.reshape(len(values), -1).view(np.uint8)


@lru_cache(maxsize=_TEMPLATES)
def _template(lags: int, cells: int, loss: str) -> _Template:
    gates = 4 * cells
    affine = {"kernel": np.zeros((1, 1), "<f8"), "bias": np.zeros(1, "<f8")}
    lstm = {
        "lstm_cell/kernel": np.zeros((lags, gates), "<f4"),
        "lstm_cell/recurrent_kernel": _orthogonal(cells),
        "lstm_cell/bias": np.zeros(gates, "<f4"),
    }
    dense = {"kernel": np.zeros((cells, 1), "<f4"), "bias": np.zeros(1, "<f4")}
    weights = {"column": {}, _SCALED: affine, "one_step": {}, _LSTM: lstm, _DENSE: dense, _FORECAST: affine}
    places = {}
    with h5py.File("template", "w", driver="core", backing_store=False) as file:
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = _KERAS_VERSION
        file.attrs["model_config"] = json.dumps(_model_config(lags, cells))
        file.attrs["training_config"] = json.dumps(_training_config(loss))
        root = file.create_group("model_weights")
        root.attrs["backend"] = "tensorflow"
        root.attrs["keras_version"] = _KERAS_VERSION
        root.attrs["layer_names"] = list(weights)
        for layer, arrays in (weights | {"top_level_model_weights": {}}).items():
            names = [f"{_NAME}/{layer}/{name}" for name in arrays]
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array(names, dtype=h5py.string_dtype() if names else np.float64)
            for name, values in arrays.items():
                stored = group.create_dataset(f"{_NAME}/{layer}/{name}", data=values)
                start = stored.id.get_offset()
                places[f"{layer}/{name}"] = slice(start, start + stored.nbytes)
        file.flush()
        content: bytes = file.id.get_file_image()
    return _Template(content, places)


def _orthogonal(cells: int) -> Float32Array:
    """Draw the recurrent kernel as Keras does, but the same for all: no forecast depends on it (`lstm_training`)."""
    q, r = np.linalg.qr(np.random.default_rng(cells).normal(size=(4 * cells, cells)))
    return np.asarray((q * np.sign(np.diagonal(r))).T, dtype="<f4")


def _training_config(loss: str) -> dict[str, Any]:
    """How the network was trained, as Keras writes it of a compiled model; the optimiser's moments are not kept."""
    metrics = dict.fromkeys(("metrics", "weighted_metrics", "loss_weights"))
    return {"loss": loss, **metrics, "optimizer_config": {"class_name": "adam", "config": {}}}


def _model_config(lags: int, cells: int) -> dict[str, Any]:
    """Describe the layers; what is not said is Keras' default."""
    layers = [
        ("InputLayer", {"name": "latest", "batch_shape": [None, lags], "dtype": "float64"}),
        ("Reshape", {"name": "column", "target_shape": [lags, 1], "dtype": "float64"}),
        ("Dense", {"name": _SCALED, "units": 1, "dtype": "float64", "trainable": False}),
        ("Reshape", {"name": "one_step", "target_shape": [1, lags], "dtype": "float64"}),
        ("LSTM", {"name": _LSTM, "units": cells, "dtype": "float32"}),
        ("Dense", {"name": _DENSE, "units": 1, "dtype": "float32"}),
        ("Dense", {"name": _FORECAST, "units": 1, "dtype": "float64", "trainable": False}),
    ]
    described = [{"class_name": kind, "config": layer} for kind, layer in layers]
    return {"class_name": "Sequential", "config": {"name": _NAME, "layers": described}}
