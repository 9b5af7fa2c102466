"""Acknowledgement of TrainSeries commands: after their answers, and again where they come again; whose turn it is."""

import asyncio
import math
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from mode.supervisors import CrashingSupervisor

from agents.series.offload import Offload
from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import CmdStatus, CreateJob, JobStatus
from schemas.series import Search, TrainSeries
from schemas.values import HyperParam
from streams.forecasting.state import ForecastingTrainer
from tests.agents.bench import CODEC, Worker, headers, stopped
from tests.agents.series.training_samples import SAMPLE, answer, commands, results
from tests.waiting import until


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "0 bytes are too few"),
        (b'{"job_id": 7}', "first byte is 123"),
        (b"\0\0\x0f\x42\x40", "unknown schema id 1000000"),
        (None, "no value (tombstone)"),
        (CODEC.encode(SAMPLE)[:-20], "cut short"),
        (CODEC.encode(SAMPLE) + b"\0", "follow the end of the record"),
        (CODEC.encode(CreateJob("c", 7, 2)), "a CreateJob on the topic of TrainSeries commands"),
    ],
)
def test_what_is_no_command_is_a_dead_letter(value: bytes | None, reason: str) -> None:
    """Original key and bytes, with the place it came from and the reason; the batch goes on."""
    records = answer(SAMPLE, value, replace(SAMPLE, n=4))
    dead = [record for record in records if record.topic == "dead-letters"]

    assert [result.n for result in results(records)] == [3, 4]
    assert [(record.key, record.value) for record in dead] == [(b"1", value)]
    described = headers(dead[0])
    assert reason in described["error"]
    assert (described["topic"], described["partition"], described["offset"]) == ("series-commands", "2", "1")
    assert described["error-class"] == "UndecodableError"


@profile(max_examples=60, deadline=None)
@given(batch=st.lists(commands | st.binary(max_size=8), max_size=6))
def test_every_command_has_exactly_one_result_and_a_replay_the_same_bytes(batch: list[Any]) -> None:
    """Whatever arrives: one result per command, a dead letter per other message, and the same again for the same."""
    records = answer(*batch)
    asked = [(command.job_id, command.ts_id, command.n) for command in batch if isinstance(command, TrainSeries)]
    answered = results(records)

    assert [(result.job_id, result.ts_id, result.n) for result in answered] == asked
    assert sum(record.topic == "dead-letters" for record in records) == len(batch) - len(asked)
    assert all(math.isfinite(value) for result in answered for value in result.predictions)
    assert answer(*batch) == records


async def test_a_batch_is_acknowledged_when_the_broker_has_its_answers(trainer: Worker) -> None:
    """Not before: a crash in between trains it again."""
    topic = trainer.runtime.topics.series_commands
    trainer.publisher.held = []
    asked = trainer.message(topic, b"8797", SAMPLE)
    task = trainer.start(topic, asked)
    try:
        await until(lambda: trainer.publisher.held)

        assert not trainer.committed(asked)
        trainer.publisher.release()
        await trainer.settled(task)
        assert trainer.committed(asked)
    finally:
        await stopped(task)


async def test_a_failed_delivery_takes_the_trainer_down_unacknowledged(trainer: Worker) -> None:
    """The error reaches the supervisor, which ends the process; the next one trains the batch again."""
    topics = trainer.runtime.topics
    trainer.publisher.failing = {topics.job_results}
    asked = trainer.message(topics.series_commands, b"8797", SAMPLE)

    with pytest.raises(DeliveryError, match="the broker is gone"):
        await trainer.consume(topics.series_commands, asked)
    assert not trainer.committed(asked)


async def test_J109_a_redelivered_command_is_answered_with_the_same_records(trainer: Worker) -> None:
    """A repeat overwrites itself wherever its keyed records are kept."""
    topic = trainer.runtime.topics.series_commands
    for _ in range(2):
        await trainer.consume(topic, trainer.message(topic, b"8797", SAMPLE))
    records = trainer.publisher.records

    assert len(records) == 8
    assert records[:4] == records[4:]


async def test_an_answer_too_large_to_send_becomes_a_short_error(trainer: Worker) -> None:
    """A command that is nearly as large as a record may be cannot be repeated in its answer; the trainer goes on."""
    topics = trainer.runtime.topics
    huge = replace(SAMPLE, config={"x" * 900_000: 1, "latest_n": "y" * 140_000})
    asked = trainer.message(topics.series_commands, b"8797", huge)
    after = trainer.message(topics.series_commands, b"8797", replace(SAMPLE, n=4))
    await trainer.consume(topics.series_commands, asked, after)
    first, second = trainer.events(topics.job_results)

    assert (first.n, first.config) == (3, {})
    assert "too large" in first.error
    assert (second.n, second.error) == (4, None)
    assert trainer.committed(after)


async def test_a_dead_letter_too_large_to_send_keeps_its_reason(trainer: Worker) -> None:
    """Bytes that fill a whole record leave no room for the reason: the letter then says where the original lies."""
    topics = trainer.runtime.topics
    limit = trainer.publisher.max_message_bytes
    asked = trainer.message(topics.series_commands, b"k", b"{" * limit)
    await trainer.consume(topics.series_commands, asked)
    (letter,) = trainer.sent(topics.dead_letters)

    assert letter.value is None
    assert "first byte is 123" in headers(letter)["error"]
    assert headers(letter)["omitted-bytes"] == str(limit + len(b"k"))
    assert trainer.committed(asked)


