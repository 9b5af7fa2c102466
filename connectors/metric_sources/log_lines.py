"""Metrics out of the lines that trainers print: of well-known ones without being told, of others by users' patterns.

`LogMetrics` reads one log, line by line. It keeps the step that lines belong to, never raises, and takes no longer
than the length of a line allows.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from connectors.metric_sources.log_forms import PARSERS, LineForm, dictionary, key_values, number_of, progress_bar
from connectors.metric_sources.user_patterns import compiled

__all__ = ["LONGEST_LINE", "SOURCE", "LogMetrics"]

SOURCE: Final = "log"
"""The data_source of these points (decision 25)."""
LONGEST_LINE: Final = 16 * 1024
"""Characters of a line that are looked at; no line of metrics is longer."""
_MOST_POINTS: Final = 200  # of one line
_LONGEST_NAME: Final = 512
_LARGEST_STEP: Final = 2**53 - 1
_CONTROLS: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_BLANKS: Final = re.compile(r"\s{9,}")
_FEW_BLANKS: Final = " " * 8  # forms keep their columns, and no pattern meets more
_METRIC: Final = re.compile(
    r"loss|acc|err|auc|f1|ppl|perplexity|precision|recall|mse|mae|rmse|mape|bleu|rouge|reward|score|grad|norm"
    r"|learning_rate|(?:^|[^a-z])(?:lr|iou|map|r2|nll|wer|cer|kl|elbo)(?:[^a-z]|$)",
    re.IGNORECASE,
)
# What starters of several processes put before a line: torchrun, mpirun, srun, Ray.
_RANK: Final = re.compile(
    r"\s*(?:\[(?:default|rank)\d{1,6}\]:?|\[\d{1,6},\d{1,6}\]<std(?:out|err)>:|\d{1,6}: "
    r"|\(\w{1,60} pid=\d{1,10}[^)]{0,60}\))\s*(?=\S)"
)
_AGAIN: Final = re.compile(r"(?<![\w/.-])(epoch|step|iteration|iter)[\s:=#]{1,9}\[?(\d{1,15})\b", re.IGNORECASE)

Point = tuple[str, float | None, int]


class LogMetrics:
    """The metrics of one log. Without a user's pattern, lines of the forms in `log_forms`; with some, theirs first."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """`BadPatternError` names a pattern that cannot be used."""
        self._patterns = compiled(patterns)
        self._step: int | None = None
        self._epoch: int | None = None
        self._first_epoch = 1  # until there is an epoch 0
        self._bar: int | None = None  # the step that a progress bar has shown
        self._reports = 0
        self._told: set[str] = set()  # names that this epoch has had

    def points_of(self, line: str) -> list[Point]:
        """Name, value and step of each metric in the line, in its order; empty where there are none."""
        found: list[Point] = []
        for part in line.split("\r"):  # what a terminal would have overwritten: each is a report of its own
            clean = _BLANKS.sub(_FEW_BLANKS, _CONTROLS.sub("", part[:LONGEST_LINE])).rstrip()
            if clean:
                found += (self._of_patterns(clean) or self._of_forms(clean))[:_MOST_POINTS]
        kept = ((name.strip(), value, step) for name, value, step in found)
        return [
            (name, value, step)
            for name, value, step in kept
            if 0 < len(name) <= _LONGEST_NAME and name.isprintable() and abs(step) <= _LARGEST_STEP
        ]

    def _of_patterns(self, line: str) -> list[Point]:
        found: list[Point] = []
        for pattern in self._patterns:
            for groups in pattern.matches(line):
                step = groups.pop("step", "")
                if step.strip().isascii() and step.strip().isdecimal() and len(step) < 19:
                    self._step = int(step)
                named = {groups["name"]: groups["value"]} if groups.keys() >= {"name", "value"} else groups
                for name, text in named.items():
                    is_number, value = number_of(text.rstrip(",;"))
                    if is_number:
                        found.append((name, value, self._step or 0))
        return found

    def _of_forms(self, line: str) -> list[Point]:
        return [point for part in _reports_of(line) for form in _forms_of(part) for point in self._points(form)]

    def _points(self, form: LineForm) -> list[Point]:
        if form.epoch is not None:
            self._enter(form.epoch)
        if form.whole_epoch:
            new = [pair for pair in form.pairs if pair[0] not in self._told]
            self._told.update(name for name, _ in new)
            return [(name, value, self._epoch or 0) for name, value in new]
        if form.counted:
            return self._report(form)
        if form.step is not None:
            self._step = form.step
            if not form.pairs:
                self._bar = form.step
        elif form.place is not None and form.epoch is not None:
            at, of = form.place
            self._step = (form.epoch - self._first_epoch) * of + at
        elif form.epoch is not None:
            self._step = form.epoch
        if not form.told and (self._step is None or not all(_METRIC.search(name) for name, _ in form.pairs)):
            return []
        return [(name, value, self._step or 0) for name, value in form.pairs]

    def _enter(self, epoch: int) -> None:
        self._first_epoch = min(self._first_epoch, epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._told.clear()

    def _report(self, form: LineForm) -> list[Point]:
        """A report without a step of its own: a progress bar has shown it, or they are counted."""
        if not form.told and not any(_METRIC.search(name) for name, _ in form.pairs):
            return []
        if not form.evaluated:
            self._reports += 1
        step = self._bar if self._bar is not None else max(self._reports, 1)
        return [(name, value, step) for name, value in form.pairs]


def _reports_of(line: str) -> list[str]:
    """`Epoch 1: loss=0.9; Epoch 2: loss=0.8` are two reports; most lines are one."""
    begins: list[int] = []
    last, word = -1, ""
    for found in _AGAIN.finditer(line):
        if int(found[2]) > last and word in ("", found[1].lower()):
            begins.append(found.start())
            last, word = int(found[2]), found[1].lower()
    if len(begins) < 2:
        return [line]
    parts = [line[start:end] for start, end in pairwise([0, *begins[1:], len(line)])]
    return parts if all((form := key_values(part)) is not None and form.pairs for part in parts) else [line]


def _forms_of(line: str) -> list[LineForm]:
    """What a line says: the first form that it has. A progress bar counts with the dictionary printed behind it."""
    rank = _RANK.match(line)
    line = line if rank is None else line[rank.end() :]
    at = line.find("{")
    if at > 0 and line.endswith("}"):
        behind = dictionary(line[at:])
        if behind is not None and behind.told and behind.pairs:
            bar = progress_bar(line[:at])
            return [behind] if bar is None else [bar, behind]
    return next(([form] for parse in PARSERS if (form := parse(line)) is not None), [])
