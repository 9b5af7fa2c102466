"""`tidecast data upload`, `list`, `show` and `delete`: the data sets that there are."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.file_options import (
    Decimal,
    Delimiter,
    Encoding,
    Quote,
    Sheet,
    SkippedLines,
    Thousands,
    TimestampFormat,
)
from streams.cli.console.listing import AsJson, print_answer, print_json, print_rows
from streams.cli.console.options import argument, option
from streams.cli.console.standard_input import given_file
from streams.cli.console.terminal import notices, one_line, output, print_warnings
from streams.cli.forecasting.wording import in_options
from streams.cli.service.asking import Url, session_of

__all__ = ["Data", "delete", "list_data_sets", "show", "upload"]

Data = Annotated[int, argument(metavar="DATA", help="The id of the data set.", min=1)]
_LISTED = ("id", "name", "rows", "time_created")


def upload(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    file: Annotated[
        Path, argument(metavar="FILE", help="CSV (also packed), Parquet, Arrow or XLSX; - for the standard input.")
    ],
    *,
    name: Annotated[str | None, option(help="Its name; made from the file's where absent.")] = None,
    sheet: Sheet = None,
    series_columns: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            show_default="none",
            help="Columns that are a series each, such as 1,2; all: all but the first. They become rows.",
        ),
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    quote: Quote = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    skipped_lines: SkippedLines = None,
    timestamp_format: TimestampFormat = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Upload a CSV file; its id is what jobs and the other commands take."""
    file = given_file(file)
    if not file.is_file():
        raise CommandError(f"there is no file {file}", status=2)
    given = {
        "name": name,
        "sheet": sheet,
        "series_columns": series_columns,
        "encoding": encoding,
        "delimiter": delimiter,
        "quote": quote,
        "decimal": decimal,
        "thousands": thousands,
        "skipped_lines": skipped_lines,
        "timestamp_format": timestamp_format,
    }
    form = {field: str(value) for field, value in given.items() if value is not None}
    with session_of(url, on_new_home=True) as session:
        try:
            answer = session.client.write("POST", "/data/", file=file, form=form)
        except CommandError as error:
            raise CommandError(in_options(str(error)), status=error.status) from error
    if as_json:
        print_json(answer)
        return
    print_warnings(map(in_options, answer.get("warnings", ())), notices())
    made = answer["data"]
    output().print(one_line(f"data set {made['id']} ({made['name']}): {made['rows']:,} rows"), soft_wrap=True)


def list_data_sets(*, as_json: AsJson = False, url: Url = None) -> None:
    """All data sets, as they were uploaded."""
    with session_of(url, on_new_home=True) as session:
        found = session.client.get("/data/")["data"]
    if as_json:
        print_json(found)
    else:
        print_rows(_LISTED, found, "no data set has been uploaded")


def show(data_id: Data, *, as_json: AsJson = False, url: Url = None) -> None:
    """How a data set was read: its columns, by the numbers that jobs choose them by, and its first rows."""
    with session_of(url) as session:
        found = session.client.get(f"/data/{data_id}/")
    if as_json:
        print_json(found)
        return
    about = found["data"]
    output().print(one_line(f"data set {about['id']} ({about['name']}): {about['rows']:,} rows"), soft_wrap=True)
    print_rows(("number", "column", "first values"), [_column(one, found["heads"]) for one in found["header"]], "")
    print_warnings(found.get("warnings", ()), notices())


def delete(data_id: Data, *, as_json: AsJson = False, url: Url = None) -> None:
    """Remove a data set. Jobs on it keep what they have."""
    with session_of(url) as session:
        session.client.delete(f"/data/{data_id}/")
    print_answer({"deleted": data_id}, f"data set {data_id} is removed", as_json=as_json)


def _column(column: dict[str, Any], heads: dict[str, list[Any]]) -> dict[str, Any]:
    values = ["" if value is None else str(value) for value in heads.get(column["label"], ())]
    return {"number": column["index"], "column": column["label"], "first values": ", ".join(values)}
