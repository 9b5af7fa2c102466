"""Data sets as they are now: the uploaded file with the rows that were added to it since, or corrected.

Rows of the file keep their places, so the series of a job keep theirs; new rows follow in the order in which they came.
"""

import csv
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final

from connectors.csv_files.columns import read_columns
from connectors.csv_files.dialect import Dialect, DialectSettings, csv_rows
from connectors.csv_files.inspection import Cell, opened_csv
from connectors.datasets.added_rows import AddedCell, AddedRow, RowLayout, added, layout_of, version
from connectors.datasets.manifests import Dataset
from connectors.objects.store import ObjectStore
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps

__all__ = ["grown", "grown_table", "plain_dialect"]

_KEPT: Final = 64  # data sets whose facts are remembered: whoever looks at one looks again

_Facts = tuple[int, Mapping[str, tuple[Cell, ...]]]
_known: OrderedDict[tuple[int, tuple[str, ...]], _Facts] = OrderedDict()
_lock: Final = Lock()


def plain_dialect(dataset: Dataset) -> Dialect:
    """How a grown table is written: its numbers as in the file, all else as RFC 4180 says."""
    written = dataset.dialect
    return replace(
        written, encoding="utf-8", delimiter=",", quote='"', skipped_lines=0, compression=None, ignored_columns=()
    )


def grown(store: ObjectStore, dataset: Dataset) -> Dataset:
    """The data set with the number of its rows, and the first of them, as they are now."""
    names = version(store, dataset.data_id)
    if not names:
        return dataset
    key = dataset.data_id, names
    with _lock:
        facts = _known.get(key)
    if facts is None:
        with grown_table(store, dataset) as found:
            assert found is not None  # there are rows
            settings = DialectSettings(timestamp_format=dataset.dialect.timestamp_format)
            with opened_csv(found, settings) as table:
                facts = table.facts.rows, table.facts.heads
        with _lock:
            _known[key] = facts
            while len(_known) > _KEPT:
                _known.popitem(last=False)
    rows, heads = facts
    return replace(dataset, rows=rows, heads=heads)


@contextmanager
def grown_table(store: ObjectStore, dataset: Dataset) -> Iterator[Path | None]:
    """The whole table in `plain_dialect`, for as long as the block lasts; None where no rows were added."""
    rows, layout = added(store, dataset.data_id), layout_of(store, dataset.data_id)
    if not rows or layout is None:
        yield None
        return
    with TemporaryDirectory() as folder, store.local_file(dataset.text_path) as source:
        target = Path(folder) / "grown.csv"
        _write(source, dataset, layout, rows, target)
        yield target


def _write(source: Path, dataset: Dataset, layout: RowLayout, rows: Sequence[AddedRow], target: Path) -> None:
    """1. the rows of the file, corrected where they were, 2. those that are new."""
    header, dialect = dataset.header, dataset.dialect
    point = dialect.decimal
    unused = {(row.groups, row.instant): row for row in rows}
    keys = _keys(source, dataset, layout)
    with (
        source.open(encoding="utf-8-sig", newline="") as file,
        target.open("w", encoding="utf-8", newline="") as written,
    ):
        for _ in range(dialect.skipped_lines):
            file.readline()
        given = (cells for cells in csv_rows(file, dialect) if cells)
        next(given)
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(header)
        corrected: set[tuple[tuple[str, ...], int]] = set()
        for cells, key in zip(given, keys, strict=False):
            row = unused.get(key)
            if row is not None:
                corrected.add(key)
                news = {label: _text(cell, point) for label, cell in row.cells.items()}
                cells = [news.get(label, cell) for label, cell in zip(header, cells, strict=False)]  # noqa: PLW2901
            writer.writerow(cells[: len(header)])
        for key, row in unused.items():
            if key not in corrected:
                writer.writerow(_new_row(header, layout, row, point))


def _keys(source: Path, dataset: Dataset, layout: RowLayout) -> Iterator[tuple[tuple[str, ...], int]]:
    """What each row of the file is known by; nothing that any row is known by where its times cannot be read."""
    header = list(dataset.header)
    when, *groups = (header.index(label) for label in (layout.timestamp, *layout.groups))
    texts = read_columns(source, header, dataset.dialect, texts=[when, *groups], numbers={}).texts
    try:
        moments = parse_timestamps(texts[when].texts, layout.timestamp_format).instants.tolist()
    except BadTimestampError:
        moments = [None] * len(texts[when].texts)
    codes = [texts[index].codes.tolist() for index in (when, *groups)]
    for moment, *values in zip(*codes, strict=True):
        named = zip((texts[index].texts for index in groups), values, strict=True)
        yield tuple(names[value] for names, value in named), moments[moment]


def _new_row(header: Sequence[str], layout: RowLayout, row: AddedRow, point: str) -> list[str]:
    known = {layout.timestamp: row.timestamp, **dict(zip(layout.groups, row.groups, strict=True))}
    return [known.get(label) or _text(row.cells.get(label), point) for label in header]


def _text(cell: AddedCell, point: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell).replace(".", point)
