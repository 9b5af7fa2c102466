"""Orders of runs in; statuses, parts, results and data sets out, with real models in real processes."""

import asyncio
import csv
import io
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from agents.scoring.process import _java
from agents.scoring_jobs import run as run_module
from agents.scoring_jobs.pool import ScoringPool
from agents.scoring_jobs.preparing import FailedRunError, parts_of, prepared
from agents.scoring_jobs.run import score_dataset
from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests as datasets
from connectors.objects import scoring_models
from connectors.objects.store import ObjectStore
from models.scoring.files import Kind, prepare
from schemas.scoring_jobs import EndScoringRun, ScoreDataset
from streams.settings import Settings
from tests.agents.bench import Worker
from tests.iris_models import SPECIES, model_file

ORDER = ScoreDataset(
    run_id="r-" + "0" * 20,
    job_name="bj",
    attempt=1,
    model_name="m",
    input_dataset="in.csv",
    output_dataset="out.csv",
    output_id=9,
)
ROWS = 3000


def table(rows: int = ROWS) -> bytes:
    """Four columns of numbers, the place of the row, and texts with all that CSV allows."""
    numbers = np.round(np.random.default_rng(1).uniform(0.1, 7, (rows, 4)), 2)
    lines = ["sepal_length,sepal_width,petal_length,petal_width,note"]
    lines += [f'{a},{b},{c},{d},"n {place}, ""x""\n"' for place, (a, b, c, d) in enumerate(numbers.tolist())]
    return "\n".join(lines).encode() + b"\n"


class Bench:
    """A store with a model and a data set, and processes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = ObjectStore(settings.object_store_url)
        self.pool = ScoringPool(settings)
        self.told: list[tuple[str, int, int]] = []

    def model(self, file: str) -> None:
        content = model_file(file)
        kind: Kind = "pmml" if file.endswith(".pmml") else "onnx"
        made = prepare(kind, content, java=_java())
        file_key, model_key = scoring_models.places("m", file, kind)
        own = self.settings.home / file
        own.parent.mkdir(exist_ok=True, parents=True)
        own.write_bytes(content)
        stored = {"name": "m", "model_type": kind, "file_key": file_key, "model_key": model_key, "created": 1}
        scoring_models.publish(self.store, stored | {"inputs": made.info.plain()["inputs"]}, own, made.content)

    def dataset(self, content: bytes, name: str = "in.csv", data_id: int = 1) -> None:
        path = self.settings.home / name
        path.write_bytes(content)
        with opened_csv(path) as made:
            datasets.register(
                self.store,
                made,
                data_id=data_id,
                name="in",
                file_name=name,
                related_user=1,
                time_created=datetime.now(UTC),
            )

    async def score(self, order: ScoreDataset = ORDER) -> tuple[int, int]:
        async def told(status: str, rows: int, wrong: int) -> None:
            self.told.append((status, rows, wrong))

        return await score_dataset(self.store, self.settings.object_store_url, self.pool, order, told)

    def rows(self) -> list[dict[str, str]]:
        found = datasets.of_upload(self.store, "out.csv")
        assert found is not None
        text = self.store.read_bytes(found.path).decode()
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    made = Bench(settings.model_copy(update={"training_processes": 2}))
    made.model("iris_logistic.onnx")
    made.dataset(table())
    yield made
    await made.pool.close()


async def test_every_row_once_and_in_order(bench: Bench) -> None:
    """As they were sent, with what the model says of each; pieces of several processes are put together."""
    assert await bench.score() == (ROWS, 0)
    rows = bench.rows()

    assert [row["note"] for row in rows] == [f'n {place}, "x"\n' for place in range(ROWS)]
    scores = np.array([[float(row[f"probability_{name}"]) for name in SPECIES] for row in rows])
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert [row["label"] for row in rows] == [SPECIES[place] for place in scores.argmax(axis=1)]
    assert not bench.store.exists(f"scoring-runs/{ORDER.run_id}/parts")


async def test_an_attempt_goes_on_where_the_last_one_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended in the middle; what was there is not made again, and the output is that of a run in one go."""
    monkeypatch.setattr(run_module, "_LARGEST", 16 * 1024)
    task = asyncio.create_task(bench.score())
    plan = prepared(bench.store, "", ORDER)
    while len(parts_of(bench.store, plan)) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = parts_of(bench.store, plan)
    assert kept[-1].end < plan.end
    times = {part.key: bench.store.read_bytes(part.key) for part in kept}
    begun: list[int] = []
    original = run_module._Pieces._scored

    async def noted(self: Any, begin: int, end: int) -> Any:
        begun.append(begin)
        return await original(self, begin, end)

    monkeypatch.setattr(run_module._Pieces, "_scored", noted)

    assert await bench.score(replace(ORDER, attempt=2)) == (ROWS, 0)
    assert min(begun) == kept[-1].end
    assert len(times) == len(kept)
    assert [row["note"] for row in bench.rows()] == [f'n {place}, "x"\n' for place in range(ROWS)]


