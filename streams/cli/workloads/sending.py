"""Sends what readers find as points to the service, in batches, with progress, and tells what came of it."""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from connectors.metric_sources.readers import (
    FoundPoint,
    Reader,
    WandbReader,
    size_of,
)
from connectors.metric_sources.wandb_files import NotWandbError
from streams.cli.console.failure import PARTLY, CommandError
from streams.cli.console.listing import print_json
from streams.cli.console.program import command_line
from streams.cli.console.terminal import one_line
from streams.cli.service.refusals import ServiceAwayError, ServiceRefusalError
from streams.cli.service.session import Session, find_service, open_session
from streams.cli.workloads.plans import MOST_TOLD, Failed, Plan, Told

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["follow_one", "import_all"]

_BATCH: Final = 10_000  # points of a request: about 1 MB, some tenths of a second
_MOST_REFUSED: Final = 1000  # points of a file that the service may refuse before that is taken for a mistake
_POLL_S: Final = 0.5
_INDEX: Final = re.compile(r"data\[(\d+)\](?:, (\w+))?")


def import_all(
    plans: Sequence[Plan | Failed],
    settings: "Settings",
    url: str | None,
    results: Console,
    console: Console,
    *,
    as_json: bool,
) -> None:
    """Send all that is there, file by file, and tell what came of it in sentences or as one document.

    A file that fails holds up no other. CommandError once all are told of, where any has failed: 3 is its status where
    a part was imported.
    """
    done, failed = list[Mapping[str, Any]](), list[Failed]()
    with open_session(settings, find_service(settings, url), console) as session:
        away = None
        for plan in plans:
            told: Told | Failed
            if isinstance(plan, Failed):
                told = plan
            elif away is not None:
                told = Failed(plan.path, away)
            else:
                begun, uid, told, away = time.monotonic(), *_sent(session, plan, console)
                if isinstance(told, Told):
                    done.append(_tell(None if as_json else results, console, plan, uid, told, time.monotonic() - begun))
                    continue
            failed.append(told)
            if len(plans) > 1:
                console.print(f"not imported: {told.path}: {told.error}", style="red", soft_wrap=True, markup=False)
        some = done or any(one.points for one in failed)
        if as_json and (some or len(plans) > 1):  # else it is a refusal, which is no document
            shown = [{"path": str(one.path), "error": one.error, "points": one.points} for one in failed]
            print_json({"imported": done, "failed": shown})
        elif session.embedded and done:
            results.print(f"they are kept: {command_line('up')} serves them", soft_wrap=True)
    if failed:
        text = failed[0].error if len(plans) == 1 else f"{len(failed)} of {len(plans)} files were not imported"
        raise CommandError(text, status=PARTLY if some else 1)


def _sent(session: Session, plan: Plan, console: Console) -> tuple[str, Told | Failed, str | None]:
    """The workload of a file, what came of it, and why nothing can come of any other."""
    with _progress(console) as progress:
        task = progress.add_task(one_line(plan.path.name), total=size_of(plan.path), told="")
        sender = _Sender(session, plan)
        try:
            sender.send_new(partial(_show, progress, task))
            sender.end()
        except CommandError as error:
            away = str(error) if isinstance(error, ServiceAwayError) else None
            return sender.uid, Failed(plan.path, str(error), sender.told.points), away
    return sender.uid, sender.told, None


def follow_one(
    plan: Plan,
    settings: "Settings",
    url: str | None,
    results: Console,
    console: Console,
    *,
    idle_s: float | None,
    as_json: bool,
) -> None:
    """Send what comes until nothing came for `idle_s` seconds, or Ctrl-C, and tell what came of it."""
    with open_session(settings, find_service(settings, url), console) as session:
        begun = time.monotonic()
        sender = _Sender(session, plan)
        with console.status(f"following {plan.path}, Ctrl-C ends") as status, suppress(KeyboardInterrupt):
            last = time.monotonic()
            while idle_s is None or time.monotonic() - last < idle_s:
                if sender.send_new():
                    last = time.monotonic()
                    status.update(f"following {plan.path}: {sender.told.points:,} points, Ctrl-C ends")
                session.watch()
                time.sleep(_POLL_S)
        sender.end()
        seconds = time.monotonic() - begun
        done = _tell(None if as_json else results, console, plan, sender.uid, sender.told, seconds)
        if as_json:
            print_json(done)


def _show(progress: Progress, task: TaskID, position: int, words: str) -> None:
    progress.update(task, completed=position, told=words)


