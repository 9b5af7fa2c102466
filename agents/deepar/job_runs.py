"""DeepAR training jobs: a TrainDeepAR command becomes an endpoint, or a reason why there is none."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import structlog

from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError, Trained, TrainingRun
from agents.deepar.outcomes import Outcome, TrainingOutcomes, checkpoint_key
from agents.deepar.pool import TrainingPool
from agents.deepar.progress import TrainingProgress, status_record
from connectors.objects.endpoints import BadEndpointNameError, check_name
from connectors.processes.compute_process import EndedError, RaisedError
from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import parse_text
from models.errors import RejectedInputError
from schemas.training import DeleteTrainingJob, StopTrainingJob, TrainDeepAR, TrainingStatus
from streams.checks import object_key
from streams.engine.deliveries import Delivery
from streams.errors import RejectedError
from streams.runtime import TrainerRuntime
from streams.training.jobs import INFERENCE_CONFIG, TrainingState, first_version

__all__ = ["DeepARRuns"]

log = structlog.get_logger(__name__)

_STORE_PAUSES_S: Final = (1.0, 5.0, 15.0, 30.0)  # a minute: longer than a restart of the store takes
_LONGEST_MESSAGE: Final = 2000  # characters; a reason repeats what a line says

_TOO_LONG: Final = (
    "the training took longer than {:g} s: use fewer epochs or num_cells, or raise TIDECAST_MAX_TRAINING_JOB_S"
)
_ENDED: Final = (
    "the process that trained ended (killed or out of memory) again and again without finishing an epoch:"
    " use fewer num_cells or a smaller mini_batch_size, or raise TIDECAST_TRAINING_MEMORY_BYTES"
)
_OUT_OF_MEMORY: Final = (
    "the training needs more memory than the {} MiB that a process may have: use fewer num_cells, a smaller"
    " mini_batch_size or less data, or raise TIDECAST_TRAINING_MEMORY_BYTES"
)
_STORE_AWAY: Final = "the training could not go on: {}"
_FAILED: Final = "the training failed; the service's log says why"

_ANY = TypeVar("_ANY")


class _FailedError(Exception):
    """The training has come to its end without a model; the text is for the user."""


class _Job:
    """What goes on for one job: its commands take turns; those that train can be ended by one that comes later."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.trainings: dict[Delivery, TrainingProgress] = {}


