"""Answers as they go over the wire: `{"predictions": […]}` for JSON, one prediction per line for JSON Lines (001)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from models.deepar.serving.answering import Answer, Call, Predicted, Refusal, Refused
from streams.inference.calls import InferenceReply, InstanceForecast

__all__ = ["rendered"]

_JSON: Final = "application/json"
_JSON_LINES: Final = "application/jsonlines"
_IGNORED_CAT: Final = {"x-tidecast-warning": "cat was ignored: the model was trained without categories"}
_CODES: Final = {  # contract D-081, D-046
    Refusal.INVALID: (400, "ValidationError"),
    Refusal.TOO_LARGE: (413, "TooLargeError"),
    Refusal.CROWDED: (504, "TimeoutError"),
    Refusal.FAILED: (500, "InternalError"),
}


def rendered(call: Call, answer: Answer) -> InferenceReply:
    """The HTTP answer to a call, or for an ``instance`` its forecast or the text of its error."""
    if isinstance(answer, Refused):
        return _refused(call, answer)
    if call.form == "instance":
        return InferenceReply(200, forecast=_forecast(answer))
    headers = _IGNORED_CAT if answer.ignored_cat else {}
    if call.form == "jsonlines":
        return InferenceReply(200, b"".join(_json(one) + b"\n" for one in answer.predictions), _JSON_LINES, headers)
    return InferenceReply(200, _json({"predictions": answer.predictions}), _JSON, headers)


def _refused(call: Call, answer: Refused) -> InferenceReply:
    status, code = _CODES[answer.kind]
    if call.form == "instance":
        return InferenceReply(status, error=answer.text, detail=answer.detail)
    body = {"code": code, "message": answer.text} | ({} if answer.instance is None else {"instance": answer.instance})
    return InferenceReply(status, _json(body), _JSON, detail=answer.detail)


def _forecast(answer: Predicted) -> InstanceForecast:
    """As plain numbers, for an event."""
    (prediction,) = answer.predictions
    quantiles: Mapping[str, Any] | None = prediction.get("quantiles")
    cutoff, *timestamps = answer.timestamps or (0,)
    return InstanceForecast(
        cutoff=cutoff,
        timestamps=timestamps,
        mean=prediction["mean"].tolist() if "mean" in prediction else None,
        quantiles=None if quantiles is None else {level: values.tolist() for level, values in quantiles.items()},
        samples=prediction["samples"].tolist() if "samples" in prediction else None,
    )


def _json(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