def test_the_agent_ends_the_process_when_it_fails(trainer: Worker) -> None:
    """Faust would go on after the failed batch; the crash makes the next start read it again."""
    assert trainer.runtime.app.agents["train_series"].supervisor_strategy is CrashingSupervisor


class TestTurns:
    """Many jobs at one trainer."""

    async def test_a_small_job_is_answered_among_a_large_one(self, trainer: Worker) -> None:
        """Not behind it, though it came last."""
        topic = trainer.runtime.topics.series_commands
        large = [replace(SAMPLE, n=n) for n in range(5_000)]
        small = replace(SAMPLE, job_id=8, ts_id=9000, n=0)
        await trainer.consume(topic, *(trainer.message(topic, b"%d" % one.ts_id, one) for one in [*large, small]))
        answered = [(one.job_id, one.n) for one in trainer.events(trainer.runtime.topics.job_results)]

        assert sorted(answered) == [*((7, n) for n in range(5_000)), (8, 0)]
        assert answered.index((8, 0)) < 3_000  # what was being computed and read when it came, and a turn
        assert [n for job_id, n in answered if job_id == 7] == list(range(5_000))

    async def test_a_project_is_not_behind_the_many_jobs_of_another(self, trainer: Worker) -> None:
        """It has every other turn, however many jobs, or series, that other one has."""
        topic = trainer.runtime.topics.series_commands
        many = [replace(SAMPLE, job_id=100 + place, project="retail") for place in range(5_000)]
        few = [replace(SAMPLE, job_id=8, ts_id=9000, n=n, project="stock") for n in range(10)]
        await trainer.consume(topic, *(trainer.message(topic, b"%d" % one.ts_id, one) for one in [*many, *few]))
        answered = [one.job_id for one in trainer.events(trainer.runtime.topics.job_results)]
        first, last = answered.index(8), len(answered) - 1 - answered[::-1].index(8)

        assert len(answered) == 5_010
        assert first < 3_000  # what was being computed and read when they came, and a turn
        assert last - first < 40

    async def test_batches_of_slow_series_hold_up_no_quick_one(
        self, trainer: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many there are, each with a command of its own."""
        begun = asyncio.Event()

        async def never(*_: Any) -> list[Any]:
            begun.set()
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr(Offload, "answer", never)
        trainer.runtime.settings.__dict__["batch_size"] = 1
        topic, results_topic = trainer.runtime.topics.series_commands, trainer.runtime.topics.job_results
        slow = [replace(SAMPLE, job_id=job_id, model_name="ARIMA", config={}) for job_id in range(100, 140)]
        messages = [trainer.message(topic, b"1", one) for one in [*slow, SAMPLE]]
        task = trainer.start(topic, *messages)
        async with asyncio.timeout(20):
            while not trainer.events(results_topic):
                await asyncio.sleep(0.01)
        await stopped(task)

        assert begun.is_set()
        assert [one.job_id for one in trainer.events(results_topic)] == [7]
        assert not trainer.committed(messages[0])

    @pytest.mark.parametrize("status", [None, JobStatus(7, CmdStatus.EXCEPTION, 3, 1, 4, 4, 4, "cancelled", 4)])
    @pytest.mark.parametrize("model", ["AdaptiveMaxN", "ARIMA"])
    async def test_what_was_deleted_or_stopped_is_not_computed(
        self, trainer: Worker, status: JobStatus | None, model: str
    ) -> None:
        """It is done without a word: the state has answered, or nobody asks. What was submitted since is answered."""
        ForecastingTrainer.of(trainer.runtime).stops.told(7, status)
        topic = trainer.runtime.topics.series_commands
        config = SAMPLE.config if model == "AdaptiveMaxN" else {}
        asked = [replace(SAMPLE, n=n, model_name=model, config=config) for n in (3, 4)]
        messages = [trainer.message(topic, b"1", one) for one in asked]
        await trainer.consume(topic, *messages)

        answered = [one.n for one in trainer.events(trainer.runtime.topics.job_results)]
        assert answered == ([] if status is None else [4])
        assert trainer.committed(messages[-1])

    async def test_a_stop_ends_what_waits_and_what_is_computed(self, trainer: Worker) -> None:
        """Within a moment, not when the training would have ended."""
        topic, stops = trainer.runtime.topics.series_commands, ForecastingTrainer.of(trainer.runtime).stops
        space = (HyperParam("epochs_used", "int", low=100, high=1000),)
        long = replace(SAMPLE, model_name="Lstm", config={}, search=Search(space, 1000, "mse"))
        messages = [trainer.message(topic, b"1", replace(long, n=n)) for n in range(8)]
        task = trainer.start(topic, *messages)
        await asyncio.sleep(2)
        assert not trainer.committed(messages[0])
        stops.told(7, None)
        began = time.monotonic()
        stops.changed()
        await trainer.settled(task)
        took = time.monotonic() - began
        await stopped(task)

        assert took < 60  # a thousand networks take far longer
        assert trainer.committed(messages[-1])
        assert trainer.events(trainer.runtime.topics.job_results) == []

    def test_a_job_made_anew_under_its_old_id_is_trained(self, trainer: Worker) -> None:
        """A producer may do so; the first status of the new one ends the deletion."""
        stops = ForecastingTrainer.of(trainer.runtime).stops
        stops.told(7, None)
        assert stops.covers(7, 10**6)
        stops.told(7, JobStatus(7, CmdStatus.CREATED, 1, 0, 0, 0, 0))

        assert not stops.covers(7, 0)
