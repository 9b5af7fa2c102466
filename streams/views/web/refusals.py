"""Whatever is raised while a request is answered becomes an answer here, in the words of the door that was asked at."""

import errno
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from streams.errors import Code, RejectedError
from streams.views.web.browsers import FRESH
from streams.views.web.door import Doors
from streams.views.web.envelope import Envelope
from streams.views.web.invalid_requests import described, place_of
from streams.views.web.reading import BodyRefusedError

__all__ = ["answer_refusals"]

log = structlog.get_logger(__name__)

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # full; the quota used up; larger than a file may be
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LONGEST_SHOWN: Final = 200  # characters of a path that a message repeats


def answer_refusals(http: FastAPI, doors: Doors) -> None:
    """Let the application answer what its views refuse, what the framework refuses, and what fails."""
    handlers = _Handlers(doors)
    http.add_exception_handler(RejectedError, handlers.rejected)
    http.add_exception_handler(RequestValidationError, handlers.invalid)
    http.add_exception_handler(HTTPException, handlers.of_the_framework)
    http.add_exception_handler(OSError, handlers.store_failed)
    http.add_exception_handler(Exception, handlers.failed)


class _Handlers:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def _envelope(self, request: Request) -> Envelope:
        return self._doors.envelope_at(request.scope["path"])

    async def rejected(self, request: Request, error: Any) -> Response:
        return self._envelope(request).rejected(error)

    async def invalid(self, request: Request, error: Any) -> Response:
        problems = error.errors()
        return self._envelope(request).refusal(400, Code.INVALID_REQUEST, described(problems), place_of(problems))

    async def of_the_framework(self, request: Request, error: Any) -> Response:
        envelope, method, path = self._envelope(request), request.method, request.scope["path"][:_LONGEST_SHOWN]
        if isinstance(error, BodyRefusedError):
            return envelope.refusal(error.status_code, error.code, error.detail)
        if error.status_code == 404:
            return envelope.refusal(404, Code.NOT_FOUND, f"there is nothing at {path}: /docs lists the addresses")
        if error.status_code == 405:
            allowed = ", ".join(_allowed(request))
            text = f"{method} is not possible at {path}: use {allowed}"
            response = envelope.refusal(405, Code.METHOD_NOT_ALLOWED, text)
            response.headers["Allow"] = allowed
            return response
        return envelope.refusal(error.status_code, Code.INVALID_REQUEST, str(error.detail))

    async def store_failed(self, request: Request, error: Any) -> Response:
        """Of all that a file system may say, the one thing that the user can mend; the rest is unexpected."""
        if error.errno not in _NO_SPACE:
            raise error
        text = f"the object store cannot take more ({error.strerror}): free some space, then retry"
        return self._envelope(request).refusal(507, Code.INSUFFICIENT_STORAGE, text)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Starlette sends it past every middleware, and then raises the error on, for the server's log."""
        log.error("request_failed", path=request.scope["path"], error=repr(error))
        text = "the service failed on this request; its log says why"
        response = self._envelope(request).refusal(500, Code.INTERNAL_ERROR, text)
        response.raw_headers += FRESH
        return response


def _allowed(request: Request) -> list[str]:
    """The methods of an address. Starlette names those of the first route that fits; each of ours has a single one."""
    scope = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
