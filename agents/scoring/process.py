"""What processes do for users' models: `serve` answers calls, `inspect` looks through a file that has just come.

A replica of a service runs `serve` as well: it loads the one model that it is asked for, and keeps it.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import cast

from connectors.embedded_kafka.java import JavaMissingError, find_java
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.scoring.answering import answer
from models.scoring.files import Kind, kind_of, load, prepare
from models.scoring.info import BadModelError, ScoringModel
from streams.scoring.calls import Inspection, InspectionReply, ModelCalls, ScoringReply
from streams.serving.errors import ModelUnreadableError

__all__ = ["inspect", "model_of", "serve"]

_MODELS = 8  # kept loaded in a process that several share


def serve(asked: ModelCalls, report: Callable[[object], None]) -> list[ScoringReply]:  # noqa: ARG001 - as all entries
    """Answer the calls in order.

    ObjectNotFoundError where the model has been removed, ModelUnreadableError where the store cannot be read.
    """
    model = model_of(asked.store_url, asked.model_key)
    return [ScoringReply(it.content, it.records, it.error, it.field) for it in answer(model, asked.calls)]


@lru_cache(maxsize=_MODELS)
def model_of(store_url: str, key: str) -> ScoringModel:
    """The model that lies there, loaded and, where that takes Java, warm; errors as `serve` says."""
    content = _read(store_url, key)
    model = load(content, java=_java() if kind_of(content) == "pmml" else None)
    warm: Callable[[], None] | None = getattr(model, "warm", None)
    if warm is not None:
        warm()
    return model


def inspect(asked: Inspection, report: Callable[[object], None]) -> InspectionReply:  # noqa: ARG001 - as all entries
    """What the file is, and what is to be loaded of it."""
    content = _read(asked.store_url, asked.path)
    kind = cast("Kind", asked.model_type)
    try:
        made = prepare(kind, content, java=_java() if kind == "pmml" else None, task=asked.task or None)
    except BadModelError as error:
        return InspectionReply(error=str(error))
    return InspectionReply(made.info.plain(), made.content)


def _read(store_url: str, key: str) -> bytes:
    try:
        return ObjectStore(store_url).read_bytes(key)
    except ObjectNotFoundError:
        raise
    except Exception as error:  # whatever the store's client raises: the model is not at fault
        raise ModelUnreadableError(f"the object store cannot be read: {type(error).__name__}") from error


@cache
def _java() -> str | None:
    """The launcher of the machine's Java, or of that which pip installed; None: none of the two is new enough.

    For PMML alone: to look for it takes longer than to load a model of ONNX, whose replica is waited for.
    """
    try:
        return str(find_java().path)
    except JavaMissingError:
        return None
