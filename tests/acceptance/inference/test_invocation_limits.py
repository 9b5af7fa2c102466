"""Time, size and number limits of endpoints, on a service with small ones (D-002, D-022, D-030, D-040 … D-046)."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson
import pytest

from connectors.objects import endpoints
from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import JSON_LINES, check_refusal, instance, invoke, publish, refused
from tests.integration.processes import computing
from tests.integration.services import Service, running_service, until

NAME = "demo"
BODY: dict[str, Any] = {"instances": [instance()]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose limits are so small that tests pass them; without an endpoint."""
    with running_service(
        tmp_path_factory.mktemp("limits"),
        model_server_workers=2,
        inference_timeout_s=2.0,
        max_num_samples=60,
        ignore_unknown_cat=True,
        deepar_inference_config='{"num_samples": 3, "output_types": ["samples"]}',
    ) as running:
        yield running


@pytest.fixture
def store(service: Service) -> ObjectStore:
    """Its object store, in which `demo` is the only endpoint."""
    store = ObjectStore(service.settings.object_store_url)
    for endpoint in endpoints.list_all(store):
        if endpoint.name != NAME:
            endpoints.delete(store, endpoint.name)
    publish(store, NAME)
    return store


@pytest.fixture
def http(service: Service, store: ObjectStore) -> Iterator[httpx.Client]:
    """A client of a service with one endpoint."""
    with httpx.Client(base_url=service.stack.url, timeout=30) as client:
        yield client


def test_D002_invocations_needs_no_name_where_there_is_one_endpoint(http: httpx.Client, store: ObjectStore) -> None:
    """None: 404; one: its answer; several: 409."""
    endpoints.delete(store, NAME)
    until(lambda: http.post("/invocations", json=BODY).status_code == 404, why="there is no endpoint")
    none = http.post("/invocations", json=BODY)
    publish(store, NAME)
    until(lambda: http.post("/invocations", json=BODY).status_code == 200, why="there is one")
    one = http.post("/invocations", json=BODY)
    publish(store, "other")
    until(lambda: http.post("/invocations", json=BODY).status_code == 409, why="there are two")

    check_refusal(none, 404, "there is no endpoint")
    assert set(one.json()["predictions"][0]) == {"mean", "quantiles"}


def test_D022_a_lenient_server_ignores_cat_with_a_warning(http: httpx.Client) -> None:
    """A header says so; without cat there is none."""
    path = f"/endpoints/{NAME}/invocations"
    configuration = {"seed": 1}
    ignored = http.post(path, json={"instances": [instance(cat=[1])], "configuration": configuration})
    plain = http.post(path, json={**BODY, "configuration": configuration})

    assert ignored.status_code == 200
    assert "cat was ignored" in ignored.headers["x-tidecast-warning"]
    assert "x-tidecast-warning" not in plain.headers
    assert ignored.json() == plain.json()


def test_D030_the_limit_of_samples_is_a_setting(http: httpx.Client) -> None:
    """Which the default does not exceed."""
    (found,) = invoke(http, NAME, instance(), output_types=["samples"])

    assert len(found["samples"]) == 60
    refused(http, NAME, {**BODY, "configuration": {"num_samples": 61}}, "from 1 to 60")


def test_D046_what_cannot_be_ready_in_time_is_refused_at_once(http: httpx.Client, store: ObjectStore) -> None:
    """413 with what would do, before any work is done."""
    publish(store, "large", prediction_length=60, num_cells=60)  # a series takes some 7 ms
    many = {"instances": [instance([1.0])] * 4000, "configuration": {"num_samples": 60}}
    body = refused(http, "large", many, "4000 series", "send at most", "several requests", status=413)

    assert body["code"] == "TooLargeError"


def test_D040_D046_no_answer_in_time_is_504_and_the_next_request_is_answered(
    service: Service, http: httpx.Client
) -> None:
    """The processes are stopped: the request ends in time, with advice, and new processes take their place."""
    invoke(http, NAME, instance())
    stopped = computing(service.pid("state"))
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    answer = http.post(f"/endpoints/{NAME}/invocations", json=BODY)
    took = time.monotonic() - begun

    check_refusal(answer, 504, "no answer within 2 s", "fewer series")
    assert 1.9 < took < 20
    until(lambda: http.post(f"/endpoints/{NAME}/invocations", json=BODY).status_code == 200, why="an answer")


