"""Which workloads are listed and counted together: those of a project that rows may tell of, and all its others."""

from typing import Final, NamedTuple

from streams.access.names import project_of, shown

__all__ = ["GroupsOf", "group_of", "groups_of", "may_have_row"]

_FORMS: Final = ("tj-", "run-")


class GroupsOf(NamedTuple):
    """The groups of a project. Nobody need look at the others to count them: no worker has a row of one."""

    with_rows: str
    others: str


def groups_of(project: str) -> GroupsOf:
    """Those of a project, empty for the default one."""
    return GroupsOf(f"{project}/rows", f"{project}/others")


def group_of(kept: str) -> str:
    """The group of a workload, by its uid as it is kept."""
    groups = groups_of(project_of(kept))
    return groups.with_rows if may_have_row(shown(kept)) else groups.others


def may_have_row(uid: str) -> bool:
    """Whether some worker may have a row of the workload that its project calls so."""
    return uid.startswith(_FORMS)
