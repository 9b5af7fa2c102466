"""`tidecast data`: data sets, their rows after the upload, and all of these as they are now."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

import sys
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.file_options import Sheet
from streams.cli.console.listing import AsJson, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.standard_input import given_file
from streams.cli.console.terminal import notices
from streams.cli.observations import data_sets
from streams.cli.observations.data_sets import Data
from streams.cli.service.asking import Url, session_of

__all__ = ["register"]

_TOGETHER: Final = 5000  # rows of a request: some hundred KB, answered within the time that a write has
_CELLS: Final = 100_000  # likewise, of wide files
_APPEND_EPILOG = """Examples:

tidecast data append 5 today.csv

tidecast data append 5 today.csv --timestamp day --group-by shop

tidecast data append 5 lastweek.csv --rows 1 --every 0.5"""


def register(app: typer.Typer) -> None:
    """Add the commands in a group of their own."""
    group = typer.Typer(
        help="Data sets: what there is, rows after the upload, all rows as they are now.", no_args_is_help=True
    )
    group.command("upload", epilog="Example: tidecast data upload sales.csv")(data_sets.upload)
    group.command("list", epilog="Example: tidecast data list")(data_sets.list_data_sets)
    group.command("show", epilog="Example: tidecast data show 5")(data_sets.show)
    group.command("append", epilog=_APPEND_EPILOG)(append)
    group.command("export", epilog="Example: tidecast data export 5 --out now.csv")(export)
    group.command("delete", epilog="Example: tidecast data delete 5")(data_sets.delete)
    app.add_typer(group, name="data")


def append(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    data_id: Data,
    file: Annotated[
        Path, argument(metavar="FILE", help="CSV, Parquet, Arrow or XLSX, columns in any order; - for standard input.")
    ],
    *,
    timestamp: Annotated[
        str | None, option(metavar="COLUMN", help="The column of times, where no job has chosen it.")
    ] = None,
    group_by: Annotated[
        list[str] | None, option("--group-by", "-g", metavar="COLUMN", help="With --timestamp; may be repeated.")
    ] = None,
    sheet: Sheet = None,
    rows: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=_TOGETHER, help="Rows at a time.")] = _TOGETHER,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Pause between them: a file is replayed as it came.")
    ] = 0.0,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add the rows of a file to a data set. A row that is there, by its time and groups, is corrected.

    Run again after a failure: what was kept before does not change.
    """
    if group_by and timestamp is None:
        raise CommandError("--group-by goes with --timestamp: name the column of times, too", status=2)
    chosen = {} if timestamp is None else {"timestamp_column": timestamp, "group_columns": group_by or []}
    kept = 0
    with session_of(url) as session:
        found = _rows_of(given_file(file), sheet)
        first = next(found, {})
        found = chain([first] if first else [], found)
        rows = max(1, min(rows, _CELLS // max(1, len(first))))
        while some := list(islice(found, rows)):
            if kept:
                time.sleep(every)
            kept += session.client.write("POST", _address(data_id, chosen), body=some)["accepted"]
    if as_json:
        print_json({"data_id": data_id, "accepted": kept})
    else:
        notices().print(f"{kept:,} rows are kept")


def export(
    data_id: Data,
    *,
    out: Annotated[Path | None, option("--out", "-o", metavar="FILE", help="Instead of the output.")] = None,
    url: Url = None,
) -> None:
    """Write a data set as it is now, with all rows that were added or corrected, as CSV."""
    with session_of(url) as session:
        table = session.client.get_file(f"/data/{data_id}/rows")
    if out is None:
        sys.stdout.buffer.write(table)
    else:
        out.write_bytes(table)


def _rows_of(file: Path, sheet: str | None) -> Iterator[dict[str, str]]:
    from connectors.csv_files.dialect import BadDatasetError, DialectSettings, csv_rows
    from connectors.csv_files.inspection import opened_csv

    if not file.is_file():
        raise CommandError(f"there is no file {file}", status=2)
    try:
        with (
            opened_csv(file, DialectSettings(sheet=sheet)) as table,
            table.text.open(encoding="utf-8-sig", newline="") as text,
        ):
            for _ in range(table.facts.dialect.skipped_lines):
                text.readline()
            cells = (row for row in csv_rows(text, table.facts.dialect) if row)
            next(cells)
            for row in cells:
                yield dict(zip(table.facts.header, row, strict=False))
    except BadDatasetError as error:
        raise CommandError(f"{file}: {error.message}") from None


def _address(data_id: int, chosen: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    query = urlencode(chosen, doseq=True)
    return f"/data/{data_id}/rows?{query}" if query else f"/data/{data_id}/rows"
