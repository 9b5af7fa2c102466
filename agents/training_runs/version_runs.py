"""The versions of training jobs that this process runs: begun, ended by a later command, brought to exactly one end."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from weakref import WeakValueDictionary

from agents.deepar import outcomes as deepar_outcomes
from agents.forecast_versions.run import forget_forecasts
from agents.versions.outcomes import Outcome, VersionOutcomes, outcome_of
from agents.versions.run import RunFailedError, VersionRun, to_its_end
from agents.versions.telling import now, status_record
from connectors.objects import endpoints
from connectors.objects.training_logs import delete_logs
from schemas.training import DeleteTrainingJob, DeleteTrainingVersion, StopTrainingJob, TrainingStatus
from streams.engine.deliveries import Delivery
from streams.runtime import TrainerRuntime
from streams.training.jobs import TrainingState

__all__ = ["VersionRuns"]

_LONGEST_MESSAGE: Final = 2000  # characters; a reason repeats what a line says
_END_S: Final = 4.0  # a program may take a second to end
_ENDS: Final = {
    TrainingState.COMPLETED: "completed",
    TrainingState.SUBMIT_FAILED: "cannot be run",
    TrainingState.FAILED: "failed",
    TrainingState.STOPPED: "stopped",
    TrainingState.CANCELLED: "cancelled before it began",
    TrainingState.LOST: "lost",
}

End = StopTrainingJob | DeleteTrainingVersion | DeleteTrainingJob


class _Turns:
    """What goes on for one version: its commands take turns; runs can be ended by one that comes later."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.turn = asyncio.Lock()
        self.runs: dict[Delivery, VersionRun] = {}


