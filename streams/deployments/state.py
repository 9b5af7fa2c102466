"""What the state has for services: rows of services and of requests, and the replicas that run here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric

from connectors.objects.layout import SCORING_MODELS
from connectors.objects.store import ObjectStore
from schemas.deployments import ScoringAnswerRecord, ServiceRecord
from streams.access.names import project_of, shown
from streams.deployments.running import RunningServices
from streams.rows.event_table import RecordTable
from streams.rows.tally import Measured, Tally
from streams.runtime import Part, StateRuntime
from streams.scoring.state import ScoringState

__all__ = ["DeploymentsState", "note_use", "open_state", "release_use", "users_of"]

_USES = "uses"


def note_use(store: ObjectStore, model: str, service: str) -> None:
    """Let every worker know that the service uses the model."""
    store.put_bytes(SCORING_MODELS.key(_USES, f"m-{model}", service), b"")


def release_use(store: ObjectStore, model: str, service: str) -> None:
    """The service uses the model no more."""
    store.delete(SCORING_MODELS.key(_USES, f"m-{model}", service))


def users_of(store: ObjectStore, model: str) -> Sequence[str]:
    """The services that use the model, whichever worker has them."""
    return [key.rpartition("/")[2] for key in store.keys(SCORING_MODELS.key(_USES, f"m-{model}"))]


@dataclass(frozen=True, kw_only=True)
class DeploymentsState(Part):
    """Rows of the services and requests that this worker owns, and the processes of these services."""

    services: RecordTable[ServiceRecord]
    scoring_answers: RecordTable[ScoringAnswerRecord]
    running: RunningServices

    async def close(self) -> None:
        """End the replicas."""
        await self.running.close()

    def figures(self) -> Iterator[Metric]:
        """How many replicas there are by service and status, and how many calls wait."""
        replicas = GaugeMetricFamily(
            "tidecast_replicas", "Replicas of services", labels=("service", "status", "project")
        )
        waiting = GaugeMetricFamily(
            "tidecast_scoring_waiting", "Calls that wait for a replica", labels=("service", "project")
        )
        for running in list(self.running.all.values()):
            of = shown(running.record.name), project_of(running.record.name)
            statuses = [status for _, status in running.statuses]
            for status in sorted(set(statuses)):
                replicas.add_metric((of[0], status, of[1]), statuses.count(status))
            waiting.add_metric(of, len(running.line))
        return iter((replicas, waiting))


def _measured(service: ServiceRecord) -> Measured:
    return Measured(project_of(service.name), {"services": 1, "replicas": len(service.replicas)})


def open_state(runtime: StateRuntime) -> Part:
    """The state's part; models tell who uses them."""
    options, topics = runtime.table_options, runtime.topics
    services: RecordTable[ServiceRecord] = RecordTable(runtime.app, "services", topics.services_changelog, **options)
    services.tally = Tally(_measured)
    ScoringState.of(runtime).uses.add(lambda model: users_of(runtime.store, model))
    return DeploymentsState(
        services=services,
        scoring_answers=RecordTable(runtime.app, "scoring_answers", topics.scoring_answers_changelog, **options),
        running=RunningServices(services, runtime.settings),
    )
