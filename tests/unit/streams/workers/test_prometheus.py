"""The figures for Prometheus: what is counted, what is looked up, and a dashboard that names only what there is."""

import asyncio
import json
import re
import urllib.request
from collections.abc import Collection
from concurrent.futures import Future
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Final

import pytest
import typer
import yaml
from faust.types import TP
from prometheus_client.parser import text_string_to_metric_families

import connectors
from connectors.embedded_kafka.ports import kept_or_free
from connectors.kafka import topic_ends
from connectors.kafka.topic_ends import TopicEnds
from models.catalog import CATALOG
from streams.cli.main import app
from streams.engine.lanes import Offsets
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime, TrainerRuntime
from streams.settings import Settings
from streams.telemetry.counters import Metrics
from streams.workers import apps
from streams.workers import gauges as figures
from streams.workers.gauges import KnownEnds

DEAD_LETTERS = "tidecast_dead_letters_total"
DASHBOARD = Path(connectors.__file__).parent / "grafana" / "tidecast.json"
ALERTS = Path(connectors.__file__).parent / "prometheus" / "alerts.yml"
LABELS: Final = set("agent group instance le method model outcome partition service status table topic".split())


def known_names(*runtimes: Any) -> set[str]:
    """All metrics of these workers under their very names, endings included."""
    known = set()
    for runtime in runtimes:
        for family in text_string_to_metric_families(text_of(runtime.metrics)):
            endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
            known |= {family.name.removesuffix("_total") + ending for ending in endings}
    return known


def text_of(metrics: Metrics, port: int = 0) -> str:
    """What Prometheus is answered, over HTTP."""
    with metrics.served("127.0.0.1", port) as opened:
        return urllib.request.urlopen(f"http://127.0.0.1:{opened}/metrics", timeout=10).read().decode()


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels."""
    families = text_string_to_metric_families(text_of(metrics))
    return {(it.name, *it.labels.values()): it.value for family in families for it in family.samples}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with Redis, so that every figure is there."""
    return Settings(home=tmp_path, topic_prefix="t.", group_prefix="g-", redis_url="redis://127.0.0.1:1")


@pytest.fixture
async def state(settings: Settings) -> StateRuntime:
    """A state worker that is not started."""
    return apps.create_state(settings, "127.0.0.1:1")


@pytest.fixture
async def trainer(settings: Settings) -> TrainerRuntime:
    """A trainer that is not started."""
    return apps.create_trainer(settings, "127.0.0.1:1")


class TestCounted:
    """As it happens."""

    def test_batches(self) -> None:
        """Their number, and the events in them."""
        metrics = Metrics()
        metrics.observe_batch("train_series", 200)
        metrics.observe_batch("train_series", 3)
        found = samples(metrics)

        assert found["tidecast_events_total", "train_series"] == 203
        assert found["tidecast_batch_events_count", "train_series"] == 2
        assert found["tidecast_batch_events_bucket", "train_series", "10.0"] == 1

    def test_trainings(self) -> None:
        """By model; of several models together as such; a name that is no model's is not a label of its own."""
        metrics = Metrics()
        with metrics.training("LinearFit", "LinearFit"):
            pass
        with metrics.training("LinearFit", "Lstm"):
            pass
        with pytest.raises(ValueError, match="no"), metrics.training("x" * 100):
            raise ValueError("no")
        with metrics.training():
            pass
        found = samples(metrics)

        counted = {labels[1]: it for labels, it in found.items() if labels[0] == "tidecast_training_seconds_count"}
        assert counted == {"LinearFit": 1, "several": 1, "unknown": 1}

    def test_series(self) -> None:
        """Forecasts and errors apart; none is no sample."""
        metrics = Metrics()
        metrics.count_series("LinearFit", answered=7, failed=0)
        metrics.count_series("Nonsense", answered=0, failed=2)
        found = samples(metrics)

        assert found["tidecast_series_total", "LinearFit", "forecast"] == 7
        assert found["tidecast_series_total", "unknown", "error"] == 2
        assert ("tidecast_series_total", "LinearFit", "error") not in found

    def test_inference(self) -> None:
        """An answer, and an error."""
        metrics = Metrics()
        with metrics.inference():
            pass
        with pytest.raises(TimeoutError), metrics.inference():
            raise TimeoutError
        found = samples(metrics)

        assert found["tidecast_inference_seconds_count", "answer"] == 1
        assert found["tidecast_inference_seconds_count", "error"] == 1

    def test_dead_letters_and_requests(self) -> None:
        """By topic; by method and status."""
        metrics = Metrics()
        metrics.count_dead_letter("t.job-commands")
        metrics.observe_request("GET", 404, 0.01)
        found = samples(metrics)

        assert found["tidecast_dead_letters_total", "t.job-commands"] == 1
        assert found["tidecast_http_request_seconds_count", "GET", "404"] == 1

    def test_a_method_that_is_none_is_no_label(self) -> None:
        """Anybody may send any: `curl -X FOO1`."""
        metrics = Metrics()
        for method in ("HEAD", "FOO1", "FOO2", "get"):
            metrics.observe_request(method, 405, 0.01)
        found = samples(metrics)

        counted = {labels[1]: it for labels, it in found.items() if labels[0] == "tidecast_http_request_seconds_count"}
        assert counted == {"HEAD": 1, "other": 3}

    def test_the_process(self) -> None:
        """Memory and time of the processor."""
        found = samples(Metrics())

        assert found["process_resident_memory_bytes",] > 1_000_000
        assert found["process_cpu_seconds_total",] > 0


