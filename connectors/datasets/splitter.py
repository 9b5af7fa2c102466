"""Splitting a dataset into one series per group (J-054, J-055).

Everything per row is done on whole columns; per series, only the group's text is written in Python.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.csv_files.columns import BadColumnError, NumberColumn, TextColumn, read_columns
from connectors.csv_files.dialect import RFC4180, Dialect
from connectors.csv_files.inspection import line_of_row
from connectors.datasets.future_rows import future_rows, told_of
from connectors.datasets.split_warnings import double_times, groups_that_look_alike
from connectors.datasets.splits import Arrange, Column, Split
from connectors.timestamps.parsing import BadTimestampError, ParsedTimes, parse_timestamps

__all__ = ["Calendars", "check_columns", "is_all_whole", "is_python_number", "split_csv"]

_WHOLE_LIMIT: Final = 2.0**53  # whole numbers beyond are not exact as float64
_SHOWN: Final = 60  # characters of an offending cell that are put into the message
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?")

_Integers: TypeAlias = npt.NDArray[np.int64]


class Calendars(Protocol):
    """What tells which calendars series follow."""

    @property
    def zone(self) -> str:
        """The zone whose clock the times are to be shown on; empty: that of the file."""
        ...

    @property
    def arrange(self) -> Arrange:
        """Finds them."""
        ...

    def on_clock(self, parsed: ParsedTimes) -> tuple[ParsedTimes, npt.NDArray[np.int16]]:
        """Times on the clock of the zone, and the offsets of the second time that it shows each, mostly the same."""
        ...


def split_csv(
    path: Path,
    header: Sequence[str],
    *,
    timestamp_index: int,
    target_index: int,
    groupby_indexs: Sequence[int],
    max_series: int,
    calendars: Calendars,
    dialect: Dialect = RFC4180,
) -> Split:
    """The series of a file that ``inspect_csv`` found sound, rows by time (rows of equal time in file order).

    Where the clock of a zone shows a time twice, the first row of a series with it is the first of them.

    Missing target cells stay NaN and absent days stay absent; the last rows of a series may be its future, see
    ``connectors.datasets.future_rows``. A column of group values is numeric only if each cell is
    written as Python would write the number, so "007" stays text; an empty group cell is the empty text.

    Raises BadColumnError, whose field is ``timestamp_indexs``, ``target_indexs`` or ``groupby_indexs``: as
    check_columns, and for a target cell that is no number, a timestamp that cannot be read, or more than
    ``max_series`` groups.
    """
    check_columns(header, timestamp_index=timestamp_index, target_index=target_index, groupby_indexs=groupby_indexs)
    read = read_columns(
        path, header, dialect, texts=[timestamp_index, *groupby_indexs], numbers={target_index: "target_indexs"}
    )
    texts = read.texts
    when, target = texts[timestamp_index], read.numbers[target_index]
    series, groupby_val = _grouped([texts[index] for index in groupby_indexs], len(target), max_series)
    parsed = _parsed(when, path, header[timestamp_index], dialect)
    moments, codes, texts_of_codes = parsed, when.codes, when.texts
    if calendars.zone:
        moments, codes, texts_of_codes = _shown_on(calendars, moments, codes, texts_of_codes, series)

    ordered, rank = np.unique(moments.instants, return_inverse=True)
    sort_key = series * len(ordered) + rank[codes]
    used = {timestamp_index, target_index, *groupby_indexs}
    unused = [index for index in range(len(header)) if index not in used]
    warnings = [f'column "{header[timestamp_index]}": {parsed.warning}'] if parsed.warning else []
    warnings += [
        *read.warnings,
        *groups_that_look_alike(header, {index: texts[index] for index in groupby_indexs}),
    ]
    in_order, order = sort_key, None
    if (sort_key[1:] < sort_key[:-1]).any():
        order = np.argsort(sort_key, kind="stable")
        target, series, codes, in_order = target[order], series[order], codes[order], sort_key[order]
    if (in_order[1:] == in_order[:-1]).any():
        warnings += double_times(
            path, header, dialect, timestamp=(timestamp_index, when), places=sort_key, unused=unused
        )
    offsets = np.concatenate(([0], np.cumsum(np.bincount(series)))).astype(np.int64)
    future = future_rows(path, header, dialect, target=target, offsets=offsets, order=order, unused=unused)
    if future.any():
        warnings.append(told_of(header[target_index], future))
    minutes = None if moments.offset_minutes is None else moments.offset_minutes[codes]
    arranged = calendars.arrange(moments.wall[codes], minutes, offsets)
    return Split(
        target=target,
        times=arranged.times,
        text_codes=codes,
        texts=texts_of_codes,
        offsets=offsets,
        calendars=arranged.calendars,
        calendar_codes=arranged.calendar_codes,
        is_complete=arranged.is_complete,
        groupby_val=groupby_val,
        groupby_key=tuple(header[index] for index in groupby_indexs),
        target_label=header[target_index],
        timestamp_label=header[timestamp_index],
        target_is_integer=is_all_whole(target),
        features=tuple(Column(index, header[index]) for index in unused),
        warnings=tuple(warnings),
        timestamp_format=parsed.written,
        future=future,
    )


def check_columns(
    header: Sequence[str], *, timestamp_index: int, target_index: int, groupby_indexs: Sequence[int]
) -> None:
    """Refuse an index that the header does not have or that is chosen twice (J-053) with BadColumnError."""
    chosen: dict[int, str] = {}
    choices = [("timestamp_indexs", timestamp_index), ("target_indexs", target_index)]
    for field, index in [*choices, *(("groupby_indexs", index) for index in groupby_indexs)]:
        if not 0 <= index < len(header):
            raise BadColumnError(field, f"there is no column {index}; the file has columns 0 to {len(header) - 1}")
        if index in chosen:
            text = f'column {index} ("{header[index]}") is already in {chosen[index]}; use each column once'
            raise BadColumnError(field, text)
        chosen[index] = field


def _parsed(when: TextColumn, path: Path, label: str, dialect: Dialect) -> ParsedTimes:
    try:
        return parse_timestamps(when.texts, dialect.timestamp_format or "")
    except BadTimestampError as error:
        # Texts are in order of first appearance, so the first bad text is in the first bad row.
        line = line_of_row(path, int(np.argmax(when.codes == error.index)), dialect)
        shown = error.text[:_SHOWN]
        raise BadColumnError("timestamp_indexs", f'column "{label}", line {line}: "{shown}" {error.reason}') from error


def _shown_on(
    calendars: Calendars, moments: ParsedTimes, codes: npt.NDArray[np.int32], texts: tuple[str, ...], series: _Integers
) -> tuple[ParsedTimes, npt.NDArray[np.int32], tuple[str, ...]]:
    """The times of texts on another clock; of texts that this shows twice, the second time is a code of its own."""
    first, second = calendars.on_clock(moments)
    assert first.offset_minutes is not None  # the clock of a place is never without
    twice = np.flatnonzero(second != first.offset_minutes)
    if not len(twice):
        return first, codes, texts
    later = np.full(len(texts), -1, dtype=np.int32)
    later[twice] = len(texts) + np.arange(len(twice), dtype=np.int32)
    rows = np.flatnonzero(later[codes] >= 0)
    seen = pd.DataFrame({"series": series[rows], "code": codes[rows]}).duplicated().to_numpy()
    codes = codes.copy()
    codes[rows[seen]] = later[codes[rows[seen]]]
    both = ParsedTimes(
        np.concatenate((first.wall, first.wall[twice])), np.concatenate((first.offset_minutes, second[twice]))
    )
    return both, codes, (*texts, *(texts[code] for code in twice.tolist()))


def _grouped(groups: Sequence[TextColumn], rows: int, max_series: int) -> tuple[_Integers, tuple[str, ...]]:
    """The series number of every row, in order of first appearance, and the text of every series (J-062, J-064)."""
    if not groups:
        return np.zeros(rows, dtype=np.int64), ("()",)
    series = np.zeros(rows, dtype=np.int64)
    for group in groups:
        series = pd.factorize(series * len(group.texts) + group.codes)[0].astype(np.int64)
        count = int(series.max()) + 1
        if count > max_series:  # further columns can only add groups
            text = f"more than {max_series:,} series; group by fewer columns, or raise the limit on series per job"
            raise BadColumnError("groupby_indexs", text)
    highest = np.maximum.accumulate(series)
    first_rows = np.flatnonzero(np.diff(highest, prepend=-1))  # a number appears first where the highest so far grows
    written = [_as_python(group.texts) for group in groups]
    columns = [
        [texts[code] for code in group.codes[first_rows].tolist()] for texts, group in zip(written, groups, strict=True)
    ]
    end = ",)" if len(groups) == 1 else ")"
    return series, tuple(f"({', '.join(values)}{end}" for values in zip(*columns, strict=True))


def _as_python(texts: Sequence[str]) -> list[str]:
    if all(is_python_number(text) for text in texts):
        return list(texts)
    return [repr(text) for text in texts]


def is_python_number(text: str) -> bool:
    """Whether a cell is written as Python would write the number."""
    if _INTEGER.fullmatch(text):
        return True
    return _FLOAT.fullmatch(text) is not None and repr(float(text)) == text


def is_all_whole(target: NumberColumn) -> bool:
    """Whether all numbers that there are can be shown without decimals (J-140)."""
    present = target[~np.isnan(target)]
    return bool(np.all((present == np.rint(present)) & (np.abs(present) <= _WHOLE_LIMIT)))
