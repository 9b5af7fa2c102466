"""Composition root: builds the Faust apps, state and trainer, from the settings. Nothing connects before they start.

What only one of them needs, or only with some settings, is imported there: so a killed trainer is back sooner.
"""

# ruff: noqa: PLC0415

import shutil
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import faust
from faust.auth import SASLCredentials, SSLCredentials
from yarl import URL

from connectors.kafka.admin import Topic, TopicsLostError, ensure_topics
from connectors.kafka.publisher import Publisher
from connectors.kafka.security import security_of
from connectors.kafka.topic_ends import TopicEnds
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from streams.audit.notes import mark_of_request
from streams.broker_access import secure_brokers
from streams.engine.hands import Hands
from streams.engine.transport import SafeTransport
from streams.engine.tries import Tries
from streams.rows.recovery import QuickTableManager, RawKeyRouter, install_fast_recovery
from streams.runtime import StateRuntime, TrainerRuntime
from streams.settings import Settings
from streams.systems import SYSTEMS, System, named
from streams.telemetry.tracing import current_headers
from streams.topics import Topics, record_subjects
from streams.workers.gauges import Figures, KnownEnds
from streams.workers.known_topics import known_topics, note_topics, remedy
from streams.workers.note_sweep import NoteSweep
from streams.workers.topic_watch import TopicWatch

__all__ = ["create_state", "create_trainer", "declare_topics"]

# A worker may be busy with one batch for long; its heartbeats come from another thread, so poll time proves nothing.
_MAX_POLL_INTERVAL_S = 86_400
_MOST_AT_ONCE = 2000  # records taken out of a fetch; the others stay compressed, which may be a hundredth of their size
_IN_MEMORY = URL("memory://")
# A connection that says nothing for so long is dead, though nobody has closed it; Faust's own value is 90. A member's
# request to join is answered when all have joined: within the session time-out, if one of them is dead.
_REQUEST_TIMEOUT_S = 20.0


def declare_topics(settings: Settings, topics: Topics, bootstrap: str) -> None:
    """Create what is missing, and see that what was there before still is.

    BrokerUnreachableError, TopicMismatchError and TopicsLostError say what is wrong and how to mend it.
    """
    secure_brokers(settings)
    declared = [Topic(spec.name, topics.partitions, settings.replication_factor, spec.config) for spec in topics.all]
    known = known_topics(settings)
    try:
        ids = ensure_topics(bootstrap, declared, known=known)
    except TopicsLostError as error:
        raise TopicsLostError(f"{error}, and with them the jobs: {remedy(settings)}") from error
    if ids != known:
        note_topics(settings, ids)


def create_trainer(settings: Settings, bootstrap: str, systems: Sequence[System] = SYSTEMS) -> TrainerRuntime:
    """The trainer's app with the agents of the systems; stateless."""
    topics = Topics(settings, systems)
    app = _app(settings, "trainer", bootstrap)
    runtime = TrainerRuntime(**_shared(settings, "trainer", bootstrap, topics, app))
    _take_in(runtime, [it.trainer for it in systems], [module for it in systems for module in it.trainer_agents])
    _measure(runtime)
    runtime.metrics.expect_series()
    return runtime


def create_state(settings: Settings, bootstrap: str, systems: Sequence[System] = SYSTEMS) -> StateRuntime:
    """The state's app with the systems' tables and agents; `streams.views.application.serve` adds the HTTP view."""
    from streams.rows.log_guard import LogGuard

    topics = Topics(settings, systems)
    app = _app(settings, "state", bootstrap, _table_store(settings, topics))
    install_fast_recovery(app)
    runtime = StateRuntime(**_shared(settings, "state", bootstrap, topics, app))
    _take_in(runtime, [it.state for it in systems], [module for it in systems for module in it.state_agents])
    app.service(NoteSweep(runtime.store, settings.idempotency_retention_days))
    app.service(LogGuard(app, runtime.tables, bootstrap))
    _measure(runtime)
    return runtime


def _shared(settings: Settings, role: str, bootstrap: str, topics: Topics, app: faust.App) -> dict[str, Any]:
    """What every process has."""
    store = ObjectStore(settings.object_store_url)
    return {
        "settings": settings,
        "bootstrap": bootstrap,
        "topics": topics,
        "codec": _codec(settings, topics),
        "publisher": _publisher(settings, role, bootstrap),
        "app": app,
        "store": store,
        "tries": Tries(store),
    }


def _take_in(runtime: TrainerRuntime, parts: Iterable[str | None], agents: Iterable[str]) -> None:
    """The systems' parts first: their agents look for them."""
    for part in parts:
        if part is not None:
            runtime.add(named(part)(runtime))
    for module in agents:
        named(module).attach(runtime)


def _measure(runtime: TrainerRuntime) -> None:
    """Once the agents are attached: what they consume is known then."""
    app, metrics = runtime.app, runtime.metrics
    ends = KnownEnds(app, TopicEnds(runtime.bootstrap))
    app.service(ends)
    metrics.registry.register(Figures(runtime, ends))
    metrics.expect_dead_letters(topic for agent in app.agents.values() for topic in agent.get_topic_names())


def _codec(settings: Settings, topics: Topics) -> Codec:
    if settings.registry_url is None:
        return Codec()
    from connectors.schema_registry import IdNote, connect_registry

    note = IdNote.of(ObjectStore(settings.object_store_url), settings.topic_prefix)
    return connect_registry(settings.registry_url.get_secret_value(), record_subjects(topics), note=note)


def _publisher(settings: Settings, role: str, bootstrap: str) -> Publisher:
    return Publisher(
        bootstrap,
        client_id=f"{settings.group_prefix}{role}",
        max_message_bytes=settings.max_message_bytes,
        headers_here=lambda: (*current_headers(), *mark_of_request()),
    )


def _table_store(settings: Settings, topics: Topics) -> URL:
    """Where the tables' rows are: see `streams.rows.event_table.row_store`."""
    if settings.table_store == "memory":
        return _IN_MEMORY
    # A folder of its own for each worker, and for each set of changelogs: rows of a log that is no more are of no use.
    parent, known = settings.home / "tables" / settings.worker_id, known_topics(settings)
    folder = parent / f"{crc32(repr([known.get(spec.name) for spec in topics.all]).encode()):08x}"
    for other in parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    return URL.build(scheme="rocksdb", path=str(folder))


def _app(settings: Settings, role: str, bootstrap: str, store: URL = _IN_MEMORY) -> faust.App:
    """An app with the settings that were measured to be safe and quick (faust-streaming 0.15.3)."""
    secure_brokers(settings)
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
        broker_credentials=_credentials_for(bootstrap),
        datadir=str(data),
        store=store,
        Router=RawKeyRouter,
        TableManager=QuickTableManager,
        autodiscover=False,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        consumer_max_fetch_size=settings.max_message_bytes,
        broker_max_poll_records=_MOST_AT_ONCE,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        broker_session_timeout=settings.session_timeout_s,
        broker_request_timeout=max(_REQUEST_TIMEOUT_S, settings.session_timeout_s),
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
    app.transport.hands = Hands.of(settings, role)
    app.service(TopicWatch(settings, bootstrap))
    return app


def _credentials_for(bootstrap: str) -> SASLCredentials | SSLCredentials | None:
    """As Faust hands them to aiokafka; None where brokers are talked to in plain."""
    security = security_of(bootstrap)
    context = security.ssl_context()
    if security.has_sasl:
        return SASLCredentials(
            username=security.username, password=security.password, mechanism=security.mechanism, ssl_context=context
        )
    return None if context is None else SSLCredentials(context)