def test_D046_a_crowded_endpoint_says_so_at_once(service: Service, http: httpx.Client, store: ObjectStore) -> None:
    """Who comes when more work waits than can be done in time is told so when they ask, and whose fault it is.

    The processes are stopped, so that nothing leaves the line. How long a request takes is known from a few before.
    """
    publish(store, "large", prediction_length=60, num_cells=60)
    path = "/endpoints/large/invocations"
    body: dict[str, Any] = {"instances": [instance([1.0])] * 40, "configuration": {"num_samples": 60}}
    until(lambda: http.post(path, json=body).status_code == 200, why="an answer of the new endpoint")
    crowd = 200  # several times what two processes can do in the two seconds

    # One client: to make one takes so long on a busy machine that the first to ask would be gone before the last come.
    limits = httpx.Limits(max_connections=crowd)
    with (
        httpx.Client(base_url=service.stack.url, timeout=30, limits=limits) as client,
        ThreadPoolExecutor(crowd) as clients,
    ):

        def ask(number: int) -> list[httpx.Response]:
            return list(clients.map(lambda _: client.post(path, json=body), range(number)))

        def answered_in_turn() -> bool:
            if {answer.status_code for answer in ask(4)} == {200}:
                return True
            del body["instances"][max(10, len(body["instances"]) * 3 // 4) :]  # a slow machine does fewer in the time
            return False

        until(answered_in_turn, why="some that wait for one another")
        for pid in computing(service.pid("state")):
            os.kill(pid, signal.SIGSTOP)
        answers = ask(crowd)
    until(lambda: http.post(f"/endpoints/{NAME}/invocations", json=BODY).status_code == 200, why="an answer again")

    at_once = [answer.json() for answer in answers if "requests wait, about" in answer.text]
    assert {answer.status_code for answer in answers} <= {200, 504}
    assert at_once
    assert all("the endpoint is crowded" in told["message"] and "fewer" not in told["message"] for told in at_once)


def test_D044_a_killed_process_is_not_noticed(service: Service, http: httpx.Client) -> None:
    """kill -9 of all that compute, idle or not, while 16 clients ask: each has its answer."""
    path = f"/endpoints/{NAME}/invocations"
    statuses: list[int] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=service.stack.url, timeout=30) as client:
            statuses.extend(client.post(path, json=BODY).status_code for _ in range(12))

    with ThreadPoolExecutor(16) as clients:
        asking = [clients.submit(ask, number) for number in range(16)]
        until(lambda: len(statuses) > 20, why="the clients are at work")
        for pid in computing(service.pid("state")):
            os.kill(pid, signal.SIGKILL)
        for one in asking:
            one.result()

    assert statuses == [200] * 16 * 12


def test_D045_there_are_as_many_processes_as_the_setting_says(service: Service, http: httpx.Client) -> None:
    """However many ask."""
    with ThreadPoolExecutor(16) as clients:
        list(clients.map(lambda _: invoke(http, NAME, *[instance()] * 20), range(32)))

    assert len(computing(service.pid("state"))) == 2


def test_a_process_is_there_before_the_first_request(service: Service, store: ObjectStore) -> None:
    """A worker that starts where there are endpoints does not let the first client wait for its imports."""
    victim = service.pid("state")
    service.signal("state", signal.SIGKILL)
    until(lambda: service.pid("state") != victim and service.is_ready(), why="another state worker is ready")

    until(lambda: computing(service.pid("state")), why="a process without any request")


def test_D050_the_environment_of_the_service_is_the_default_of_json_lines(http: httpx.Client) -> None:
    """Of an endpoint that has none of its own; a JSON request has the defaults of D-028."""
    path, line = f"/endpoints/{NAME}/invocations", orjson.dumps(instance())
    lines = http.post(path, content=line, headers=JSON_LINES)
    whole = http.post(path, json=BODY)

    assert len(orjson.loads(lines.content)["samples"]) == 3
    assert set(whole.json()["predictions"][0]) == {"mean", "quantiles"}
