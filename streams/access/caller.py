"""Whoever asks for something: name, project and role, set for the time of a request.

Views and rules ask `caller()`. Agents never do: they read the command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = ["ANYBODY", "DEFAULT_PROJECT", "NOBODY", "Caller", "Role", "caller", "calling"]

DEFAULT_PROJECT: Final = "default"
"""What people call the project whose id is empty."""


class Role(IntEnum):
    """What a caller may do; each may what those before it may."""

    VIEWER = 1
    """Read what belongs to the project."""
    OPERATOR = 2
    """Write there too."""
    ADMIN = 3
    """Look after users, keys and projects, dead letters and figures."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A name, the project that it works in (empty: the default project), and its role there."""

    name: str
    project: str
    role: Role

    @property
    def project_id(self) -> str:
        """The project as answers and addresses name it."""
        return self.project or DEFAULT_PROJECT


ANYBODY: Final = Caller("", "", Role.ADMIN)
"""Where access control is off, and for the service's own work: the default project, and all is allowed."""
NOBODY: Final = Caller("", "", Role.VIEWER)
"""At a door that is open to all while access control is on."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANYBODY)


def caller() -> Caller:
    """Who asks now."""
    return _current.get()


@contextmanager
def calling(who: Caller) -> Iterator[None]:
    """Let this be whoever asks, as long as the block lasts."""
    token = _current.set(who)
    try:
        yield
    finally:
        _current.reset(token)
