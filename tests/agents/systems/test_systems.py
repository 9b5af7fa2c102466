"""Systems declare themselves: one more needs one line in the list, and one less is missed by nobody else."""

from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest
from typer.testing import CliRunner

from schemas.coding.codec import EVENT_TYPES
from schemas.workloads import MetricPoint
from streams.cli.main import program
from streams.settings import Settings
from streams.systems import SYSTEMS, System
from streams.topics import Topics
from streams.views.application import create_http
from streams.views.doors import doors_of
from streams.views.operation.asyncapi_document import asyncapi_document
from streams.views.web import forwarding
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker
from tests.agents.systems.kettles.declaration import KETTLES
from tests.agents.systems.kettles.state import KettleState

WITH_KETTLES = (*SYSTEMS, KETTLES)
BOILING = MetricPoint("kitchen", "heat", 100.0, 1, 1, "event")


def worker(settings: Settings, publisher: FakePublisher, systems: Sequence[System]) -> Worker:
    """A state worker with these systems."""
    return Worker(apps.create_state(settings, "127.0.0.1:1", systems), publisher)


async def asked(state: Worker, systems: Sequence[System], path: str) -> httpx.Response:
    """What its HTTP view answers."""
    http = create_http(state.runtime, doors_of(systems))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://127.0.0.1") as client:
        return await client.get(path)


class TestOneMore:
    """Kettles: a topic, a table, an agent, an address, a command."""

    async def test_a_command_is_kept_and_asked_for(self, settings: Settings, publisher: FakePublisher) -> None:
        """The whole way, though no shared file knows of it."""
        state = worker(settings, publisher, WITH_KETTLES)
        topic = state.runtime.topics.kettle_commands

        await state.consume(topic, state.message(topic, b"kitchen", BOILING))
        answer = await asked(state, WITH_KETTLES, "/kettles/kitchen")

        assert answer.json() == {"heat": 100.0}
        assert KettleState.of(state.runtime).kettles.get(b"kitchen") == BOILING
        assert [record.key for record in state.sent(state.runtime.topics.kettles_changelog)] == [b"kitchen"]

    def test_its_topics_are_made_and_described(self, settings: Settings) -> None:
        """Its changelog is private."""
        topics = Topics(settings, WITH_KETTLES)
        document = asyncapi_document(topics, version="1", servers=(), registry_url="", replicas=1)

        assert {spec.name for spec in topics.all} - {spec.name for spec in Topics(settings).all} == {
            "tidecast.kettle-commands",
            "tidecast.kettles-changelog",
        }
        assert document["operations"]["receive-kettle-commands"]["summary"] == "Boil a kettle."

    def test_its_command_is_there(self) -> None:
        """Beside the others."""
        assert CliRunner().invoke(program(WITH_KETTLES), ["boil"]).stdout == "boiled\n"
        assert CliRunner().invoke(program(), ["boil"]).exit_code == 2

    async def test_its_rows_are_counted(self, settings: Settings, publisher: FakePublisher) -> None:
        """Prometheus is told of each table."""
        publisher.sent = []  # type: ignore[attr-defined]
        state = worker(settings, publisher, WITH_KETTLES)
        await KettleState.of(state.runtime).kettles.put(0, b"kitchen", BOILING)

        figures = {
            sample.labels["table"]: sample.value
            for family in state.runtime.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "tidecast_table_rows"
        }
        assert figures["kettles"] == 1


class TestOneLess:
    """What is left starts, and answers."""

    @pytest.mark.parametrize(
        "gone", [("forecasting",), ("inference", "training"), ("training",), ("workloads",)], ids="+".join
    )
    async def test_the_others_start(
        self, settings: Settings, publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch, gone: tuple[str, ...]
    ) -> None:
        """Both processes, with the agents, tables and addresses of those that are left."""
        monkeypatch.setattr(forwarding, "is_ready", lambda _: True)
        monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: None)
        left = [system for system in SYSTEMS if system.name not in gone]
        state = worker(settings, publisher, left)
        trainer = apps.create_trainer(settings, "127.0.0.1:1", left)
        addresses = {
            "forecasting": "/model/",
            "inference": "/endpoints",
            "training": "/v1/p/training-jobs",
            "datasets": "/data/",
        }

        assert {table.name for table in state.runtime.tables} == {
            table.name for system in left for table in system.tables
        }
        assert len(state.runtime.app.agents) == sum(len(set(system.state_agents)) for system in left) + sum(
            system.name in {"forecasting", "inference", "training", "scoring_jobs"} for system in left
        )
        assert bool(trainer.app.agents) is any(system.trainer_agents for system in left)
        for name, path in addresses.items():
            status = (await asked(state, left, path)).status_code
            assert (status == 404) is (name in gone), path

    def test_a_topic_of_what_is_gone_is_named(self, settings: Settings) -> None:
        """Whoever needs it is told why there is none."""
        topics = Topics(settings, [system for system in SYSTEMS if system.name != "inference"])

        with pytest.raises(AttributeError, match="no system of this installation declares the topic inference-results"):
            _ = topics.inference_results


class TestDeclarations:
    """What the declarations say is true."""

    def test_all_that_is_declared_has_a_record_type(self) -> None:
        """And each record type is on a topic."""
        declared = {record for spec in Topics(Settings()).all for record in spec.records}

        assert declared == {kind.__name__ for kind in EVENT_TYPES}

    def test_names_are_given_once(self) -> None:
        """Of systems, topics and tables."""
        topics = [spec.name for spec in Topics(Settings()).all]

        assert len(topics) == len(set(topics))
        assert len({system.name for system in SYSTEMS}) == len(SYSTEMS)

    def test_replies_are_topics(self) -> None:
        """Of the same installation."""
        topics = {topic.name for system in SYSTEMS for topic in system.topics}

        assert {topic.reply for system in SYSTEMS for topic in system.topics if topic.reply} <= topics

    def test_a_declaration_cannot_be_changed(self) -> None:
        """It is data."""
        assert replace(KETTLES, name="pots").topics == KETTLES.topics
