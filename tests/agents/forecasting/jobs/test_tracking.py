"""Results in, status out; and the times that are kept of both."""

from dataclasses import replace
from typing import Any

import pytest

from agents.series.training import answer_commands
from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import CmdStatus, JobStatus
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import AT, CODEC, Worker
from tests.agents.forecasting.jobs.samples import (
    CREATE,
    DELETE,
    HOME,
    JOB_ID,
    job_of,
    restarted,
    result,
    results,
    statuses,
    storing,
    submission,
    training,
)


class TestTracking:
    """Results."""

    @pytest.fixture
    async def first(self, state: Worker, first: int) -> int:
        """Two series are in training, one of them twice."""
        await state.commands(submission(training(first), training(first + 1), training(first)))
        state.forget()
        return first

    async def test_J018_the_job_is_done_after_the_last_answer(self, state: Worker, first: int) -> None:
        """Not before; one status event, and every result stored in the changelog as it came."""
        await results(state, result(first, 0))
        await results(state, result(first + 1, 1))
        assert (job_of(state).status, statuses(state)) == (CmdStatus.COMITTED, [])
        await results(state, result(first, 2))

        assert statuses(state) == [JobStatus(JOB_ID, CmdStatus.DONE, 3, 3, 3, 3, 0, first_ts_id=first)]
        rows = state.sent(state.runtime.topics.results_changelog)
        assert [row.key for row in rows] == [b"7:%d:%d" % key for key in ((first, 0), (first + 1, 1), (first, 2))]
        assert {row.partition for row in rows} == {HOME}

    async def test_results_come_in_any_order_and_in_one_batch(self, state: Worker, first: int) -> None:
        """Trainers are many."""
        await results(state, result(first, 2), result(first + 1, 1), result(first, 0))

        assert job_of(state).status is CmdStatus.DONE

    async def test_J019_a_failed_series_makes_the_job_fail_at_the_end(self, state: Worker, first: int) -> None:
        """Good series still finish; the message names the series."""
        await results(state, result(first + 1, 1, "too short"))
        assert job_of(state).status is CmdStatus.COMITTED
        await results(state, result(first, 0), result(first, 2))

        assert job_of(state).message == f"series {first + 1}: too short"
        assert statuses(state) == [
            JobStatus(JOB_ID, CmdStatus.EXCEPTION, 3, 3, 3, 3, 1, f"series {first + 1}: too short", first_ts_id=first)
        ]

    async def test_J020_duplicates_do_not_complete_a_job(self, state: Worker, first: int) -> None:
        """Three times the same answer is one answer."""
        await results(state, result(first, 0), result(first, 0), result(first, 0))

        assert job_of(state).status is CmdStatus.COMITTED

    async def test_J020_a_repeat_after_the_end_tells_the_same_status_again(self, state: Worker, first: int) -> None:
        """The crash may have come between changelog and status; the sequence number stays, so readers drop it."""
        made = [result(first, 0), result(first + 1, 1), result(first, 2)]
        await results(state, *made)
        await results(state, made[2])

        assert [(status.status, status.sequence) for status in statuses(state)] == [(CmdStatus.DONE, 3)] * 2
        assert len(state.sent(state.runtime.topics.jobs_changelog)) == 1

    async def test_J017_a_finished_job_can_be_trained_again(self, state: Worker, first: int) -> None:
        """3 to 2 to 4; status events have rising sequence numbers."""
        await results(state, result(first, 0), result(first + 1, 1), result(first, 2))
        await state.commands(submission(training(first), command_id="second"))
        await results(state, result(first, 2))
        assert job_of(state).status is CmdStatus.COMITTED
        await results(state, result(first, 3, "worse"))

        assert [(int(status.status), status.sequence) for status in statuses(state)] == [(3, 3), (2, 4), (4, 5)]

    @pytest.mark.parametrize(("offset", "n"), [(0, 3), (0, -1), (1, 0), (2, 0), (3, 0), (0, 2**62)])
    async def test_results_that_no_job_waits_for_are_left_alone(
        self, state: Worker, first: int, offset: int, n: int
    ) -> None:
        """Anybody may post TrainSeries: a number or a series that was not submitted so is not the job's."""
        (sent,) = await results(state, result(first + offset, n))

        assert state.publisher.records == []
        assert ForecastingState.of(state.runtime).results.progress(JOB_ID).finished == set()
        assert state.committed(sent)

    async def test_what_trainers_still_make_for_a_deleted_job_is_removed(self, state: Worker, first: int) -> None:
        """The forecast from the public topic, the model's file from the store; the result is not kept."""
        store, topics = state.runtime.store, state.runtime.topics
        store.put_bytes(f"models/{JOB_ID}/{first}/0.h5", b"early")
        await state.commands(DELETE)
        early = store.exists(f"models/{JOB_ID}")
        state.forget()
        store.put_bytes(f"models/{JOB_ID}/{first}/1.h5", b"late")
        (sent, _) = await results(state, result(first, 0), result(first + 1, 1, "failed"))

        assert [(record.topic, record.key, record.value) for record in state.publisher.records] == [
            (topics.forecasts, b"%d" % first, None)
        ]
        assert len(ForecastingState.of(state.runtime).results) == 0
        assert (early, store.exists(f"models/{JOB_ID}")) == (False, False)
        assert state.committed(sent)

    async def test_it_is_removed_by_the_next_process_too(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one that has deleted the job may be gone by then; a job made again under the id is none of these."""
        await state.commands(DELETE)
        following = await restarted(state, settings, monkeypatch)
        await results(following, result(first, 0))
        removed = following.sent(following.runtime.topics.forecasts)
        await following.commands(replace(CREATE, command_id="again"))
        third = await restarted(following, settings, monkeypatch)
        await results(third, result(first, 0))

        assert [(record.key, record.value) for record in removed] == [(b"%d" % first, None)]
        assert third.sent(third.runtime.topics.forecasts) == []

    async def test_a_job_made_again_under_its_id_is_not_taken_for_deleted(self, state: Worker, first: int) -> None:
        """A result that it did not ask for is left alone, as everybody's."""
        await state.commands(DELETE, replace(CREATE, command_id="again"))
        state.forget()
        await results(state, result(first, 0))

        assert state.publisher.records == []

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"rubbish", "first byte is 114"),
            (None, "no value (tombstone)"),
            (CODEC.encode(CREATE), "a CreateJob, not a SeriesResult"),
        ],
    )
    async def test_what_is_no_result_is_a_dead_letter(
        self, state: Worker, first: int, value: bytes | None, reason: str
    ) -> None:
        """The results around it are stored."""
        await results(state, result(first, 0), value, result(first, 2))

        assert set(ForecastingState.of(state.runtime).results.progress(JOB_ID).finished) == {0, 2}
        assert [reason in letter["error"] for letter in state.dead()] == [True]

    async def test_a_result_under_another_key_is_a_dead_letter(self, state: Worker, first: int) -> None:
        """Its row would be in a partition that is not the job's."""
        await results(state, result(first, 0), key=b"8")

        assert [letter["error-class"] for letter in state.dead()] == ["RejectedError"]
        assert len(ForecastingState.of(state.runtime).results) == 0

    async def test_a_result_in_another_partition_is_sent_to_its_own(self, state: Worker, first: int) -> None:
        """Producers place keys in several ways; the job's worker gets it."""
        (sent,) = await results(state, result(first, 0), partition=(HOME + 1) % 4)
        (moved,) = state.sent(state.runtime.topics.job_results)

        assert (moved.key, moved.value, moved.partition) == (sent.key, sent.value, HOME)
        assert len(ForecastingState.of(state.runtime).results) == 0

    async def test_a_result_too_large_to_keep_is_a_dead_letter(self, state: Worker, first: int) -> None:
        """A record that fills its size limit has no room for the longer key of a row."""
        full = result(first, 0, "x" * (1024 * 1024 - 100))
        await results(state, full)

        assert [letter["error"][-30:] for letter in state.dead()] == ["bytes cannot be kept in one row"[-30:]]
        assert state.sent(state.runtime.topics.results_changelog) == []

    async def test_a_long_error_is_cut_in_the_job(self, state: Worker, first: int) -> None:
        """The row and the public status stay small; the result keeps all of it."""
        await results(state, result(first, 0), result(first, 2), result(first + 1, 1, "x" * 500_000))
        message = job_of(state).message

        assert message == f"series {first + 1}: {'x' * 1000}…"

    async def test_a_failed_delivery_stops_the_worker_unacknowledged(self, state: Worker, first: int) -> None:
        """The result comes again."""
        state.publisher.failing = {state.runtime.topics.results_changelog}
        topic = state.runtime.topics.job_results
        sent = state.message(topic, b"7", result(first, 0))
        with pytest.raises(DeliveryError):
            await state.consume(topic, sent)

        assert not state.committed(sent)

    async def test_the_trainer_answers_what_the_state_asks(self, state: Worker, first: int) -> None:
        """Both agents together: the job ends, and the results are its own."""
        await state.commands(submission(training(first), training(first + 2), command_id="second"))
        topics = state.runtime.topics
        commands = [
            state.message(topics.series_commands, record.key, record.value)
            for record in state.sent(topics.series_commands)
        ]
        answers = [
            CODEC.decode(r.value) for r in answer_commands(state.runtime, commands) if r.topic == topics.job_results
        ]
        await results(state, result(first, 0), result(first + 1, 1), result(first, 2), *answers)
        rows = ForecastingState.of(state.runtime).results.of_series(JOB_ID, [first + 2])[first + 2]

        assert job_of(state).status is CmdStatus.DONE
        assert [CODEC.decode(row).predictions for row in rows] == [[307.0] * 5]


