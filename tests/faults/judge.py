"""The judge of the fault suite: compares what was seen with what was asked, and names whatever does not fit.

It shares no code with the service but the schemas, the topics' names and the codec, and talks to nobody. Of each job:

1. job-results: every submission (job, n) has an answer for its series and model; repeats are byte for byte the same;
2. series-commands: the same for what was sent to the trainers; metrics: repeats are the same, values as in the results;
3. forecasts: the last record of each series is the forecast of its latest submission, as in its result, and none is
   another job's; likewise the table, asked by HTTP;
4. job-status: only allowed moves, to DONE at last (or what the case expects); the changelogs say what the topics say;
5. GET job_results shows every submission once, as the log has it.

What was acknowledged to the client is judged by `tests.faults.acknowledged`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import SeriesResult
from streams.topics import Topics
from tests.faults.acknowledged import judge_acknowledged
from tests.faults.history import server_errors, unknown
from tests.faults.seen import Asked, Decoded, Finding, Seen

__all__ = ["ALLOWED_MOVES", "Count", "Judge"]

ALLOWED_MOVES = {
    (CmdStatus.CREATED, CmdStatus.UNCOMITTED),
    (CmdStatus.CREATED, CmdStatus.COMITTED),
    (CmdStatus.UNCOMITTED, CmdStatus.CREATED),  # configured anew
    (CmdStatus.UNCOMITTED, CmdStatus.COMITTED),
    (CmdStatus.COMITTED, CmdStatus.DONE),
    (CmdStatus.COMITTED, CmdStatus.EXCEPTION),
    (CmdStatus.DONE, CmdStatus.COMITTED),
    (CmdStatus.EXCEPTION, CmdStatus.COMITTED),
}

Answers = Mapping[int, SeriesResult]


@dataclass(frozen=True, slots=True)
class Count:
    """Answers of one job, counted before anything is judged."""

    submitted: int
    visible: int
    lost: int
    duplicated: int
    foreign: int  # in the log or shown, and asked for by no submission
    repeated: int  # said again in the log, which is allowed


class Judge:
    """Judges one installation by what was seen of it."""

    def __init__(self, topics: Topics, *, codec: Codec | None = None) -> None:
        self._topics = topics
        self._codec = codec or Codec()

    def findings(
        self, seen: Seen, *jobs: Asked, dead_letters: int = 0, posted: frozenset[int] = frozenset()
    ) -> list[Finding]:
        """All that is wrong; `posted` are jobs that the case created by a command of its own."""
        log = Decoded(seen.log, self._codec)
        found = [*_of_calls(seen), *self._of_letters(seen, log, dead_letters)]
        for job in jobs:
            answers: Answers = {event.says.n: event.says for event in log.said(self._topics.job_results, job.job_id)}
            found += self._of_results(job, answers, log)
            found += self._of_commands(job, answers, log)
            found += self._of_metrics(job, answers, log)
            found += self._of_forecasts(job, answers, log, seen)
            found += self._of_statuses(job, log)
            found += self._of_rows(job, answers, log)
            found += _of_shown(job, answers, seen.bodies[job.job_id])
        return found + list(judge_acknowledged(self._topics, seen, log, posted))

    def count(self, seen: Seen, job: Asked) -> Count:
        """Also where something is wrong, so that the table of figures shows it."""
        log = Decoded(seen.log, self._codec)
        said = [event.says for event in log.said(self._topics.job_results, job.job_id)]
        numbered = dict(enumerate(job.submissions))
        strange = {(it.n, it.ts_id, it.model_name) for it in said if numbered.get(it.n) != (it.ts_id, it.model_name)}
        asked = Counter(job.submissions)
        if job.job_id in seen.bodies:
            entries = seen.bodies[job.job_id].get("results", ())
            shown = Counter((entry["ts_id"], one["model_name"]) for entry in entries for one in entry["results"])
        else:  # it has not ended: what would be shown
            shown = Counter(one for n, one in numbered.items() if n in {it.n for it in said})
        known = {(ts_id, model) for _, ts_id, model in strange}
        unasked = Counter({one: number for one, number in shown.items() if one not in asked})
        return Count(
            submitted=asked.total(),
            visible=shown.total(),
            lost=(asked - shown).total(),
            duplicated=(shown - asked - unasked).total(),
            foreign=len(strange) + sum(number for one, number in unasked.items() if one not in known),
            repeated=len(said) - len({it.n for it in said}),
        )

    def _of_letters(self, seen: Seen, log: Decoded, dead_letters: int) -> Iterator[Finding]:
        """Every record of every topic can be read, but for what has become a dead letter; tombstones have no value."""
        for spec in self._topics.all:
            for event in log[spec.name] if spec.records else ():
                kind = type(event.says).__name__
                if event.says is not None and kind not in spec.records:
                    yield Finding("wrong topic", f"a {kind} on {spec.name}")
        if len(log.unreadable) > dead_letters:
            yield Finding("unreadable", f"{[record[:4] for record in log.unreadable]}")
        letters = len(seen.log.get(self._topics.dead_letters, ()))
        if letters != dead_letters:
            yield Finding("dead letters", f"{letters}, expected {dead_letters}")

    def _of_results(self, job: Asked, answers: Answers, log: Decoded) -> Iterator[Finding]:
        asked = dict(enumerate(job.submissions))
        first: dict[int, bytes | None] = {}
        for record, says in log.said(self._topics.job_results, job.job_id):
            if first.setdefault(says.n, record.value) != record.value:
                yield Finding("answered differently", "an answer came twice, and not as before", *_place(says))
        for n, answer in answers.items():
            if (answer.job_id, answer.ts_id, answer.model_name) != (job.job_id, *asked.get(n, ())):
                yield Finding("foreign answer", f"{answer.model_name}, which nobody asked for", *_place(answer))
        for n in asked.keys() - answers.keys():
            yield Finding("answer lost", f"{asked[n][1]} has no answer in the log", job.job_id, asked[n][0], n)

    def _of_commands(self, job: Asked, answers: Answers, log: Decoded) -> Iterator[Finding]:
        """Every series that has a forecast was sent to the trainers, each time with the same bytes."""
        asked = dict(enumerate(job.submissions))
        first: dict[int, bytes | None] = {}
        for record, says in log.said(self._topics.series_commands, *job.ts_ids):
            if first.setdefault(says.n, record.value) != record.value:
                yield Finding("commanded differently", "a command came twice, and not as before", *_place(says))
            if (says.job_id, says.ts_id, says.model_name) != (job.job_id, *asked.get(says.n, ())):
                yield Finding("foreign command", f"{says.model_name}, which nobody asked for", *_place(says))
        for n, answer in answers.items():
            if answer.error is None and n not in first and not job.commands_removed:
                yield Finding("command lost", "answered, but no trainer was asked", *_place(answer))

    def _of_metrics(self, job: Asked, answers: Answers, log: Decoded) -> Iterator[Finding]:
        """The scores of each result are there, whatever was published twice."""
        prefix = b"fj-%d-" % job.job_id
        found: dict[str, dict[str, float | None]] = {}
        for record, point in log[self._topics.metrics]:
            if point is None or not (record.key or b"").startswith(prefix):
                continue
            if not point.metric_name.startswith("tuning_"):  # a trial's loss
                scores = found.setdefault(point.workload_uid, {})
                if scores.setdefault(point.metric_name, point.value) != point.value:
                    yield Finding("scored differently", f"{point.workload_uid} has two {point.metric_name}", job.job_id)
        for n, answer in answers.items():
            scores = found.pop(f"fj-{job.job_id}-{answer.ts_id}-{n}", {})
            expected = {} if answer.error is not None else dict(answer.metrics)
            if scores != expected:
                yield Finding("wrong scores", f"{scores} instead of {expected}", *_place(answer))
        for workload in found:
            yield Finding("foreign scores", workload, job.job_id)

    def _of_forecasts(self, job: Asked, answers: Answers, log: Decoded, seen: Seen) -> Iterator[Finding]:
        """What a reader is left with who keeps the last record of each key and knows no rule."""
        for _, says in log.said(self._topics.forecasts, *job.ts_ids):
            answer = answers.get(says.n)
            if says.job_id != job.job_id or answer is None or answer.ts_id != says.ts_id:
                yield Finding("foreign forecast", "a forecast that answers no submission of it", *_place(says))
            elif says.mean != answer.predictions:
                yield Finding("wrong forecast", "not as in its result", *_place(says))
        last = log.last(self._topics.forecasts)
        for ts_id, n in {answer.ts_id: n for n, answer in sorted(answers.items()) if not answer.error}.items():
            found = last.get(b"%d" % ts_id)
            if found is None:
                yield Finding("forecast lost", "its topic has none", job.job_id, ts_id, n)
            elif found.n != n:
                text = f"its topic ends with the forecast of submission {found.n}"
                yield Finding("older forecast last", text, job.job_id, ts_id, n)
            shown = seen.forecasts.get(ts_id, {"n": n, "mean": answers[n].predictions})
            if (shown.get("n"), shown.get("mean")) != (n, answers[n].predictions):
                yield Finding("wrong forecast", f"GET shows that of {shown.get('n')}", job.job_id, ts_id, n)

    def _of_statuses(self, job: Asked, log: Decoded) -> Iterator[Finding]:
        """A reader that drops what is not above the last sequence sees allowed moves only, to the end at last."""
        seen: list[JobStatus] = []
        by_sequence: dict[int, CmdStatus] = {}
        for _, status in log.said(self._topics.job_status, job.job_id):
            if by_sequence.setdefault(status.sequence, status.status) is not status.status:
                yield Finding("two statuses", f"of one sequence, {status.sequence}", job.job_id)
            if not seen or status.sequence > seen[-1].sequence:
                seen.append(status)
        for old, new in pairwise(seen):
            if (old.status, new.status) not in ALLOWED_MOVES:
                yield Finding("wrong move", f"from {old.status.name} to {new.status.name}", job.job_id)
        if not seen or seen[-1].status is not job.ends_as:
            yield Finding("wrong end", f"told as {seen[-1].status.name if seen else 'nothing'}", job.job_id)

    def _of_rows(self, job: Asked, answers: Answers, log: Decoded) -> Iterator[Finding]:
        """The tables, as a recovery would read them: each submission and its result, and the job's end."""
        prefix = b"%d:" % job.job_id
        last = log.last(self._topics.results_changelog)
        rows = {key: row for key, row in last.items() if key and key.startswith(prefix) and row is not None}
        for n, answer in answers.items():
            row = rows.pop(b"%d:%d:%d" % (job.job_id, answer.ts_id, n), None)
            if row is None:
                yield Finding("row lost", "its answer is not kept", *_place(answer))
            elif replace(row, answered_at=None) != answer:
                yield Finding("wrong row", "its answer is not kept as it is in the log", *_place(answer))
        for row in rows.values():
            yield Finding("foreign row", "an answer is kept that the log does not have", *_place(row))
        record = log.last(self._topics.jobs_changelog).get(b"%d" % job.job_id)
        if record is None:
            yield Finding("job lost", "it has no row", job.job_id)
            return
        if record.status is not job.ends_as:
            yield Finding("wrong end", f"kept as {record.status.name}", job.job_id)
        kept = [record.first_ts_id + offset for one in record.submissions for offset in one.ts_offsets]
        for n, (ts_id, model) in enumerate(job.submissions):
            if kept[n : n + 1] != [ts_id]:
                yield Finding("submission lost", f"{model} is not in the job's row", job.job_id, ts_id, n)
        for n, ts_id in list(enumerate(kept))[len(job.submissions) :]:
            yield Finding("foreign submission", "in the job's row, and nobody asked for it", job.job_id, ts_id, n)


