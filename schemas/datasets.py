"""What is said of data sets."""

from schemas.values import record

__all__ = ["TYPES", "AddDataset", "DeleteDataset"]


@record()
class AddDataset:
    """Register a file that lies in the object store under `path`; the service takes a copy of it.

    How a CSV file is written is found out where the fields from `encoding` on do not say it. A `kind` other than csv is
    the suffix of a file that is kept as it is. With `alone` the name `file_name` must be the file's alone.
    """

    command_id: str
    data_id: int
    name: str
    path: str
    file_name: str
    related_user: int = 1
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    skipped_lines: int | None = None
    compression: str | None = None
    ignored_columns: tuple[int, ...] | None = None
    timestamp_format: str | None = None
    kind: str = "csv"
    source: str = "local"
    alone: bool = False
    project: str = ""
    sheet: str | None = None
    series_columns: tuple[int, ...] | None = None


@record()
class DeleteDataset:
    """Remove a data set and its file."""

    command_id: str
    data_id: int
    project: str = ""


TYPES: tuple[type, ...] = (AddDataset, DeleteDataset)
