"""What the cases of the fault suite measured, and the table of it at the end of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CaseFigures", "Timing", "table"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that something took; `goal` is what we want on an idle machine of two cores, no criterion of the test."""

    what: str
    seconds: float
    goal: float | None = None

    def __str__(self) -> str:
        goal = "" if self.goal is None else f" (goal < {self.goal:g})"
        return f"{self.what} {self.seconds:.1f} s{goal}"


@dataclass(slots=True)
class CaseFigures:
    """The figures of one case; the verifier adds to them, also where it then finds something wrong."""

    case: str
    submitted: int = 0
    visible: int = 0
    lost: int = 0
    duplicated: int = 0
    foreign: int = 0  # answers that nobody asked for
    repeated: int = 0  # records of the log that say again, byte for byte, what was there: allowed
    calls: dict[str, int] = field(default_factory=dict)  # HTTP calls by outcome
    timings: list[Timing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outcome: str = "?"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "CaseFigures":
        """What `dataclasses.asdict` has made of one."""
        return cls(**{**told, "timings": [Timing(**timing) for timing in told["timings"]]})

    def time(self, what: str, seconds: float, *, goal: float | None = None) -> None:
        """Note how long something took."""
        self.timings.append(Timing(what, seconds, goal))

    def note(self, text: str) -> None:
        """Note what else is worth a look."""
        self.notes.append(text)


_NUMBERS = ("submitted", "visible", "lost", "duplicated", "foreign", "repeated")
_HEADS = ("case", "outcome", *_NUMBERS, "ok/fail/info", "measured")


def table(cases: Sequence[CaseFigures]) -> list[str]:
    """The lines of a table of all cases, with their sum."""
    rows = [_HEADS, *map(_row, cases)]
    total = CaseFigures("all")
    for name in _NUMBERS:
        setattr(total, name, sum(getattr(case, name) for case in cases))
    for outcome in ("ok", "fail", "info"):
        total.calls[outcome] = sum(case.calls.get(outcome, 0) for case in cases)
    total.outcome = f"{sum(case.outcome == 'passed' for case in cases)}/{len(cases)}"
    rows.append(_row(total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS) - 1)]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in rows]


def _row(case: CaseFigures) -> tuple[str, ...]:
    numbers = [getattr(case, name) for name in _NUMBERS]
    shown = map(str, numbers) if case.submitted or any(numbers) else ("",) * len(numbers)
    calls = "/".join(str(case.calls.get(outcome, 0)) for outcome in ("ok", "fail", "info")) if case.calls else ""
    return (case.case, case.outcome, *shown, calls, "; ".join([*map(str, case.timings), *case.notes]))
