"""What a request for points asks for (M-030 … M-040), and the blocks of points that answer it.

What it names is checked here; what there is not, is no error: a monitor may ask before the first point.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.point_store.columns import Points
from connectors.point_store.reading import PointReader, StoredWorkload
from connectors.point_store.windows import EVER, Selection, windows
from streams.checks import invalid_field
from streams.errors import Code, InvalidError
from streams.workloads.points import other_unit
from streams.workloads.thinning import thinned

__all__ = ["PointQuery", "blocks", "query_of", "selection_of"]

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,60}")
_BEYOND: Final = 10**18  # milliseconds: some 30 million years, so that there is room for "for ever"
_MOST_THINNED: Final = 100_000
_TRUE: Final = ("1", "true", "yes")

Values = Callable[[str], Sequence[str]]
"""The values of a parameter of the address, in their order."""


@dataclass(frozen=True, slots=True)
class PointQuery:
    """Which points: None stands for all. `echo` is what `data_source` said (M-051)."""

    metrics: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    span: tuple[int, int] = EVER
    tail: int | None = None
    most: int | None = None
    echo: str | None = None


def query_of(values: Values) -> PointQuery:
    """What the parameters say; InvalidError names the wrong one. Others are none of ours (M-036)."""
    metrics, sources = _listed(values("metrics")), _listed(values("data_source"))
    given = ",".join(values("data_source"))
    tail, most = _count("tail", values, EVER[1]), _count("max_points", values, _MOST_THINNED)
    if tail is not None and most is not None:
        raise InvalidError(Code.INVALID_REQUEST, "tail and max_points: give one of them; max_points thins all points")
    return PointQuery(
        metrics=metrics,
        sources=None if sources is None else frozenset(name.lower() for name in sources),
        span=_span(_time("start", values), _time("end", values)),
        tail=tail,
        most=most,
        echo=given or None,
    )


def is_true(values: Sequence[str]) -> bool:
    """Whether a parameter that is given or not says yes."""
    return bool(values) and values[-1].strip().lower() in _TRUE


def _listed(values: Sequence[str]) -> frozenset[str] | None:
    """The names; also each value as a whole, as there are names with commas. None where there is none."""
    names = {name.strip() for value in values for name in value.split(",")} - {""}
    return frozenset(names | {value.strip() for value in values}) if names else None


def _span(start: int | None, end: int | None) -> tuple[int, int]:
    if start is None and end is None:
        return EVER
    if start is None or end is None:
        raise InvalidError(Code.INVALID_REQUEST, "start and end must be given together")
    if start > end:
        raise InvalidError(Code.INVALID_REQUEST, f"start {start} is after end {end}: exchange them")
    return max(start, EVER[0]), min(end, EVER[1])


def _time(name: str, values: Values) -> int | None:
    number = _number(name, values)
    if number is not None and (unit := other_unit(number)):
        raise invalid_field(name, f"{number} looks like {unit}: milliseconds expected, 13 digits")
    if number is not None and abs(number) >= _BEYOND:
        raise invalid_field(name, f"{number} is no time: milliseconds expected, 13 digits")
    return number


def _count(name: str, values: Values, most: int) -> int | None:
    number = _number(name, values)
    if number is not None and not 1 <= number <= most:
        raise invalid_field(name, f"{number} is not between 1 and {most}")
    return number


def _number(name: str, values: Values) -> int | None:
    given = values(name)
    text = given[-1].strip() if given else ""
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise invalid_field(name, f"expected a whole number, not {text[:60]!r}")
    return int(text)


def selection_of(workload: StoredWorkload, query: PointQuery) -> Selection:
    """The series that the query asks for, in its time."""
    series = [
        index
        for index, (metric, source) in enumerate(workload.series)
        if (query.metrics is None or metric in query.metrics) and (query.sources is None or source in query.sources)
    ]
    return Selection(workload, series, query.span)


def blocks(reader: PointReader, selection: Selection, query: PointQuery) -> Iterator[Points]:
    """The points in order (M-049), block after block; of the whole only what `tail` or `max_points` leaves."""
    if query.most is not None:
        yield from thinned(reader, selection, query.most)
    elif query.tail is not None:
        yield from _last(reader, selection, query.tail)
    else:
        yield from windows(reader, selection)


def _last(reader: PointReader, selection: Selection, count: int) -> Iterator[Points]:
    """Find from the end on where the last so many begin, and read from there: however many, they are not kept."""
    found, begin = 0, None
    for block in windows(reader, selection, backwards=True):
        found += block.size
        if found >= count:
            begin = int(block.at[0])
            break
    span = selection.span if begin is None else (begin, selection.span[1])
    left_out = max(0, found - count)
    for block in windows(reader, selection._replace(span=span)):
        rest = block.take(slice(left_out, None))
        left_out = max(0, left_out - block.size)
        if rest.size:
            yield rest
