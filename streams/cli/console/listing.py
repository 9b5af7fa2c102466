"""Answers of a service, as programs or people want them: JSON, or a table of a row for each thing."""

# ruff: noqa: PLC0415  # rich's tables are loaded where there is something to show

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import notices, one_line, output

__all__ = ["AsJson", "check_no_files", "print_answer", "print_json", "print_rows"]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]


def print_json(content: Any) -> None:
    """One document, in a line."""
    json.dump(content, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")


def print_answer(content: Any, sentence: str, *, as_json: bool) -> None:
    """What was done: for programs the service's answer or the like of it, for people a sentence."""
    if as_json:
        print_json(content)
    else:
        output().print(one_line(sentence), soft_wrap=True)


def check_no_files(*, as_json: bool, **files: Path | None) -> None:
    """CommandError where a file is wanted, by the option of its name, and the document that is printed instead."""
    given = " and ".join(f"--{name}" for name, file in files.items() if file is not None)
    if as_json and given:
        raise CommandError(f"--json writes no file: leave {given} out, or --json", status=2)


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
