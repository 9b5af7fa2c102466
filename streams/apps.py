"""Composition root: builds the Faust apps, state and trainer, from the settings. Nothing connects before they start."""

from functools import partial
from importlib import import_module
from typing import Any
from zlib import crc32

import faust
from yarl import URL

from connectors.kafka_admin import Topic, ensure_topics
from connectors.object_store import ObjectStore
from connectors.online_store import OnlineStore
from connectors.publisher import Publisher
from connectors.schema_registry import connect_registry
from connectors.topic_ends import TopicEnds
from schemas.codec import Codec
from streams.endpoints import Endpoints
from streams.event_table import RecordTable
from streams.figures import Figures
from streams.forecasts import ForecastTable
from streams.inference_pool import InferencePool
from streams.metrics import Metrics
from streams.online_forecasts import OnlineForecasts
from streams.ownership import owned_offsets
from streams.recovery import RawKeyRouter, install_fast_recovery
from streams.runtime import StateRuntime, TrainerRuntime
from streams.settings import Settings
from streams.splits import SplitStore
from streams.tables import JobTable, ResultTable
from streams.topics import Topics, record_subjects
from streams.transport import SafeTransport

__all__ = ["create_state", "create_trainer", "declare_topics"]

# A worker may be busy with one batch for long; its heartbeats come from another thread, so poll time proves nothing.
_MAX_POLL_INTERVAL_S = 86_400


def declare_topics(settings: Settings, topics: Topics, bootstrap: str) -> None:
    """Create what is missing; BrokerUnreachableError and TopicMismatchError say what is wrong and how to mend it."""
    ensure_topics(
        bootstrap,
        [Topic(spec.name, topics.partitions, settings.replication_factor, spec.config) for spec in topics.all],
    )


def create_trainer(settings: Settings, bootstrap: str) -> TrainerRuntime:
    """The trainer's app with its agent; stateless."""
    topics = Topics(settings)
    app = _app(settings, "trainer", bootstrap)
    store, inference, metrics = ObjectStore(settings.object_store_url), InferencePool(settings), Metrics()
    runtime = TrainerRuntime(
        settings=settings,
        bootstrap=bootstrap,
        topics=topics,
        codec=_codec(settings, topics),
        publisher=_publisher(settings, "trainer", bootstrap),
        app=app,
        store=store,
        inference=inference,
        endpoints=Endpoints(store, inference, metrics.inference),
        metrics=metrics,
    )
    for module in ("training", "training_runs", "inference"):
        _attach(f"agents.{module}", runtime)
    metrics.registry.register(Figures(runtime))
    return runtime


def create_state(settings: Settings, bootstrap: str) -> StateRuntime:
    """The state's app with its tables and agents; the HTTP view is added by `streams.http.serve`."""
    topics = Topics(settings)
    app = _app(settings, "state", bootstrap)
    install_fast_recovery(app)
    codec = _codec(settings, topics)
    publisher = _publisher(settings, "state", bootstrap)
    store, inference, metrics = ObjectStore(settings.object_store_url), InferencePool(settings), Metrics()
    table = {"partitions": topics.partitions, "publisher": publisher, "codec": codec}
    forecasts = ForecastTable(app, topics.forecasts_changelog, **table)
    runtime = StateRuntime(
        settings=settings,
        bootstrap=bootstrap,
        topics=topics,
        codec=codec,
        publisher=publisher,
        app=app,
        store=store,
        inference=inference,
        endpoints=Endpoints(store, inference, metrics.inference),
        metrics=metrics,
        splits=SplitStore(store, settings.max_series_per_job),
        jobs=JobTable(app, topics.jobs_changelog, **table),
        results=ResultTable(app, topics.results_changelog, **table),
        training_jobs=RecordTable(app, "training_jobs", topics.training_jobs_changelog, **table),
        transforms=RecordTable(app, "transforms", topics.transforms_changelog, **table),
        forecasts=forecasts,
        online=_online(settings, topics, app, forecasts, bootstrap),
    )
    for module in ("datasets", "jobs", "training_jobs", "transforms", "forecasts"):
        _attach(f"agents.{module}", runtime)
    metrics.registry.register(Figures(runtime))
    return runtime


def _attach(module: str, runtime: Any) -> None:
    # Imported by name, because agents are above streams; not by Faust's discovery, which logs a module that fails to
    # import and starts the worker without its agents.
    import_module(module).attach(runtime)


def _online(
    settings: Settings, topics: Topics, app: faust.App, forecasts: ForecastTable, bootstrap: str
) -> OnlineForecasts | None:
    if settings.redis_url is None:
        return None
    return OnlineForecasts(
        OnlineStore(settings.redis_url),
        forecasts,
        owned=partial(owned_offsets, app, topics.forecasts),
        end=partial(TopicEnds(bootstrap).end, topics.forecasts),
        partitions=topics.partitions,
    )


def _codec(settings: Settings, topics: Topics) -> Codec:
    if settings.registry_url is None:
        return Codec()
    return connect_registry(settings.registry_url, record_subjects(topics))


def _publisher(settings: Settings, role: str, bootstrap: str) -> Publisher:
    return Publisher(
        bootstrap, client_id=f"{settings.group_prefix}{role}", max_message_bytes=settings.max_message_bytes
    )


def _app(settings: Settings, role: str, bootstrap: str) -> faust.App:
    """An app with the settings that were measured to be safe and quick (faust-streaming 0.15.3)."""
    data = settings.home / "faust" / role
    data.mkdir(parents=True, exist_ok=True)  # Faust creates the folder but not its parents
    url = "http://trainer"  # it serves nothing; an address of its own that changed would be another member, see below
    instance = f"{role}-{settings.worker_id}"
    if role == "state":
        url = settings.advertised_url or f"http://{settings.http_host}:{settings.http_port}"
        # A member that comes back under its name gets its old assignment, which holds its old address; Faust then
        # stops for good (0.15.3, PartitionAssignor.on_assignment). So another address is another member.
        instance = f"{instance}-{crc32(url.encode()):08x}"
    app = faust.App(
        f"{settings.group_prefix}{role}",
        broker=[URL(f"kafka://{server}") for server in bootstrap.split(",")],
        datadir=str(data),
        store="memory://",
        Router=RawKeyRouter,
        autodiscover=False,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        consumer_max_fetch_size=settings.max_message_bytes,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=0.5,
        broker_commit_interval=0.5,
        broker_max_poll_interval=_MAX_POLL_INTERVAL_S,
        stream_wait_empty=False,
        stream_buffer_maxsize=2 * settings.batch_size,
        table_standby_replicas=0,
        web_enabled=role == "state",
        canonical_url=url,
    )
    app.transport = SafeTransport(app.conf.broker, app)
    return app
