"""A CSV file as DeepAR's series: one for each combination of group values, a row for each step of the time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.csv_files.columns import BadColumnError, TextColumn, read_columns
from connectors.csv_files.dialect import DialectSettings
from connectors.csv_files.inspection import BadDatasetError, OpenCsv, line_of_row
from connectors.datasets.split_warnings import groups_that_look_alike
from connectors.timestamps.parsing import BadTimestampError, ParsedTimes, parse_timestamps
from connectors.wide_files.reading import opened_table
from models.errors import RejectedInputError
from streams.cli.console.failure import CommandError, did_you_mean
from streams.cli.deepar.series import SeriesLine
from streams.cli.deepar.times import FileCalendar, file_calendar
from streams.cli.forecasting.columns import chosen_columns
from streams.cli.forecasting.input_file import header_of
from streams.cli.forecasting.planning import column_index
from streams.cli.forecasting.wording import in_options

__all__ = ["Columns", "CsvSeries", "read_csv"]

_MOST_STEPS: Final = 20_000_000  # of all series: 160 MB; a single wrong year would make more


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column plays which part, and what was learnt from the file: the step, and the codes of group values.

    A group value's code is its place in `values`; a model that was trained with these codes has to be asked with them.
    `freq` and `values` are None where they are to be taken from the file. `series` are the columns of a file that are a
    series each, instead of the target; empty: all that have no other part. Their names are one more category.
    """

    timestamp: str
    target: str
    group_by: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    freq: str | None = None
    values: tuple[tuple[str, ...], ...] | None = None
    series: tuple[str, ...] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """What tells series apart: the columns of groups and, of a wide file, that its columns become."""
        if self.series is None:
            return self.group_by
        return (*self.group_by, "series" if "series" not in self.group_by else "column")

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON can say them; `from_dict` takes them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Columns":
        """What `as_dict` gave."""
        values = tuple(tuple(some) for some in fields["values"])
        return cls(
            fields["timestamp"], fields["target"], tuple(fields["group_by"]), tuple(fields["features"]),
            fields["freq"], values, None if (series := fields.get("series")) is None else tuple(series),
        )  # fmt: skip


class CsvSeries(NamedTuple):
    """The series of a file, the columns, the calendars of the rows, and what of the file can be read in two ways."""

    series: list[SeriesLine]
    columns: Columns
    calendar: FileCalendar
    warnings: tuple[str, ...] = ()


def read_csv(path: Path, columns: Columns, *, future: int = 0, sheet: str | None = None) -> CsvSeries:
    """The series in order of first appearance, and the columns with what was left to the file.

    With features and a `future` the last so many steps of each series are those to be forecast: their features are
    known and their targets empty. CommandError names option, line and remedy.
    """
    try:
        settings, long = _laid_out(path, columns, DialectSettings(sheet=sheet))
        with opened_table(path, settings) as table:
            found = _read(table, long, future)
    except BadDatasetError as error:
        text = _in_own_options(error.message)
        raise CommandError(text if text.startswith("--") else f"{path}: {text}") from None
    except OSError as error:
        raise CommandError(f"FILE {path} cannot be read: {error.strerror}; correct the path") from None
    except BadColumnError as error:
        raise CommandError(f"{error.field}: {error.message}") from None
    except RejectedInputError as error:
        raise CommandError(f"--freq: {error}") from None
    if columns.series is None:
        return found
    own = found.columns.group_by[: len(columns.group_by)]
    return found._replace(columns=replace(found.columns, group_by=own, series=columns.series))


def _laid_out(path: Path, columns: Columns, settings: DialectSettings) -> tuple[DialectSettings, Columns]:
    """How the file is to be read, and the columns of the table that it then is."""
    if columns.series is None:
        return settings, columns
    chosen = chosen_columns(
        header_of(path, settings, wide=True),
        timestamp=columns.timestamp,
        targets=columns.series,
        group_by=columns.group_by,
        features=columns.features,
        wide=not columns.series,
    )
    long = replace(
        columns,
        timestamp=chosen.header[chosen.timestamp],
        target=chosen.header[chosen.target],
        group_by=tuple(chosen.header[index] for index in chosen.group_by),
        features=tuple(chosen.header[index] for index in chosen.features),
    )
    return replace(settings, series_columns=chosen.series_columns), long


