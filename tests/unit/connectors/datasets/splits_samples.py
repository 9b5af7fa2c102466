"""What tests of splits are made of."""

from collections.abc import Sequence
from pathlib import Path

from connectors.csv_files.inspection import inspect_csv
from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from streams.forecasting.calendars import JobCalendars

NO_CHOICE = JobCalendars()
ARRANGE = NO_CHOICE.arrange


def split(
    path: Path, text: str | bytes, *, groups: Sequence[int] = (0,), when: int = 1, target: int = 2, limit: int = 100
) -> Split:
    """Write, inspect and split a file."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return split_csv(
        path,
        inspect_csv(path).header,
        timestamp_index=when,
        target_index=target,
        groupby_indexs=groups,
        max_series=limit,
        calendars=NO_CHOICE,
    )
