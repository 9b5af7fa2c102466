"""A quota with two state workers: of requests at both at once only so many are followed, also after one has died."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from connectors.embedded_kafka.broker import EmbeddedKafka
from tests.integration.processes import environment_of, worker_processes
from tests.integration.services import Api, csv_of, until

LIMIT, ASKED = 7, 32


def test_two_workers_never_pass_a_limit(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Both are asked at the same time; what a dead one had counts for who takes over its partitions."""
    environment = environment_of(broker.bootstrap, f"test-{uuid.uuid4().hex[:12]}.", tmp_path)
    with worker_processes(
        environment | {"TIDECAST_MAX_PROJECT_JOBS": str(LIMIT)}, tmp_path, ("state", "state")
    ) as states:
        apis = [Api(worker.url) for worker in states]
        until(lambda: all(worker.is_ready() for worker in states), why="both are ready")
        until(lambda: all(_owns(worker.url) for worker in states), why="both own partitions")
        data_id = apis[0].add_dataset(csv_of(1, 20))

        def create(number: int) -> int:
            return httpx.post(f"{states[number % 2].url}/job/", json={"data_id": data_id}, timeout=60).status_code

        with ThreadPoolExecutor(8) as threads:
            answers = Counter(threads.map(create, range(ASKED)))
        shown = [_used(worker.url) for worker in states]
        held = len(apis[0].get("/job/")["jobs"])
        # Of two that ask for the last place at once, both may be refused; asked again, it is given.
        for _ in range(LIMIT - held):
            assert create(0) == 201
        states[0].kill()
        until(lambda: _used(states[1].url) == LIMIT, why="the other worker has all rows")
        beyond = create(1)
        gone = apis[1].get("/job/")["jobs"][0]["job_id"]
        assert apis[1].call("DELETE", f"/job/{gone}/").status_code == 204
        again = create(1)

    assert set(answers) == {201, 429}
    assert answers[201] == held <= LIMIT
    assert shown == [held, held]
    assert (beyond, again) == (429, 201)


def _used(url: str) -> int:
    answer = httpx.get(f"{url}/access/projects/default/usage", timeout=30)
    return int(answer.json()["usage"]["jobs"]["used"]) if answer.status_code == 200 else -1


def _owns(url: str) -> bool:
    lines = httpx.get(f"{url}/metrics", timeout=30).text.splitlines()
    return any(line.startswith("tidecast_partitions ") and float(line.split()[1]) > 0 for line in lines)
