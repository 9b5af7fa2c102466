"""StopJob: what is answered stays, what is not is cancelled, and a later submission trains again."""

from dataclasses import replace

import pytest

from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import CmdStatus, StopJob
from schemas.series import SeriesResult
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import CODEC, Worker
from tests.agents.forecasting.jobs.samples import (
    DELETE,
    JOB_ID,
    asked,
    job_of,
    restarted,
    result,
    results,
    statuses,
    submission,
    training,
)

STOP = StopJob("stop", JOB_ID)


def shown(state: Worker) -> dict[int, SeriesResult]:
    """The results that the job has, by their number."""
    rows = ForecastingState.of(state.runtime).results.of_series(JOB_ID, job_of(state).ts_ids)
    found = [CODEC.decode(row) for of_series in rows.values() for row in of_series]
    return {one.n: one for one in found}


class TestStopping:
    """A job that is being trained."""

    async def test_what_is_done_stays_and_the_rest_is_cancelled(self, state: Worker, first: int) -> None:
        """Each submission has one result, and the public topic is told why the job ended."""
        await state.commands(submission(training(first), training(first + 1), training(first, "SES")))
        await results(state, result(first, 0))
        state.forget()
        await state.commands(STOP)

        job = job_of(state)
        assert (job.status, job.message, job.stopped, job.planned) == (CmdStatus.EXCEPTION, "cancelled", 3, ())
        found = shown(state)
        assert [found[n].error for n in range(3)] == [None, "cancelled", "cancelled"]
        assert [(found[n].ts_id, found[n].model_name) for n in (1, 2)] == [(first + 1, "AdaptiveMaxN"), (first, "SES")]
        (told,) = statuses(state)
        assert (told.status, told.message, told.stopped, told.finished) == (CmdStatus.EXCEPTION, "cancelled", 3, 1)
        assert [(one.n, one.error) for one in state.events(state.runtime.topics.job_results)] == [
            (1, "cancelled"),
            (2, "cancelled"),
        ]

    async def test_an_answer_that_comes_too_late_changes_nothing(self, state: Worker, first: int) -> None:
        """Who has seen the job cancelled does not see it finished later; our own errors come back as well."""
        await state.commands(submission(training(first), training(first + 1)), STOP)
        before = job_of(state), shown(state)
        await results(state, result(first, 0), result(first + 1, 1, "cancelled"), result(first + 1, 1))

        assert (job_of(state), shown(state)) == before
        assert state.dead() == []

    async def test_a_repeat_changes_nothing(self, state: Worker, first: int) -> None:
        """Neither the same command, nor another one."""
        await state.commands(submission(training(first)), STOP)
        before = job_of(state)
        await state.commands(STOP, StopJob("again", JOB_ID))

        assert replace(job_of(state), commands=before.commands, digests=before.digests) == before
        assert job_of(state).commands == (*before.commands, "again")
        assert len(shown(state)) == 1

    async def test_a_later_submission_trains_again(self, state: Worker, first: int) -> None:
        """The numbers go on, and a repeat of the stop does not reach it."""
        await state.commands(submission(training(first), training(first + 1)), STOP)
        state.forget()
        again = submission(training(first), training(first + 1), command_id="again")
        await state.commands(again, STOP)

        assert [(one.ts_id, one.n) for one in asked(state)] == [(first, 2), (first + 1, 3)]
        assert (job_of(state).status, job_of(state).message) == (CmdStatus.COMITTED, None)
        await results(state, result(first, 2), result(first + 1, 3))
        assert (job_of(state).status, job_of(state).message) == (CmdStatus.DONE, None)

    async def test_a_job_that_is_mended_in_part_still_says_cancelled(self, state: Worker, first: int) -> None:
        """For the series that were not submitted again."""
        await state.commands(submission(training(first), training(first + 1)), STOP)
        await state.commands(submission(training(first), command_id="again"))
        await results(state, result(first, 2))

        assert (job_of(state).status, job_of(state).message) == (CmdStatus.EXCEPTION, "cancelled")

    async def test_an_error_of_a_later_submission_is_told(self, state: Worker, first: int) -> None:
        """It was hidden behind "cancelled", as if the series had its forecast."""
        await state.commands(submission(training(first), training(first + 1)), STOP)
        await state.commands(submission(training(first + 1), command_id="again"))
        await results(state, result(first + 1, 2, "boom"))

        assert job_of(state).message == f"series {first + 1}: boom (2 series failed in all)"

    async def test_a_job_that_trains_nothing_is_left_as_it_is(self, state: Worker, first: int) -> None:
        """Before its first submission, and when it is done; a later submission is not touched by a repeat either."""
        await state.commands(STOP)
        assert job_of(state).status is CmdStatus.CREATED
        await state.commands(submission(training(first)), STOP)
        assert job_of(state).status is CmdStatus.COMITTED
        await results(state, result(first, 0))
        await state.commands(StopJob("late", JOB_ID))

        assert (job_of(state).status, job_of(state).stopped) == (CmdStatus.DONE, 0)

    async def test_an_unknown_job_is_refused(self, state: Worker) -> None:
        """As with other commands."""
        await state.commands(STOP, DELETE)

        assert [letter["error"] for letter in state.dead()] == ["there is no job 7", "there is no job 7"]

    @pytest.mark.parametrize("lost", ["results_changelog", "job_results"])
    async def test_a_stop_cut_short_is_finished_by_its_repeat(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, lost: str
    ) -> None:
        """The row was written, the errors were not."""
        await state.commands(submission(training(first), training(first + 1)))
        state.publisher.failing = {getattr(state.runtime.topics, lost)}
        with pytest.raises(DeliveryError):
            await state.commands(STOP)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(STOP)

        assert [one.error for one in shown(following).values()] == ["cancelled", "cancelled"]
        assert job_of(following).planned == ()
