"""What the two apps consist of, name by name: whatever is lost or added without a word fails here."""

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from mode.supervisors import CrashingSupervisor

from streams.engine.consumer import SafeConsumer
from streams.engine.transport import SafeTransport
from streams.rows.recovery import FastRecovery, RawKeyRouter
from streams.runtime import StateRuntime, TrainerRuntime
from streams.settings import Settings
from streams.views.application import create_http
from streams.workers import apps
from tests.addresses import OPERATIONS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own."""
    return Settings(home=tmp_path, partitions=6, topic_prefix="t.", group_prefix="g-", worker_id="3")


@pytest.fixture
async def state(settings: Settings) -> StateRuntime:
    """The state's app."""
    return apps.create_state(settings, "127.0.0.1:1,127.0.0.1:2")


@pytest.fixture
async def trainer(settings: Settings) -> TrainerRuntime:
    """The trainer's app."""
    return apps.create_trainer(settings, "127.0.0.1:1")


@pytest.fixture
def http(state: StateRuntime) -> FastAPI:
    """The HTTP view."""
    return create_http(state)


def agents(runtime: TrainerRuntime) -> dict[str, str]:
    """Name and topic of every agent."""
    return {agent.name: agent.channel.get_topic_name() for agent in runtime.app.agents.values()}


