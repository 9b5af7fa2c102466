"""How the numbers of a data set's columns are written, by its first rows: one file may have 1.234,50 beside 0.25."""

from collections.abc import Iterable
from typing import Final

from connectors.csv_files.number_format import PLAIN, NumberFormat
from connectors.csv_files.pieces import begin_of_rows, cells_of, cut, records_of
from connectors.csv_files.preview import column_format
from connectors.datasets.manifests import Dataset
from connectors.objects.store import ObjectStore

__all__ = ["number_formats"]

_BYTES: Final = 1 << 18  # that are looked at
_ROWS: Final = 2_000


def number_formats(store: ObjectStore, dataset: Dataset, columns: Iterable[str]) -> dict[str, NumberFormat]:
    """The format of each of these columns that is not written as programs write numbers.

    It is the one that reads most of the first cells. Columns that the data set has not are left out; what is no table
    has none. ObjectNotFoundError where the text is gone.
    """
    if dataset.kind != "csv":
        return {}
    dialect = dataset.dialect
    with store.open(dataset.text_path) as file:
        begin = begin_of_rows(file, dialect)
        end = cut(file, begin, _BYTES, dialect.quote)
        file.seek(begin)
        records = records_of(file.read(end - begin), dialect.quote)[:_ROWS]
    rows = cells_of(records, dialect)
    places = {name: place for place, name in reversed(list(enumerate(dataset.header)))}
    found: dict[str, NumberFormat] = {}
    for name in dict.fromkeys(columns):
        place = places.get(name)
        if place is None:
            continue
        form = column_format([row[place] for row in rows if place < len(row)], dialect)
        if form != PLAIN:
            found[name] = form
    return found
