"""What the service leans on besides Kafka, away or lying: the schema registry and Redis; and poison."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from fastavro import schemaless_writer
from fastavro.utils import generate_one
from prometheus_client.parser import text_string_to_metric_families

from connectors.kafka.publisher import Publisher, Record
from connectors.objects.store import ObjectStore
from connectors.registry_error import RegistryError
from connectors.schema_registry import IdNote, connect_registry
from schemas.catalogue import locked_schemas, parse
from schemas.coding.codec import EVENT_TYPES
from schemas.coding.wire import frame
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import Forecast, SeriesResult
from streams.settings import Settings
from streams.topics import Topics, record_subjects
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.log import read_topics
from tests.faults.proxies import Proxy, Toxiproxy
from tests.faults.trainers import environment_of
from tests.faults.verifier import Verifier
from tests.integration.processes import WorkerProcess
from tests.integration.redis_server import RedisServer
from tests.integration.servers import Registry
from tests.integration.services import Service, csv_of, running_service, until

pytestmark = pytest.mark.timeout(180, func_only=True)  # the first run of a user builds Toxiproxy

_UNKNOWN_IDS = {"up": 987_654, "half-open": 987_655}
_START_S = 30.0  # two tries of five seconds each where nothing answers, and a machine may be busy
_PHASE_S = 1.5
_SERIES = range(1, 41)
_NOON = 1_599_480_000_000


@dataclass(frozen=True, slots=True)
class _Registry:
    """The registry, and the way to it that a case may cut."""

    link: Proxy
    url: str


@pytest.fixture(scope="module")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    with Toxiproxy(tmp_path_factory.mktemp("toxiproxy")) as running:
        yield running


@pytest.fixture(scope="module")
def registry(toxiproxy: Toxiproxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Registry]:
    with Registry(tmp_path_factory.mktemp("registry") / "app") as running:
        link = toxiproxy.proxy("registry", running.url.removeprefix("http://"))
        running.wait_ready()
        yield _Registry(link, running.confluent_url.replace(running.url, f"http://{link.address}"))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Down until a case starts it."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def redis_link(toxiproxy: Toxiproxy, redis: RedisServer) -> Proxy:
    return toxiproxy.proxy("redis", f"127.0.0.1:{redis.port}")


@pytest.fixture(scope="module")
def service(registry: _Registry, redis_link: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("dependencies")
    with running_service(home, registry_url=registry.url, redis_url=f"redis://{redis_link.address}/0") as running:
        running.codec = connect_registry(registry.url, record_subjects(running.topics))
        yield running


def _works(service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures) -> None:
    """A job from its data set to its results, judged."""
    begun = time.monotonic()
    job = Job(api, service.bootstrap, service.topics, csv=csv_of(20, 30), codec=service.codec)
    job.submit()
    verifier.verify(api, job, figures=figures)
    job.close()
    figures.time("a job", time.monotonic() - begun)


def _note(folder: Path) -> IdNote:
    return IdNote(ObjectStore(f"file://{folder}"), "note.json")


def test_fault_19_the_registry_is_away_at_the_first_start(registry: _Registry, tmp_path: Path) -> None:
    """Nobody knows its ids: said in words, also where another registry's are known."""
    subjects = record_subjects(Topics(Settings(topic_prefix="first.")))
    note = _note(tmp_path)
    with registry.link.away(), pytest.raises(RegistryError, match="does not answer"):
        connect_registry(registry.url, subjects, note=note)
    connect_registry(registry.url, subjects, note=note)
    with registry.link.away(), pytest.raises(RegistryError, match="does not answer"):
        connect_registry(registry.url.replace("127.0.0.1", "localhost"), subjects, note=note)


