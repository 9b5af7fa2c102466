"""Answers of a service, as programs or people want them: JSON, or a table of a row for each thing."""

# ruff: noqa: PLC0415  # rich's tables are loaded where there is something to show

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from streams.cli.console.terminal import notices, one_line, output

__all__ = ["AsJson", "print_json", "print_rows"]

AsJson = Annotated[bool, typer.Option("--json", help="Print the service's answer as it is.")]


def print_json(content: Any) -> None:
    """One document, in a line."""
    json.dump(content, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], nothing: str) -> None:
    """The fields of these names, a row for each thing; `nothing` is told where there is none."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not rows:
        notices().print(nothing)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(_shown(row.get(column)))) for column in columns))
    output().print(table)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join("N" if one is None else str(one) for one in value)
    return "" if value is None else str(value)
