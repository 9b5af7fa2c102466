"""Pages of other origins that whoever runs the service lets use it (TIDECAST_CORS_ORIGINS).

Comes behind the check of hosts, and before anybody is asked who he is, for a browser asks beforehand without a token.
"""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OtherPages"]

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_TOLD: Final = ("ETag", "Location", "Retry-After", "X-Subject-Token")  # of answers, beside what every page may read
_REMEMBERED_S: Final = 600


class OtherPages:
    """Tells browsers that pages of these origins may read answers; what comes from others is as if there were none.

    With `*` browsers send no cookie along, and what a page of this very site would make them send is left out: no page
    acts for its reader but by a token that it has itself.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._any = "*" in origins
        self._origins = frozenset(origins)
        self._cors = CORSMiddleware(
            app,
            allow_origins=("*",) if self._any else tuple(origins),
            allow_methods=_METHODS,
            allow_headers=("*",),
            allow_credentials=not self._any,
            expose_headers=_TOLD,
            max_age=_REMEMBERED_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what browsers ask beforehand; pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)
        if origin is None or not (self._any or origin in self._origins):
            await self._app(scope, receive, send)
            return
        if origin not in self._origins:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"cookie"]}
        await self._cors(scope, receive, send)
