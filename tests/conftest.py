"""What every test may ask for: a real broker for the whole run, and names of its own on it."""

import gc
import signal
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from connectors.embedded_kafka.broker import EmbeddedKafka, record_class_archive
from connectors.embedded_kafka.jars import default_cache_dir, obtain_jars
from connectors.embedded_kafka.java import Java, find_java
from connectors.processes import compute_process
from streams.telemetry.logs import console_processors

# How long an example takes is no criterion: other processes may have the cores.
settings.register_profile("tidecast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tidecast")
# Python's one fork server loads what was asked for before it began. Here it is all that any room's tests let it fork,
# else each process of the other rooms loads its own anew; but for TensorFlow, which would be in the memory of each.
compute_process._preloaded.update(
    f"agents.{room}.process" for room in ("accuracy", "inference", "scoring", "scoring_jobs", "series")
)
# Tracebacks with each variable of each function take seconds where these are whole workers.
structlog.configure(processors=console_processors())


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fetch Kafka before several processes of tests begin: they would do so at the same time."""
    # A shell that starts a run with `&` lets it ignore Ctrl-C, and so would all that the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(session.config.option, "numprocesses", None):
        record_class_archive(obtain_jars(default_cache_dir(), progress=print), find_java(), progress=print)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: the garbage collector looks through it once, not often."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # by Python's own ones it looks through all that there is every few seconds
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, so that no process is left with one of them at the end."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: "integration" not in item.path.relative_to(folder).parts)


@pytest.fixture(scope="session")
def java() -> Java:
    """The Java that brokers run on; the run fails without one."""
    return find_java()


@pytest.fixture(scope="session")
def kafka_jars(java: Java) -> Path:
    """Kafka's jars in the user's cache, fetched once; the run fails where they cannot be had."""
    jars = obtain_jars(default_cache_dir(), progress=print)
    record_class_archive(jars, java, progress=print)
    return jars


@pytest.fixture(scope="session")
def broker(kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker that all tests share, on a free port; never to be stopped by one of them."""
    with EmbeddedKafka(tmp_path_factory.mktemp("broker"), port=0, jars=kafka_jars, java=java) as shared:
        yield shared


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and groups that no other test, of this run or another, uses."""
    return f"test-{uuid.uuid4().hex[:12]}."
