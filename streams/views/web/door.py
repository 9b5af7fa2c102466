"""Doors: the addresses of a resource, with all that has to be known of a request before its view is.

Each module of views has a `DOOR`. Routers, tags of the API document, final slashes, limits of bodies, owners and the
form of every refusal follow from it; nothing else looks at how a path begins.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from streams.access.caller import Role
from streams.access.visibility import own
from streams.settings import Settings
from streams.views.web.envelope import PLAIN, Envelope

__all__ = ["OPERATION", "BodyLimit", "Door", "DoorRoute", "Doors", "Owned", "Tag", "by_id", "by_name"]

_FOUND: Final = "tidecast.route"  # in the scope of a request
_LONGEST_ID: Final = 20  # digits: more than any id has; the views refuse the rest


class Tag(NamedTuple):
    """A chapter of the API document."""

    name: str
    words: str


OPERATION: Final = Tag("operation", "Health and figures.")
"""Whatever whoever runs the service asks for."""


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose answer a request asks for: that of the worker which owns the key's partition.

    `key` is None where the path names no one thing. `in_tables`: to read takes that worker's tables, not only
    the object store, which all workers see. `minted`: what is created gets a new id, for which it takes no table.
    """

    key: bytes | None
    in_tables: bool = True
    minted: bool = False


_Owner = Callable[[str], Owned | None]


def by_id(place: int, *, in_tables: bool = True) -> _Owner:
    """For paths whose part of this number, from 1, is an id that we mint; what can be no id is nobody's."""

    def owner(path: str) -> Owned | None:
        name = _part(path, place)
        if name == "":
            return Owned(None, in_tables=in_tables, minted=True)
        if name.isascii() and name.isdecimal() and len(name) <= _LONGEST_ID:
            return Owned(b"%d" % int(name), in_tables=in_tables, minted=True)
        return None

    return owner


def by_name(place: int) -> _Owner:
    """For paths whose part of this number, from 1, is a name that the user chooses: the project's own."""

    def owner(path: str) -> Owned:
        name = _part(path, place)
        return Owned(own(name).encode("utf-8", "replace") if name else None)

    return owner


def _part(path: str, place: int) -> str:
    parts = path.split("/", place + 1)
    return parts[place] if place < len(parts) else ""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How large a body may be: as a setting says, and `around` bytes for what encloses the part that it speaks of."""

    setting: str = "max_body_bytes"
    around: int = 0

    def of(self, settings: Settings) -> int:
        """In bytes."""
        largest: int = getattr(settings, self.setting)
        return largest + self.around

    @property
    def variable(self) -> str:
        """By which the setting can be raised."""
        return f"TIDECAST_{self.setting.upper()}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Door:
    """A resource's addresses: how they begin, who answers, in whose words it is refused, who owns what they name."""

    router: APIRouter
    tag: Tag
    prefixes: Sequence[str] = ()
    """Whole parts of paths, `{…}` for any one; the longest that fits decides. The router's own where none are given."""
    envelope: Envelope = PLAIN
    owner: _Owner | None = None
    """None: every worker answers by itself."""
    slash: bool | None = None
    """Whether addresses end with a slash: it is added or removed then. None: as they come."""
    body_limit: BodyLimit = BodyLimit()
    packed: bool = False
    """Whether bodies may be gzipped; the limit is that of what is in them."""
    quick: Sequence[BaseRoute] = ()
    """Routes that are looked at before all routers, for what is asked very often."""
    watched: Sequence[str] = ()
    """What `GET /watch` may follow, without a final slash, `{…}` for any one part: lists, and what has a state."""
    open: Collection[str] = ()
    """What anybody may ask while access control is on: `GET /healthz`; with a * at the end, whatever begins so."""
    role: Role | None = None
    """The least that may come in at all."""
    apart: bool = False
    """Whether each project has what is here for itself, or there is nothing of anybody's. Else it is all the default
    project's, and to callers of others there is nothing."""
    asks: Collection[str] = ()
    """Last parts of paths whose POST changes nothing, so that viewers may send it; * for all."""

    @classmethod
    def of_job(
        cls, page: str, router: APIRouter, tag: Tag, *, watched: bool = False, asks: Collection[str] = ()
    ) -> "Door":
        """That of `/job/{job_id}/<page>/`: the job's owner answers, and nobody of another project."""
        prefix = f"/job/{{job_id}}/{page}"
        return cls(
            router=router,
            prefixes=(prefix,),
            tag=tag,
            owner=by_id(2),
            slash=True,
            watched=(prefix,) if watched else (),
            apart=True,
            asks=asks,
        )

    @cached_property
    def routes(self) -> Sequence[BaseRoute]:
        """Those of its router, in its chapter of the API document: FastAPI works them out once for all applications.

        Each may answer 400, to a query that has a name twice if to nothing else.
        """
        chapter = APIRouter(generate_unique_id_function=lambda route: route.name)
        chapter.include_router(self.router, tags=[self.tag.name], responses=self.envelope.responses(400))
        return chapter.routes

    def begins(self) -> Sequence[str]:
        """What its addresses begin with."""
        return self.prefixes or (self.router.prefix,)

    def is_open(self, method: str, path: str) -> bool:
        """Whether anybody may ask this."""
        asked = f"{_as_read(method)} {(path.rstrip('/') or '/') if self.slash is False else path}"
        return any(asked.startswith(it[:-1]) if it.endswith("*") else asked == it for it in self.open)

    def reads(self, method: str, path: str) -> bool:
        """Whether such a request changes nothing."""
        last = path.rstrip("/").rpartition("/")[2]
        return _as_read(method) == "GET" or (method == "POST" and ("*" in self.asks or last in self.asks))

    def least(self, method: str, path: str) -> Role:
        """The role that it takes."""
        if self.role is not None:
            return self.role
        return Role.VIEWER if self.reads(method, path) else Role.OPERATOR


