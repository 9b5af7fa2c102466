"""Requests that one state worker passes on to another: signed, for whoever is believed may skip every check.

The header says who asks, and is good for one request, once, for half a minute.
"""

import hashlib
import hmac
import secrets
import time
from typing import Final

from starlette.types import Scope
from yarl import URL

from streams.access.caller import Caller, Role, caller
from streams.access.once import Once
from streams.access.vault import hop_secret
from streams.runtime import Part, StateRuntime

__all__ = ["HOP", "Hops", "came_by_hop", "hops_of"]

HOP: Final = "x-tidecast-forwarded"
_MARK: Final = "tidecast.hop"  # in a scope: another worker sent this
_VERSION: Final = "v1"
_GOOD_FOR_S: Final = 30.0
_MOST_KNOWN: Final = 100_000


class Hops(Part):
    """Signs such requests, and tells those of other workers from what anybody may write."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._nonces = Once(2 * _GOOD_FOR_S, _MOST_KNOWN)

    def header(self, method: str, url: URL) -> dict[str, str]:
        """What to send beside a request to another worker, so that it is taken for one of whoever asks here."""
        who = caller()
        told = f"{_VERSION}:{int(time.time())}:{secrets.token_hex(8)}:{who.name}:{who.project}:{int(who.role)}"
        return {HOP: f"{told}:{self._mac(told, method, url.raw_path, url.raw_query_string)}"}

    def marked(self, scope: Scope) -> tuple[Scope, Caller | None]:
        """The request without the header; marked, and who asks, where the header is right."""
        name = HOP.encode()
        told = [value for key, value in scope["headers"] if key == name]
        if not told:
            return scope, None
        scope = {**scope, "headers": [(key, value) for key, value in scope["headers"] if key != name]}
        who = self._believed(told[0].decode("latin-1"), scope) if len(told) == 1 else None
        if who is not None:
            scope[_MARK] = True
        return scope, who

    def _believed(self, header: str, scope: Scope) -> Caller | None:
        told, _, mac = header.rpartition(":")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        wanted = self._mac(told, scope["method"], path, scope["query_string"].decode("latin-1"))
        if not hmac.compare_digest(wanted.encode(), mac.encode("utf-8", "surrogatepass")):
            return None
        _, at, nonce, name, project, role = told.split(":")
        now = time.time()
        if abs(now - int(at)) > _GOOD_FOR_S or not self._nonces.note(nonce, now):
            return None
        return Caller(name, project, Role(int(role)))

    def _mac(self, told: str, method: str, path: str, query: str) -> str:
        signed = f"{told}\n{method}\n{path}\n{query}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, signed, hashlib.sha256).hex()


def hops_of(runtime: StateRuntime) -> Hops:
    """The process's, with the secret that all state workers of the installation have."""
    found = runtime.parts.get(Hops)
    if not isinstance(found, Hops):
        found = Hops(hop_secret(runtime.settings, runtime.store))
        runtime.add(found)
    return found


def came_by_hop(scope: Scope) -> bool:
    """Whether another worker has sent the request: then it is answered here, whatever is not."""
    return _MARK in scope
