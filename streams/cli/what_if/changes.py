"""Changes of features as they are written on a command line or in a table, in the form of the service."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from streams.cli.console.failure import CommandError

__all__ = ["change_of", "changes_in"]

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# The shortest name comes first, so that a sign behind the operator belongs to the number: price=-5.
_CHANGE: Final = re.compile(
    rf"(?P<name>.+?)\s*(?P<sign>[*/+=-])\s*(?P<values>{_NUMBER}(?:\s*,\s*{_NUMBER})*)(?P<percent>\s*%)?"
    r"(?:@(?P<from>[^@]*?)\.\.(?P<to>[^@]*))?"
)
_HOW: Final = "write it as price*0.9, price-10%, price+5, price=20,20,0, or with steps as price*0.9@3..7"

Change = dict[str, Any]


def change_of(text: str, begin: str | None = None, end: str | None = None) -> Change:
    """From a text like price*0.9@3..7; `begin` and `end` where the text has none. CommandError for what it is not."""
    found = _CHANGE.fullmatch(text.strip())
    if found is None:
        raise CommandError(f"--change {text}: {_HOW}", status=2)
    values, sign = [float(one) for one in found["values"].split(",")], found["sign"]
    if found["percent"]:
        if sign not in "+-":
            raise CommandError(f"--change {text}: a percentage is added or taken off: price-10%", status=2)
        kind, values = "multiply", [1 + one / 100 if sign == "+" else 1 - one / 100 for one in values]
    elif sign == "/":
        if 0.0 in values:
            raise CommandError(f"--change {text}: divide by another number than 0", status=2)
        kind, values = "multiply", [1 / one for one in values]
    elif sign == "-":
        kind, values = "add", [-one for one in values]
    else:
        kind = {"*": "multiply", "+": "add", "=": "set"}[sign]
    change: Change = {"feature": found["name"], kind: values}
    ends = (found["from"], found["to"]) if found["from"] is not None else (begin, end)
    return change | {name: end.strip() for name, end in zip(("from", "to"), ends, strict=True) if end and end.strip()}


def changes_in(path: Path, features: Sequence[str], groups: Sequence[str]) -> list[Change]:
    """What a CSV table says of features: a row for each step, with its time or in order, and of each group or of all.

    Cells that are empty change nothing. CommandError for what is no such table.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    if not rows:
        raise CommandError(f"--future {path}: has no rows: write one for each step, below the names of the columns")
    labels = list(rows[0])
    times = _times_in(path, rows, [label for label in labels if label not in (*features, *groups)])
    named = [label for label in labels if label in features]
    if not named:
        raise CommandError(f"--future {path}: has no column of a feature; there are {', '.join(features) or 'none'}")
    grouped = [label for label in labels if label in groups]
    found: list[Change] = []
    by_group: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        by_group.setdefault(tuple(row[label] for label in grouped), []).append(row)
    for values, some in by_group.items():
        only = {"groups": dict(zip(grouped, values, strict=True))} if grouped else {}
        for label in named:
            found += ({"feature": label, **change, **only} for change in _runs(path, some, label, times))
    return found


def _times_in(path: Path, rows: Sequence[Mapping[str, str]], labels: Sequence[str]) -> str | None:
    """The column of times, if there is one."""
    times = None
    for label in labels:
        if times is None and _is_time(rows[0][label]):
            times = label
        elif any(row[label] for row in rows):
            raise CommandError(
                f"--future {path}: {label} is neither a feature nor a group of the job, nor a time: leave it out"
            )
    return times


def _is_time(text: str | None) -> bool:
    try:
        datetime.fromisoformat(text or "")
    except ValueError:
        return False
    return True


def _runs(path: Path, rows: Sequence[Mapping[str, str]], label: str, times: str | None) -> Iterator[Change]:
    """A change for each run of steps that have a value, so that cells that are empty leave their steps as they are."""
    for filled, run in groupby(enumerate(rows, 1), key=lambda one: bool(one[1][label])):
        if not filled:
            continue
        some = list(run)
        try:
            values = [float(row[label]) for _, row in some]
        except ValueError:
            wrong = next(row[label] for _, row in some if not _is_number(row[label]))
            raise CommandError(f"--future {path}: {label} has {wrong!r}, which is no number") from None
        (first, begin), (last, end) = some[0], some[-1]
        yield {
            "set": values,
            "from": first if times is None else begin[times],
            "to": last if times is None else end[times],
        }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
