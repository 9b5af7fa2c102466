"""The endpoint of a trained model: what there is to tell of a version that has one."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from agents.versions.metric_lists import model_metric_list
from agents.versions.outcomes import VersionOutcomes, outcome_of
from agents.versions.telling import finite
from agents.versions.version import Version
from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, model_key
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.deepar import artefact as artefacts
from models.deepar.artefact import Artefact, ArtefactError
from models.errors import RejectedInputError
from schemas.training import TrainDeepAR, TrainingStatus
from schemas.values import ParameterValue
from streams.access.names import project_of
from streams.training.jobs import INFERENCE_CONFIG, TrainingState, first_version

__all__ = ["DeepARTraining", "NameTakenError", "check_free", "publish", "published"]

_NAME_TAKEN: Final = "job_name: an endpoint {} belongs to another project: choose another name"


class NameTakenError(RejectedInputError):
    """An endpoint of another project has the job's name."""


@dataclass(frozen=True, slots=True)
class DeepARTraining:
    """A version that trains a DeepAR model on a JSON Lines file, and serves it under the job's name.

    What cannot be run is told apart from what has failed where it is `strict`; earlier releases did not.
    """

    version: Version
    data_url: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    strict: bool = False

    @classmethod
    def of(cls, command: TrainDeepAR) -> "DeepARTraining":
        """As earlier releases ask for it."""
        return cls(Version.first_of(command), command.data_url, command.parameters)


def check_free(store: ObjectStore, version: Version) -> None:
    """NameTakenError where an endpoint of another project has the job's name. Blocks."""
    if endpoints.owner(store, version.endpoint) not in (None, version.project_id):
        raise NameTakenError("job_name", _NAME_TAKEN.format(version.job_name))


def publish(store: ObjectStore, training: DeepARTraining, model: bytes) -> TrainingStatus | None:
    """Serve the model, if the version has no outcome yet; what there is to tell then. Blocks.

    1. look for an outcome, 2. publish, 3. look again: what was written meanwhile counts. ArtefactError,
    NameTakenError.
    """
    version, outcomes = training.version, VersionOutcomes(store)
    of = version.project_id, version.job_id, version.version_id
    if outcomes.read(*of) is not None:
        return None
    check_free(store, version)
    artefact = artefacts.load(model)
    endpoint = _endpoint(training, artefact)
    endpoints.publish(store, endpoint, model)
    if outcomes.read(*of) is not None:
        endpoints.delete_of_job(store, version.project_id, version.job_id)
        return None
    status = _completed(endpoint, artefact, version.version_id)
    outcomes.write(version.project_id, version.version_id, outcome_of(version, status))
    return status


def published(
    store: ObjectStore, project_id: str, job_id: int, name: str | None = None, version: tuple[int, str] | None = None
) -> TrainingStatus | None:
    """What there is to tell of a training whose endpoint, of this name, is there; None where it is not. Blocks.

    Without a `version` it is the first one.
    """
    version_id, version_name = version or first_version(job_id)
    for endpoint in endpoints.of_job(store, project_id, job_id, name):
        if endpoint.version == version_name:
            with suppress(ObjectNotFoundError, ArtefactError):  # a model that cannot be served is none
                return _completed(endpoint, artefacts.load(store.read_bytes(endpoint.model_key)), version_id)
    return None


def _endpoint(training: DeepARTraining, artefact: Artefact) -> Endpoint:
    config, version = artefact.config, training.version
    environment = {name: str(text) for name, text in training.parameters.items() if name == INFERENCE_CONFIG}
    return Endpoint(
        name=version.endpoint,
        version=version.version_name,
        model_key=model_key(version.endpoint, version.version_name),
        project_id=version.project_id,
        job_id=version.job_id,
        time_freq=config.time_freq,
        prediction_length=config.prediction_length,
        context_length=config.context_length,
        cardinality=config.cardinality or None,
        num_dynamic_feat=config.num_dynamic_feat or 0,
        likelihood=config.likelihood,
        num_cells=config.num_cells,
        num_layers=config.num_layers,
        created=round(time.time() * 1000),
        environment=environment,
    )


def _completed(endpoint: Endpoint, artefact: Artefact, version_id: int) -> TrainingStatus:
    """The same whenever it is told."""
    facts = artefact.facts
    metrics: Mapping[str, float | None] = facts["metrics"]
    return TrainingStatus(
        project_id=endpoint.project_id,
        job_id=endpoint.job_id,
        version_id=version_id,
        status=TrainingState.COMPLETED,
        at=endpoint.created,
        epoch=facts["epochs"],
        epochs=artefact.config.epochs,
        loss=finite(facts["loss"]),
        validation_loss=finite(facts["validation_loss"]),
        metrics={name: finite(value) for name, value in metrics.items()},
        endpoint=endpoint.name,
        model_metrics=model_metric_list(metrics),
        log_files=1,
        project=project_of(endpoint.name),
    )
