"""`tidecast access audit`: who did what, and what came of it."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, Final

import typer

from streams.cli.console.options import option
from streams.cli.console.terminal import notices, output
from streams.cli.service.asking import Url, session_of

__all__ = ["audit"]

_WIDTHS: Final = {"user": 12, "project": 12, "action": 44, "status": 6}


def audit(
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens from now on; Ctrl-C ends.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = 50,
    user: Annotated[str, option(help="Only of this user.")] = "",
    project: Annotated[str, option(help="Only in this project.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, as the service has them.")] = False,
    url: Url = None,
) -> None:
    """Who did what: every write, and every refusal for lack of rights."""
    from streams.cli.service.newest import newest, print_lines

    only = {name: value for name, value in (("user", user), ("project", project)) if value}
    with session_of(url) as session:
        found = newest(session.client, "/access/audit", only, name="audit", key="id", limit=limit, follow=follow)
        first = next(found)
        if not first and not follow:
            notices().print("nothing has been written yet")
            return
        if not as_json:
            heads = " ".join(f"{name:{width}}" for name, width in _WIDTHS.items())
            output().print(f"{'time (UTC)':23} {heads} subject", soft_wrap=True)
        for some in chain((first,), found):
            print_lines(some, _words, as_json=as_json)


def _words(it: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(it["at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:23]
    told = {**it, "user": it["user"] or ("-" if it["door"] == "http" else "(kafka)")}
    columns = " ".join(f"{told[name]!s:{width}}" for name, width in _WIDTHS.items())
    several = f"{it['count']} times" if it.get("count", 1) > 1 else ""
    return f"{at} {columns} {it['subject']}{several}".rstrip()
