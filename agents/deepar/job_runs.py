"""DeepAR training jobs: a version becomes an endpoint, or a reason why there is none."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from agents.deepar import outcomes as endings
from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError, Trained, TrainingRun
from agents.deepar.outcomes import DeepARTraining
from agents.deepar.pool import TrainingPool
from agents.deepar.progress import TrainingProgress
from agents.versions.log import VersionLog
from agents.versions.outcomes import checkpoint_key
from agents.versions.run import RunFailedError, VersionRun
from connectors.datasets.manifests import stored_key
from connectors.objects.endpoints import BadEndpointNameError, check_name
from connectors.objects.layout import named
from connectors.processes.compute_process import EndedError, RaisedError
from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import parse_text
from models.errors import RejectedInputError
from schemas.training import TrainingStatus
from streams.checks import object_key
from streams.errors import RejectedError
from streams.runtime import TrainerRuntime
from streams.training.jobs import INFERENCE_CONFIG, TrainingState

__all__ = ["DeepARRun"]

log = structlog.get_logger(__name__)

_STORE_PAUSES_S: Final = (1.0, 5.0, 15.0, 30.0)  # a minute: longer than a restart of the store takes

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
_NO_FILE: Final = "data_url: there is no file /{}: PUT it to /uploads/ first"
_STORE_AWAY: Final = "the training could not go on: {}"
_FAILED: Final = "the training failed; the service's log says why"


class DeepARRun(VersionRun):
    """Trains the version's model in a process of its own, and serves it. A repeat goes on from the checkpoint."""

    what = "DeepAR"

    def __init__(
        self,
        runtime: TrainerRuntime,
        pool: TrainingPool,
        training: DeepARTraining,
        log: VersionLog,
        is_ours: Callable[[], bool],
    ) -> None:
        super().__init__(training.version, log)
        self._runtime = runtime
        self._pool = pool
        self._training = training
        self._progress = TrainingProgress(runtime, training.version, log, is_ours)
        self._model = b""
        self._ignored: Collection[str] = ()

    @property
    def begun(self) -> bool:
        """Whether a process has begun to train."""
        return self._progress.begun

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self._progress.epoch

    def ended_before(self) -> TrainingStatus | None:
        """What there is to tell where the endpoint is there already. Blocks."""
        version = self.version
        return endings.published(
            self._runtime.store,
            version.project_id,
            version.job_id,
            version.endpoint,
            (version.version_id, version.version_name),
        )

    async def work(self) -> None:
        """Train the model. RunFailedError."""
        try:
            run = await asyncio.to_thread(self._checked)
            if self._ignored:
                self.log.say(f"parameters that mean nothing to DeepAR are ignored: {', '.join(sorted(self._ignored))}")
            self._model = (await self._trained(run)).model
        except RejectedInputError as error:
            raise RunFailedError(str(error)) from None

    async def finish(self) -> None:
        """Send what is not sent yet; ends when the broker has all."""
        await self._progress.finish()

    def publish(self) -> TrainingStatus | None:
        """Serve the model; what there is to tell then. Blocks. RunFailedError."""
        try:
            told = endings.publish(self._runtime.store, self._training, self._model)
        except RejectedInputError as error:
            raise RunFailedError(str(error)) from None
        return None if told is None else replace(told, system_metrics=self._progress.system_metrics)

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The training as it is now, with this status."""
        return self._progress.status(number, at=at, message=message)

    def close(self) -> None:
        """Send nothing more."""
        self._progress.close()

    def _checked(self) -> TrainingRun:
        """What is to be trained. RunFailedError: with status 5 where the config cannot be run (T-042, T-071)."""
        try:
            endings.check_free(self._runtime.store, self.version)
            return self._run()
        except (RejectedInputError, RunFailedError) as error:
            number = TrainingState.SUBMIT_FAILED if self._training.strict else TrainingState.FAILED
            raise RunFailedError(str(error), number) from None

    def _run(self) -> TrainingRun:
        """What is to be trained; RunFailedError or RejectedInputError say what is wrong with what was asked for."""
        settings, version, parameters = self._runtime.settings, self.version, dict(self._training.parameters)
        try:
            check_name(version.job_name)
            named_key = object_key("data_url", self._training.data_url, project=version.project)
            data_key = stored_key(self._runtime.store, named_key)
            if self._training.strict:
                self._check_file(data_key)
        except BadEndpointNameError as error:
            raise RunFailedError(str(error)) from None
        except RejectedError as error:
            raise RunFailedError(error.message) from None
        configuration = parameters.pop(INFERENCE_CONFIG, None)
        parse_text(None if configuration is None else str(configuration), max_samples=settings.max_num_samples)
        config, unknown = DeepARConfig.from_hyper_parameters(parameters)
        self._ignored = unknown
        self._check_file(data_key)
        return TrainingRun(
            store_url=settings.object_store_url,
            data_key=data_key,
            data_limit=settings.max_training_data_bytes,
            config=config,
            checkpoint_key=checkpoint_key(version.project_id, version.version_id),
        )

    def _check_file(self, data_key: str) -> None:
        """RunFailedError where there is none: no process need be taken to find that out."""
        if not self._runtime.store.is_file(data_key):
            raise RunFailedError(_NO_FILE.format(named(data_key)[1]))

    async def _trained(self, run: TrainingRun) -> Trained:
        """The model; RunFailedError where there will be none. A store that is away for a minute is waited for."""
        for pause_s in _STORE_PAUSES_S:
            try:
                return await self._computed(run)
            except StoreUnavailableError as error:
                log.warning("training_waits", data=run.data_key, reason=str(error), pause_s=pause_s)
            await asyncio.sleep(pause_s)
        try:
            return await self._computed(run)
        except StoreUnavailableError as error:
            raise RunFailedError(_STORE_AWAY.format(error)) from None

    async def _computed(self, run: TrainingRun) -> Trained:
        """The same, but StoreUnavailableError where the store cannot be used now."""
        settings, progress = self._runtime.settings, self._progress

        def renewed() -> TrainingRun:
            return replace(run, epoch=progress.epoch)

        try:
            answer = await self._pool.compute(
                renewed(),
                self.version.owner,
                limit_s=settings.max_training_job_s,
                on_report=progress.report,
                on_ended=renewed,
            )
        except TimeoutError:
            raise RunFailedError(_TOO_LONG.format(settings.max_training_job_s)) from None
        except EndedError:
            raise RunFailedError(_ENDED) from None
        except RaisedError as error:
            if error.is_a(StoreUnavailableError):
                raise StoreUnavailableError(error.text) from None
            if error.is_a(OutOfMemoryError):
                raise RunFailedError(_OUT_OF_MEMORY.format(settings.training_memory_bytes // 1024**2)) from None
            log.error("training_failed", data=run.data_key, error=str(error))  # noqa: TRY400 - it has the reason
            raise RunFailedError(_FAILED) from None
        if isinstance(answer, Refused):
            raise RunFailedError(answer.text)
        assert isinstance(answer, Trained)
        return answer
