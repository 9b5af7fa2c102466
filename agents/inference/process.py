"""What a process does that computes forecasts for endpoints."""

from collections.abc import Callable
from functools import lru_cache
from time import perf_counter

from agents.inference.rendering import rendered
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from connectors.processes.compute_process import cores
from models.deepar.predictor import Predictor
from models.deepar.serving.answering import Call, answer
from streams.inference.calls import InferenceCall, InferenceReply, ModelCalls, ModelUnreadableError

__all__ = ["serve"]

_MODELS = 8  # kept loaded; one of usual size is 1 MB, and loading it takes some milliseconds


def serve(asked: ModelCalls, report: Callable[[object], None]) -> list[InferenceReply]:  # noqa: ARG001 - as all entries
    """Answer the calls in order.

    ObjectNotFoundError where the model has been removed, ModelUnreadableError where the store cannot be read.
    """
    predictor = _predictor(asked.store_url, asked.model_key, asked.created)
    calls = [_call(asked, call, time_left_s) for call, time_left_s in zip(asked.calls, asked.times_left_s, strict=True)]
    answers = answer(predictor, calls, clock=perf_counter)
    return [rendered(call, one) for call, one in zip(calls, answers, strict=True)]


@lru_cache(maxsize=_MODELS)
def _predictor(store_url: str, key: str, created: int) -> Predictor:  # noqa: ARG001 - another model may come under the key
    try:
        content = ObjectStore(store_url).read_bytes(key)
    except ObjectNotFoundError:
        raise
    except Exception as error:  # whatever the store's client raises: the request is not at fault
        raise ModelUnreadableError(f"the object store cannot be read: {type(error).__name__}") from error
    return Predictor.load(content, threads=cores())  # many series of one call: most other processes wait


def _call(asked: ModelCalls, call: InferenceCall, time_left_s: float) -> Call:
    return Call(
        content=call.content,
        form=call.form,
        defaults=call.defaults,
        lenient=asked.ignore_unknown_cat,
        max_samples=asked.max_samples,
        time_left_s=time_left_s,
        limit_s=asked.limit_s,
    )
