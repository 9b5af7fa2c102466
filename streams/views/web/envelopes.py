"""Which contract an address belongs to, and so in what form it is refused (decision 5)."""

from typing import Final

from fastapi import Response

from streams.views.web.answers import error_response, json_response
from streams.views.web.serving_envelope import refusal
from streams.views.web.training_envelope import training_refusal

__all__ = ["refusal_at"]

_SERVING: Final = ("/endpoints", "/invocations", "/ping", "/transform-jobs", "/uploads/", "/outputs/")


def refusal_at(path: str, status: int, code: str, message: str) -> Response:
    """The refusal of a request to this path, for whoever meets it before or after the view that would answer."""
    if path.startswith("/v1/"):
        return training_refusal(status, message)
    if path.startswith(_SERVING):
        return refusal(status, message)
    if path.startswith("/registry/"):
        return json_response({"error_code": status, "message": message}, status)
    return error_response(status, code, message)