class DeepARRuns:
    """The training jobs of this process. Calls come in the order of the log, and so are their effects on each job."""

    def __init__(self, runtime: TrainerRuntime, pool: TrainingPool) -> None:
        self._runtime = runtime
        self._pool = pool
        self._outcomes = TrainingOutcomes(runtime.store)
        self._jobs: WeakValueDictionary[tuple[str, int], _Job] = WeakValueDictionary()

    async def train(self, delivery: Delivery, command: TrainDeepAR) -> None:
        """Train the job's model; ends when the broker has the job's last status.

        A repeat goes on where the first time ended, and after its end tells the same.
        """
        job = self._job(command.project_id, command.job_id)
        job.trainings[delivery] = progress = TrainingProgress(self._runtime, command, delivery.is_ours)
        try:
            async with job.turn:
                if await delivery.still_ours():
                    await self._train(delivery, command, progress)
        finally:
            progress.close()
            del job.trainings[delivery]

    async def end(self, delivery: Delivery, command: StopTrainingJob | DeleteTrainingJob) -> None:
        """Stop or delete a job: 1. end its training, 2. keep that it has ended, 3. tell."""
        job = self._job(command.project_id, command.job_id)
        trainings = dict(job.trainings)
        for training in trainings:
            training.give_up()
        async with job.turn:
            if await delivery.still_ours():
                progress = max(trainings.values(), key=lambda one: (one.begun, one.epoch), default=None)
                if isinstance(command, DeleteTrainingJob):
                    await _to_its_end(self._delete, command, progress)
                else:
                    await self._tell(await _to_its_end(self._stop, command, progress))

    async def refuse(self, command: TrainDeepAR, text: str) -> None:
        """End a job that cannot be trained as failed."""
        progress = TrainingProgress(self._runtime, command, lambda: True)
        await self._tell(await _to_its_end(self._failed, command, progress, text))

    def _job(self, project_id: str, job_id: int) -> _Job:
        return self._jobs.setdefault((project_id, job_id), _Job())

    async def _train(self, delivery: Delivery, command: TrainDeepAR, progress: TrainingProgress) -> None:
        """1. the model, 2. its endpoint, 3. the status that says so, 4. the checkpoint is removed."""
        ended, status = await asyncio.to_thread(self._ended, command)
        if not ended:
            try:
                await asyncio.to_thread(self._outcomes.check_free, command)
                trained = await self._trained(self._run(command), progress)
                await progress.finish()
                if not await delivery.still_ours():
                    return
                status = await _to_its_end(self._outcomes.publish, command, trained.model)
            except (_FailedError, RejectedInputError) as error:
                await progress.finish()
                if not await delivery.still_ours():
                    return
                status = await _to_its_end(self._failed, command, progress, str(error))
        await self._tell(status)
        await asyncio.to_thread(self._outcomes.forget_checkpoint, command.project_id, command.job_id)

    def _ended(self, command: TrainDeepAR) -> tuple[bool, TrainingStatus | None]:
        """Whether the training has ended before, and what is to be told of that."""
        outcome = self._outcomes.read(command.project_id, command.job_id)
        if outcome is None:
            status = self._outcomes.published(command.project_id, command.job_id, command.job_name)
            return status is not None, status
        if outcome.command_id in (command.command_id, ""):
            return True, outcome.status
        text = f"job_id: a job {command.job_id} of this project has been there before: use another id"
        version_id, _ = first_version(command.job_id)
        return True, TrainingStatus(
            command.project_id, command.job_id, version_id, TrainingState.FAILED, _now(), message=text
        )

    def _run(self, command: TrainDeepAR) -> TrainingRun:
        """What is to be trained; _FailedError or RejectedInputError say what is wrong with the command."""
        settings, parameters = self._runtime.settings, dict(command.parameters)
        try:
            check_name(command.job_name)
            data_key = object_key("data_url", command.data_url)
        except BadEndpointNameError as error:
            raise _FailedError(str(error)) from None
        except RejectedError as error:
            raise _FailedError(error.message) from None
        configuration = parameters.pop(INFERENCE_CONFIG, None)
        parse_text(None if configuration is None else str(configuration), max_samples=settings.max_num_samples)
        config, unknown = DeepARConfig.from_hyper_parameters(parameters)
        if unknown:
            log.info("parameters_ignored", job_id=command.job_id, parameters=sorted(unknown))
        return TrainingRun(
            store_url=settings.object_store_url,
            data_key=data_key,
            data_limit=settings.max_training_data_bytes,
            config=config,
            checkpoint_key=checkpoint_key(command.project_id, command.job_id),
        )

    async def _trained(self, run: TrainingRun, progress: TrainingProgress) -> Trained:
        """The model; _FailedError where there will be none. A store that is away for a minute is waited for."""
        for pause_s in _STORE_PAUSES_S:
            try:
                return await self._computed(run, progress)
            except StoreUnavailableError as error:
                log.warning("training_waits", data=run.data_key, reason=str(error), pause_s=pause_s)
            await asyncio.sleep(pause_s)
        try:
            return await self._computed(run, progress)
        except StoreUnavailableError as error:
            raise _FailedError(_STORE_AWAY.format(error)) from None

    async def _computed(self, run: TrainingRun, progress: TrainingProgress) -> Trained:
        """The same, but StoreUnavailableError where the store cannot be used now."""
        settings = self._runtime.settings

        def renewed() -> TrainingRun:
            return replace(run, epoch=progress.epoch)

        try:
            answer = await self._pool.compute(
                renewed(), limit_s=settings.max_training_job_s, on_report=progress.report, on_ended=renewed
            )
        except TimeoutError:
            raise _FailedError(_TOO_LONG.format(settings.max_training_job_s)) from None
        except EndedError:
            raise _FailedError(_ENDED) from None
        except RaisedError as error:
            if error.is_a(StoreUnavailableError):
                raise StoreUnavailableError(error.text) from None
            if error.is_a(OutOfMemoryError):
                raise _FailedError(_OUT_OF_MEMORY.format(settings.training_memory_bytes // 1024**2)) from None
            log.error("training_failed", data=run.data_key, error=str(error))  # noqa: TRY400 - it has the reason
            raise _FailedError(_FAILED) from None
        if isinstance(answer, Refused):
            raise _FailedError(answer.text)
        assert isinstance(answer, Trained)
        return answer

    def _failed(self, command: TrainDeepAR, progress: TrainingProgress, text: str) -> TrainingStatus | None:
        """Keep why a training failed; nothing where it has been stopped or deleted elsewhere meanwhile."""
        if self._outcomes.read(command.project_id, command.job_id) is not None:
            return None
        if len(text) > _LONGEST_MESSAGE:
            text = f"{text[:_LONGEST_MESSAGE]}…"
        status = progress.status(TrainingState.FAILED, at=_now(), message=text)
        self._outcomes.write(command.project_id, command.job_id, Outcome(status, command.command_id))
        return status

    def _delete(self, command: DeleteTrainingJob, progress: TrainingProgress | None) -> None:
        known = self._outcomes.read(command.project_id, command.job_id)
        command_id = "" if progress is None else progress.command_id
        if known is not None:
            command_id = known.command_id or command_id
        self._outcomes.delete(command.project_id, command.job_id, command_id)

    def _stop(self, command: StopTrainingJob, progress: TrainingProgress | None) -> TrainingStatus | None:
        """Keep that a training was stopped; what there is to tell of one that had ended before."""
        of = command.project_id, command.job_id
        known = self._outcomes.read(*of)
        if known is not None:
            return known.status
        completed = self._outcomes.published(*of)
        if completed is not None:
            return completed
        begun = self._outcomes.has_begun(*of) or (progress is not None and progress.begun)
        number, at = TrainingState.STOPPED if begun else TrainingState.CANCELLED, _now()
        if progress is None:
            status = TrainingStatus(*of, command.version_id, number, at)
        else:
            status = progress.status(number, at=at)
        self._outcomes.write(*of, Outcome(status, "" if progress is None else progress.command_id))
        return status

    async def _tell(self, status: TrainingStatus | None) -> None:
        if status is not None:
            await self._runtime.publisher.send([status_record(self._runtime, status)])


async def _to_its_end(work: Callable[..., _ANY], *arguments: object) -> _ANY:
    """Let a thread do what must not go on unseen after a cancellation: that has to wait for it."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _now() -> int:
    return round(time.time() * 1000)
