"""What a process that computes forecasts is asked and answers; light, because every such process loads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from streams.serving.errors import (  # all that there is to know for who asks an endpoint
    InferenceClosedError,
    InferenceError,
    InferenceUnavailableError,
    ModelMissingError,
    ModelUnreadableError,
)

__all__ = [
    "InferenceCall",
    "InferenceClosedError",
    "InferenceError",
    "InferenceReply",
    "InferenceUnavailableError",
    "InstanceForecast",
    "ModelCalls",
    "ModelMissingError",
    "ModelUnreadableError",
]

_PER_VALUE: Final = 8  # bytes of a number, in memory as in JSON


@dataclass(frozen=True, slots=True, eq=False)
class InferenceCall:
    """One request: the raw body of a ``json`` or ``jsonlines`` request, or the fields of one ``instance``.

    `defaults` is a DEEPAR_INFERENCE_CONFIG text; an instance has its configuration with it.
    """

    content: bytes | Mapping[str, Any]
    form: Literal["json", "jsonlines", "instance"]
    defaults: str | None = None

    @property
    def size(self) -> int:
        """Roughly how many bytes the call has."""
        if isinstance(self.content, bytes):
            return len(self.content)
        features = self.content.get("dynamic_feat") or ()
        return _PER_VALUE * (len(self.content.get("target", ())) + sum(map(len, features)))


@dataclass(frozen=True, slots=True, eq=False)
class InstanceForecast:
    """The forecast of an ``instance``; times in epoch milliseconds, and of the others what was asked for.

    `cutoff` is the time of the last value, also of one that is missing.
    """

    cutoff: int
    timestamps: Sequence[int]
    mean: Sequence[float] | None
    quantiles: Mapping[str, Sequence[float]] | None
    samples: Sequence[Sequence[float]] | None


@dataclass(frozen=True, slots=True, eq=False)
class InferenceReply:
    """The answer to a call: an HTTP answer, or for an ``instance`` its forecast or what is wrong with it.

    `detail` is for the log.
    """

    status: int
    content: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    forecast: InstanceForecast | None = None
    error: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ModelCalls:
    """Calls for one model, answered together. A model is known by its key and when it was created.

    Each call may take `limit_s` in all; what it has waited for is no more in its `times_left_s`.
    """

    store_url: str = field(repr=False)  # it may hold a password
    model_key: str
    created: int
    calls: tuple[InferenceCall, ...]
    times_left_s: tuple[float, ...]
    max_samples: int
    ignore_unknown_cat: bool
    limit_s: float | None = None
