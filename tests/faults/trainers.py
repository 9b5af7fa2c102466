"""Trainers that a case starts, stops and kills as it likes, beside a service without any, and their group."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from tests.integration.processes import WorkerProcess, only
from tests.integration.services import READY_S, Service, until

__all__ = ["ADDED_MODELS", "Trainers", "environment_of", "trainers_of"]

#: In a worker's PYTHONPATH: the models of tests/agents/series/slow_models.py are in its catalogue.
ADDED_MODELS = f"{Path(__file__).with_name('added_models')}:{Path(__file__).parents[2]}"


def environment_of(service: Service) -> Mapping[str, str]:
    """What a worker of the service gets to know, as the service's own workers do."""
    given = service.settings.model_dump(exclude_none=True) | {"kafka_bootstrap": service.bootstrap}
    return {f"TIDECAST_{field.upper()}": str(value) for field, value in given.items()}


class Trainers:
    """The trainers of a service that was started without: each is started again under its name when it is asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[str, WorkerProcess] = {}
        self._group = f"{service.settings.group_prefix}trainer"
        self._admin = AdminClient({"bootstrap.servers": service.bootstrap, "log_level": 0})

    def __getitem__(self, name: str) -> WorkerProcess:
        return self._running[name]

    def start(self, name: str) -> WorkerProcess:
        """Start one, also where it has been killed; does not wait."""
        worker = WorkerProcess("trainer", name, environment_of(self._service), self._service.stack.log_folder)
        self._running[name] = worker
        return worker

    def are(self, *names: str) -> None:
        """Bring it about that exactly these run, and that the group knows no others."""
        for name in only(self._running, names):
            self.start(name)
        until(lambda: set(self.members()) == set(names), within=2 * READY_S, why=f"the group has {names}")

    def members(self) -> Mapping[str, Any]:
        """Members of the group by worker name while it is stable; none while it is not."""
        group = self._admin.describe_consumer_groups([self._group])[self._group].result(READY_S)
        if group.state is not ConsumerGroupState.STABLE:
            return {}
        return {(member.group_instance_id or "").removeprefix("trainer-"): member for member in group.members}

    def partitions(self, name: str) -> set[int]:
        """Partitions of series-commands that the trainer has."""
        topic = self._service.topics.series_commands
        return {at.partition for at in self.members()[name].assignment.topic_partitions if at.topic == topic}

    def end(self) -> None:
        """Kill all."""
        for worker in self._running.values():
            worker.kill()
        self._running.clear()


@contextmanager
def trainers_of(service: Service) -> Iterator[Trainers]:
    """Trainers that end with the block."""
    trainers = Trainers(service)
    try:
        yield trainers
    finally:
        trainers.end()
