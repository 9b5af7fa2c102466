"""What is to be imported, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from connectors.metric_sources.readers import Reader, SourceForm, open_reader
from connectors.metric_sources.user_patterns import BadPatternError
from streams.cli.console.failure import CommandError

__all__ = ["MOST_TOLD", "Failed", "Plan", "Told", "open_plan"]

MOST_TOLD: Final = 5
"""Sentences about what was left out of a file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read, and whose points they are; `workload` None: as the file is called."""

    path: Path
    form: SourceForm
    workload: str | None = None
    patterns: Sequence[str] = ()
    begin: int | None = None
    reader: Reader | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A file or folder that cannot be imported, or only a part of its points, and why."""

    path: Path
    error: str
    points: int = 0


@dataclass(slots=True)
class Told:
    """What came of one file or folder."""

    points: int = 0
    metrics: set[str] = field(default_factory=set)
    left_out: int = 0
    words: list[str] = field(default_factory=list)

    def leave_out(self, sentence: str) -> None:
        """One more thing that was not sent."""
        self.left_out += 1
        if len(self.words) < MOST_TOLD:
            self.words.append(sentence)


def open_plan(plan: Plan) -> Plan:
    """The same with its reader; NoSourceError where it cannot be read, CommandError where a pattern is none."""
    try:
        reader = open_reader(plan.path, plan.form, patterns=plan.patterns, begin=plan.begin)
    except BadPatternError as error:
        raise CommandError(str(error)) from None
    return replace(plan, reader=reader)