async def test_a_killed_process_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its piece is scored again."""
    monkeypatch.setattr(run_module, "_LARGEST", 16 * 1024)
    task = asyncio.create_task(bench.score())
    while not bench.pool.pids or not parts_of(bench.store, prepared(bench.store, "", ORDER)):
        await asyncio.sleep(0.01)
    for pid in bench.pool.pids:
        os.kill(pid, signal.SIGKILL)

    assert await task == (ROWS, 0)
    assert len(bench.rows()) == ROWS


async def test_a_repeat_after_the_end_tells_the_same(bench: Bench) -> None:
    """Without the data set, which may be gone by then."""
    assert await bench.score() == (ROWS, 0)
    datasets.delete(bench.store, 1)

    assert await bench.score() == (ROWS, 0)


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        pytest.param(
            "iris_logistic.pmml",
            ["label", "probability_setosa", "probability_versicolor", "probability_virginica"],
            marks=pytest.mark.slow,
        ),
        ("iris_kmeans.onnx", ["cluster", "distance_0", "distance_1", "distance_2"]),
        ("iris_pca.onnx", ["component_0", "component_1"]),
        pytest.param("iris_regression.pmml", ["prediction"], marks=pytest.mark.slow),
    ],
)
async def test_S019_S020_results_by_the_task(bench: Bench, file: str, columns: list[str]) -> None:
    """A column for each value; rows that are wrong have an error in the last one."""
    bench.model(file)
    lines = table(20).replace(b'\n"', b'"').splitlines()
    lines[3] = b"?" + lines[3]
    datasets.delete(bench.store, 1)
    bench.dataset(b"\n".join(lines) + b"\n")
    assert await bench.score() == (20, 1)
    rows = bench.rows()

    assert [
        name for name in rows[0] if name not in ("note", "error") and "_length" not in name and "_width" not in name
    ] == columns
    assert [bool(row["error"]) for row in rows] == [place == 2 for place in range(20)]
    assert all(row[name] for place, row in enumerate(rows) if place != 2 for name in columns)
    assert not any(rows[2][name] for name in columns)


async def test_a_table_where_all_rows_are_wrong(bench: Bench) -> None:
    """Succeeds, with an error in each: the data set tells what the trouble is."""
    datasets.delete(bench.store, 1)
    bench.dataset(b"sepal_length,sepal_width,petal_length,petal_width\n" + b"a,b,c,d\n" * 5)
    assert await bench.score() == (5, 5)

    assert {row["error"] for row in bench.rows()} == {"sepal_length: found 'a', expected a number"}


async def test_a_table_in_another_dialect(bench: Bench) -> None:
    """Semicolons and decimal commas are read; what is written is plain, with the cells as they were."""
    datasets.delete(bench.store, 1)
    bench.dataset(b"a;b;c;d\n5,1;3,5;1,4;0,2\n6,2;2,9;4,3;1,3\n")
    assert await bench.score() == (2, 0)

    assert [row["a"] for row in bench.rows()] == ["5,1", "6,2"]
    assert [row["label"] for row in bench.rows()] == ["setosa", "versicolor"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_dataset": "none.csv"}, "no data set 'none.csv'"),
        ({"model_name": "none"}, "no model 'none'"),
        ({"output_dataset": "taken.csv"}, "taken.csv"),
    ],
)
async def test_what_cannot_be_scored(bench: Bench, change: dict[str, str], words: str) -> None:
    """The reason names it."""
    bench.dataset(b"a,b\n1,2\n", "taken.csv", data_id=3)
    with pytest.raises(FailedRunError, match=words):
        await bench.score(replace(ORDER, **change))


class TestAgent:
    """The trainer's."""

    async def test_an_order_is_answered(self, trainer: Worker, bench: Bench) -> None:
        """running, then success; the message is done then."""
        topics = trainer.runtime.topics
        order = trainer.message(topics.scoring_runs, ORDER.run_id.encode(), ORDER)
        await trainer.consume(topics.scoring_runs, order)
        told = trainer.events(topics.scoring_run_status)

        assert [one.status for one in told][:1] == ["running"]
        assert (told[-1].status, told[-1].rows, told[-1].wrong_rows) == ("success", ROWS, 0)
        assert trainer.committed(order)
        assert len(bench.rows()) == ROWS

    async def test_one_that_was_ended(self, trainer: Worker, bench: Bench) -> None:
        """Nothing is said of it any more, and nothing kept."""
        topics = trainer.runtime.topics
        key = ORDER.run_id.encode()
        end = EndScoringRun(run_id=ORDER.run_id, job_name="bj", attempt=1, remove=True, forget=True)
        messages = [trainer.message(topics.scoring_runs, key, one) for one in (ORDER, end)]
        await trainer.consume(topics.scoring_runs, *messages)

        assert all(map(trainer.committed, messages))
        assert "success" not in [one.status for one in trainer.events(topics.scoring_run_status)]
        assert datasets.of_upload(bench.store, "out.csv") is None
        assert not bench.store.exists(f"scoring-runs/{ORDER.run_id}")

    async def test_what_is_no_order(self, trainer: Worker) -> None:
        """A dead letter; objects of the store are named by ids."""
        topic = trainer.runtime.topics.scoring_runs
        wrong = replace(ORDER, run_id="../../x")
        await trainer.consume(topic, trainer.message(topic, b"../../x", wrong), trainer.message(topic, b"k", ORDER))

        assert len(trainer.dead()) == 2

    async def test_a_run_that_fails(self, trainer: Worker, bench: Bench) -> None:
        """The reason is told."""
        topic = trainer.runtime.topics.scoring_runs
        order = replace(ORDER, model_name="none")
        await trainer.consume(topic, trainer.message(topic, ORDER.run_id.encode(), order))
        (_, told) = trainer.events(trainer.runtime.topics.scoring_run_status)

        assert told.status == "failed"
        assert "no model 'none'" in told.reason
        assert bench.told == []
