"""Routes that answer in the words of one contract: the same refusals everywhere, in an envelope of its own."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from streams.errors import RejectedError
from streams.views.web.invalid_requests import described
from streams.views.web.reading import BodyRefusedError, JsonRoute

__all__ = ["EnvelopeRoute"]


class EnvelopeRoute(JsonRoute):
    """A route whose refusals have the envelope that `refused` makes."""

    @staticmethod
    @abstractmethod
    def refused(status: int, message: str, code: str = "") -> Response:
        """The refusal as an answer; `code` is the one that our own refusals have, empty for those of the framework."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler, with refusals made answers."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Any:
            try:
                return await handler(request)
            except RejectedError as error:
                return self.refused(error.status, error.message, error.code)
            except BodyRefusedError as error:
                return self.refused(error.status_code, error.detail)
            except RequestValidationError as error:
                return self.refused(400, described(error.errors()))

        return handle
