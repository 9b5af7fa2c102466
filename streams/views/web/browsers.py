"""The browser next door: a page of any site, opened by a user of this service, can send requests to it.

Being bound to 127.0.0.1 does not help: the browser is on the same machine. Two things tell such a request. After DNS
rebinding it names another host than ours, so hosts are an allow-list. Else it says where it comes from (`Origin`,
`Sec-Fetch-Site`), and what would change something is refused unless that is our own page. Programs send neither header.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.addresses import is_address, listens_everywhere, named_hosts, own_hosts
from streams.errors import Code
from streams.settings import Settings
from streams.views.web.door import Doors

__all__ = ["FRESH", "BrowserGuard"]

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+?)\.?(?::(\d{0,5}))?", re.ASCII)
_TARGET: Final = re.compile(rb"(?i:https?)://([^/?]*)(/[^?]*)?")
_PORTS: Final = {"http": "80", "https": "443"}
_HARMLESS: Final = frozenset(("GET", "HEAD", "OPTIONS"))  # they change nothing, and no page of elsewhere may read them
_OWN_SITE: Final = (b"same-origin", b"none")  # `none`: the user, by the address bar or a bookmark
_LONGEST_SHOWN: Final = 80  # characters of a header that a message repeats
_STATIC: Final = ("/docs", "/openapi.json", "/asyncapi.json", "/static-offline-docs")  # the same for everybody
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
)
FRESH: Final = (*_ALWAYS, (b"cache-control", b"no-store"))
"""What every answer carries that is not the same for everybody."""
_Headers = Mapping[bytes, bytes]


class BrowserGuard:
    """Refuses what a web page of another site sends through its reader's browser, and lets no page of ours be abused.

    421 for a host that is not ours; 403 for a write that comes from elsewhere; 400 for a path with a line end.
    It comes before all that reads bodies.
    """

    def __init__(self, app: ASGIApp, settings: Settings, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._named = named_hosts(settings)
        self._hosts = self._named | own_hosts(settings)
        self._any_name = "*" in self._named
        self._any_address = listens_everywhere(settings.http_host)
        self._other_pages = frozenset(settings.cors_origin_list) - {"*"}
        self._any_page = "*" in settings.cors_origin_list
        self._is_ours = lru_cache(maxsize=256)(self._is_our_host)  # a client sends the same one each time

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is harmless."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = _in_origin_form(scope)
        headers = dict(scope["headers"])
        path, host = scope["path"], headers.get(b"host")
        sending = _hardened(send, path)
        if "\n" in path:  # an address that ends in one would be found by routes, and belong to no door
            text = f"{path[:_LONGEST_SHOWN]!r}: no address has a line end, such as %0A: leave it out"
            await self._doors.envelope_at(path).refusal(400, Code.INVALID_REQUEST, text)(scope, receive, sending)
            return
        if host is not None and not self._is_ours(host):  # without one it is HTTP/1.0, which no browser speaks
            text = (
                f"Host: {_shown(host)} is none of this service's names, {', '.join(sorted(self._hosts))}: use one of "
                "them, or add it to TIDECAST_ALLOWED_HOSTS"
            )
            await self._doors.envelope_at(path).refusal(421, Code.MISDIRECTED, text)(scope, receive, sending)
            return
        wrong = None if scope["method"] in _HARMLESS else self._foreign(headers)
        if wrong is not None:
            await self._doors.envelope_at(path).refusal(403, Code.FOREIGN_PAGE, wrong)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)

    def _is_our_host(self, host: bytes) -> bool:
        name, _ = _split(host.decode("latin-1"))
        if name in self._hosts or self._any_name:
            return True
        return self._any_address and is_address(name)  # no name, so nothing can be rebound

    def _foreign(self, headers: _Headers) -> str | None:
        """Why a request that would change something is taken for another site's; None where it is not."""
        if self._other_pages and headers.get(b"origin", b"").decode("latin-1") in self._other_pages:
            return None
        if self._any_page and headers.get(b"origin") not in (None, b"null"):
            return None  # it has no cookie: see `admission.cors`
        site = headers.get(b"sec-fetch-site")
        if site is not None and site.lower() not in _OWN_SITE:
            return f"Sec-Fetch-Site: {_shown(site)}: pages of other sites cannot change anything here"
        origin = headers.get(b"origin")
        if origin is None or self._is_own_origin(origin.decode("latin-1"), headers.get(b"host", b"")):
            return None
        return (
            f"Origin: {_shown(origin)} is not this service's own page, and others cannot change anything here; if a "
            "proxy gives this service another name than that, add it to TIDECAST_ALLOWED_HOSTS"
        )

    def _is_own_origin(self, origin: str, host: bytes) -> bool:
        """A page at the host that is asked, or at one that is named in the settings."""
        scheme, _, authority = origin.partition("://")
        name, port = _split(authority)
        if not name or scheme not in _PORTS:
            return False
        asked, asked_port = _split(host.decode("latin-1"))
        # A proxy that ends TLS asks by http for what the browser asked by https.
        same = name == asked and (port or _PORTS[scheme]) in ({asked_port} if asked_port else set(_PORTS.values()))
        return same or name in self._named


def _in_origin_form(scope: Scope) -> Scope:
    """A target in absolute form (`GET http://host/path`) as the plain one; its host counts (RFC 9112, 3.2.2)."""
    raw_path = scope.get("raw_path") or b"/"
    target = None if raw_path.startswith(b"/") else _TARGET.fullmatch(raw_path)
    if target is None:
        return scope
    raw = target[2] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": unquote(raw.decode("ascii")),
        "raw_path": raw,
        "headers": [(b"host", target[1]), *headers],
    }


def _split(authority: str) -> tuple[str, str]:
    """Host, in small letters, and port; both empty where it is none."""
    found = _HOST.fullmatch(authority.strip().lower())
    return ("", "") if found is None else (found[1], found[2] or "")


def _shown(value: bytes) -> str:
    return repr(value[:_LONGEST_SHOWN].decode("latin-1"))


def _hardened(send: Send, path: str) -> Send:
    """Answers that a browser neither guesses the type of, nor frames, nor keeps."""
    wanted = _ALWAYS if path == "/" or path.startswith(_STATIC) else FRESH

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}  # another worker's answer has them already
            added = [pair for pair in wanted if pair[0] not in there]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending
