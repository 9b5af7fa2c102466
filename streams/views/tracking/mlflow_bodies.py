"""Bodies as MLflow's clients write them, and runs and experiments as they read them."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, Field

from schemas.tracking import ExperimentRecord, TrackedRun
from streams.access.names import shown
from streams.codes.tracking import TrackingCode
from streams.errors import InvalidError

__all__ = [
    "BatchBody",
    "CreateRunBody",
    "ExperimentBody",
    "MetricBody",
    "ParameterBody",
    "RunIdBody",
    "SearchExperimentsBody",
    "SearchRunsBody",
    "TagBody",
    "UpdateRunBody",
    "experiment_shown",
    "info_shown",
    "params_of",
    "run_shown",
    "status_of",
    "texts_of",
]

_MOST_METRICS: Final = 1000  # of one batch, as MLflow's own server has it
_MOST_TEXTS: Final = 100  # parameters or tags of one batch; likewise
_STATUSES: Final = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}


class _Body(BaseModel, extra="ignore"):
    """Clients of any release; newer ones send more fields."""


class Pair(_Body):
    """A parameter or a tag."""

    key: str = Field(description="Its name.")
    value: str = Field("", description="Its text.")


class Metric(_Body):
    """A value of a metric; NaN and Infinity as texts."""

    key: str = Field(description="The metric's name.")
    value: float | str = Field(description="A number; NaN and Infinity as texts.")
    timestamp: int = Field(description="When it was measured, in epoch milliseconds.")
    step: int = Field(0, description="The training step.")

    def row(self) -> dict[str, Any]:
        """As POST …/metrics takes it; MLflow's points are `log` (decision 25)."""
        return {
            "metric_name": self.key,
            "value": self.value,
            "timestamp": self.timestamp,
            "iteration": self.step,
            "data_source": "log",
        }


class ExperimentBody(_Body):
    """A new experiment."""

    name: str = Field(min_length=1, description="Its name; its id follows from it.")
    tags: list[Pair] = Field(default_factory=list, description="Kept and shown.")


class CreateRunBody(_Body):
    """A new run."""

    experiment_id: str = Field("0", description="The experiment; 0 is always there.")
    user_id: str = Field("", description="Who starts it.")
    run_name: str = Field("", description="Its name for people.")
    start_time: int | None = Field(None, description="When it begins, in epoch milliseconds.")
    tags: list[Pair] = Field(default_factory=list, description="Kept and shown.")


class RunIdBody(_Body):
    """Which run; older clients call its id run_uuid."""

    run_id: str = Field("", description="The run's id.")
    run_uuid: str = Field("", description="The same, as older clients call it.")

    @property
    def run(self) -> str:
        """Its id."""
        return self.run_id or self.run_uuid


class UpdateRunBody(RunIdBody):
    """What has become of a run."""

    status: str | int | None = Field(None, description="RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.")
    end_time: int | None = Field(None, description="When it ended, in epoch milliseconds.")
    run_name: str | None = Field(None, description="Its new name.")


class MetricBody(RunIdBody, Metric):
    """A value of a metric of a run."""


class ParameterBody(RunIdBody, Pair):
    """A parameter of a run."""


class TagBody(RunIdBody, Pair):
    """A tag of a run."""


class BatchBody(RunIdBody):
    """Much of a run at once."""

    metrics: list[Metric] = Field(default_factory=list, max_length=_MOST_METRICS, description="Values of metrics.")
    params: list[Pair] = Field(default_factory=list, max_length=_MOST_TEXTS, description="Parameters, which stay.")
    tags: list[Pair] = Field(default_factory=list, max_length=_MOST_TEXTS, description="Tags, whose last value counts.")


class SearchExperimentsBody(_Body):
    """Which experiments; of filters there are none."""

    max_results: int = Field(1000, ge=1, le=50_000, description="How many at most.")
    filter: str = Field("", description="Must be empty.")
    page_token: str = Field("", description="Must be empty: there is one page.")


class SearchRunsBody(_Body):
    """Which runs; of filters there are none but the experiments and the stage of life."""

    experiment_ids: list[str] = Field(default_factory=list, description="Of these experiments; empty: of all.")
    filter: str = Field("", description="Must be empty.")
    run_view_type: str = Field("ACTIVE_ONLY", description="ACTIVE_ONLY, DELETED_ONLY or ALL.")
    max_results: int = Field(1000, ge=1, le=50_000, description="How many at most.")
    page_token: str = Field("", description="Must be empty: there is one page.")


def texts_of(pairs: list[Pair]) -> dict[str, str]:
    """Parameters or tags by name."""
    return {pair.key: pair.value for pair in pairs}


def params_of(pairs: list[Pair]) -> dict[str, str]:
    """Parameters by name; InvalidError where one has two values, for which of them counts nobody can tell."""
    params = texts_of(pairs)
    for pair in pairs:
        if pair.value != params[pair.key]:
            raise InvalidError(
                TrackingCode.PARAMETER_EXISTS,
                f"params: {pair.key[:80]!r} is there twice, with other values: send each parameter once",
            )
    return params


def status_of(status: str | int | None) -> str | None:
    """MLflow's status in our words; what is none is refused by the rules of runs."""
    if isinstance(status, int):  # as older clients number them
        return {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}.get(status, str(status))
    return status.lower() if status in _STATUSES else status


def experiment_shown(experiment: ExperimentRecord) -> dict[str, Any]:
    """The experiment as its clients read it."""
    return {
        "experiment_id": shown(experiment.experiment_id),
        "name": experiment.name,
        "artifact_location": f"mlflow-artifacts:/{shown(experiment.experiment_id)}",
        "lifecycle_stage": "active",
        "creation_time": experiment.created_at,
        "last_update_time": experiment.created_at,
        "tags": _pairs(experiment.tags),
    }


def info_shown(run: TrackedRun) -> dict[str, Any]:
    """What is known of the run itself."""
    ended = {} if run.end_time is None else {"end_time": run.end_time}
    return {
        "run_id": run.run_id,
        "run_uuid": run.run_id,
        "run_name": run.name,
        "experiment_id": run.experiment_id,
        "user_id": run.user,
        "status": run.status.upper(),
        "start_time": run.start_time,
        **ended,
        "artifact_uri": f"mlflow-artifacts:/{run.experiment_id}/{run.run_id}/artifacts",
        "lifecycle_stage": "deleted" if run.deleted else "active",
    }


def run_shown(run: TrackedRun, metrics: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The run with its parameters, tags and the last values of its metrics."""
    data = {"metrics": metrics or [], "params": _pairs(run.params), "tags": _pairs(run.tags)}
    return {"info": info_shown(run), "data": data, "inputs": {}, "outputs": {}}


def _pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]
