"""Commands that are removed from the log before a trainer has answered them: they are sent again."""

from dataclasses import replace

import pytest

from agents.forecasting.lost_commands import lost_commands
from agents.forecasting.submission_runs import SubmissionRuns
from models.catalog import CATALOG
from schemas.forecasting import CmdStatus
from streams.forecasting.state import ForecastingState
from streams.rows import lost_commands as rows
from streams.rows import ownership
from streams.rows.lost_commands import LostCommands
from tests.agents.bench import Log, Worker
from tests.agents.forecasting.jobs.samples import HOME, asked, job_of, result, results, submission, together, training

DEEP_AR = next(name for name, spec in CATALOG.items() if spec.together)


@pytest.fixture
def runs(state: Worker) -> SubmissionRuns:
    """What sends jobs out."""
    return SubmissionRuns(state.runtime)


@pytest.fixture
def lost(state: Worker, runs: SubmissionRuns, log: Log) -> LostCommands:
    """What looks for lost commands."""
    return lost_commands(state.runtime, runs, log)  # type: ignore[arg-type]


async def looked(lost: LostCommands, runs: SubmissionRuns, job_id: int = 7) -> None:
    """Look once, and wait until what is found is sent."""
    await lost.look()
    await runs.under_way(job_id)


async def test_only_what_has_no_answer_is_sent_again(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """Once for each time that the log has lost something; the job comes to its end."""
    await state.commands(submission(*(training(first + n % 3, refit=n % 2) for n in range(6))))
    await results(state, result(first, 0), result(first + 1, 1), result(first, 3))
    state.forget()
    await looked(lost, runs)
    assert asked(state) == []

    log.begin[log.topics.series_commands] = 6
    for _ in range(3):
        await looked(lost, runs)
    assert [(one.n, one.ts_id, one.refit) for one in asked(state)] == [
        (2, first + 2, False), (4, first + 1, False), (5, first + 2, True)
    ]  # fmt: skip
    assert job_of(state).planned[0].sent == 6
    await results(state, result(first + 2, 2), result(first + 1, 4), result(first + 2, 5))
    assert job_of(state).status is CmdStatus.DONE


async def test_what_is_still_there_is_not_sent_again(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """Other topics may begin elsewhere, and this one before the command."""
    await state.commands(submission(training(first)), submission(training(first), command_id="second"))
    state.forget()
    log.begin[log.topics.training_runs] = 99
    await looked(lost, runs)

    assert asked(state) == []


async def test_series_that_are_trained_together_are_one_command_again(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """With those that have no answer."""
    await state.commands(submission(*(training(first + n, DEEP_AR) for n in range(3))))
    await results(state, result(first, 0))
    state.forget()
    log.begin[log.topics.training_runs] = 1
    await looked(lost, runs)

    assert [(list(one.ns), list(one.ts_ids)) for one in together(state)] == [([1, 2], [first + 1, first + 2])]


async def test_answers_that_wait_to_be_read_are_read_first(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """After a long time without a state worker everything may be answered; what comes later is not waited for."""
    await state.commands(submission(training(first)))
    state.forget()
    log.begin[log.topics.series_commands] = log.end[log.topics.job_results] = 5
    await looked(lost, runs)
    assert asked(state) == []
    log.end[log.topics.job_results] = 9
    log.read = 5
    await looked(lost, runs)

    assert [one.n for one in asked(state)] == [0]


async def test_a_job_that_has_ended_is_left_alone(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """Its commands are gone, as they should be."""
    await state.commands(submission(training(first)))
    await results(state, result(first, 0))
    state.forget()
    log.begin[log.topics.series_commands] = 5
    await looked(lost, runs)

    assert (asked(state), job_of(state).status) == ([], CmdStatus.DONE)


async def test_rows_without_offsets_are_judged_by_their_time(
    state: Worker, first: int, log: Log, lost: LostCommands, runs: SubmissionRuns
) -> None:
    """An older release wrote them: so jobs that wait for ever since are mended."""
    await state.commands(submission(training(first)))
    job = job_of(state)
    await ForecastingState.of(state.runtime).jobs.put(
        HOME, replace(job, planned=(replace(job.planned[0], offsets=()),))
    )
    state.forget()
    log.begin[log.topics.series_commands] = 5
    await looked(lost, runs)

    assert [one.n for one in asked(state)] == [0]  # the samples are of 2020


async def test_the_log_is_not_asked_while_partitions_move(
    state: Worker, lost: LostCommands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's rows are known then."""
    monkeypatch.setattr(rows, "owned_offsets", ownership.owned_offsets)
    await lost.look()

    assert state.publisher.records == []
