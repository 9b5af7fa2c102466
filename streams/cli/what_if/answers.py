"""What commands that ask about forecasts with features have in common: pages, notes, files, what has no answer."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from streams.cli.console.failure import PARTLY, CommandError
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.console.whole_files import whole_file

__all__ = ["check_answered", "pages_of", "show_left_out", "show_notes", "write_table"]

_TOO_MUCH: Final = (413, 504)  # for one page
_FITS: Final = re.compile(r"limit=(\d+)")
_REMARKS: Final = 10

_Page = dict[str, Any]


def pages_of(ask: Callable[[int, int], _Page], page: int) -> Iterator[_Page]:
    """What `ask` answers, by offset and limit, until all series are there; by smaller pages where time is short."""
    from streams.cli.service.refusals import ServiceRefusalError

    place, count = 0, 1
    while place < count:
        try:
            some = ask(place, page)
        except ServiceRefusalError as error:
            if error.http_status not in _TOO_MUCH or page == 1:
                raise
            fits = _FITS.search(str(error))
            page = max(1, min(page - 1, int(fits[1]) if fits else page // 2))
            continue
        yield some
        if not some["series"]:  # there is none, or the job has become smaller
            return
        place, count = place + len(some["series"]), some["series_count"]


def show_notes(answered: Sequence[Mapping[str, Any]]) -> None:
    """Each note once, with the series that it is of."""
    notes: dict[str, list[str]] = {}
    for one in answered:
        if one["note"]:
            notes.setdefault(one["note"], []).append(one["series_key"])
    for note, names in list(notes.items())[:_REMARKS]:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        notices().print(one_line(f"{names[0]}{more}: {note}"), soft_wrap=True, markup=False)


def show_left_out(rows: int, most: int | None) -> None:
    """How many rows of a table are not shown, and how to have them."""
    if most is not None and rows > most:
        output().print(f"{most} of {rows} rows shown: --all shows every one, --out FILE writes them", style="dim")


def write_table(text: str, path: Path) -> int:
    """A table as a CSV file, which appears whole or not at all; the number of its rows."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    return text.count("\n") - 1


def check_answered(series: Sequence[Mapping[str, Any]]) -> None:
    """CommandError, status 3, where some of the series have no answer."""
    failed = [one for one in series if one["error"] is not None]
    if failed:
        count = f"{len(failed)} of {len(series)} series have no answer"
        raise CommandError(f"{count}: {failed[0]['series_key']}: {failed[0]['error']}", status=PARTLY)
