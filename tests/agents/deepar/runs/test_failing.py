"""What cannot be trained."""

from dataclasses import replace
from typing import Any

import pytest

from agents.deepar import job_runs as deepar_runs
from agents.deepar.job_calls import OutOfMemoryError, Refused, StoreUnavailableError, Trained
from connectors.processes.compute_process import EndedError, RaisedError
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import (
    CHECKPOINT,
    MODEL,
    PARAMETERS,
    TRAIN,
    FakePool,
    consume,
    endpoint,
    epochs,
    number_of,
    outcomes,
    put_endpoint,
    statuses,
)


class TestFailing:
    """Status 11: exactly one, with words, and no endpoint."""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"parameters": {"prediction_length": 3}}, "time_freq is missing"),
            ({"parameters": {**PARAMETERS, "epochs": "many"}}, "epochs is 'many'"),
            ({"parameters": {**PARAMETERS, "DEEPAR_INFERENCE_CONFIG": "{"}}, "DEEPAR_INFERENCE_CONFIG is not JSON"),
            ({"data_url": "/../etc/passwd"}, "data_url: found '/../etc/passwd'"),
            ({"data_url": ""}, "data_url"),
            ({"data_url": "/uploads/none.jsonl"}, "data_url: there is no file /uploads/none.jsonl: PUT it"),
            ({"job_name": "no/name"}, "'no/name'"),
        ],
    )
    async def test_what_cannot_be_trained_is_told_in_words(
        self, worker: Worker, pool: FakePool, changes: dict[str, Any], words: str
    ) -> None:
        """Nothing is begun."""
        (message,) = await consume(worker, replace(TRAIN, **changes))
        (outcome,) = statuses(worker)

        assert (outcome.status, outcome.endpoint) == (11, None)
        assert words in (outcome.message or "")
        assert pool.asked == []
        assert worker.committed(message)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (Refused("line 3: target is missing"), "line 3: target is missing"),
            (TimeoutError(), "took longer than 86400 s"),
            (EndedError("the process ended"), "killed or out of memory"),
            (RaisedError.of(OutOfMemoryError("MemoryError")), "2048 MiB"),
            (RaisedError.of(ZeroDivisionError("secret")), "the training failed; the service's log says why"),
            (Trained(b"no model"), "not the file of a DeepAR model"),
        ],
    )
    async def test_what_goes_wrong_while_training_is_told_in_words(
        self, worker: Worker, pool: FakePool, answer: Any, words: str
    ) -> None:
        """With how far it came."""
        pool.reports += epochs(1, 2)
        pool.answers = [answer]
        worker.runtime.store.put_bytes(CHECKPOINT, b"checkpoint")
        (message,) = await consume(worker, TRAIN)
        (outcome,) = outcomes(worker)

        assert (outcome.status, outcome.epoch, outcome.epochs, outcome.loss) == (11, 2, 40, 1.0)
        assert words in (outcome.message or "")
        assert "secret" not in (outcome.message or "")
        assert endpoint(worker) is None
        assert not worker.runtime.store.exists(CHECKPOINT)
        assert worker.committed(message)

    async def test_another_projects_endpoint_is_not_replaced(self, worker: Worker, pool: FakePool) -> None:
        """Endpoints have no projects, so their names are for the first who comes."""
        put_endpoint(worker, project_id="p2")
        await consume(worker, TRAIN)
        (outcome,) = statuses(worker)
        served = endpoint(worker)

        assert outcome.status == 11
        assert "belongs to another project" in (outcome.message or "")
        assert served is not None
        assert served.project_id == "p2"
        assert pool.asked == []

    async def test_a_replay_of_a_failure_tells_the_same_and_trains_nothing(
        self, worker: Worker, pool: FakePool
    ) -> None:
        """Byte for byte."""
        pool.answers = [Refused("line 3: target is missing")]
        await consume(worker, TRAIN)
        first = [
            record.value for record in worker.sent(worker.runtime.topics.training_status) if number_of(record) == 11
        ]
        worker.forget()
        await consume(worker, TRAIN)

        assert [record.value for record in worker.sent(worker.runtime.topics.training_status)] == first
        assert len(pool.asked) == 1

    async def test_a_long_reason_is_cut(self, worker: Worker, pool: FakePool) -> None:
        """It repeats what a line says, and has to fit into a row."""
        pool.answers = [Refused("x" * 100_000)]
        await consume(worker, TRAIN)

        assert len(outcomes(worker)[0].message or "") < 2100

    async def test_a_store_that_is_away_is_waited_for(
        self, worker: Worker, pool: FakePool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The training goes on; it fails where that does not help."""
        monkeypatch.setattr(deepar_runs, "_STORE_PAUSES_S", (0.0, 0.0))
        away = RaisedError.of(StoreUnavailableError("the object store cannot be used: ConnectionError"))
        pool.answers = [away, away, Trained(MODEL), away, away, away]
        await consume(worker, TRAIN)
        await consume(worker, replace(TRAIN, job_id=8, job_name="other"))
        first, second = outcomes(worker)

        assert (first.status, second.status) == (10, 11)
        assert second.message == "the training could not go on: the object store cannot be used: ConnectionError"
        assert len(pool.asked) == 6