class TestFromTheStart:
    """Of a counter that appears with its first event, Prometheus' increase() is 0."""

    async def test_dead_letters_of_what_is_consumed(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """By every agent of the worker, and of nothing else."""
        counted = [
            {labels[1]: it for labels, it in samples(runtime.metrics).items() if labels[0] == DEAD_LETTERS}
            for runtime in (trainer, state)
        ]
        topics = trainer.topics

        consumed = (topics.series_commands, topics.training_runs, topics.inference_requests, topics.scoring_runs)
        assert counted[0] == dict.fromkeys(consumed, 0)
        assert counted[1].keys() == {
            topics.dataset_commands,
            topics.job_commands,
            topics.job_results,
            topics.forecasts,
            topics.training_commands,
            topics.training_status,
            topics.transform_commands,
            topics.inference_results,
            topics.model_commands,
            topics.observations,
            topics.dataset_changes,
            topics.alerts,
            topics.service_commands,
            topics.scoring_requests,
            topics.tracking_commands,
            topics.access_commands,
            topics.scoring_job_commands,
            topics.scoring_run_status,
        }
        assert set(counted[1].values()) == {0}

    async def test_series_of_every_model(self, trainer: TrainerRuntime) -> None:
        """With a forecast and with an error, also those that ask for a model that there is not."""
        counted = {
            labels[1:]: it for labels, it in samples(trainer.metrics).items() if labels[0] == "tidecast_series_total"
        }

        assert counted == dict.fromkeys(product((*CATALOG, "unknown"), ("forecast", "error")), 0)


class FakeEnds:
    """Where partitions end; what is not there is not answered."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    async def ends(self, partitions: Collection[Any]) -> dict[Any, int]:
        return {tp: self.found[tp] for tp in partitions if tp in self.found}


class TestLag:
    """The end less what is committed, per partition whose records the worker must do."""

    @pytest.fixture
    def ends(self, monkeypatch: pytest.MonkeyPatch) -> FakeEnds:
        """Stands where workers have the broker."""
        ends = FakeEnds()
        monkeypatch.setattr(TopicEnds, "ends", lambda _, partitions: ends.ends(partitions))
        return ends

    @pytest.fixture
    def tps(self, ends: FakeEnds, trainer: TrainerRuntime, monkeypatch: pytest.MonkeyPatch) -> list[TP]:
        """Partitions that the trainer owns; it also has one of a changelog."""
        consumer: Any = trainer.app.consumer
        tps = [TP(trainer.topics.series_commands, partition) for partition in range(4)]
        trainer.app.topics.acking_topics.add(trainer.topics.series_commands)
        monkeypatch.setattr(consumer, "assignment", lambda: {*tps, TP("t.jobs-changelog", 0)})
        monkeypatch.setattr(consumer, "highwater", lambda _: 50)  # it stands still while the worker is behind
        consumer._committed_offset.update({tps[0]: 40, tps[3]: 9})
        ends.found = {tps[0]: 100, tps[1]: 7, tps[3]: 5, TP("t.jobs-changelog", 0): 3}
        return tps

    @staticmethod
    def lags(trainer: TrainerRuntime) -> dict[str, float]:
        """By partition."""
        return {
            labels[2]: value
            for labels, value in samples(trainer.metrics).items()
            if labels[0] == "tidecast_consumer_lag"
        }

    @staticmethod
    def known_ends(trainer: TrainerRuntime) -> KnownEnds:
        """The part of the app that asks."""
        services: list[Any] = trainer.app._extra_services
        [found] = [service for service in services if isinstance(service, KnownEnds)]
        return found

    async def test_it_is_what_the_broker_says(self, trainer: TrainerRuntime, ends: FakeEnds, tps: list[TP]) -> None:
        """What is not committed yet counts from the beginning; no answer is no figure; changelogs have none."""
        known = self.known_ends(trainer)
        await known.ask()
        before = self.lags(trainer)
        ends.found[tps[0]] = 28_040
        await known.ask()

        assert before == {"0": 60, "1": 7, "3": 0}
        assert self.lags(trainer) == {"0": 28_000, "1": 7, "3": 0}

    async def test_an_end_is_not_known_for_ever(
        self, trainer: TrainerRuntime, ends: FakeEnds, tps: list[TP], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One answer may fail; a lag from before the broker went away would look like a worker that keeps up."""
        clock = [100.0]
        monkeypatch.setattr(figures.time, "monotonic", lambda: clock[0])
        known = self.known_ends(trainer)
        await known.ask()
        del ends.found[tps[0]]
        clock[0] += 29
        await known.ask()
        soon = self.lags(trainer)
        clock[0] += 2

        assert soon == {"0": 60, "1": 7, "3": 0}
        assert self.lags(trainer) == {"1": 7, "3": 0}

    async def test_it_goes_on_asking(
        self, trainer: TrainerRuntime, ends: FakeEnds, tps: list[TP], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also after a failure that nobody has thought of; and ends at once when it is told to."""
        monkeypatch.setattr(figures, "_EVERY_S", 0.001)
        troubles = iter([RuntimeError("no"), None])

        async def found(_: Any) -> dict[Any, int]:
            if trouble := next(troubles, None):
                raise trouble
            return ends.found

        monkeypatch.setattr(ends, "ends", found)
        known = self.known_ends(trainer)
        async with asyncio.timeout(10):
            await known.start()
            while known.end(tps[0]) is None:
                await asyncio.sleep(0.001)
            monkeypatch.setattr(figures, "_EVERY_S", 3600)
            await known.stop()

        assert self.lags(trainer)["0"] == 60

    async def test_a_broker_that_is_away_says_nothing(self) -> None:
        """Within the time that it is given."""
        port = kept_or_free(0)
        async with asyncio.timeout(10):
            assert await TopicEnds(f"127.0.0.1:{port}").ends([("t", 0), ("t", 1)]) == {}

    async def test_an_answer_without_an_offset_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Such as librdkafka gives for a broker that is paused; the next question is another client's."""
        clients = []

        class Admin:
            def __init__(self, _conf: Any) -> None:
                clients.append(self)

            def list_offsets(self, asked: Any, **_: Any) -> Any:
                answers: dict[Any, Future[Any]] = {at: Future() for at in asked}
                for future in answers.values():
                    future.set_result(SimpleNamespace(offset=-1001 if len(clients) == 1 else 7))
                return answers

        monkeypatch.setattr(topic_ends, "AdminClient", Admin)
        ends = TopicEnds("broker:9092")

        assert [await ends.ends([("t", 0)]) for _ in range(3)] == [{}, {("t", 0): 7}, {("t", 0): 7}]
        assert len(clients) == 2

    async def test_no_partitions_are_no_question(self) -> None:
        """A worker that has none yet."""
        assert await TopicEnds("127.0.0.1:1").ends([]) == {}

    async def test_what_is_open(self, trainer: TrainerRuntime, tps: list[TP]) -> None:
        """Also where the end is not known."""
        consumer: Any = trainer.app.consumer
        consumer._offsets[tps[2]] = Offsets()
        consumer._offsets[tps[2]].outstanding.extend([40, 41])
        found = samples(trainer.metrics)

        assert {labels[2]: it for labels, it in found.items() if labels[0] == "tidecast_consumer_open"} == {
            "0": 0,
            "1": 0,
            "2": 2,
            "3": 0,
        }


class TestLookedUp:
    """When Prometheus asks, which may be before the worker has started."""

    async def test_what_was_sent(self, trainer: TrainerRuntime) -> None:
        """By topic."""
        trainer.publisher.sent.update({"t.forecasts": 3})

        assert samples(trainer.metrics)["tidecast_records_sent_total", "t.forecasts"] == 3

    async def test_rows_of_every_table(self, state: StateRuntime) -> None:
        """A new table is there by itself."""
        ForecastingState.of(state).forecasts._rows.write(0, [(b"17", b"row")])
        found = samples(state.metrics)

        assert {labels[1] for labels in found if labels[0] == "tidecast_table_rows"} == set(state.app.tables)
        assert found["tidecast_table_rows", "forecasts"] == 1
        assert found["tidecast_online_store_behind",] == 0
        assert found["tidecast_writes_waiting",] == 0

    async def test_inference(self, trainer: TrainerRuntime) -> None:
        """The queue and the processes."""
        found = samples(trainer.metrics)

        assert (found["tidecast_inference_waiting",], found["tidecast_inference_processes",]) == (0, 0)


class TestServed:
    """For workers without an HTTP view."""

    def test_the_port_is_free_afterwards(self) -> None:
        """A worker that stops in order leaves nothing."""
        port = kept_or_free(0)

        assert [bool(text_of(Metrics(), port)) for _ in range(2)] == [True, True]

    def test_a_port_in_use_is_an_error(self) -> None:
        """The caller goes on without."""
        with Metrics().served("127.0.0.1", 0) as port, pytest.raises(OSError, match="in use"):
            text_of(Metrics(), port)


class TestDashboard:
    """connectors/grafana/tidecast.json."""

    @pytest.fixture
    def dashboard(self) -> Any:
        """As Grafana imports it."""
        return json.loads(DASHBOARD.read_text("utf-8"))

    @staticmethod
    def expressions(dashboard: Any) -> list[str]:
        """All PromQL in it."""
        return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    async def test_every_metric_that_it_names_exists(
        self, dashboard: Any, state: StateRuntime, trainer: TrainerRuntime
    ) -> None:
        """Under the very name, ending included; a renamed metric would leave a panel empty without a word."""
        known = known_names(state, trainer)
        named = {
            name for text in self.expressions(dashboard) for name in re.findall(r"\b(?:tidecast|process)_\w+", text)
        }

        assert named - known == set()
        assert {
            name
            for name in known
            if name.startswith("tidecast_") and not name.endswith(("_sum", "_bucket", "_created"))
        } <= {
            *named,
            "tidecast_training_seconds_count",
        }

    def test_its_labels_are_those_of_the_metrics(self, dashboard: Any) -> None:
        """What is summed by, or matched."""
        texts = self.expressions(dashboard)
        by = {
            name.strip() for text in texts for group in re.findall(r"by \(([^)]*)\)", text) for name in group.split(",")
        }
        matched = {name for text in texts for name in re.findall(r"(\w+)=\"", text)}

        assert by | matched <= LABELS

    def test_panels_do_not_cover_one_another(self, dashboard: Any) -> None:
        """Each has a place of its own, an id, and a sentence."""
        cells = [
            (x, y)
            for panel in dashboard["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]

        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert all(panel["title"] and panel["description"] for panel in dashboard["panels"])


class TestAlerts:
    """connectors/prometheus/alerts.yml."""

    RULES: ClassVar = [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]

    async def test_every_metric_that_they_name_exists(self, state: StateRuntime, trainer: TrainerRuntime) -> None:
        """A renamed metric would silence an alert without a word; `up` is Prometheus' own."""
        named = {name for rule in self.RULES for name in re.findall(r"\b(?:tidecast|process)_\w+", rule["expr"])}

        assert named - known_names(state, trainer) == set()
        assert len(named) >= len(self.RULES) - 1

    def test_their_labels_are_those_of_the_metrics(self) -> None:
        """What is summed by, or shown."""
        groups = [group for it in self.RULES for group in re.findall(r"by \(([^)]*)\)", it["expr"])]
        by = {name.strip() for group in groups for name in group.split(",")}
        shown = {name for it in self.RULES for name in re.findall(r"\$labels\.(\w+)", it["annotations"]["summary"])}

        assert by | shown <= LABELS

    def test_each_says_what_to_do(self) -> None:
        """A name, how bad it is, what happens and where to look; commands that it names are ours."""
        assert len({rule["alert"] for rule in self.RULES}) == len(self.RULES)
        for rule in self.RULES:
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["annotations"].keys() == {"summary", "description"}
            for command in re.findall(r"tidecast ([a-z-]+)", rule["annotations"]["description"]):
                assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]