def _read(table: OpenCsv, columns: Columns, future: int) -> CsvSeries:
    path, header, dialect = table.text, table.facts.header, table.facts.dialect
    when = column_index(columns.timestamp, header, option="--timestamp")
    target = column_index(columns.target, header, option="--target")
    groups = [column_index(name, header, option="--group-by") for name in columns.group_by]
    features = [column_index(name, header, option="--feature") for name in columns.features]
    _check_once([("--timestamp", when), ("--target", target)], groups, features, header)
    numbers = {target: "--target", **dict.fromkeys(features, "--feature")}
    texts, values, told = read_columns(
        path, header, dialect, texts=list(dict.fromkeys([when, *groups])), numbers=numbers
    )
    parsed = _parsed(table, header[when], texts[when])
    moments = parsed.instants[texts[when].codes]
    codes, columns = _codes([texts[index] for index in groups], columns)
    series, first_rows = _numbered(codes, len(moments))
    order = np.lexsort((moments, series))
    rows_of = np.split(order, np.flatnonzero(np.diff(series[order])) + 1)
    names = [tuple(texts[index].texts[texts[index].codes[first]] for index in groups) for first in first_rows]
    titles = [name or (columns.target,) for name in names]
    calendar = file_calendar(parsed, texts[when].codes, rows_of, titles, columns.freq)
    columns = Columns(
        header[when], header[target], tuple(header[index] for index in groups),
        tuple(header[index] for index in features), calendar.freq, columns.values,
    )  # fmt: skip
    found, steps = [], 0
    for number, (rows, first, name) in enumerate(zip(rows_of, first_rows, names, strict=True)):
        laid = calendar.on_steps(number, titles[number])
        places = laid.places
        steps += int(places[-1]) + 1
        if steps > _MOST_STEPS:
            raise CommandError(
                f"the series would have more than {_MOST_STEPS:,} steps of {calendar.frequency}: correct the dates, or "
                "--freq"
            )
        history = _on_steps(values[target][rows], places)
        if features and future:
            history = _before(history, future, name)
        line: dict[str, Any] = {
            "start": laid.start,
            "target": [None if np.isnan(value) else float(value) for value in history],
        }
        if groups:
            line |= {"item_id": " · ".join(name), "cat": [int(code[first]) for code in codes]}
        if features:
            line["dynamic_feat"] = [
                _filled(_on_steps(values[index][rows], places), header[index], name).tolist() for index in features
            ]
        found.append(SeriesLine(titles[number], line, laid))
    doubt = (f'column "{header[when]}": {parsed.warning}',) if parsed.warning else ()
    blanks = groups_that_look_alike(header, {index: texts[index] for index in groups})
    warnings = tuple(dict.fromkeys(map(_for_the_file, (*table.facts.warnings, *doubt, *told, *blanks))))
    return CsvSeries(found, columns, calendar, warnings)


def _in_own_options(message: str) -> str:
    """What is wrong with a file; in the words of the options, where there are such here."""
    return in_options(message) if message.startswith(("sheet: ", "series_columns: ")) else message


def _for_the_file(warning: str) -> str:
    """A warning whose remedy is the file: there are few options that say how it is written."""
    warning = warning.replace("name another by sheet", "name another by --sheet")
    read, doubted, _ = warning.partition("; if ")
    return f"{read}; if that is wrong, correct the file" if doubted else warning


def _check_once(
    used: list[tuple[str, int]], groups: Sequence[int], features: Sequence[int], header: Sequence[str]
) -> None:
    parts: dict[int, str] = {}
    for option, index in [*used, *(("--group-by", at) for at in groups), *(("--feature", at) for at in features)]:
        if index in parts:
            raise CommandError(f"{option} {header[index]}: the column is {parts[index]} already: choose it once")
        parts[index] = option


def _parsed(table: OpenCsv, label: str, when: TextColumn) -> ParsedTimes:
    try:
        return parse_timestamps(when.texts, table.facts.dialect.timestamp_format or "")
    except BadTimestampError as error:
        line = line_of_row(table.text, int(np.argmax(when.codes == error.index)), table.facts.dialect)
        text = f'--timestamp: column "{label}", line {line}: "{error.text[:60]}" {error.reason}'
        raise CommandError(text) from None


def _codes(groups: Sequence[TextColumn], columns: Columns) -> tuple[list[npt.NDArray[np.int64]], Columns]:
    """The code of each row's value in each group-by column, and the columns with the values in the order of codes."""
    values = columns.values
    if values is None:
        values = tuple(tuple(sorted(group.texts)) for group in groups)
    found = []
    for label, group, known in zip(columns.group_by, groups, values, strict=True):
        code_of = {value: code for code, value in enumerate(known)}
        unknown = next((text for text in group.texts if text not in code_of), None)
        if unknown is not None:
            raise CommandError(
                f'{label} "{unknown[:60]}": the model was not trained on it{did_you_mean(unknown, known) or "."} '
                "Leave these rows out, or train again with them"
            )
        found.append(np.array([code_of[text] for text in group.texts])[group.codes])
    return found, Columns(columns.timestamp, columns.target, columns.group_by, columns.features, columns.freq, values)


def _numbered(codes: Sequence[npt.NDArray[np.int64]], rows: int) -> tuple[npt.NDArray[np.int64], list[int]]:
    """The series of each row, numbered by first appearance, and the first row of each series."""
    if not codes:
        return np.zeros(rows, dtype=np.int64), [0]
    _, first, series = np.unique(np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True)
    by_row = np.argsort(first)
    number = np.empty(len(first), dtype=np.int64)
    number[by_row] = np.arange(len(first))
    return number[series.ravel()], [int(row) for row in first[by_row]]


def _on_steps(values: npt.NDArray[np.float64], places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """One value for each step, NaN where the file has no row."""
    steps = np.full(int(places[-1]) + 1, np.nan)
    steps[places] = values
    return steps


def _filled(values: npt.NDArray[np.float64], label: str, name: Sequence[str]) -> npt.NDArray[np.float64]:
    """A feature without gaps: the value before, at the begin the value behind."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        raise CommandError(f"--feature {label}: {' · '.join(name)} has no value of it")
    before = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return values[known[np.maximum(before, 0)]]


def _before(target: npt.NDArray[np.float64], future: int, name: Sequence[str]) -> npt.NDArray[np.float64]:
    """The target without the steps to be forecast."""
    if len(target) < future or not np.isnan(target[-future:]).all():
        raise CommandError(
            f"{' · '.join(name)}: the model has features, so the file must end in {future} rows with their values for "
            "the steps to be forecast, and an empty target"
        )
    return target[:-future]