class _Sender:
    """Points of one source on their way, in batches that end where the source has no more."""

    def __init__(self, session: Session, plan: Plan) -> None:
        assert plan.reader is not None
        self._session = session
        self._plan = plan
        self._reader: Reader = plan.reader
        self._waiting: list[FoundPoint] = []
        self._size = _BATCH
        self._refused_names = set[str]()  # whose further points need not be asked about
        self._refusals = 0
        self.told = Told()

    @property
    def uid(self) -> str:
        """The workload; known once a `.wandb` file has said its run."""
        if self._plan.workload is not None:
            return self._plan.workload
        if isinstance(self._reader, WandbReader) and self._reader.file.run_id:
            return _plain(f"run-{self._reader.file.run_id}")
        return _plain(self._plan.path.resolve().name.removesuffix(".wandb"))

    def send_new(self, progress: Callable[[int, str], None] = lambda _at, _words: None) -> int:
        """Send what is new; how many points that was."""
        before = self.told.points
        try:
            for portion in self._reader.read_new():
                self._waiting += portion
                while len(self._waiting) >= self._size:
                    self._post()
                    progress(self._reader.position, f"{self.told.points:,} points")
                self._session.watch()
        except NotWandbError as error:
            raise CommandError(f"{error}: give its form, --source-form") from None
        while self._waiting:
            self._post()
        progress(self._reader.position, f"{self.told.points:,} points")
        return self.told.points - before

    def end(self) -> None:
        """Send what has no end and will get none; note what the reader left out."""
        self._waiting += self._reader.last()
        while self._waiting:
            self._post()
        for problems in self._reader.problems:
            self.told.left_out += problems.count
            self.told.words += problems.words[: MOST_TOLD - len(self.told.words)]

    def _post(self) -> None:
        """Send one batch; a point that the service refuses is left out and told, the others are sent again.

        Where the batch is too large for the service, it waits, and the next ones are half as large.
        """
        batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
        batch = self._without_refused(batch)
        while batch:
            body = {"data": [_row(found) for found in batch]}
            try:
                self._session.client.write("POST", f"/api/v1/workloads/{self.uid}/metrics", body=body)
            except ServiceRefusalError as error:
                if error.http_status == 413 and len(batch) > 1:
                    self._size = len(batch) // 2
                    self._waiting = batch + self._waiting
                    return
                index = _INDEX.search(str(error))
                if error.http_status != 400 or index is None or int(index[1]) >= len(batch):
                    raise
                if index[2] == "metric_name" and len(self._refused_names) < _MOST_REFUSED:
                    first = batch[int(index[1])][0]
                    self._refused_names.add(first.metric_name)
                    sentence = f"{first.metric_name} at step {first.iteration}, and all its other points: {error}"
                    self.told.words += [sentence][: MOST_TOLD - len(self.told.words)]
                    batch = self._without_refused(batch)
                    continue
                if self._refusals >= _MOST_REFUSED:
                    raise CommandError(
                        f"{self._plan.path}: too many points are refused, the last one so: {error}"
                    ) from None
                self._refusals += 1
                refused = batch.pop(int(index[1]))
                self.told.leave_out(f"{refused[0].metric_name} at step {refused[0].iteration}: {error}")
                continue
            self.told.points += len(batch)
            self.told.metrics.update(found[0].metric_name for found in batch)
            return

    def _without_refused(self, batch: list[FoundPoint]) -> list[FoundPoint]:
        """Without points of names that the service does not take: of one such metric there may be a million."""
        if not self._refused_names:
            return batch
        kept = [found for found in batch if found[0].metric_name not in self._refused_names]
        self.told.left_out += len(batch) - len(kept)
        return kept


def _row(found: FoundPoint) -> dict[str, Any]:
    point, source = found
    return {
        "metric_name": point.metric_name,
        "value": point.value,
        "timestamp": point.timestamp,
        "iteration": point.iteration,
        "data_source": source,
    }


def _plain(name: str) -> str:
    """A name as a workload_uid can be (M-003)."""
    return re.sub(r"[^A-Za-z0-9._:-]", "_", name)[:128] or "import"


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=console,
    )


def _tell(
    results: Console | None, console: Console, plan: Plan, uid: str, told: Told, seconds: float
) -> Mapping[str, Any]:
    """What came of it, and what did not; the same for programs."""
    if results is not None:
        rate = told.points / max(seconds, 1e-3)
        results.print(
            f"{plan.path}: {told.points:,} points of {len(told.metrics):,} metrics to workload {uid} in "
            f"{seconds:.1f} s ({rate:,.0f} points/s)",
            soft_wrap=True,
        )
    if not told.points:
        console.print(
            f"warning: {plan.path} has no metrics that are known, read as {plan.form}", style="yellow", soft_wrap=True
        )
    if told.left_out:
        console.print(f"warning: {told.left_out:,} left out", style="yellow", soft_wrap=True)
        _list(console, told.words)
    return {
        "path": str(plan.path),
        "source_form": str(plan.form),
        "workload_uid": uid,
        "points": told.points,
        "metrics": sorted(told.metrics),
        "left_out": told.left_out,
        "reasons": told.words,
    }


def _list(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(f"  {one_line(sentence)}", style="yellow", soft_wrap=True, markup=False)
