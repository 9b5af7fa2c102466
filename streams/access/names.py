"""Names that users choose are their project's own: how such a name is kept, and how it is shown.

What is kept carries its project: rows and their keys, commands and events, folders of the object store. So one word
says both which thing is meant and whose it is. Pure functions; `streams.access.visibility` asks them for a caller.
"""

from typing import Final

from streams.checks import PROJECT

__all__ = ["project_of", "scoped", "shown"]

_SEPARATOR: Final = "="
"""Between project and name: no project and no name holds it, and every key of the object store may."""


def scoped(project: str, name: str) -> str:
    """The name as it is kept: in the default project as its user writes it.

    One that holds what only kept names may is not taken for another project's: it has an empty project before it.
    """
    return f"{project}{_SEPARATOR}{name}" if project or _SEPARATOR in name else name


def shown(kept: str) -> str:
    """The name as its user writes it."""
    return _parts(kept)[1]


def project_of(kept: str) -> str:
    """Whose it is; empty: the default project's."""
    return _parts(kept)[0]


def _parts(kept: str) -> tuple[str, str]:
    project, separator, name = kept.partition(_SEPARATOR)
    has_project = PROJECT.fullmatch(project) if project else _SEPARATOR in name
    return (project, name) if separator and has_project else ("", kept)
