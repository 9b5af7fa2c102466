"""The endpoints as a process that serves them knows them, and how one is asked."""

import asyncio
import time
from typing import Final

from connectors import endpoints
from connectors.endpoints import Endpoint
from connectors.object_store import ObjectStore
from streams.inference_calls import InferenceCall, InferenceReply, ModelMissingError
from streams.inference_pool import InferencePool

__all__ = ["Endpoints"]

_FRESH_S: Final = 1.0  # a new version serves that soon, and a busy endpoint costs one look at the store per second
_MOST_KNOWN: Final = 1000  # names; far more than a service has models


class Endpoints:
    """The endpoints in the object store, looked at once a second at most, and their answers."""

    def __init__(self, store: ObjectStore, pool: InferencePool) -> None:
        self._store = store
        self._pool = pool
        self._known: dict[str, tuple[float, Endpoint]] = {}
        self._only: tuple[float, str] | None = None

    async def get(self, name: str) -> Endpoint:
        """The endpoint of this name; UnknownEndpointError if there is none. An unknown name is always looked up."""
        seen, endpoint = self._known.get(name, (0.0, None))
        if endpoint is not None and time.monotonic() - seen < _FRESH_S:
            return endpoint
        self._known.pop(name, None)
        endpoint = await asyncio.to_thread(endpoints.load, self._store, name)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[name] = time.monotonic(), endpoint
        return endpoint

    async def all(self) -> list[Endpoint]:
        """All endpoints by name."""
        return await asyncio.to_thread(endpoints.list_all, self._store)

    async def only(self) -> str | None:
        """The name of the one endpoint that there is; None where there is none, or more."""
        if self._only is not None and time.monotonic() - self._only[0] < _FRESH_S:
            return self._only[1]
        found = await self.all()
        self._only = (time.monotonic(), found[0].name) if len(found) == 1 else None
        return None if self._only is None else self._only[1]

    async def ask(self, name: str, call: InferenceCall, *, patient: bool = False) -> InferenceReply:
        """The answer of the endpoint of this name, as `InferencePool.ask`; UnknownEndpointError if there is none."""
        try:
            return await self._pool.ask(await self.get(name), call, patient=patient)
        except ModelMissingError:  # another version took its place just now, or the endpoint has been removed
            self._known.pop(name, None)
        return await self._pool.ask(await self.get(name), call, patient=patient)