class TestTimes:
    """What the rows keep of the log's times, so that a job can be shown as it was."""

    async def test_rows_keep_the_times_at_which_the_log_got_things(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of settings, submissions and answers, the first of repeated ones; a restart knows them as well."""

        async def consume(topic: str, event: Any, at: float) -> None:
            message = state.message(topic, b"7", event)
            message.timestamp = at
            await state.consume(topic, message)

        topics = state.runtime.topics
        second = submission(training(first + 1), command_id="second")
        await consume(topics.job_commands, submission(storing(first, "LinearFit", 5), command_id="store"), 10.001)
        await consume(topics.job_commands, submission(storing(first, "LinearFit", 6), command_id="again"), 11.002)
        await consume(topics.job_commands, submission(training(first)), 12.003)
        await consume(topics.job_results, result(first, 0), 13.004)
        await consume(topics.job_results, result(first, 0), 14.005)
        await consume(topics.job_commands, second, 15.006)
        await consume(topics.job_commands, second, 16.007)
        again = await restarted(state, settings, monkeypatch)

        for worker in (state, again):
            (row,) = ForecastingState.of(worker.runtime).results.of_series(JOB_ID, [first])[first]
            assert job_of(worker).settings_at == 10_001
            assert [one.at for one in job_of(worker).submissions] == [12_003, 15_006]
            assert CODEC.decode(row).answered_at == 13_004

    async def test_a_submission_cut_short_keeps_its_time(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The command comes again as it is in the log."""
        state.publisher.failing.add(state.runtime.topics.series_commands)
        with pytest.raises(DeliveryError):
            await state.commands(submission(training(first)))
        following = await restarted(state, settings, monkeypatch)
        before = job_of(following).submissions
        await following.commands(submission(training(first)))

        assert [one.at for one in before] == [round(AT * 1000)]
        assert job_of(following).submissions == before
