"""What the rows of a data set look like, as far as it takes to check one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from connectors.datasets import manifests as datasets
from connectors.datasets.added_rows import RowLayout, layout_of, set_layout, version
from connectors.datasets.manifests import Dataset
from connectors.objects.store import ObjectStore
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps
from streams.checks import invalid_field
from streams.codes.observations import ObservationsCode
from streams.errors import ConflictError, InvalidError, NotFoundError

__all__ = ["RowForm", "chosen_layout", "dataset_of", "form_of"]

_KINDS: Final = (int, float)


@dataclass(frozen=True)
class RowForm:
    """By which columns rows are known, which others there are, and which of these have numbers.

    ``examples`` are timestamps of the file, by which one sees how they are written, ``wide`` the columns of the file
    that are series in the data set, whose last two columns then have their names and values.
    """

    data_id: int
    layout: RowLayout
    header: tuple[str, ...]
    numeric: frozenset[str]
    examples: tuple[str, ...]
    wide: frozenset[str] = frozenset()

    @cached_property
    def known_groups(self) -> frozenset[str]:
        """The columns of its group, in no order."""
        return frozenset(self.layout.groups)

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The columns that are neither time nor group."""
        known = {self.layout.timestamp, *self.layout.groups}
        return tuple(label for label in self.header if label not in known)


def form_of(store: ObjectStore, data_id: int, project: str) -> RowForm:
    """The form of the rows of a project's data set; RejectedError where there is none, or none that can grow."""
    dataset = dataset_of(store, data_id, project)
    layout = layout_of(store, data_id)
    if layout is None:
        text = (
            f"data set {data_id} does not tell its rows apart yet: choose the columns of a job on it, "
            "or send timestamp_column and group_columns with the first rows"
        )
        raise ConflictError(ObservationsCode.NO_LAYOUT, text)
    return _form(dataset, layout)


def chosen_layout(store: ObjectStore, data_id: int, project: str, timestamp: str, groups: tuple[str, ...]) -> None:
    """Let rows be known by these columns from now on; ConflictError where rows were added by others."""
    dataset = dataset_of(store, data_id, project)
    for field, label in (("timestamp_column", timestamp), *(("group_columns", group) for group in groups)):
        if label not in dataset.header:
            raise invalid_field(field, f"{label[:60]!r} is no column; there are {', '.join(dataset.header)}"[:500])
    if len({timestamp, *groups}) != len(groups) + 1:
        raise invalid_field("group_columns", "a column is named twice, or is the timestamp_column")
    layout = RowLayout(timestamp, groups, dataset.dialect.timestamp_format or "")
    try:
        parse_timestamps(_examples(dataset, layout), layout.timestamp_format)
    except BadTimestampError as error:
        raise invalid_field("timestamp_column", f'{timestamp}: "{error.text[:60]}" {error.reason}') from None
    known = layout_of(store, data_id)
    if known is not None and (known.timestamp, set(known.groups)) == (timestamp, set(groups)):
        return
    if version(store, data_id):
        assert known is not None  # rows were added by it
        text = (
            f"timestamp_column: rows are known by {', '.join((known.timestamp, *known.groups))} already: leave it out"
        )
        raise ConflictError(ObservationsCode.OTHER_LAYOUT, text)
    set_layout(store, data_id, layout)


def dataset_of(store: ObjectStore, data_id: int, project: str) -> Dataset:
    """A project's data set, which must be a table; RejectedError where there is none."""
    try:
        dataset = datasets.load(store, data_id, project)
    except datasets.UnknownDatasetError as error:
        raise NotFoundError(ObservationsCode.UNKNOWN_DATASET, str(error)) from None
    if dataset.kind != "csv":
        text = f"data set {data_id} is a {dataset.kind} file: rows are added to tables alone"
        raise InvalidError(ObservationsCode.UNREADABLE, text)
    return dataset


def _form(dataset: Dataset, layout: RowLayout) -> RowForm:
    numeric = frozenset(
        label
        for label, cells in dataset.heads.items()
        if any(cell is not None for cell in cells) and all(cell is None or type(cell) in _KINDS for cell in cells)
    )
    wide = frozenset(dataset.series_labels)
    return RowForm(dataset.data_id, layout, dataset.header, numeric, _examples(dataset, layout), wide)


def _examples(dataset: Dataset, layout: RowLayout) -> tuple[str, ...]:
    return tuple(str(cell) for cell in dataset.heads[layout.timestamp] if cell not in (None, ""))
