"""Which kind of run a command asks for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agents.deepar.job_runs import DeepARRun
from agents.deepar.outcomes import DeepARTraining
from agents.deepar.pool import TrainingPool
from agents.forecast_versions.run import ForecastRun
from agents.training_runs.refused import RefusedRun
from agents.user_code.run import UserCodeRun
from agents.versions.config import RunConfig, not_runnable, read_config
from agents.versions.data_places import place_key
from agents.versions.log import VersionLog
from agents.versions.places import Places
from agents.versions.run import RunFailedError, VersionRun
from agents.versions.version import Version
from connectors.processes.compute_process import cores
from models.catalog import CATALOG
from models.deepar.specs import DEEPAR
from schemas.training import RunTrainingVersion, TrainDeepAR
from streams.runtime import TrainerRuntime
from streams.training.user_code import UserCode

__all__ = ["RunKinds"]

_TABLES: Final = (".csv", ".csv.gz", ".zip", ".tsv", ".txt")  # names of files that are no JSON Lines
_SWITCHED_OFF: Final = (
    "boot_file_url: user code is not run here: choose a built-in algorithm (model_id), or start the service with"
    " TIDECAST_USER_CODE=process"
)


def _always() -> bool:
    return True


class RunKinds:
    """Makes the run that a command asks for."""

    def __init__(self, runtime: TrainerRuntime, pool: TrainingPool) -> None:
        self._runtime = runtime
        self._pool = pool
        self._user_code = Places(runtime.settings.training_processes or cores())

    def of(self, command: TrainDeepAR | RunTrainingVersion, is_ours: Callable[[], bool] = _always) -> VersionRun:
        """The run; `is_ours` tells whether the version is still this trainer's."""
        if isinstance(command, TrainDeepAR):
            training = DeepARTraining.of(command)
            return self._deepar(training, self._log(training.version, is_ours), is_ours)
        version = Version(
            command.command_id,
            command.project_id,
            command.job_id,
            command.version_id,
            command.job_name,
            command.version_name,
            project=command.project,
        )
        try:
            config = read_config(command.config)
            if config.log_url:
                version = replace(version, log_key=place_key("log_url", config.log_url, version.project))
            return self._chosen(version, config, self._log(version, is_ours), is_ours)
        except RunFailedError as error:
            return RefusedRun(version, self._log(version, is_ours), error)

    def _chosen(self, version: Version, config: RunConfig, log: VersionLog, is_ours: Callable[[], bool]) -> VersionRun:
        """The model wins over all that is sent beside it (T-057); images and commands are never run (T-074)."""
        if config.model_id is not None:
            name = _model_name(config.model_id)
            if name == DEEPAR.name and all(_may_be_json_lines(one.path) for one in config.data):
                training = DeepARTraining(version, _only_path(config), config.parameters, strict=True)
                return self._deepar(training, log, is_ours)
            return ForecastRun(self._runtime, name, version, config, log, is_ours)
        for field, value in (("user_image_url", config.user_image_url), ("user_command", config.user_command)):
            if value:
                text = "is kept and shown, never run: choose a built-in algorithm (model_id), or a boot_file_url"
                raise not_runnable(f"{field}: found {value[:200]!r}, which {text}")
        if not config.boot_file_url:
            raise not_runnable("boot_file_url: is missing: name a Python file, or a built-in algorithm (model_id)")
        mode = UserCode.of(self._runtime).mode
        if mode is None:
            raise not_runnable(_SWITCHED_OFF)
        if config.workers > self._runtime.settings.user_code_workers:
            most = self._runtime.settings.user_code_workers
            raise not_runnable(
                f"worker_server_num: found {config.workers}, at most {most} (TIDECAST_USER_CODE_WORKERS)"
            )
        return UserCodeRun(self._runtime, mode, self._user_code, version, config, log, is_ours)

    def _deepar(self, training: DeepARTraining, log: VersionLog, is_ours: Callable[[], bool]) -> VersionRun:
        return DeepARRun(self._runtime, self._pool, training, log, is_ours)

    def _log(self, version: Version, is_ours: Callable[[], bool], worker: int = 0) -> VersionLog:
        return VersionLog(self._runtime, version, worker, is_ours)


def _model_name(model_id: int) -> str:
    """The model of this number in the list of models (T-075)."""
    if not 1 <= model_id <= len(CATALOG):
        raise not_runnable(f"model_id: found {model_id}, expected 1 to {len(CATALOG)}: GET /model/ lists the models")
    return list(CATALOG)[model_id - 1]


def _may_be_json_lines(path: str) -> bool:
    return bool(path) and not path.lower().endswith(_TABLES)


def _only_path(config: RunConfig) -> str:
    if len(config.data) != 1:
        raise not_runnable(f"data_source: found {len(config.data)} places, expected one")
    return config.data[0].path
