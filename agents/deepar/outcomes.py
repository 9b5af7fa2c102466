"""How trainings of jobs ended, in the object store: by an endpoint, or by an outcome that is kept in its place.

A command may be read again after a crash, or by another trainer while the first one has not yet noticed that the job is
not its own any more. What is kept here makes all of them come to one end: a job that was deleted or stopped never gets
an endpoint, and one that has failed is not trained again.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

from agents.deepar.progress import finite
from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, model_key
from connectors.objects.layout import CHECKPOINTS
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.deepar import artefact as artefacts
from models.deepar.artefact import Artefact, ArtefactError
from models.errors import RejectedInputError
from schemas.training import TrainDeepAR, TrainingStatus
from streams.training.jobs import INFERENCE_CONFIG, TrainingState, first_version

__all__ = ["NameTakenError", "Outcome", "TrainingOutcomes", "checkpoint_key"]

_NAME_TAKEN: Final = "job_name: an endpoint {} belongs to another project: choose another name"


class NameTakenError(RejectedInputError):
    """An endpoint of another project has the job's name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last status of a training without an endpoint; None: its job was deleted. `command_id` is its command's."""

    status: TrainingStatus | None
    command_id: str


def checkpoint_key(project_id: str, job_id: int) -> str:
    """Where the checkpoint of a job's training lies."""
    return f"{_folder(project_id, job_id)}/checkpoint"


class TrainingOutcomes:
    """The ends of trainings. All calls block."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, project_id: str, job_id: int) -> Outcome | None:
        """How a training ended without an endpoint; None where it did not."""
        try:
            kept = json.loads(self._store.read_bytes(_outcome_key(project_id, job_id)))
        except ObjectNotFoundError:
            return None
        status = None if kept["status"] is None else TrainingStatus(**kept["status"])
        return Outcome(status, kept["command_id"])

    def write(self, project_id: str, job_id: int, outcome: Outcome) -> None:
        """Keep an end. 1. the outcome, 2. without the checkpoint nothing is left of the training."""
        kept = {"status": None if outcome.status is None else asdict(outcome.status), "command_id": outcome.command_id}
        self._store.put_bytes(_outcome_key(project_id, job_id), json.dumps(kept).encode())
        self.forget_checkpoint(project_id, job_id)

    def has_begun(self, project_id: str, job_id: int) -> bool:
        """Whether there is a checkpoint."""
        return self._store.is_file(checkpoint_key(project_id, job_id))

    def forget_checkpoint(self, project_id: str, job_id: int) -> None:
        """Remove the checkpoint."""
        self._store.delete(checkpoint_key(project_id, job_id))

    def delete(self, project_id: str, job_id: int, command_id: str) -> None:
        """A job is no more. 1. the outcome, 2. the endpoint: whoever still publishes one looks for the first."""
        self.write(project_id, job_id, Outcome(None, command_id))
        endpoints.delete_of_job(self._store, project_id, job_id)

    def check_free(self, command: TrainDeepAR) -> None:
        """NameTakenError where an endpoint of another project has the job's name."""
        if endpoints.owner(self._store, command.job_name) not in (None, command.project_id):
            raise NameTakenError("job_name", _NAME_TAKEN.format(command.job_name))

    def publish(self, command: TrainDeepAR, model: bytes) -> TrainingStatus | None:
        """Serve the model, if the job has no outcome yet; what there is to tell then.

        1. look for an outcome, 2. publish, 3. look again: what was written meanwhile counts. ArtefactError,
        NameTakenError.
        """
        if self.read(command.project_id, command.job_id) is not None:
            return None
        self.check_free(command)
        artefact = artefacts.load(model)
        endpoint = _endpoint(command, artefact)
        endpoints.publish(self._store, endpoint, model)
        if self.read(command.project_id, command.job_id) is not None:
            endpoints.delete_of_job(self._store, command.project_id, command.job_id)
            return None
        return _completed(endpoint, artefact)

    def published(self, project_id: str, job_id: int, name: str | None = None) -> TrainingStatus | None:
        """What there is to tell of a training whose endpoint, of this name, is there; None where it is not."""
        for endpoint in endpoints.of_job(self._store, project_id, job_id, name):
            with suppress(ObjectNotFoundError, ArtefactError):  # a model that cannot be served is none
                return _completed(endpoint, artefacts.load(self._store.read_bytes(endpoint.model_key)))
        return None


def _folder(project_id: str, job_id: int) -> str:
    """Producers choose ids of jobs, so two projects may have the same; a project's id may have any characters."""
    return CHECKPOINTS.key(f"{job_id}-{blake2b(project_id.encode(), digest_size=8).hexdigest()}")


def _outcome_key(project_id: str, job_id: int) -> str:
    return f"{_folder(project_id, job_id)}/outcome.json"


def _endpoint(command: TrainDeepAR, artefact: Artefact) -> Endpoint:
    config = artefact.config
    _, version = first_version(command.job_id)
    environment = {name: str(text) for name, text in command.parameters.items() if name == INFERENCE_CONFIG}
    return Endpoint(
        name=command.job_name,
        version=version,
        model_key=model_key(command.job_name, version),
        project_id=command.project_id,
        job_id=command.job_id,
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


def _completed(endpoint: Endpoint, artefact: Artefact) -> TrainingStatus:
    """The same whenever it is told."""
    facts = artefact.facts
    metrics: Mapping[str, float | None] = facts["metrics"]
    return TrainingStatus(
        project_id=endpoint.project_id,
        job_id=endpoint.job_id,
        version_id=first_version(endpoint.job_id)[0],
        status=TrainingState.COMPLETED,
        at=endpoint.created,
        epoch=facts["epochs"],
        epochs=artefact.config.epochs,
        loss=finite(facts["loss"]),
        validation_loss=finite(facts["validation_loss"]),
        metrics={name: finite(value) for name, value in metrics.items()},
        endpoint=endpoint.name,
    )