@pytest.mark.parametrize("how", ["refused", "half-open"])
def test_fault_19_the_registry_is_away_at_a_later_start(
    registry: _Registry, tmp_path: Path, figures: CaseFigures, how: str
) -> None:
    """The ids are those that it gave before, of old versions too."""
    topics = Topics(Settings(topic_prefix=f"{how}."))
    subjects, note = record_subjects(topics), _note(tmp_path)
    oldest = next(locked for locked in locked_schemas() if (locked.name, locked.version) == ("SeriesResult", 1))
    client = SchemaRegistryClient({"url": registry.url})
    old_id = client.register_schema(f"{topics.job_results}-value", Schema(oldest.text, "AVRO"))
    before = connect_registry(registry.url, subjects, note=note)
    event = JobStatus(1, CmdStatus.DONE, 1, 1, 1, 1, 0)
    payload = BytesIO()
    schemaless_writer(payload, parse(oldest.schema), generate_one(parse(oldest.schema)))
    with registry.link.away() if how == "refused" else registry.link.half_open():
        begun = time.monotonic()
        codec = connect_registry(registry.url, subjects, note=note)
        figures.time("started", time.monotonic() - begun)
        assert time.monotonic() - begun < _START_S
        assert codec.encode(event) == before.encode(event)
        assert codec.decode(before.encode(event)) == event
        assert isinstance(codec.decode(frame(old_id, payload.getvalue())), SeriesResult)


