"""Answers of endpoints: the pool of processes for DeepAR models, and how these are asked."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.objects.endpoints import Endpoint
from streams.inference.calls import InferenceCall, InferenceReply, ModelCalls
from streams.serving.kinds import ServingLimits, Words
from streams.serving.pool import ServingPool
from streams.settings import Settings

__all__ = ["DeepARModels", "InferencePool"]

_SERVE: Final = "agents.inference.process:serve"  # named, because agents are above streams
_LOADED: Final = (
    "models.deepar.predictor",
    "models.deepar.serving.answering",
)  # by the fork server, once for all processes
_WORDS: Final = Words(
    answer="forecast",
    ask_for_less="send fewer series per request, or ask for fewer samples",
    ask_for_less_at_once="send fewer series per request and more requests in parallel, or ask for fewer samples",
    more_processes="TIDECAST_MODEL_SERVER_WORKERS",
)


@dataclass(frozen=True, slots=True)
class DeepARModels:
    """The models of endpoints (contract 001)."""

    settings: Settings
    entry: str = _SERVE
    preload: Sequence[str] = _LOADED
    words: Words = _WORDS

    def name(self, model: Endpoint) -> str:
        """The endpoint's."""
        return model.name

    def key(self, model: Endpoint) -> Hashable:
        """Another model may come under the same key of the object store."""
        return model.model_key, model.created

    def weight_bytes(self, model: Endpoint) -> int:
        """By layers and cells."""
        return model.weight_bytes

    def size(self, call: InferenceCall) -> int:
        """Of its body or its numbers."""
        return call.size

    def message(self, model: Endpoint, calls: Sequence[InferenceCall], times_left_s: Sequence[float]) -> ModelCalls:
        """With the model's place and the limits of the service."""
        settings = self.settings
        return ModelCalls(
            store_url=settings.object_store_url,
            model_key=model.model_key,
            created=model.created,
            calls=tuple(calls),
            times_left_s=tuple(times_left_s),
            max_samples=settings.max_num_samples,
            ignore_unknown_cat=settings.ignore_unknown_cat,
            limit_s=settings.inference_timeout_s,
        )


class InferencePool(ServingPool[Endpoint, InferenceCall, InferenceReply]):
    """Answers calls of endpoints.

    `entry` is what a process runs and `preload` what it needs for that: tests put others in their place.
    """

    def __init__(self, settings: Settings, *, entry: str = _SERVE, preload: Sequence[str] = _LOADED) -> None:
        limits = ServingLimits(
            processes=settings.model_server_workers,
            memory_bytes=settings.inference_memory_bytes,
            timeout_s=settings.inference_timeout_s,
            most_waiting=settings.max_waiting_inferences,
        )
        super().__init__(DeepARModels(settings, entry, preload), limits)