def _of_calls(seen: Seen) -> Iterator[Finding]:
    """No write of unknown outcome is left, and no 5xx but those that say what to do was ever answered."""
    for call in unknown(seen.history):
        yield Finding("unknown outcome", f"{call.method} {call.path}: no try was answered")
    for call in server_errors(seen.history):
        yield Finding("server error", f"{call.method} {call.path}: {call.status} {call.code}")


def _of_shown(job: Asked, answers: Answers, body: Mapping[str, Any]) -> Iterator[Finding]:
    """GET shows every series, and of each its results in order of submission, as they are in the log."""
    if body["status"] != job.ends_as:
        yield Finding("wrong end", f"shown with status {body['status']}", job.job_id)
    shown: Mapping[int, Sequence[Any]] = {entry["ts_id"]: entry["results"] for entry in body.get("results", ())}
    if list(shown) != list(job.ts_ids):
        yield Finding("wrong series", f"{list(shown)} are shown, not {list(job.ts_ids)}", job.job_id)
    for ts_id, results in shown.items():
        numbers = [n for n in sorted(answers) if answers[n].ts_id == ts_id]
        told = [(one.get("error"), one.get("predictions", [])) for one in results]
        expected = [(answers[n].error, answers[n].predictions) for n in numbers]
        for n, one in zip(numbers, expected, strict=True):
            if one not in told:
                yield Finding("not shown", "GET does not show its answer", job.job_id, ts_id, n)
        if len(told) > len(expected):
            yield Finding("shown twice", f"{len(told)} answers instead of {len(expected)}", job.job_id, ts_id)
        elif told != expected and all(one in told for one in expected):
            yield Finding("shown in another order", "not in that of the submissions", job.job_id, ts_id)


def _place(event: Any) -> tuple[int, int, int]:
    return event.job_id, event.ts_id, event.n
