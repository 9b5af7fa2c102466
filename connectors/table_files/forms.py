"""The forms that tables are written in."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["MEDIA_TYPES", "TableForm"]


class TableForm(StrEnum):
    """How a table is written; also the ending of its files' names."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES: Final[Mapping[TableForm, str]] = {
    TableForm.CSV: "text/csv; charset=utf-8",
    TableForm.PARQUET: "application/vnd.apache.parquet",
    TableForm.ARROW: "application/vnd.apache.arrow.stream",
}
