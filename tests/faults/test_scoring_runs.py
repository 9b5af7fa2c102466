"""A trainer that dies in the middle of a scoring run: the next one goes on, and the output has every row once."""

import csv
import io
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

from connectors.objects.store import ObjectStore
from tests.faults.figures import CaseFigures
from tests.integration.services import Service, running_service, until

_ROWS = 200_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("scoring"), training_processes=1) as running:
        yield running


def _post(service: Service, path: str, **sent: Any) -> Any:
    answer = service.api.call("POST", path, **sent)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_fault_a_killed_trainer_of_a_scoring_run(service: Service, figures: CaseFigures) -> None:
    """kill -9 with some parts made; they are not made again, none is missing, and rows are in their order."""
    rng = np.random.default_rng(1)
    known = rng.normal(0, 1, (500, 3))
    forest = RandomForestClassifier(30, max_depth=8, random_state=1).fit(known, known[:, 0] > known[:, 1])
    model = to_onnx(forest, known[:1].astype(np.float32)).SerializeToString()
    rows = np.round(rng.normal(0, 1, (_ROWS, 3)), 3).tolist()
    table = "place,a,b,c\n" + "".join(f"row {place},{a},{b},{c}\n" for place, (a, b, c) in enumerate(rows))
    _post(service, "/model-upload", files={"file": ("forest.onnx", model)}, data={"name": "forest", "type": "onnx"})
    _post(
        service, "/add-dataset", files={"file": ("in.csv", table)}, data={"dataSource": "local", "fileName": "in.csv"}
    )
    script = {"inputDataset": "in.csv", "outputDataset": "out.csv", "modelName": "forest", "fileName": "score"}
    _post(service, "/generate-script", json=script)
    _post(service, "/model-deploy-job", json={"fileName": "score", "jobName": "bj", "runName": "r1"})
    store = ObjectStore(service.settings.object_store_url)

    def parts() -> list[str]:
        return [key for key in store.keys("scoring-runs") if "/parts/" in key]

    until(lambda: len(parts()) >= 3, why="some parts are made")
    before = service.pid("trainer-1")
    service.signal("trainer-1", signal.SIGKILL)
    kept = parts()

    def ended() -> Any:
        (run,) = _post(service, "/job-info", json={"jobName": "bj"})["runList"]
        return None if run["status"] == "running" else run

    assert ended() is None, "the run was over before the trainer died"
    run = until(ended, why="the run has ended")
    found = list(csv.DictReader(io.StringIO(service.api.call("GET", "/uploads/out.csv").text)))

    assert (run["status"], run["rows"], run["wrongRows"]) == ("success", _ROWS, 0)
    assert service.pid("trainer-1") != before
    assert [row["place"] for row in found] == [f"row {place}" for place in range(_ROWS)]
    assert all(row["label"] and not row["error"] for row in found)
    figures.note(f"{len(kept)} parts kept, the run took {run['duration'] / 1000:.1f} s")
