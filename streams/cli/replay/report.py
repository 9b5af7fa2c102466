"""How a replay is told: tables for people, a document for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.kafka.publisher import Record
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import CmdStatus
from schemas.series import SeriesResult
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.forecasting.tables import LONGEST_TABLE, number
from streams.cli.replay.comparison import Compared, Comparison, Verdict
from streams.cli.replay.log_reader import JobCommands

__all__ = ["MetricComparison", "document", "show", "show_metrics"]

_VERDICTS: Final[tuple[Verdict, ...]] = ("identical", "different", "missing", "compacted", "no command")
_WORDS: Final = ("identical", "different", "it cannot be told")
_LONGEST: Final = 60  # characters of a value; --json has the whole


def show(
    comparison: Comparison,
    commands: JobCommands,
    console: Console,
    *,
    verdict: int,
    days: int,
    everything: bool = False,
) -> None:
    """Print how many outputs are as they were, what differs in the others, and what is missing."""
    counts = comparison.counts()
    shown = [name for name in _VERDICTS if name in ("identical", "different") or any(c[name] for c in counts.values())]
    table = Table("output", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in shown:
        table.add_column(name, justify="right")
    for kind, counted in counts.items():
        table.add_row(kind, *(str(counted[name]) for name in shown))
    console.print(table)
    _show_differences([one for one in comparison.outputs() if one.verdict == "different"], console, everything)
    logged, computed = comparison.hashes()
    console.print(f"sha256 of all, in the log  {logged}", soft_wrap=True)
    console.print(f"sha256 of all, computed    {computed}", soft_wrap=True)
    for text in _remarks(comparison, commands, days):
        console.print(text, soft_wrap=True)
    console.print(f"job {commands.job_id}: {_WORDS[verdict]}", style="bold", soft_wrap=True)


def _show_differences(different: Sequence[Compared], console: Console, everything: bool) -> None:  # noqa: FBT001
    rows = [(one, difference) for one in different for difference in one.differences or (None,)]
    if not rows:
        return
    table = Table("output", "ts_id:n", "field", "in the log", "computed", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("relative", justify="right")
    for one, difference in rows if everything else rows[:LONGEST_TABLE]:
        told = ("other bytes", "", "of the same meaning", "")
        if difference is not None:
            relative = "" if difference.relative is None else f"{difference.relative:.1e}"
            told = (difference.field, _cut(difference.old), _cut(difference.new), relative)
        name = f"{one.output.kind} {one.output.detail}".rstrip()
        table.add_row(*(Text(one_line(text)) for text in (name, one.output.submission, *told)))
    if not everything and len(rows) > LONGEST_TABLE:
        table.caption = f"{LONGEST_TABLE} of {len(rows)} rows shown: --all shows every one"
    console.print(table)


def _remarks(comparison: Comparison, commands: JobCommands, days: int) -> Iterable[str]:
    """What is not, or not fully, compared, and why."""
    counts = comparison.counts()
    total = {verdict: sum(counted[verdict] for counted in counts.values()) for verdict in _VERDICTS}
    record = commands.record
    if record is None:
        yield "the job has no row (any more), so it is not known whether all its commands are there"
    elif commands.gone:
        yield (
            f"{commands.gone} of {record.submitted} commands are not in the log any more: commands are kept for "
            f"{days} days (TIDECAST_EVENT_RETENTION_DAYS)"
        )
    if total["no command"]:
        yield f"no command: {total['no command']} outputs cannot be computed, as what asked for them is gone"
    if total["missing"]:
        running = record is not None and record.status is CmdStatus.COMITTED
        why = "the job is still training" if running else f"outputs are kept for {4 * days} days"
        yield f"missing: {total['missing']} outputs are not in the log; {why}"
    if total["compacted"]:
        yield f"compacted: {total['compacted']} forecasts gave way to later ones of their series; the results have them"
    if comparison.older:
        yield f"{comparison.older} records were written with an older schema; they are compared by what they say"


def document(comparison: Comparison, commands: JobCommands, verdict: int) -> Mapping[str, Any]:
    """All of it for programs."""
    logged, computed = comparison.hashes()
    return {
        "job_id": commands.job_id,
        "verdict": ("identical", "different", "unknown")[verdict],
        "commands": len(commands.numbers),
        "commands_gone": commands.gone,
        "sha256_logged": logged,
        "sha256_computed": computed,
        "counts": {kind: dict(counted) for kind, counted in comparison.counts().items()},
        "outputs": [
            {
                "kind": one.output.kind,
                "submission": one.output.submission,
                "detail": one.output.detail,
                "verdict": one.verdict,
                "sha256_logged": one.logged,
                "sha256_computed": one.computed,
                "differences": [asdict(difference) for difference in one.differences],
            }
            for one in comparison.outputs()
        ],
    }


class MetricRow(NamedTuple):
    """A submission's scores, then and now."""

    ts_id: int
    n: int
    model_name: str
    old: Mapping[str, float | None]
    new: Mapping[str, float | None]
    error: str | None


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """The scores of a job's results and those of another model, by submission."""

    rows: Sequence[MetricRow]

    @classmethod
    def of(cls, codec: Codec, logged: Iterable[tuple[Any, bytes]], computed: Iterable[Record]) -> "MetricComparison":
        """Of what is in the log and what is computed, where both are."""
        now: dict[tuple[int, int], SeriesResult] = {}
        for record in computed:
            try:
                event = codec.decode(record.value)
            except UndecodableError:
                continue
            if isinstance(event, SeriesResult):
                now[event.ts_id, event.n] = event
        then = {(event.ts_id, event.n): event for event, _ in logged if isinstance(event, SeriesResult)}
        return cls(
            [
                MetricRow(*key, old.model_name, old.metrics, now[key].metrics, now[key].error)
                for key, old in sorted(then.items())
                if key in now
            ]
        )

    @property
    def names(self) -> list[str]:
        """The metrics, in order of their appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in (*row.old, *row.new)))

    def means(self) -> Mapping[str, tuple[float, float, int]]:
        """Of each metric the mean then and now, over the submissions that have both, and how many those are."""
        found = {}
        for name in self.names:
            pairs = [(row.old.get(name), row.new.get(name)) for row in self.rows]
            both = [(old, new) for old, new in pairs if old is not None and new is not None]
            if both:
                found[name] = (sum(o for o, _ in both) / len(both), sum(n for _, n in both) / len(both), len(both))
        return found


def show_metrics(
    metrics: MetricComparison,
    commands: JobCommands,
    asked: JobCommands,
    *,
    model: str,
    everything: bool,
    as_json: bool,
) -> None:
    """Print the scores side by side, and their means."""
    means = metrics.means()
    if as_json:
        rows = [row._asdict() for row in metrics.rows]
        named = {name: {"old": old, "new": new, "over": over} for name, (old, new, over) in means.items()}
        json.dump({"job_id": commands.job_id, "model": model, "means": named, "rows": rows}, sys.stdout)
        sys.stdout.write("\n")
    else:
        output().print(_metric_table(metrics, model, everything=everything))
    left_out = len(commands.numbers - asked.numbers)
    if left_out:
        notices().print(
            f"{left_out} submissions are left out: their series were trained together, and {model} needs the command "
            "of each",
            style="yellow",
            soft_wrap=True,
        )
    lacking = len(asked.numbers) - len(metrics.rows)
    if lacking > 0:
        notices().print(f"{lacking} submissions have no result in the log", style="yellow", soft_wrap=True)


def _metric_table(metrics: MetricComparison, model: str, *, everything: bool) -> Table:
    table = Table("ts_id:n", "model", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in metrics.names:
        table.add_column(name, justify="right")
        table.add_column(f"with {model}", justify="right")
    rows = metrics.rows if everything else metrics.rows[:LONGEST_TABLE]
    for row in rows:
        cells = [cell for name in metrics.names for cell in (number(row.old.get(name)), number(row.new.get(name)))]
        if row.error is not None:
            cells = [one_line(_cut(row.error))]
        table.add_row(f"{row.ts_id}:{row.n}", Text(one_line(row.model_name)), *map(Text, cells))
    table.add_section()
    means = metrics.means()
    nothing = (None, None, 0)
    table.add_row(
        "mean", "", *(number(value) for name in metrics.names for value in means.get(name, nothing)[:2]), style="bold"
    )
    if len(rows) < len(metrics.rows):
        table.caption = f"{len(rows)} of {len(metrics.rows)} rows shown: --all shows every one"
    return table


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
