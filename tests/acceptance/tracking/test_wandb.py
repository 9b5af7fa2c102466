"""The stock `wandb` client, pointed at the service by WANDB_BASE_URL (M-061, decision 25)."""

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.tracking.clients import points_of, run_client, wandb_environment
from tests.integration.services import Service, until

SCRIPT = """
import wandb
run = wandb.init(project="demo", name="my run", config={"lr": 0.1}, tags=["a", "b"])
for step in range(ROWS):
    run.log({"train/loss": 1 / (step + 1), "train/accuracy": step, "nested": {"a": {"b": step}},
             "bad": float("nan"), "text": "x", "flag": True, "shape": wandb.Histogram([1, 2, 3])})
run.finish()
"""


def test_M061_a_stock_client_reports_a_run(service: Service, http: httpx.Client, tmp_path: Path) -> None:
    """2,000 rows: each number of each a point, with the run's steps; what is no number is left out.

    The run is listed by its name (M-011), and its points can be asked for.
    """
    run_id = uuid.uuid4().hex[:8]
    environment = wandb_environment(service.stack.url, tmp_path, WANDB_RUN_ID=run_id)
    run_client(SCRIPT.replace("ROWS", "2000"), environment, tmp_path)
    found = points_of(service, f"run-{run_id}")

    assert found == {
        "train/loss": [(step, 1 / (step + 1)) for step in range(2000)],
        "train/accuracy": [(step, float(step)) for step in range(2000)],
        "nested.a.b": [(step, float(step)) for step in range(2000)],
        "bad": [(step, None) for step in range(2000)],
    }
    available = f"/api/v1/workloads/run-{run_id}/metrics/available"
    until(lambda: sum(it["count"] for it in http.get(available).json()["metrics"]) == 8000, why="all are kept")
    assert {source for it in http.get(available).json()["metrics"] for source in it["data_source"]} == {"wandb"}
    workloads = http.get("/api/v1/workloads").json()["workloads"]
    (listed,) = (it for it in workloads if it["workload_uid"] == f"run-{run_id}")
    assert (listed["name"], listed["kind"], listed["status"]) == ("my run", "wandb-run", "succeeded")


def row(step: int, **values: Any) -> str:
    return json.dumps({**values, "_step": step, "_timestamp": 1704067200 + step, "_runtime": 1.0})


def stream(http: httpx.Client, run_id: str, rows: list[str], **more: Any) -> httpx.Response:
    body = {"files": {"wandb-history.jsonl": {"offset": 0, "content": rows}}, **more}
    return http.post(f"/files/tidecast/demo/{run_id}/file_stream", json=body)


def test_M061_one_row_is_several_points_in_its_order(service: Service, http: httpx.Client) -> None:
    """Equal time and step; NaN as it is written, and a row that comes again."""
    run_id = uuid.uuid4().hex[:8]
    rows = [row(3, b=1.5, a=2, c={"d": 4}), '{"loss": NaN, "_step": 4, "_timestamp": 1704067204}', "no json", "[]"]
    answers = [stream(http, run_id, rows) for _ in range(2)]
    found = points_of(service, f"run-{run_id}")

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"limits": {}})] * 2
    assert list(found.items()) == [("b", [(3, 1.5)]), ("a", [(3, 2.0)]), ("c.d", [(3, 4.0)]), ("loss", [(4, None)])]


def test_a_gzipped_body_is_read_within_the_limit(service: Service, http: httpx.Client) -> None:
    """What is in it counts, not how small it was packed."""
    run_id = uuid.uuid4().hex[:8]
    body = json.dumps({"files": {"wandb-history.jsonl": {"offset": 0, "content": [row(1, loss=1)]}}}).encode()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    url = f"/files/tidecast/demo/{run_id}/file_stream"
    good = http.post(url, content=gzip.compress(body), headers=headers)
    bomb = http.post(url, content=gzip.compress(b" " * (65 * 1024 * 1024)), headers=headers)
    broken = [http.post(url, content=it, headers=headers) for it in (gzip.compress(body)[:-9], body)]

    assert good.status_code == 200
    assert points_of(service, f"run-{run_id}") == {"loss": [(1, 1.0)]}
    assert (bomb.status_code, "TIDECAST_MAX_TRACKED_BYTES" in bomb.text) == (413, True)
    assert [answer.status_code for answer in broken] == [400, 400]


UPSERT = "mutation UpsertBucket ($name: String) { upsertBucket(input: {name: $name}) { bucket { id } } }"


def upsert(http: httpx.Client, **variables: Any) -> httpx.Response:
    return http.post("/graphql", json={"query": UPSERT, "variables": variables})


def test_a_run_is_called_as_its_client_calls_it(http: httpx.Client) -> None:
    """Said again without a name it keeps it; a run of another project cannot have its id."""
    run_id = uuid.uuid4().hex[:8]
    first = upsert(http, name=run_id, project="demo", displayName="my run").json()["data"]["upsertBucket"]["bucket"]
    again = upsert(http, name=run_id, project="demo").json()["data"]["upsertBucket"]["bucket"]
    other = upsert(http, name=run_id, project="other")

    assert (first["name"], first["displayName"], first["project"]["name"]) == (run_id, "my run", "demo")
    assert again == first
    assert other.status_code == 409
    assert "choose another one" in other.json()["errors"][0]["message"]


@pytest.mark.parametrize("query", ["query Sweeps { x }", "query ServerFeatures { serverInfo { features } }", ""])
def test_what_is_not_known_has_no_data(http: httpx.Client, query: str) -> None:
    """Clients go on without."""
    answer = http.post("/graphql", json={"query": query})

    assert (answer.status_code, answer.json()) == (200, {"data": {}})


def test_who_the_client_is(http: httpx.Client) -> None:
    """`wandb login` asks for it."""
    viewer = http.post("/graphql", json={"query": "query Viewer { viewer { id entity } }"}).json()["data"]["viewer"]

    assert viewer["entity"] == "tidecast"


def test_files_beside_the_history_are_dropped(http: httpx.Client) -> None:
    """At the addresses that the client was told."""
    variables = {"entity": "e", "project": "p", "run": "r", "files": ["config.yaml", "../x"]}
    query = "mutation CreateRunFiles { createRunFiles(input: {}) { runID } }"
    made = http.post("/graphql", json={"query": query, "variables": variables}).json()["data"]["createRunFiles"]

    assert [file["name"] for file in made["files"]] == ["config.yaml", "../x"]
    for file in made["files"]:
        assert http.put(file["uploadUrl"], content=b"a: 1").status_code == 200
    assert http.post("/sdk/otel/v1/metrics", content=b"\x00").status_code == 200


def test_a_run_that_has_ended_says_so(service: Service, http: httpx.Client) -> None:
    """Through its last message; by events as well as by HTTP the row is there."""
    run_id = uuid.uuid4().hex[:8]
    upsert(http, name=run_id, project="demo")
    stream(http, run_id, [row(1, loss=1)], complete=True, exitcode=1)

    def ended() -> bool:
        rows = [service.codec.decode(it.value()) for it in service.read_all(service.topics.tracked_runs_changelog)]
        return any(row.run_id == run_id and row.status == "failed" for row in rows)

    until(ended, why="the run has failed")
