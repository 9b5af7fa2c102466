"""Options that say how a file is written, where what is found out about it is wrong."""

from typing import Annotated, Final, TypeAlias

import typer

__all__ = ["Decimal", "Delimiter", "Encoding", "Quote", "Sheet", "SkippedLines", "Thousands", "TimestampFormat"]

_FOUND: Final = "found out"

Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=_FOUND, help="Text encoding, such as utf-8, windows-1252 or gbk."),
]
Delimiter: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", show_default=_FOUND, help="What separates columns: , ; | or the word tab."),
]
Quote: TypeAlias = Annotated[
    str | None, typer.Option(metavar="CHARACTER", show_default=_FOUND, help="What encloses cells, or none.")
]
Decimal: TypeAlias = Annotated[
    str | None, typer.Option(metavar="CHARACTER", show_default=_FOUND, help="What stands before decimals: . or ,")
]
Thousands: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", show_default=_FOUND, help="What stands between thousands: , . ' space, or none."),
]
SkippedLines: TypeAlias = Annotated[
    int | None, typer.Option(metavar="NUMBER", min=0, show_default=_FOUND, help="Lines above the header.")
]
TimestampFormat: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        show_default=_FOUND,
        help="How times are written: %d.%m.%y, day first, month first, year first, unix, unix ms or excel.",
    ),
]
Sheet: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default="the first with a table", help="The sheet of an XLSX workbook."),
]
