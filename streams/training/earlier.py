"""What releases said and kept while a training job was one DeepAR training: as configs and versions of today."""

from collections.abc import Mapping
from typing import Any

from schemas.training import TrainDeepAR
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from schemas.values import ParameterValue
from streams.training.algorithms import DEEPAR
from streams.training.configs import config_of, config_text, parameters_of
from streams.training.states import TrainingState

__all__ = ["deepar_config", "is_earlier", "job_of", "version_of"]


def deepar_config(command: TrainDeepAR) -> dict[str, Any]:
    """What TrainDeepAR asks for."""
    config = {"worker_server_num": 1, **_with_parameters(command.config, command.parameters)}
    return config | _places(command)


def is_earlier(job: TrainingJobRecord) -> bool:
    """Whether a row has its version in itself."""
    return job.next_version == 0


def job_of(row: TrainingJobRecord) -> TrainingJobRecord:
    """The job of such a row, with what lists show of its version."""
    return TrainingJobRecord(
        project_id=row.project_id,
        job_id=row.job_id,
        job_name=row.job_name,
        version_id=row.version_id,
        version_name=row.version_name,
        command_id=row.command_id,
        create_time=row.create_time,
        status=row.status,
        data_url="",
        job_desc=row.job_desc,
        workspace_id=row.workspace_id,
        start_time=row.start_time,
        changed=row.changed,
        endpoint=row.job_name,
        digest=row.digest,
        next_version=2,
        version_count=1,
    )


def version_of(row: TrainingJobRecord) -> TrainingVersionRecord:
    """The version of such a row."""
    config = {**_with_parameters(row.config, row.parameters), **_places(row)}
    return TrainingVersionRecord(
        project_id=row.project_id,
        job_id=row.job_id,
        version_id=row.version_id,
        number=1,
        version_name=row.version_name,
        job_name=row.job_name,
        command_id=row.command_id,
        create_time=row.create_time,
        status=row.status,
        config=config_text(config),
        digest=row.digest,
        start_time=row.start_time,
        changed=row.changed,
        epoch=row.epoch,
        epochs=row.epochs,
        loss=row.loss,
        validation_loss=row.validation_loss,
        metrics=row.metrics,
        endpoint=row.endpoint,
        message=row.message,
        note=row.note,
        run_offset=row.run_offset,
        given=row.status != TrainingState.INITIALISING,
    )


def _places(said: TrainDeepAR | TrainingJobRecord) -> dict[str, Any]:
    texts = {"data_url": said.data_url, "train_url": said.train_url, "log_url": said.log_url}
    return {"model_id": DEEPAR} | {name: text for name, text in texts.items() if text}


def _with_parameters(text: str, parameters: Mapping[str, ParameterValue]) -> dict[str, Any]:
    """The config with the parameters, each with the type it came with where the config has kept that."""
    config = config_of(text)
    kept = config.get("parameter")
    labelled = isinstance(kept, list) and all(
        isinstance(item, dict) and {"label", "value"} <= item.keys() for item in kept
    )
    if not (labelled and parameters_of(config) == dict(parameters)):
        config["parameter"] = [{"label": label, "value": value} for label, value in parameters.items()]
    return config