def test_fault_19_the_registry_goes_away_while_the_service_works(
    service: Service, registry: _Registry, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """Jobs are answered, also by workers that are killed and started again meanwhile; Redis is away all the time."""
    with registry.link.away():
        _works(service, api, verifier, figures)
        pids = {name: service.pid(name) for name in ("state", "trainer-1")}
        for name in pids:
            service.signal(name, signal.SIGKILL)
        until(lambda: all(service.pid(name) != pid for name, pid in pids.items()), why="others are started")
        until(service.is_ready, why="the state worker is back")
        _works(service, api, verifier, figures)


def _poison(service: Service, topic: str, unknown_id: int) -> list[bytes]:
    """What nobody can read, of four kinds."""
    record = next(spec for spec in service.topics.all if spec.name == topic).records[0]
    known = service.codec.schema_id_of(next(it for it in EVENT_TYPES if it.__name__ == record))
    return [frame(unknown_id, b"\2"), b"\1" + bytes(100), b"\0\0\0", frame(known, b"\xff" * 100)]


_WORDS = ("unknown schema id", "expected 0", "too few", "does not fit")


async def _letters_of(service: Service, topics: Sequence[str], unknown_id: int) -> list[tuple[str, bytes, Any]]:
    """Put poison on these topics; topic, value and headers of the dead letters that it becomes."""
    key, dead = b"%d" % unknown_id, service.topics.dead_letters
    sent = {(topic, value) for topic in topics for value in _poison(service, topic, unknown_id)}
    publisher = Publisher(service.bootstrap, client_id="test")
    await publisher.send([Record(topic, key, value) for topic, value in sorted(sent)])
    await publisher.close()

    def letters() -> list[tuple[str, bytes, Any]]:
        found = read_topics(service.bootstrap, [dead])[dead]
        heads = [{name: text.decode() for name, text in it.headers() or []} for it in found if it.key() == key]
        values = [it.value() for it in found if it.key() == key]
        return [(head["topic"], value or b"", head) for head, value in zip(heads, values, strict=True)]

    until(lambda: len(letters()) >= len(sent), why="all are dead letters")
    found = letters()
    assert sorted((topic, value) for topic, value, _ in found) == sorted(sent)
    return found


def _counted(service: Service) -> dict[str, float]:
    """Dead letters by topic as the state worker counts them."""
    families = text_string_to_metric_families(httpx.get(f"{service.stack.url}/metrics", timeout=30).text)
    return {
        next(iter(it.labels.values())): it.value
        for family in families
        for it in family.samples
        if it.name == "tidecast_dead_letters_total"
    }


@pytest.mark.parametrize("registry_is", ["up", "half-open"])
async def test_fault_20_21_22_unreadable_records(
    service: Service, registry: _Registry, api: RecordingApi, verifier: Verifier, figures: CaseFigures, registry_is: str
) -> None:
    """Unknown id, no magic byte, three bytes, garbage: dead letters with id, place and reason; the consumers go on."""
    topics = service.topics
    poisoned = (topics.dataset_commands, topics.job_commands, topics.series_commands, topics.job_results)
    pids = {name: service.pid(name) for name in ("state", "trainer-1")}
    before = _counted(service)
    begun = time.monotonic()
    unknown_id = _UNKNOWN_IDS[registry_is]
    with nullcontext() if registry_is == "up" else registry.link.half_open():
        found = await _letters_of(service, poisoned, unknown_id)
    figures.time("dead letters", time.monotonic() - begun)
    verifier.expect_dead_letters(len(found))
    log = {
        (topic, message.partition(), message.offset()): message.value()
        for topic, messages in read_topics(service.bootstrap, poisoned).items()
        for message in messages
    }

    for topic, value, head in found:
        kind = _poison(service, topic, unknown_id).index(value)
        assert _WORDS[kind] in head["error"]
        assert log[topic, int(head["partition"]), int(head["offset"])] == value
        if kind == 0:
            assert head["schema-id"] == str(unknown_id)
            assert ("40403" if registry_is == "up" else "not answer") in head["error"]
    after = _counted(service)
    for topic in set(poisoned) - {topics.series_commands}:  # those are the trainer's
        assert after[topic] - before.get(topic, 0) == 4
    assert {name: service.pid(name) for name in pids} == pids
    _works(service, api, verifier, figures)


class _Readers:
    """Ask two workers for forecasts all the time; a forecast never gets older, and what is no 200 is a 503."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._client = httpx.Client(timeout=30, trust_env=False)
        self.seen = {(url, ts_id): -1 for url in urls for ts_id in _SERIES}
        self.sources: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0

    def read(self) -> None:
        """Each series once at each worker."""
        for url in self._urls:
            for ts_id in _SERIES:
                begun = time.monotonic()
                answer = self._client.get(f"{url}/forecasts/{ts_id}", timeout=30)
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if answer.status_code == 200:
                    self._compare(url, ts_id, answer.json()["n"])
                    self.sources[answer.headers["x-tidecast-source"]] += 1
                elif answer.status_code != 503:
                    self.wrong.append(f"{url}: {answer.status_code} {answer.text}")

    def _compare(self, url: str, ts_id: int, n: int) -> None:
        if n < self.seen[url, ts_id]:
            self.wrong.append(f"{url}: {n} of series {ts_id} after {self.seen[url, ts_id]}")
        self.seen[url, ts_id] = n


async def test_fault_25_redis_is_killed_flushed_and_cut_off(
    service: Service, redis: RedisServer, redis_link: Proxy, tmp_path: Path, figures: CaseFigures
) -> None:
    """While forecasts are published and read at two workers: each read is right, or 503; all is rebuilt at the end."""
    redis.start()
    second = WorkerProcess("state", "2", environment_of(service), tmp_path)
    publisher = Publisher(service.bootstrap, client_id="test")
    try:
        until(second.is_ready, why="the second worker is ready")
        readers = _Readers([service.stack.url, second.url])
        published = 0

        async def publish() -> None:
            nonlocal published
            published += 1
            events = [Forecast(7, it, published, "()", "LinearFit", _NOON, [_NOON], [1.0]) for it in _SERIES]
            records = [Record(service.topics.forecasts, b"%d" % it.ts_id, service.codec.encode(it)) for it in events]
            await publisher.send(records)

        async def for_a_while() -> None:
            until_then = time.monotonic() + _PHASE_S
            while time.monotonic() < until_then:
                await publish()
                await asyncio.to_thread(readers.read)

        def is_rebuilt() -> bool:
            values = redis.client.mget([f"forecast:{ts_id}" for ts_id in _SERIES])
            return [None if value is None else json.loads(value)["n"] for value in values] == [published] * len(_SERIES)

        await publish()
        until(is_rebuilt, why="Redis is filled at first")
        await for_a_while()
        redis.client.flushall()
        await for_a_while()
        redis.kill()
        await for_a_while()
        redis.start()
        await for_a_while()
        with redis_link.half_open():
            await for_a_while()
        begun = time.monotonic()
        until(is_rebuilt, why="Redis is rebuilt")
        figures.time("rebuilt", time.monotonic() - begun)
        until(lambda: readers.read() or set(readers.seen.values()) == {published}, why="both answer the latest")
    finally:
        await publisher.close()
        second.kill()
    figures.time(f"slowest of {readers.sources.total()} reads", readers.slowest)
    figures.note(f"{readers.sources['redis']} from Redis")

    assert not readers.wrong, readers.wrong
    assert readers.sources["redis"]
