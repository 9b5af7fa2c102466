"""A DeepAR model as a file: what comes back, and what is refused."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.deepar.artefact import PARAMETERS, ArtefactError, dump, load, weight_shapes
from tests.unit.models.deepar.deepar_models import artefact

SMALL = {"num_cells": 2, "num_layers": 1, "time_freq": "Y"}


def arrays_of(content: bytes) -> dict[str, Any]:
    """What lies in the file."""
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def file_of(arrays: dict[str, Any]) -> bytes:
    """A file in which these lie."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def archive_of(*names: str) -> bytes:
    """An archive of texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def described(**changed: Any) -> bytes:
    """A model's file whose description is another."""
    arrays = arrays_of(dump(artefact(**SMALL)))
    description = json.loads(arrays["description"].tobytes()) | changed
    return file_of(arrays | {"description": np.frombuffer(json.dumps(description).encode(), np.uint8)})


@pytest.mark.parametrize("likelihood", PARAMETERS)
@pytest.mark.parametrize("cardinality", [(), (3,), (2, 40)])
def test_a_model_comes_back_as_it_was(likelihood: str, cardinality: tuple[int, ...]) -> None:
    """Configuration, scale, facts and every bit of the weights."""
    model = artefact(likelihood, cardinality=cardinality)
    found = load(dump(model))

    assert (found.config, found.default_scale, found.facts) == (model.config, model.default_scale, model.facts)
    assert found.weights.keys() == model.weights.keys()
    for name, array in found.weights.items():
        assert array.dtype == np.float32
        assert np.array_equal(array, model.weights[name])


def test_the_weights_have_the_agreed_shapes() -> None:
    """What training writes and prediction reads: input and last output side by side, four gates."""
    shapes = weight_shapes(artefact("student-t", cardinality=(2, 40), num_dynamic_feat=3).config)
    daily = len(artefact().config.frequency.lags()) + 3 + 1  # lags, calendar, age

    assert shapes == {
        "embedding_0": (2, 1),
        "embedding_1": (40, 10),
        "lstm_0/kernel": (daily + 3 + 1 + 10 + 1 + 6, 24),
        "lstm_0/bias": (24,),
        "lstm_1/kernel": (12, 24),
        "lstm_1/bias": (24,),
        "projection/kernel": (6, 3),
        "projection/bias": (3,),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a model",
        b"PK\x03\x04",
        b"\x93NUMPY",
        file_of({}),
        file_of({"description": np.frombuffer(b"[1, 2]", np.uint8)}),
        file_of({"description": np.frombuffer(b"{}", np.uint8)}),
        file_of({"description": np.frombuffer(b"\xff", np.uint8)}),
        archive_of("readme.txt"),
        archive_of("description"),
        archive_of("description.npy"),
        described(config=7),
        described(config={}),
        described(default_scale="much"),
        described(config=artefact(**SMALL).config.as_dict() | {"likelihood": "auto"}),
        described(config=artefact(**SMALL).config.as_dict() | {"time_freq": "fortnight"}),
        described(config=artefact(**SMALL).config.as_dict() | {"unknown": 1}),
    ],
)
def test_other_bytes_are_refused(content: bytes) -> None:
    """In words for a user."""
    with pytest.raises(ArtefactError, match=r"^this is not the file of a DeepAR model"):
        load(content)


def test_objects_are_never_unpickled() -> None:
    """A file could run any code if they were."""
    arrays = arrays_of(dump(artefact(**SMALL)))
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | {"lstm_0/bias": np.array([{}], object)}))

    with pytest.raises(ArtefactError):
        load(buffer.getvalue())


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("lstm_0/kernel", lambda array: array[1:]),
        ("lstm_0/bias", lambda array: array[np.newaxis]),
        ("embedding_0", lambda array: array.astype(np.float64)),
        ("projection/bias", lambda array: np.full_like(array, np.nan)),
        ("projection/kernel", lambda array: array * np.float32(np.inf)),
    ],
)
def test_a_weight_that_does_not_fit_is_named(name: str, damage: Any) -> None:
    """Other shapes and types would fail at the first forecast, other than finite numbers would spoil all."""
    model = artefact(**SMALL)
    damaged = arrays_of(dump(model)) | {name: damage(model.weights[name])}

    with pytest.raises(ArtefactError, match=rf"damaged: {name} do not fit"):
        load(file_of(damaged))


def test_other_files_in_the_archive_are_named() -> None:
    """They are no weights."""
    buffer = io.BytesIO(dump(artefact(**SMALL)))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("readme.txt", "by hand")

    with pytest.raises(ArtefactError, match=r"damaged: readme\.txt do not fit"):
        load(buffer.getvalue())


def test_missing_and_unknown_weights_are_named() -> None:
    """Both at once."""
    arrays = arrays_of(dump(artefact(**SMALL)))
    arrays["lstm_7/bias"] = arrays.pop("lstm_0/bias")

    with pytest.raises(ArtefactError, match="damaged: lstm_0/bias, lstm_7/bias do not fit"):
        load(file_of(arrays))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_be_divided_by_is_refused(scale: float) -> None:
    """Series without a history are forecast with it."""
    with pytest.raises(ArtefactError, match="damaged: default_scale do not fit"):
        load(dump(replace(artefact(**SMALL), default_scale=scale)))


def test_a_file_of_another_format_is_refused() -> None:
    """With the remedy."""
    with pytest.raises(ArtefactError, match="format 2, expected 1: train the model again"):
        load(described(format=2))


@pytest.mark.parametrize(("save", "mask"), [(np.savez, 0x08), (np.savez, 0x09), (np.savez_compressed, 0xFF)])
def test_a_damaged_file_is_refused_or_read_as_it_was(save: Any, mask: int) -> None:
    """Wherever a byte is wrong: masks 8 and 9 make entries of an archive compressed, encrypted or of unknown kinds."""
    model = artefact(**SMALL)
    buffer = io.BytesIO()
    save(buffer, **arrays_of(dump(model)))
    content = buffer.getvalue()
    refused = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= mask
        try:
            found = load(bytes(damaged))
        except ArtefactError:
            refused += 1
        else:
            assert all(np.array_equal(found.weights[name], model.weights[name]) for name in model.weights)

    assert refused > len(content) / 3


def test_a_file_cut_short_is_refused() -> None:
    """Wherever it ends."""
    content = dump(artefact(**SMALL))
    for length in range(len(content)):
        with pytest.raises(ArtefactError):
            load(content[:length])
