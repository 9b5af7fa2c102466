"""Trace context through all agents: each record goes on with the trace of what it came of, or with none."""

from pathlib import Path
from typing import Any

import pytest

from agents.deepar.together_calls import Loss
from agents.training import runs as training_runs
from connectors.kafka.publisher import partition_for
from schemas.forecasting import ConfigureJob, CreateJob, SubmitJob
from schemas.inference import InferenceRequest
from schemas.series import SeriesResult, TrainSeries
from streams.forecasting.state import ForecastingState
from tests.agents.bench import CODEC, Worker
from tests.agents.deepar.test_together_runs import COMMAND, FakePool
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, JOB_ID, add_sample, training
from tests.agents.series.training_samples import SAMPLE
from tests.agents.training.training_jobs_samples import JOB, PROJECT, TRAIN

ONE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TWO = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


@pytest.fixture
async def state(state: Worker, tmp_path: Path) -> Worker:
    """A state worker with one data set."""
    add_sample(state, tmp_path)
    return state


def sent_with(worker: Worker, topic: str, key: bytes, event: Any, trace: bytes | None = None, **place: Any) -> Any:
    """A consumed message of a trace, or of none."""
    message = worker.message(topic, key, event, **place)
    message.headers = [("other", b"x")] if trace is None else [("other", b"x"), ("traceparent", trace)]
    return message


def traces(worker: Worker, topic: str) -> list[bytes | None]:
    """The traces of what was published on the topic."""
    return [dict(record.headers).get("traceparent") for record in worker.sent(topic)]


async def command(state: Worker, event: CreateJob | ConfigureJob | SubmitJob, trace: bytes | None = None) -> None:
    """Let a command of a job arrive."""
    topic = state.runtime.topics.job_commands
    await state.consume(topic, sent_with(state, topic, b"%d" % event.job_id, event, trace))


async def test_what_a_command_sets_going_is_of_its_trace(state: Worker) -> None:
    """Status and training; nothing else of the job, and nothing of the command's other headers."""
    topics = state.runtime.topics
    await command(state, CREATE, ONE)
    await command(state, CONFIGURE)
    first = ForecastingState.of(state.runtime).jobs.get(JOB_ID).first_ts_id
    await command(state, SubmitJob("s", JOB_ID, (training(first), training(first + 1, "DeepAR"))), TWO)
    await command(state, SubmitJob("t", JOB_ID, (training(first),)))

    assert traces(state, topics.job_status) == [ONE, TWO]
    assert traces(state, topics.series_commands) == [TWO, None]
    assert traces(state, topics.training_runs) == [TWO]
    assert all(name == "traceparent" for record in state.publisher.log for name, _ in record.headers)


async def test_commands_of_one_batch_do_not_share_traces(state: Worker) -> None:
    """They are handled side by side."""
    topic = state.runtime.topics.job_commands
    given = {7: ONE, 8: None, 9: TWO, 10: None}
    await state.consume(
        topic,
        *(
            sent_with(state, topic, b"%d" % job_id, CreateJob(f"c{job_id}", job_id, 2), trace)
            for job_id, trace in given.items()
        ),
    )

    sent = {int(record.key): dict(record.headers).get("traceparent") for record in state.sent("tidecast.job-status")}
    assert sent == given


@pytest.mark.parametrize("last", [ONE, None])
async def test_the_end_of_a_job_is_of_the_trace_of_its_last_answer(state: Worker, last: bytes | None) -> None:
    """The row that keeps the answer needs none."""
    topics = state.runtime.topics
    await state.commands(CREATE, CONFIGURE)
    first = ForecastingState.of(state.runtime).jobs.get(JOB_ID).first_ts_id
    await state.commands(SubmitJob("s", JOB_ID, (training(first), training(first + 1))))
    state.forget()
    made = [SeriesResult(JOB_ID, first + n, n, 1, "LinearFit", {}, [], [], {}, error="bad") for n in range(2)]
    await state.consume(
        topics.job_results,
        sent_with(state, topics.job_results, b"7", made[0], TWO),
        sent_with(state, topics.job_results, b"7", made[1], last),
    )

    assert traces(state, topics.job_status) == [last]
    assert traces(state, topics.results_changelog) == [None, None]