class Doors:
    """All doors, and which of them an address belongs to."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self._all = tuple(doors)
        known = [(tuple(prefix.split("/")[1:]), door) for door in self._all for prefix in door.begins()]
        known.sort(key=lambda it: len(it[0]), reverse=True)
        self._by_first: dict[str, list[tuple[Sequence[str], Door]]] = {}
        for parts, door in known:
            beside = self._by_first.setdefault(parts[0] if parts else "", [])
            if not parts or any(parts == other for other, _ in beside):
                raise ValueError(f"/{'/'.join(parts)}: there can be one door only, and none at the root")
            beside.append((parts, door))

    def __iter__(self) -> Iterator[Door]:
        return iter(self._all)

    def at(self, path: str) -> Door | None:
        """The door that an address belongs to, whether or not there is something."""
        parts = path.split("/")[1:]
        for prefix, door in self._by_first.get(parts[0], ()) if parts else ():
            if len(prefix) <= len(parts) and all(map(_fits, prefix, parts)):
                return door
        return None

    def is_watched(self, path: str) -> bool:
        """Whether the answer at an address can be followed."""
        door = self.at(path)
        parts = path.rstrip("/").split("/")
        known = () if door is None else (each.split("/") for each in door.watched)
        return any(len(each) == len(parts) and all(map(_fits, each, parts)) for each in known)

    def envelope_at(self, path: str) -> Envelope:
        """In whose words a request to this address is refused."""
        door = self.at(path)
        return PLAIN if door is None else door.envelope


class DoorRoute(BaseRoute):
    """Finds the view of a request among the routes of its door alone, to be looked at before those of all doors.

    There are hundreds: to compare an address with each takes half a millisecond. What its door has no view for is left
    to them, and to what answers 404 and 405.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the door has a view, which goes with the request."""
        door = self._doors.at(scope["path"]) if scope["type"] == "http" else None
        for route in () if door is None else door.routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, _FOUND: route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the route that was found."""
        route: BaseRoute = scope[_FOUND]
        await route.handle(scope, receive, send)


def _as_read(method: str) -> str:
    return "GET" if method in ("GET", "HEAD", "OPTIONS") else method


def _fits(prefix: str, part: str) -> bool:
    return prefix == part or (prefix.startswith("{") and part != "")
