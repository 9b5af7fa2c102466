"""What a command is about, and whose that is: its ids and names, and nothing else of it."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from streams.access.names import project_of, shown

__all__ = ["LONGEST", "project_of_command", "subject_of"]

LONGEST: Final = 200
"""Characters of a subject, or of a name that somebody claims to have."""
_NAMES: Final = ("user", "name", "access_key", "experiment", "script", "service")
_NOT_NAMED: Final = ("command_id", "project_id", "workspace_id")


def project_of_command(command: Any) -> str:
    """Whose the thing is that a command is about."""
    told: str = getattr(command, "project", "") or ""
    return told or next((project for _, value in _named(command) if (project := project_of(str(value)))), "")


def subject_of(command: Any) -> str:
    """Its ids and names, as its users write them."""
    found = [f"{name}={shown(str(value))}" for name, value in _named(command)]
    if not found and (project := getattr(command, "project", "")):
        found = [f"project={project}"]
    return " ".join(found)[:LONGEST]


def _named(command: Any) -> Iterator[tuple[str, Any]]:
    for it in fields(command):
        if (it.name.endswith("_id") and it.name not in _NOT_NAMED) or it.name in _NAMES or it.name.endswith("_name"):
            value = getattr(command, it.name)
            if isinstance(value, str | int) and value:
                yield it.name, value