class VersionRuns:
    """Calls come in the order of the log, and so are their effects on each version."""

    def __init__(self, runtime: TrainerRuntime) -> None:
        self._runtime = runtime
        self._outcomes = VersionOutcomes(runtime.store)
        self._turns: WeakValueDictionary[tuple[str, int], _Turns] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, delivery: Delivery, run: VersionRun) -> None:
        """Run the version; ends when the broker has its last status.

        A repeat goes on where the first time ended, or begins again, and after the end tells the same.
        """
        version = run.version
        turns = self._turns_of(version.project_id, version.job_id, version.version_id)
        turns.runs[delivery] = run
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with turns.turn:
                if await delivery.still_ours():
                    await self._run(delivery, run)
        finally:
            self._tasks.discard(task)
            run.close()
            del turns.runs[delivery]
            if not delivery.given_up:
                await _close_logs(run)
            elif not run.for_good:  # another trainer has the last word; else `end` has
                for log in run.logs:
                    log.drop()

    async def end(self, delivery: Delivery, command: End) -> None:
        """Stop or delete what the command names: 1. end its runs, 2. keep that it has ended, 3. tell."""
        if isinstance(command, DeleteTrainingJob):
            await self._delete_job(delivery, command)
            return
        turns = self._turns_of(command.project_id, command.job_id, command.version_id)
        runs = _given_up(turns)
        async with turns.turn:
            if await delivery.still_ours():
                run = max(runs, key=lambda one: (one.begun, one.epoch), default=None)
                if isinstance(command, StopTrainingJob):
                    status = await to_its_end(self._stop, command, run)
                    await _say_last(runs, status)
                    await self._tell(status)
                else:
                    await self._remove(command.project_id, command.job_id, command.version_id, run)

    async def refuse(self, run: VersionRun, text: str) -> None:
        """End a version that cannot be run as failed."""
        status = await to_its_end(self._failed, run, RunFailedError(text))
        await _say_last([run], status)
        await self._tell(status)

    async def close(self) -> None:
        """Wait until runs that were cancelled have ended what they had begun."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_S)

    def _turns_of(self, project_id: str, job_id: int, version_id: int) -> _Turns:
        return self._turns.setdefault((project_id, version_id), _Turns(job_id))

    async def _run(self, delivery: Delivery, run: VersionRun) -> None:
        """1. the work, 2. what comes of it can be seen, 3. the status that says so, 4. what only a run needs goes."""
        ended, status = await asyncio.to_thread(self._ended, run)
        if not ended:
            try:
                await run.work()
                if not await _finished(delivery, run):
                    return
                status = await to_its_end(self._completed, run)
            except RunFailedError as error:
                if not await _finished(delivery, run):
                    return
                status = await to_its_end(self._failed, run, error)
            await _say_last([run], status)
        await self._tell(status)
        await asyncio.to_thread(self._outcomes.forget_checkpoint, run.version.project_id, run.version.version_id)

    def _ended(self, run: VersionRun) -> tuple[bool, TrainingStatus | None]:
        """Whether the version has ended before, and what is to be told of that."""
        version = run.version
        outcome = self._outcomes.read(version.project_id, version.job_id, version.version_id)
        if outcome is None:
            status = run.ended_before()
            return status is not None, status
        if outcome.command_id in (version.command_id, ""):
            return True, outcome.status
        text = f"version_id: a version {version.version_id} of this project has been there before: use another id"
        of = version.project_id, version.job_id, version.version_id
        return True, TrainingStatus(*of, TrainingState.FAILED, now(), message=text, project=version.project)

    def _completed(self, run: VersionRun) -> TrainingStatus | None:
        try:
            return run.publish()
        except RunFailedError as error:
            return self._failed(run, error)

    def _failed(self, run: VersionRun, error: RunFailedError) -> TrainingStatus | None:
        """Keep why a version failed; nothing where it has been stopped or deleted elsewhere meanwhile."""
        version, text = run.version, str(error)
        if self._outcomes.read(version.project_id, version.job_id, version.version_id) is not None:
            return None
        if len(text) > _LONGEST_MESSAGE:
            text = f"{text[:_LONGEST_MESSAGE]}…"
        status = run.status(error.number, at=now(), message=text)
        self._outcomes.write(version.project_id, version.version_id, outcome_of(version, status))
        return status

    def _stop(self, command: StopTrainingJob, run: VersionRun | None) -> TrainingStatus | None:
        """Keep that a version was stopped; what there is to tell of one that had ended before."""
        project_id, job_id, version_id = of = command.project_id, command.job_id, command.version_id
        known = self._outcomes.read(*of)
        if known is not None:
            return known.status
        if version_id == job_id and (
            completed := deepar_outcomes.published(self._runtime.store, project_id, job_id)
        ):  # by an earlier release, which kept no outcome of it
            return completed
        begun = self._outcomes.has_begun(project_id, version_id) or (run is not None and run.begun)
        number, at = TrainingState.STOPPED if begun else TrainingState.CANCELLED, now()
        status = TrainingStatus(*of, number, at, project=command.project) if run is None else run.status(number, at=at)
        kept = Outcome(status, "") if run is None else outcome_of(run.version, status)
        self._outcomes.write(project_id, version_id, kept)
        return status

    async def _delete_job(self, delivery: Delivery, command: DeleteTrainingJob) -> None:
        """All versions that this process knows end; the note keeps the others from beginning."""
        project_id, job_id = command.project_id, command.job_id
        first = self._turns_of(project_id, job_id, job_id)
        known = {job_id: first} | {
            version_id: turns
            for (project, version_id), turns in list(self._turns.items())
            if project == project_id and turns.job_id == job_id
        }
        runs = {version_id: _given_up(turns) for version_id, turns in known.items()}
        for version_id, turns in known.items():
            async with turns.turn:
                if not await delivery.still_ours():
                    return
                run = next(iter(runs[version_id]), None)
                await self._remove(project_id, job_id, version_id, run)
        await to_its_end(self._outcomes.forget_job, project_id, job_id)
        await to_its_end(endpoints.delete_of_job, self._runtime.store, project_id, job_id)

    async def _remove(self, project_id: str, job_id: int, version_id: int, run: VersionRun | None) -> None:
        """1. the version, 2. the forecasting job that was begun for it."""
        await to_its_end(self._delete, project_id, job_id, version_id, run)
        records = await asyncio.to_thread(forget_forecasts, self._runtime, project_id, version_id)
        await self._runtime.publisher.send(records)

    def _delete(self, project_id: str, job_id: int, version_id: int, run: VersionRun | None) -> None:
        """A version is no more. 1. the outcome, 2. its results: whoever still publishes some looks for the first."""
        store, known = self._runtime.store, self._outcomes.read(project_id, job_id, version_id)
        gone = Outcome(None, "") if known is None else replace(known, status=None)
        if run is not None:
            gone = Outcome(None, gone.command_id or run.version.command_id, run.version.version_name)
        self._outcomes.write(project_id, version_id, gone)
        for endpoint in endpoints.of_job(store, project_id, job_id):
            if endpoint.version == gone.version_name:
                endpoints.delete_of_job(store, project_id, job_id, endpoint.name)
        delete_logs(store, project_id, version_id)

    async def _tell(self, status: TrainingStatus | None) -> None:
        if status is not None:
            await self._runtime.publisher.send([status_record(self._runtime, status)])


async def _finished(delivery: Delivery, run: VersionRun) -> bool:
    """Whether it is ours still, and all that its run had to tell is told; while a rebalance lasts nothing is."""
    while await delivery.still_ours():
        await run.finish()
        if delivery.is_ours():
            return True
    return False


def _given_up(turns: _Turns) -> list[VersionRun]:
    """The runs of a version, which end now."""
    runs = dict(turns.runs)
    for delivery, run in runs.items():
        run.for_good = True
        delivery.give_up()
    return list(runs.values())


async def _say_last(runs: Iterable[VersionRun], status: TrainingStatus | None) -> None:
    """The last line of a log says how the version ended."""
    if status is not None:
        words = _ENDS[TrainingState(status.status)]
        for run in runs:
            run.log.say(words if status.message is None else f"{words}: {status.message}")
            await _close_logs(run)


async def _close_logs(run: VersionRun) -> None:
    await asyncio.gather(*(log.close() for log in run.logs))
