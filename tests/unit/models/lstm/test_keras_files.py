"""The file of a trained network: one of Keras that gives the same forecast (contract J-107)."""

import io
import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from models.lstm import forecast as lstm
from models.lstm.training import LOSSES, Networks, continue_series
from tests.unit.models.lstm.lstm_samples import BOTH, QUICK, SAMPLE, batch_of, ragged_batch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def saved_weights(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Every array of a Keras file, by names such as "dense/bias"."""
    found: dict[str, NDArray[np.float32]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name.split("/lstm_forecast/")[1]] = item[()]

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(visit)
    return found


def load_keras_model(content: bytes, folder: Path) -> Any:
    """What a user does with the file."""
    from keras.models import load_model  # noqa: PLC0415 - seconds, and only a few tests need it

    path = folder / "model.h5"
    path.write_bytes(content)
    return load_model(path)


@pytest.mark.parametrize(("size", "level"), [(1.0, 0.0), (1.0, 1e9), (1e-3, -5.0), (1e290, 0.0)])
@BOTH
def test_J107_a_saved_network_is_a_keras_file_that_gives_the_same_forecast(
    model: Any, config: dict[str, Any], size: float, level: float, tmp_path: Path
) -> None:
    """Stock `load_model`, fed with the latest values as they are, step by step; size and level do not matter."""
    values = level + SAMPLE * size
    forecasts = model(batch_of([SAMPLE.tolist(), values.tolist(), SAMPLE.tolist()], config))
    network = load_keras_model(forecasts.saved[1], tmp_path)
    lags = network.input_shape[-1]
    known = values.tolist()
    for _ in range(3):
        known.append(float(network(np.array(known[-lags:]).reshape(1, lags)).numpy()[0, 0]))

    assert known[-3:] == pytest.approx(forecasts.mean[1].tolist(), abs=1e-5 * np.ptp(values))


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for numpy 2
def test_J107_the_file_is_what_keras_itself_would_have_written(tmp_path: Path) -> None:
    """The same attributes, arrays and layers as the file of a stock model, and the weights of its own series."""
    import keras  # noqa: PLC0415 - seconds, and only a few tests need it

    batch = batch_of([SAMPLE.tolist(), SAMPLE[::-1].tolist()], QUICK)
    content = lstm.forecast(batch).saved[1]
    stock = keras.Sequential(
        [
            keras.Input((3,), dtype="float64", name="latest"),
            keras.layers.Reshape((3, 1), dtype="float64", name="column"),
            keras.layers.Dense(1, dtype="float64", trainable=False, name="scaled"),
            keras.layers.Reshape((1, 3), dtype="float64", name="one_step"),
            keras.layers.LSTM(3, name="lstm"),
            keras.layers.Dense(1, name="dense"),
            keras.layers.Dense(1, dtype="float64", trainable=False, name="forecast"),
        ],
        name="lstm_forecast",
    )
    loaded = load_keras_model(content, tmp_path)
    stock.compile(optimizer="adam", loss="mean_squared_error")
    stock.set_weights(loaded.get_weights())
    stock.save(tmp_path / "stock.h5", include_optimizer=False)
    recurrent = loaded.get_layer("lstm").get_weights()[1]

    assert loaded.get_config() == stock.get_config()
    assert structure(content) == structure((tmp_path / "stock.h5").read_bytes())
    assert np.ptp(SAMPLE) == loaded.get_layer("forecast").get_weights()[0]
    assert recurrent @ recurrent.T == pytest.approx(np.eye(3), abs=1e-6)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for numpy 2
@pytest.mark.parametrize("loss", LOSSES)
def test_the_file_names_the_loss_as_keras_does(loss: str, tmp_path: Path) -> None:
    """Keras gives it back compiled, with what a stock file of the same loss says."""
    content = lstm.forecast(batch_of([SAMPLE.tolist()], {**QUICK, "loss_used": loss})).saved[0]
    loaded = load_keras_model(content, tmp_path)
    loaded.compile(optimizer="adam", loss=loss)
    loaded.save(tmp_path / "stock.h5")
    ours, stock = (training_config(one) for one in (content, (tmp_path / "stock.h5").read_bytes()))

    assert load_keras_model(content, tmp_path).loss.__name__ == loss
    assert ours["loss"] == stock["loss"] == loss
    assert ours.keys() <= stock.keys()


def training_config(content: bytes) -> dict[str, Any]:
    """How the model of a Keras file was trained."""
    with h5py.File(io.BytesIO(content)) as file:
        found: dict[str, Any] = json.loads(file.attrs["training_config"])
    return found


def structure(content: bytes) -> dict[str, Any]:
    """Names, shapes and types of all that is in an HDF5 file, and its attributes but for the description of layers."""
    found: dict[str, Any] = {}
    described = ("model_config", "training_config")

    def visit(name: str, item: Any) -> None:
        array = (item.shape, str(item.dtype)) if isinstance(item, h5py.Dataset) else None
        attributes = {key: np.asarray(value).tolist() for key, value in item.attrs.items() if key not in described}
        found[name] = (array, attributes)

    with h5py.File(io.BytesIO(content)) as file:
        visit("", file)
        file.visititems(visit)
    return found


def test_J107_each_series_has_the_file_of_its_own_network() -> None:
    """The weights in the file are the trained ones, and forecast what was forecast."""
    batch = ragged_batch(QUICK)
    forecasts = lstm.forecast(batch)
    for row in (0, 7, 23):
        arrays = saved_weights(forecasts.saved[row])
        network = Networks(
            arrays["lstm/lstm_cell/kernel"][np.newaxis],
            arrays["lstm/lstm_cell/bias"][np.newaxis],
            arrays["dense/kernel"][np.newaxis, :, 0],
            arrays["dense/bias"],
        )
        values = batch.history[row][~np.isnan(batch.history[row])]
        scaled = ((values - values.min()) / np.ptp(values)).astype(np.float32)
        ahead = continue_series(network, scaled[np.newaxis, -3:], 3)[0]

        assert forecasts.mean[row] == pytest.approx(values.min() + ahead * np.ptp(values), rel=1e-6)
