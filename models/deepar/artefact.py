"""A trained DeepAR model as a file: numpy arrays by name, and what shaped them. Reading it needs no TensorFlow."""

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.deepar.config import DeepARConfig
from models.deepar.inputs import embedding_dimensions, input_size
from models.errors import RejectedInputError

__all__ = ["PARAMETERS", "Artefact", "ArtefactError", "dump", "load", "weight_shapes"]

PARAMETERS: Final[Mapping[str, int]] = {
    "student-t": 3,
    "gaussian": 2,
    "negative-binomial": 2,
    "beta": 2,
    "deterministic-l1": 1,
}
"""How many raw parameters each distribution has."""

_DESCRIPTION: Final = "description"  # the name of the JSON text among the arrays
_FORMAT: Final = 1  # raised when a reader of today could not read the file any more

# What numpy, zipfile and json raise of other bytes; RuntimeError: of an archive that is encrypted, or of another kind.
_UNREADABLE: Final = (
    ValueError, KeyError, TypeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

Weights = Mapping[str, NDArray[np.float32]]


class ArtefactError(RejectedInputError):
    """Bytes that are no DeepAR model, or one of which parts are missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Artefact:
    """A model: `config` is complete, `weights` are named and shaped as `weight_shapes` says.

    `default_scale` is that of a typical series, for histories without one. `facts` say how the training went.
    """

    config: DeepARConfig
    default_scale: float
    weights: Weights
    facts: Mapping[str, Any] = field(default_factory=dict)


def weight_shapes(config: DeepARConfig) -> dict[str, tuple[int, ...]]:
    """The arrays of a model of this complete configuration (see `models.deepar`)."""
    cardinality = config.cardinality or ()
    embeddings = embedding_dimensions(cardinality, config.embedding_dimension)
    width = input_size(config.frequency, num_dynamic_feat=config.num_dynamic_feat or 0, embeddings=embeddings)
    shapes: dict[str, tuple[int, ...]] = {}
    for place, shape in enumerate(zip(cardinality, embeddings, strict=True)):
        shapes[f"embedding_{place}"] = shape
    for layer in range(config.num_layers):
        shapes[f"lstm_{layer}/kernel"] = (width + config.num_cells, 4 * config.num_cells)
        shapes[f"lstm_{layer}/bias"] = (4 * config.num_cells,)
        width = config.num_cells
    parameters = PARAMETERS[config.likelihood]
    shapes["projection/kernel"] = (config.num_cells, parameters)
    shapes["projection/bias"] = (parameters,)
    return shapes


def dump(artefact: Artefact) -> bytes:
    """The model as the content of a file."""
    description = {
        "format": _FORMAT,
        "config": artefact.config.as_dict(),
        "default_scale": artefact.default_scale,
        "facts": dict(artefact.facts),
    }
    arrays: dict[str, Any] = {name: np.asarray(values, np.float32) for name, values in artefact.weights.items()}
    arrays[_DESCRIPTION] = np.frombuffer(json.dumps(description).encode(), np.uint8)
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def load(content: bytes) -> Artefact:
    """The model that `dump` wrote; ArtefactError says what is wrong with other bytes."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
        description = json.loads(bytes(weights.pop(_DESCRIPTION)))
        config = DeepARConfig.from_dict(description["config"])
        shapes = weight_shapes(config)
        scale, facts, version = float(description["default_scale"]), description["facts"], description["format"]
    except _UNREADABLE as error:
        raise ArtefactError("model", f"this is not the file of a DeepAR model: {type(error).__name__}") from error
    if version != _FORMAT:
        raise ArtefactError("model", f"the file has format {version}, expected {_FORMAT}: train the model again")
    wrong = sorted(name for name in weights.keys() | shapes.keys() if not _fits(weights.get(name), shapes.get(name)))
    if not (math.isfinite(scale) and scale > 0):
        wrong.append("default_scale")
    if wrong:
        raise ArtefactError("model", f"the file of the DeepAR model is damaged: {', '.join(wrong)} do not fit")
    return Artefact(config, scale, weights, facts)


def _fits(array: object, shape: tuple[int, ...] | None) -> bool:
    """Whether a weight is as it must be: one that is not finite would make all forecasts so."""
    return (
        isinstance(array, np.ndarray)  # numpy gives bytes where an archive has other files
        and array.shape == shape
        and array.dtype == np.float32
        and bool(np.isfinite(array).all())
    )
