"""Whether observations can become rows: one function for what comes by HTTP and what comes as events."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from connectors.datasets.added_rows import AddedCell, AddedRow
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps
from schemas.observations import Observation
from streams.codes.observations import ObservationsCode
from streams.errors import InvalidError, RejectedError
from streams.observations.forms import RowForm

__all__ = ["checked"]

_LONGEST: Final = 1000  # characters of a cell
_SHOWN: Final = 60


def checked(
    form: RowForm, observations: Sequence[Observation], offsets: Sequence[int]
) -> list[AddedRow | RejectedError]:
    """The row of each observation, or what is wrong with it; `offsets` are their places in the log."""
    told: list[tuple[tuple[str, ...], dict[str, AddedCell]] | RejectedError] = []
    for observation in observations:
        try:
            row = _groups(form, observation.groups), _cells(form, observation.values)
            _check_text(form.layout.timestamp, observation.timestamp)
            told.append(row)
        except RejectedError as error:
            told.append(error)
    fine = [it.timestamp for it, said in zip(observations, told, strict=True) if not isinstance(said, RejectedError)]
    instants = _instants(form, list(dict.fromkeys(fine)))
    found: list[AddedRow | RejectedError] = []
    for observation, offset, said in zip(observations, offsets, told, strict=True):
        if isinstance(said, RejectedError):
            found.append(said)
        elif isinstance(instant := instants[observation.timestamp], RejectedError):
            found.append(instant)
        else:
            found.append(AddedRow(offset, offset, said[0], instant, observation.timestamp, said[1]))
    return found


def _instants(form: RowForm, texts: list[str]) -> dict[str, int | RejectedError]:
    """What each text says, in microseconds of UTC; one that cannot be read is refused, the rest looked at again."""
    examples, written = form.examples, form.layout.timestamp_format
    found: dict[str, int | RejectedError] = {}
    while texts:
        try:
            parsed = parse_timestamps([*examples, *texts], written).instants[len(examples) :].tolist()
        except BadTimestampError as error:
            bad = max(0, error.index - len(examples))
            found[texts.pop(bad)] = _bad(form.layout.timestamp, f'"{error.text[:_SHOWN]}" {error.reason}')
            continue
        return found | dict(zip(texts, parsed, strict=True))
    return found


def _groups(form: RowForm, groups: Mapping[str, str]) -> tuple[str, ...]:
    expected = form.layout.groups
    if groups.keys() != form.known_groups:
        names = ", ".join(expected) or "none"
        raise _bad("groups", f"has {', '.join(groups)[:200] or 'none'}; the rows of this data set have {names}")
    for label, value in groups.items():
        _check_text(label, value)
    return tuple(groups[label] for label in expected)


def _cells(form: RowForm, values: Mapping[str, AddedCell]) -> dict[str, AddedCell]:
    others = form.others
    if not values:
        raise _bad("values", f"is empty; the rows of this data set have {', '.join(others)[:500]}")
    cells: dict[str, AddedCell] = {}
    for label, value in values.items():
        if label not in others:
            raise _bad(label[:_SHOWN], f"is no column with values; there are {', '.join(others)[:500]}")
        cells[label] = _number(label, value) if label in form.numeric else _text(label, value)
    return cells


def _number(label: str, value: AddedCell) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or (isinstance(value, str) and "_" in value):
        raise _bad(label, f"{str(value)[:_SHOWN]!r} is no number: send digits, a point for decimals, or nothing")
    return number


def _text(label: str, value: AddedCell) -> AddedCell:
    if isinstance(value, str):
        _check_text(label, value)
    elif value is not None and not isfinite(value):
        raise _bad(label, f"{value} is no finite number")
    return value


def _check_text(label: str, text: str) -> None:
    if len(text) > _LONGEST:
        raise _bad(label, f"has {len(text)} characters, at most {_LONGEST} are allowed")
    if not text.isprintable():
        raise _bad(label, "has a sign that cannot be shown, such as a line end: leave it out")


def _bad(field: str, text: str) -> RejectedError:
    return InvalidError(ObservationsCode.BAD_ROW, f"{field}: {text}", {"field": field})
