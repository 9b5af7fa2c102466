"""May whoever asks see this? What is another project's is answered exactly as what is not there, by every door.

Views look up what users name under `own(name)`, and show of lists what `is_own` or `visible`; nothing else decides.
"""

from typing import Protocol

from streams.access.caller import caller
from streams.access.names import project_of, scoped

__all__ = ["InProject", "is_own", "own", "visible"]


class InProject(Protocol):
    """Whatever has an id of ours, and the project that it was made in."""

    @property
    def project(self) -> str: ...  # noqa: D102


def visible(record: InProject) -> bool:
    """Whether a record is the caller's project's."""
    return record.project == caller().project


def own(name: str) -> str:
    """What the caller calls so, as it is kept."""
    return scoped(caller().project, name)


def is_own(kept: str) -> bool:
    """Whether what is kept under this name is the caller's project's."""
    return project_of(kept) == caller().project
