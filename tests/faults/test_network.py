"""A network that delays, breaks, or swallows what is sent between the workers and Kafka; and work that has piled up."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.config import ForwardedPort
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import free_port
from connectors.kafka.publisher import DeliveryError, Publisher, Record
from schemas.forecasting import CmdStatus, CreateJob
from tests.faults.background import in_background
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.proxies import Proxy, Toxiproxy
from tests.faults.verifier import Verifier
from tests.integration.services import Service, csv_of, read_all, running_service, until

pytestmark = pytest.mark.timeout(180, func_only=True)  # the first run of a user builds Toxiproxy

_WRITE_TIMEOUT_S = 3.0
_GRACE_S = 5.0  # a machine may be busy; also what is sent before the time begins
_GOES_ON_S = 60.0  # once the link is back; the goal is in the figures
_FAULT_S = 9.0
_HALF_OPEN_S = 8.0  # longer than the session of a worker: the group gives it up meanwhile
_SOAK_FAULT_S = 120.0
_DEAD_ROUNDS, _DEAD_SHARE = 8, 0.25
_NOTICED_S = 180.0  # clients wait 20 s for an answer and 10 s for a new connection, which may be a dead one again
_ELEMENTS = 20
_MODELS = ("LinearFit", "AdaptiveMaxN", "LinearFit", "AdaptiveMaxN")


@pytest.fixture(scope="module")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    with Toxiproxy(tmp_path_factory.mktemp("toxiproxy")) as running:
        yield running


@pytest.fixture(scope="module")
def link(toxiproxy: Toxiproxy) -> Proxy:
    """What the workers reach Kafka through."""
    return toxiproxy.proxy("kafka", f"127.0.0.1:{free_port()}")


@pytest.fixture(scope="module")
def kafka(
    link: Proxy, kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedKafka]:
    """A broker for the case's own clients; the workers' is the same, behind the link."""
    forwarded = ForwardedPort(link.upstream_port, link.port)
    home = tmp_path_factory.mktemp("kafka")
    with EmbeddedKafka(home, port=0, jars=kafka_jars, java=java, forwarded=[forwarded]) as broker:
        yield broker


@pytest.fixture(scope="module")
def service(kafka: EmbeddedKafka, link: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("network")
    with running_service(
        home, kafka_bootstrap=link.address, write_timeout_s=_WRITE_TIMEOUT_S, batch_size=100
    ) as running:
        yield running


@pytest.fixture(scope="module")
def verifier(kafka: EmbeddedKafka, service: Service) -> Verifier:
    """The judge reads around the link."""
    return Verifier(kafka.bootstrap, service.topics, group_prefix=service.settings.group_prefix, codec=service.codec)


@pytest.fixture
def job(kafka: EmbeddedKafka, service: Service, api: RecordingApi) -> Iterator[Job]:
    made = Job.of_series(api, kafka.bootstrap, service.topics, series=200)
    yield made
    made.close()


@contextmanager
def _watched(api: RecordingApi, job: Job, figures: CaseFigures) -> Iterator[None]:
    """Ask for the job all the time: its status is that of its answers, or the answer is 503; always soon."""
    wrong: list[str] = []
    slowest = asked = 0

    def watch(end: threading.Event) -> None:
        nonlocal slowest, asked
        client = RecordingApi(api.url, api.history)
        while not end.wait(0.1):
            begun = time.monotonic()
            answer = client.attempt("GET", f"/job/{job.job_id}/", key="watch")
            slowest, asked = max(slowest, time.monotonic() - begun), asked + 1
            if answer is None:  # the worker is being started again
                continue
            fits = answer.status_code == 503 or (answer.status_code == 200 and _is_consistent(answer.json()))
            if not fits:
                wrong.append(answer.text)
        client.close()

    with in_background(watch):
        yield
    figures.time(f"slowest of {asked} reads", slowest)
    assert asked
    assert not wrong, wrong
    assert slowest < _WRITE_TIMEOUT_S + _GRACE_S


def _is_consistent(body: dict[str, Any]) -> bool:
    if not body["submitted"]:
        return body["status"] in (CmdStatus.CREATED, CmdStatus.UNCOMITTED)
    done = body["finished"] == body["submitted"]
    return not body["failed"] and body["status"] == (CmdStatus.DONE if done else CmdStatus.COMITTED)


def _elements(job: Job) -> list[dict[str, Any]]:
    more = {"model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 3, "refit": 1}
    return [{"ts_id": ts_id, **more} for ts_id in job.ts_ids[:_ELEMENTS]]


def test_fault_05_writes_while_the_broker_is_unreachable(
    service: Service,
    link: Proxy,
    kafka: EmbeddedKafka,
    api: RecordingApi,
    job: Job,
    verifier: Verifier,
    figures: CaseFigures,
) -> None:
    """503 and Retry-After in time; reads go on; the same writes under the same keys later take effect once."""
    data_id = api.get(f"/job/{job.job_id}/")["data_id"]
    before = {path: api.get(path) for path in ("/job/", f"/job/{job.job_id}/")}
    known_jobs = {listed["job_id"] for listed in before["/job/"]["jobs"]}
    writes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "a data set": ("POST", "/data/", {"files": {"upload": ("late.csv", csv_of(2, 20))}}),
        "a job": ("POST", "/job/", {"json": {"data_id": data_id}}),
        "a submission": ("PATCH", f"/job/{job.job_id}/", {"json": _elements(job)}),
    }

    def attempt(key: str) -> Any:
        method, path, arguments = writes[key]
        return api.attempt(method, path, key=key, **arguments)

    with link.away(), ThreadPoolExecutor(len(writes)) as pool:
        begun = time.monotonic()
        refused = list(pool.map(attempt, writes))
        figures.time("refused", time.monotonic() - begun)
        assert time.monotonic() - begun < _WRITE_TIMEOUT_S + _GRACE_S
        for answer in refused:
            assert (answer.status_code, answer.json()["code"]) == (503, "not_confirmed")
            assert int(answer.headers["retry-after"]) >= 1
        assert {path: api.get(path) for path in before} == before
    begun = time.monotonic()
    accepted = {key: until(lambda: _unless_503(attempt(key)), why=f"{key} is accepted") for key in writes}  # noqa: B023
    figures.time("accepted", time.monotonic() - begun)
    again = {key: attempt(key) for key in writes}
    job.submissions += [(element["ts_id"], "LinearFit") for element in _elements(job)]

    assert [answer.status_code for answer in accepted.values()] == [201, 201, 200]
    assert again["a data set"].json() == accepted["a data set"].json()
    assert again["a job"].json() == accepted["a job"].json()
    made = accepted["a job"].json()["job_id"]
    assert {listed["job_id"] for listed in api.get("/job/")["jobs"]} == known_jobs | {made}
    assert api.get(f"/job/{made}/")["status"] == CmdStatus.CREATED
    commands = [service.codec.decode(it.value()) for it in read_all(kafka.bootstrap, service.topics.job_commands)]
    created = {it.job_id for it in commands if isinstance(it, CreateJob) and it.data_id == data_id}
    assert created == {job.job_id, made}
    verifier.verify(api, job, figures=figures)


def _unless_503(answer: Any) -> Any:
    return None if answer is None or answer.status_code == 503 else answer


@pytest.mark.parametrize(
    "seconds", [_FAULT_S, pytest.param(_SOAK_FAULT_S, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
def test_fault_09_a_slow_network_that_breaks_connections(
    link: Proxy, api: RecordingApi, job: Job, verifier: Verifier, figures: CaseFigures, seconds: float
) -> None:
    """300 ms for a round trip; connections are reset, or end in the middle of an answer: slower, never wrong."""
    begun = time.monotonic()
    breaks = 0
    with _watched(api, job, figures):
        with link.toxic("latency", latency=150, jitter=50):
            while time.monotonic() - begun < seconds:
                job.submit()
                with link.toxic("reset_peer", "upstream", timeout=0, toxicity=0.5):
                    time.sleep(0.5)
                with link.toxic("limit_data", "downstream", bytes=20_000, toxicity=0.5):
                    job.submit()
                breaks += 2
            assert job.answered()  # it works, meanwhile
            figures.note(f"{job.answered()} of {len(job.submissions)} answered while slow, {breaks} breaks")
        healed = time.monotonic()
        verifier.verify(api, job, figures=figures)
    figures.time("healed and judged", time.monotonic() - healed)


def test_fault_10_half_open_connections(
    service: Service, link: Proxy, api: RecordingApi, job: Job, verifier: Verifier, figures: CaseFigures
) -> None:
    """What is sent disappears, in the middle of a job: writes are given up in time, reads go on; all resumes later."""
    job.submit(3 * _MODELS)  # so many that a fast trainer is not through before the network is cut
    job.wait_for_more(0)
    with _watched(api, job, figures):
        with link.half_open():
            begun = time.monotonic()
            answer = api.attempt("PATCH", f"/job/{job.job_id}/", key="half-open", json=_elements(job))
            figures.time("write given up", time.monotonic() - begun)
            assert answer is not None
            assert (answer.status_code, answer.json()["code"]) == (503, "not_confirmed")
            assert time.monotonic() - begun < _WRITE_TIMEOUT_S + _GRACE_S
            time.sleep(max(0.0, begun + _HALF_OPEN_S - time.monotonic()))
            answered = job.all_answered()
            assert answered < len(job.submissions), "the trainer is too quick for this case: make the submission larger"
        healed = time.monotonic()
        job.wait_for_more(answered)
        figures.time("progress", time.monotonic() - healed, goal=5)
        until(service.is_ready, why="the state worker is ready")
        figures.time("ready", time.monotonic() - healed)
        repeat = until(
            lambda: _unless_503(api.attempt("PATCH", f"/job/{job.job_id}/", key="half-open", json=_elements(job))),
            why="the write is accepted",
        )
        assert repeat.status_code == 200
        job.submissions += [(element["ts_id"], "LinearFit") for element in _elements(job)]
        verifier.verify(api, job, figures=figures)
    figures.time("healed and judged", time.monotonic() - healed)


async def test_fault_10_a_publisher_gives_up_and_goes_on(
    kafka: EmbeddedKafka, link: Proxy, service: Service, figures: CaseFigures
) -> None:
    """A half-open connection: DeliveryError within the delivery time-out; the same object works again afterwards."""
    topic = service.topics.inference_results  # nobody who reads it minds
    limit = timedelta(seconds=3)
    publisher = Publisher(link.address, client_id="test", delivery_timeout=limit)
    records = [Record(topic, b"key", b"%d" % number, partition=0) for number in range(300)]
    await publisher.send(records[:100])
    with link.half_open():
        begun = time.monotonic()
        with pytest.raises(DeliveryError):
            await publisher.send(records[100:200])
        figures.time("given up", time.monotonic() - begun)
        assert time.monotonic() - begun < limit.total_seconds() + _GRACE_S
    begun = time.monotonic()
    while True:
        try:
            await publisher.send(records[200:])
            break
        except DeliveryError:
            assert time.monotonic() - begun < _GOES_ON_S
    figures.time("goes on", time.monotonic() - begun, goal=3)
    await publisher.close()
    found = [message.value() for message in read_all(kafka.bootstrap, topic)]
    assert found[:100] == [record.value for record in records[:100]]
    assert found[-100:] == [record.value for record in records[200:]]
    # What was given up may be there: whole and in order, or not at all.
    assert found[100:-100] in ([], [record.value for record in records[100:200]])


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_fault_10_some_connections_are_half_open_for_good(
    link: Proxy, api: RecordingApi, job: Job, verifier: Verifier, figures: CaseFigures
) -> None:
    """No connection is closed; those that are dead must be found out and replaced, until work goes on by itself."""
    longest = 0.0
    with _watched(api, job, figures):
        for _ in range(_DEAD_ROUNDS):
            with link.toxic("timeout", "upstream", timeout=0, toxicity=_DEAD_SHARE):
                begun = time.monotonic()
                before = job.answered()
                answer = api.call("PATCH", f"/job/{job.job_id}/", json=_elements(job), within=_NOTICED_S)
                assert answer.status_code == 200
                job.submissions += [(element["ts_id"], "LinearFit") for element in _elements(job)]
                job.wait_for_more(before, within=_NOTICED_S)
                longest = max(longest, time.monotonic() - begun)
        figures.time("longest stop", longest)
        verifier.verify(api, job, figures=figures)
