"""The endpoints as a process that serves them knows them, and how one is asked."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import structlog

from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint
from connectors.objects.store import ObjectStore
from streams.access.names import project_of
from streams.inference.calls import InferenceCall, InferenceReply, ModelMissingError
from streams.inference.pool import InferencePool

__all__ = ["Endpoints"]

log = structlog.get_logger(__name__)

_FRESH_S: Final = 1.0  # a new version serves that soon, and a busy endpoint costs one look at the store per second
_MOST_KNOWN: Final = 1000  # names; far more than a service has models


class Endpoints:
    """The endpoints in the object store, looked at once a second at most, and their answers.

    Who looks at one will soon ask it: a process that computes is then started beforehand.
    """

    def __init__(
        self,
        store: ObjectStore,
        pool: InferencePool,
        measured: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._measured = measured
        self._store = store
        self._pool = pool
        self._known: dict[str, tuple[float, Endpoint]] = {}
        self._only: dict[str, tuple[float, str]] = {}

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
        self._pool.warm()
        return endpoint

    def forget(self, name: str) -> None:
        """What has been seen of this endpoint no longer holds: this process looks again before it answers."""
        self._known.pop(name, None)
        self._only.clear()

    async def of(self, project: str) -> list[Endpoint]:
        """All endpoints of a project by name."""
        return [endpoint for endpoint in await self.all() if project_of(endpoint.name) == project]

    async def all(self) -> list[Endpoint]:
        """All endpoints by name."""
        found = await asyncio.to_thread(endpoints.list_all, self._store)
        if found:
            self._pool.warm()
        return found

    async def prepare(self) -> None:
        """Be ready for the first request if there is an endpoint; trouble with the store is left to who asks."""
        try:
            await self.all()
        except Exception as error:  # noqa: BLE001 - whatever the store's client raises
            log.warning("endpoints_not_read", error=repr(error))

    async def only(self, project: str) -> str | None:
        """The name of the one endpoint that the project has; None where there is none, or more."""
        seen, name = self._only.get(project, (0.0, ""))
        if name and time.monotonic() - seen < _FRESH_S:
            return name
        self._only.pop(project, None)
        found = await self.of(project)
        if len(found) != 1:
            return None
        self._only[project] = time.monotonic(), found[0].name
        return found[0].name

    async def ask(self, name: str, call: InferenceCall, *, patient: bool = False) -> InferenceReply:
        """The answer of the endpoint of this name, as `InferencePool.ask`; UnknownEndpointError if there is none."""
        with self._measured():
            return await self._ask(name, call, patient=patient)

    async def _ask(self, name: str, call: InferenceCall, *, patient: bool) -> InferenceReply:
        try:
            return await self._pool.ask(await self.get(name), call, patient=patient)
        except ModelMissingError:  # another version took its place just now, or the endpoint has been removed
            self._known.pop(name, None)
        return await self._pool.ask(await self.get(name), call, patient=patient)