class TestAgents:
    """The exact sets."""

    async def test_the_agents_of_the_state(self, state: StateRuntime) -> None:
        """Each command topic and the results have one reader."""
        assert agents(state) == {
            "orchestrate_jobs": "t.job-commands",
            "track_results": "t.job-results",
            "register_datasets": "t.dataset-commands",
            "keep_observations": "t.observations",
            "judge_forecasts": "t.dataset-changes",
            "send_alerts": "t.alerts",
            "keep_forecasts": "t.forecasts",
            "orchestrate_training_jobs": "t.training-commands",
            "track_training": "t.training-status",
            "orchestrate_transforms": "t.transform-commands",
            "track_transforms": "t.inference-results",
            "register_models": "t.model-commands",
            "orchestrate_services": "t.service-commands",
            "answer_scoring_requests": "t.scoring-requests",
            "track_runs": "t.tracking-commands",
            "keep_access": "t.access-commands",
            "orchestrate_scoring_jobs": "t.scoring-job-commands",
            "track_scoring_runs": "t.scoring-run-status",
        }

    async def test_the_agents_of_the_trainer(self, trainer: TrainerRuntime) -> None:
        """One for series, one for models of many series, one for what endpoints are asked by events."""
        assert agents(trainer) == {
            "train_series": "t.series-commands",
            "run_training": "t.training-runs",
            "answer_requests": "t.inference-requests",
            "run_scoring": "t.scoring-runs",
        }

    async def test_the_tables(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """The trainer has none: a rebalance costs it no recovery."""
        changelogs = {name: table.changelog_topic.get_topic_name() for name, table in state.app.tables.items()}

        assert changelogs == {
            "jobs": "t.jobs-changelog",
            "results": "t.results-changelog",
            "training_jobs": "t.training-jobs-changelog",
            "training_versions": "t.training-versions-changelog",
            "training_configurations": "t.training-configurations-changelog",
            "visualization_jobs": "t.visualization-jobs-changelog",
            "transforms": "t.transforms-changelog",
            "forecasts": "t.forecasts-changelog",
            "models": "t.models-changelog",
            "services": "t.services-changelog",
            "scoring_answers": "t.scoring-answers-changelog",
            "experiments": "t.experiments-changelog",
            "tracked_runs": "t.tracked-runs-changelog",
            "access": "t.access-changelog",
            "scoring_jobs": "t.scoring-jobs-changelog",
            "scoring_runs": "t.scoring-runs-changelog",
        }
        assert {table.partitions for table in state.app.tables.values()} == {6}
        assert not trainer.app.tables

    async def test_every_topic_that_is_read_is_declared(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """`declare_topics` creates them with our settings; Faust must not create them with its own."""
        declared = {spec.name for spec in state.topics.all}
        channels = [agent.channel for it in (state, trainer) for agent in it.app.agents.values()]
        changelogs = [table.changelog_topic for table in state.app.tables.values()]

        assert {channel.get_topic_name() for channel in [*channels, *changelogs]} <= declared
        assert all(channel.internal for channel in [*channels, *changelogs])

    async def test_agents_read_raw_bytes(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """They decode themselves, so that what cannot be decoded becomes a dead letter."""
        channels = [agent.channel for it in (state, trainer) for agent in it.app.agents.values()]

        assert {channel.value_serializer for channel in channels} == {"raw"}
        assert {it.app.conf.key_serializer for it in (state, trainer)} == {"raw"}

    async def test_a_failed_agent_ends_its_process(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """Faust's own supervisor would go on after the failed batch."""
        strategies = {agent.supervisor_strategy for it in (state, trainer) for agent in it.app.agents.values()}

        assert strategies == {CrashingSupervisor}

    @pytest.mark.parametrize(
        "module", ["agents.forecasting.jobs", "agents.datasets", "agents.training.jobs", "agents.inference.transforms"]
    )
    def test_a_module_of_the_state_that_cannot_be_imported_stops_it(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, module: str
    ) -> None:
        """Faust's discovery would log it and start without the agents."""
        monkeypatch.setitem(sys.modules, module, None)

        with pytest.raises(ImportError):
            apps.create_state(settings, "127.0.0.1:1")

    def test_a_module_of_the_trainer_that_cannot_be_imported_stops_it(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same."""
        monkeypatch.setitem(sys.modules, "agents.series.training", None)

        with pytest.raises(ImportError):
            apps.create_trainer(settings, "127.0.0.1:1")

    async def test_every_module_of_the_agents_belongs_to_an_app(
        self, state: StateRuntime, trainer: TrainerRuntime
    ) -> None:
        """It has an agent, or what has one names it, or a command does; a new one that nobody attaches does nothing."""
        folder = Path(apps.__file__).parents[2] / "agents"
        files = [path for path in folder.rglob("*.py") if path.stem != "__init__"]
        texts = {".".join(path.relative_to(folder).with_suffix("").parts): path.read_text("utf-8") for path in files}
        attached = {agent.fun.__module__ for it in (state, trainer) for agent in it.app.agents.values()}
        streams = "".join(path.read_text("utf-8") for path in (folder.parent / "streams").rglob("*.py"))
        new = {name.removeprefix("agents.") for name in attached}
        new |= set(re.findall(r'"agents\.([\w.]+):', streams))  # what a process runs
        new |= set(re.findall(r'import_module\("agents\.([\w.]+)"\)', streams))  # what a command runs
        reached: set[str] = set()
        while new:
            reached |= new
            named = {name for module in new for name in re.findall(r"\bagents\.([\w.]+)", texts[module])}
            new = named & set(texts) - reached

        assert reached == set(texts)


class TestSafety:
    """The settings that delivery rests on."""

    @pytest.fixture(params=["state", "trainer"])
    def runtime(self, request: pytest.FixtureRequest) -> TrainerRuntime:
        """Each app in turn."""
        runtime: TrainerRuntime = request.getfixturevalue(request.param)
        return runtime

    async def test_the_transport_is_the_safe_one(self, runtime: TrainerRuntime) -> None:
        """Faust's own may commit past what is not done."""
        assert isinstance(runtime.app.transport, SafeTransport)
        assert runtime.app.transport.Consumer is SafeConsumer

    async def test_the_group_and_the_member_have_stable_names(self, runtime: TrainerRuntime) -> None:
        """A worker that comes back under its name has its partitions at once."""
        role = "state" if isinstance(runtime, StateRuntime) else "trainer"
        conf = runtime.app.conf

        assert conf.id == f"g-{role}"
        assert conf.consumer_group_instance_id.startswith(f"{role}-3")

    async def test_faust_is_told_what_was_measured(self, runtime: TrainerRuntime) -> None:
        """No exactly_once, no leader topic, no autodiscovery, and a log read from its beginning."""
        conf = runtime.app.conf

        assert str(conf.processing_guarantee.name) == "AT_LEAST_ONCE"
        assert (conf.topic_disable_leader, conf.autodiscover, conf.stream_wait_empty) == (True, False, False)
        assert (conf.consumer_auto_offset_reset, conf.topic_partitions) == ("earliest", 6)
        assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (6.0, 0.5)
        assert conf.Router is RawKeyRouter

    async def test_all_brokers_are_known(self, state: StateRuntime) -> None:
        """Any of them may be down."""
        assert [str(url) for url in state.app.conf.broker] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]

    async def test_the_state_recovers_in_batches(self, state: StateRuntime) -> None:
        """Faust's own recovery takes several times as long."""
        assert isinstance(state.app.tables._recovery, FastRecovery)

    async def test_only_the_state_serves_http(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """A trainer opens no port."""
        assert (state.app.conf.web_enabled, trainer.app.conf.web_enabled) == (True, False)

    async def test_another_address_is_another_member(self, settings: Settings) -> None:
        """Faust stops for good when a member comes back with another address under its old name."""
        moved = settings.model_copy(update={"http_port": settings.http_port + 1})
        names = {
            apps.create_state(it, "127.0.0.1:1").app.conf.consumer_group_instance_id
            for it in (settings, moved, settings)
        }

        assert len(names) == 2

    async def test_two_apps_do_not_share_anything(self, settings: Settings) -> None:
        """Each call makes a fresh app: nothing is global."""
        one, two = (apps.create_state(settings, "127.0.0.1:1") for _ in range(2))

        assert one.app is not two.app
        assert one.metrics.registry is not two.metrics.registry
        assert one.waiters is not two.waiters


class TestRoutes:
    """The HTTP view."""

    @pytest.fixture
    async def client(self, http: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the application itself."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://127.0.0.1") as client:
            yield client

    def test_the_interface_lists_every_route(self, http: FastAPI) -> None:
        """No more and no less than the contract's and our own."""
        listed = {f"{method.upper()} {path}" for path, methods in http.openapi()["paths"].items() for method in methods}

        assert listed == set(OPERATIONS)

    @pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
    async def test_the_pages_are_there(self, client: httpx.AsyncClient, path: str) -> None:
        """For people, without a network."""
        answer = await client.get(path, follow_redirects=True)

        assert answer.status_code == 200

    def test_J007_the_columns_of_a_put_are_documented(self, http: FastAPI) -> None:
        """Their names are only known from there."""
        schemas = http.openapi()["components"]["schemas"]

        assert {"timestamp_indexs", "target_indexs", "groupby_indexs"} <= set(schemas["JobColumnsBody"]["properties"])

    @pytest.mark.parametrize("path", ["/model", "/model/", "/model/LinearFit", "/model/LinearFit/"])
    async def test_J003_paths_are_served_with_and_without_their_slash(
        self, client: httpx.AsyncClient, path: str
    ) -> None:
        """Directly: a redirect could drop a body."""
        assert (await client.get(path)).status_code == 200