async def test_a_record_in_another_partition_and_a_dead_letter_keep_their_traces(state: Worker) -> None:
    """Of whatever topic."""
    topics = state.runtime.topics
    elsewhere = (partition_for(b"7", 4) + 1) % 4
    error = SeriesResult(JOB_ID, 1, 0, 1, "LinearFit", {}, [], [], {}, error="bad")
    for topic, event in ((topics.job_commands, CREATE), (topics.job_results, error)):
        await state.consume(topic, sent_with(state, topic, b"7", event, ONE, partition=elsewhere))
        await state.consume(topic, sent_with(state, topic, b"8", event, TWO))
        await state.consume(topic, sent_with(state, topic, b"7", b"no event", ONE))

        assert traces(state, topic) == [ONE]
    assert traces(state, topics.dead_letters) == [TWO, ONE, TWO, ONE]


async def test_answers_of_a_batch_are_each_of_their_commands_trace(trainer: Worker) -> None:
    """They are computed together; also those that are errors or too large."""
    topics = trainer.runtime.topics
    given = {1: ONE, 2: None, 3: TWO, 4: ONE}
    wrong = {4: {"step": 0}}

    def asked(n: int) -> TrainSeries:
        fields = {name: getattr(SAMPLE, name) for name in SAMPLE.__slots__}
        return TrainSeries(**{**fields, "n": n, "ts_id": n, **wrong.get(n, {})})

    await trainer.consume(
        topics.series_commands,
        *(sent_with(trainer, topics.series_commands, b"%d" % n, asked(n), trace) for n, trace in given.items()),
        sent_with(trainer, topics.series_commands, b"5", b"no event", TWO),
    )

    assert dict(zip(given, traces(trainer, topics.job_results), strict=True)) == given
    assert traces(trainer, topics.forecasts) == [ONE, None, TWO]
    assert traces(trainer, topics.metrics) == [ONE, ONE, None, None, TWO, TWO]
    assert traces(trainer, topics.dead_letters) == [TWO]


@pytest.mark.parametrize("trace", [ONE, None])
async def test_series_that_are_trained_together_are_of_one_trace(
    trainer: Worker, monkeypatch: pytest.MonkeyPatch, trace: bytes | None
) -> None:
    """Losses, forecasts, scores and results."""
    pool = FakePool()
    pool.reports = [Loss(1, 2.0, None)]
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    topics = trainer.runtime.topics
    await trainer.consume(topics.training_runs, sent_with(trainer, topics.training_runs, b"7", COMMAND, trace))

    sent = [record.topic for record in trainer.publisher.records]
    assert set(sent) == {topics.metrics, topics.forecasts, topics.job_results}
    assert [traces(trainer, topic) for topic in set(sent)] == [[trace] * sent.count(topic) for topic in set(sent)]


@pytest.mark.parametrize("trace", [ONE, None])
async def test_a_training_job_goes_to_the_trainers_with_its_trace(state: Worker, trace: bytes | None) -> None:
    """Which is the command's that began it."""
    topics = state.runtime.topics
    await state.consume(
        topics.training_commands, sent_with(state, topics.training_commands, PROJECT.encode(), TRAIN, trace)
    )

    assert [CODEC.decode(record.value).job_id for record in state.sent(topics.training_runs)] == [JOB]
    assert traces(state, topics.training_runs) == [trace]


async def test_answers_of_endpoints_are_each_of_their_requests_trace(trainer: Worker) -> None:
    """There is no such endpoint, which is an answer too."""
    topics = trainer.runtime.topics
    given = [ONE, None, TWO]
    await trainer.consume(
        topics.inference_requests,
        *(
            sent_with(trainer, topics.inference_requests, b"k", InferenceRequest(f"r{n}", "none", "2024-01-01", ()), t)
            for n, t in enumerate(given)
        ),
    )

    assert traces(trainer, topics.inference_results) == given
