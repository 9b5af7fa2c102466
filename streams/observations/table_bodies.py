"""Rows of a request whose body is a table of another program: Parquet, Arrow, or a workbook."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from connectors.table_files.forms import MEDIA_TYPES, TableForm
from connectors.table_files.reading import UnreadableTableError, opened_as_csv
from connectors.table_files.workbooks import XLSX
from streams.checks import invalid_field
from streams.codes.observations import ObservationsCode
from streams.errors import TooLargeError
from streams.observations.bodies import rows_of_csv

__all__ = ["TABLE_TYPES", "rows_of_table"]

TABLE_TYPES: Final[Mapping[str, str]] = {
    MEDIA_TYPES[TableForm.PARQUET]: TableForm.PARQUET.value,
    "application/vnd.apache.arrow.file": TableForm.ARROW.value,
    MEDIA_TYPES[TableForm.ARROW]: TableForm.ARROW.value,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": XLSX,
}
"""By its media type the form that a body is written in."""
_BLOCK: Final = 1 << 20
_MOST_BYTES: Final = 256 << 20  # of the rows as text: what may be sent at once is less by far, unless texts are long


def rows_of_table(body: bytes, form: str, sheet: str | None = None) -> Sequence[Mapping[str, Any]]:
    """The rows, their cells as a CSV file has them; of a workbook those of a `sheet`, or of the first with a table.

    It takes a process of its own, and blocks.
    """
    if sheet is not None and form != XLSX:
        raise invalid_field("sheet", "is of XLSX workbooks alone: leave it out")
    text = bytearray()
    with NamedTemporaryFile(suffix=f".{form}") as file:
        file.write(body)
        file.flush()
        try:
            with opened_as_csv(Path(file.name), form, sheet) as told:
                while block := told.read(_BLOCK):
                    text += block
                    if len(text) > _MOST_BYTES:
                        raise TooLargeError(
                            ObservationsCode.TOO_MANY_ROWS,
                            f"body: the table is more than {_MOST_BYTES >> 20} MiB as text: send parts",
                        )
        except UnreadableTableError as error:
            raise invalid_field("body", str(error)) from None
    return rows_of_csv(bytes(text))
