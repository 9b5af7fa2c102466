"""No project asks so often that others wait: what is beyond its rate is answered 429, and costs next to nothing."""

import math
import time
from functools import lru_cache
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.access.caller import caller
from streams.codes.access import AccessCode
from streams.runtime import StateRuntime
from streams.views.web.admission.authentication import WATCHER
from streams.views.web.admission.buckets import Rates
from streams.views.web.admission.hops import came_by_hop
from streams.views.web.admission.password_tries import address_of
from streams.views.web.door import Doors
from streams.views.web.envelope import Envelope

__all__ = ["RequestRates"]

_ALWAYS: Final = ("/healthz", "/readyz", "/ping")  # whoever looks after the service has to know
_ANSWERS: Final = 256


class RequestRates:
    """It comes after it is known who asks. An address stands for whoever has no name, such as all where nobody has one.

    What another state worker has passed on was counted there.
    """

    def __init__(self, app: ASGIApp, runtime: StateRuntime, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._settings = runtime.settings
        self._rates = Rates(runtime.settings.requests_per_s, runtime.settings.request_burst)
        self._refusal = lru_cache(_ANSWERS)(
            self._made_refusal
        )  # whoever is beyond the rate gets the same again and again

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, where it comes in time."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS or came_by_hop(scope) or WATCHER in scope:
            await self._app(scope, receive, send)
            return
        who = caller()
        asks = (who.project_id,) if who.name else address_of(scope)  # kept apart by their form
        wait_s = self._rates.wait_s(asks, time.monotonic())
        if not wait_s:
            await self._app(scope, receive, send)
            return
        owner = f"project {who.project_id}" if who.name else "your address"
        answer = self._refusal(self._doors.envelope_at(scope["path"]), owner, math.ceil(wait_s))
        await answer(scope, receive, send)

    def _made_refusal(self, envelope: Envelope, owner: str, wait_s: int) -> Response:
        settings = self._settings
        text = (
            f"over {settings.requests_per_s:g} requests a second from {owner}, and {settings.request_burst} at once: "
            "send fewer, or let TIDECAST_REQUESTS_PER_S be raised"
        )
        answer = envelope.refusal(429, AccessCode.TOO_MANY_REQUESTS, text)
        answer.headers["Retry-After"] = str(wait_s)
        return answer
