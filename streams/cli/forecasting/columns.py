"""Which columns `tidecast forecast` takes for what; several targets, and wide files, are a series for each column."""

from collections.abc import Sequence
from typing import NamedTuple

from connectors.wide_files.stacking import stack_of
from streams.cli.console.failure import CommandError
from streams.cli.forecasting.planning import column_index

__all__ = ["ChosenColumns", "check_targets", "chosen_columns"]


class ChosenColumns(NamedTuple):
    """Indices in the `header` of the data set; `series_columns` are those of the file that become its rows, if any."""

    header: tuple[str, ...]
    timestamp: int
    target: int
    group_by: tuple[int, ...]
    features: tuple[int, ...]
    series_columns: tuple[int, ...] | None = None


def check_targets(targets: Sequence[str], *, wide: bool) -> None:
    """CommandError where nothing says what is to be forecast, or two options do."""
    if wide and targets:
        text = "--wide takes every other column for a series: leave --target out, or name the targets without --wide"
        raise CommandError(text, status=2)
    if not wide and not targets:
        text = "--target is missing: name the column to forecast; several make a series of each, --wide of every other"
        raise CommandError(text, status=2)


def chosen_columns(
    header: Sequence[str],
    *,
    timestamp: str,
    targets: Sequence[str],
    group_by: Sequence[str],
    features: Sequence[str],
    wide: bool,
) -> ChosenColumns:
    """The columns of a file with these labels; CommandError where there is no such column, or no target.

    With `wide`, or several `targets`, a series is told apart by the name of its column, too.
    """
    check_targets(targets, wide=wide)
    when = column_index(timestamp, header, option="--timestamp")
    goals = [column_index(name, header, option="--target") for name in targets]
    groups = [column_index(name, header, option="--group-by") for name in group_by]
    known = [column_index(name, header, option="--feature") for name in features]
    if len(goals) == 1:
        return ChosenColumns(tuple(header), when, goals[0], tuple(groups), tuple(known))
    others = {when: "--timestamp", **dict.fromkeys(groups, "--group-by"), **dict.fromkeys(known, "--feature")}
    for place, index in enumerate(goals):
        if index in goals[:place]:
            raise CommandError(f"--target {header[index]} is given twice: once is enough")
        if index in others:
            text = f"the column is the {others[index]} already; every column can play one part"
            raise CommandError(f"--target {header[index]}: {text}")
    series = tuple(goals) if goals else tuple(index for index in range(len(header)) if index not in others)
    if not series:
        raise CommandError("--wide: every column of the file has another part already; a series needs one of its own")
    stack = stack_of(header, series)
    place_of = {index: place for place, index in enumerate(stack.kept)}
    name, value = len(stack.kept), len(stack.kept) + 1
    return ChosenColumns(
        stack.header,
        place_of[when],
        value,
        (*(place_of[index] for index in groups), name),
        tuple(place_of[index] for index in known),
        stack.series,
    )
