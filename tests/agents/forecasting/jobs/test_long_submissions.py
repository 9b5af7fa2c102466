"""A submission of many elements: sent in parts, as answers come, across restarts; others get theirs in between."""

import pytest

from agents.forecasting import submission_runs
from schemas.forecasting import CmdStatus, CreateJob, StopJob
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import (
    DATA_ID,
    DELETE,
    JOB_ID,
    asked,
    job_of,
    restarted,
    result,
    results,
    storing,
    submission,
    training,
)
from tests.waiting import until


@pytest.fixture(autouse=True)
def _four_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small parts."""
    monkeypatch.setattr(submission_runs, "_OUT", 4.5)
    monkeypatch.setattr(submission_runs, "_LEAST_OUT", 2)


def numbers(state: Worker) -> list[int]:
    """Which submissions the trainers were asked for."""
    return [one.n for one in asked(state)]


async def test_as_much_is_out_as_trainers_need_and_the_rest_follows_the_answers(state: Worker, first: int) -> None:
    """Every element once, in order, with its own settings."""
    models = ["AdaptiveMaxN", "SES"] * 6
    elements = [training(first + n % 3, model) for n, model in enumerate(models)]
    topics = state.runtime.topics
    task = state.start(topics.job_commands, state.message(topics.job_commands, b"7", submission(*elements)))
    await until(lambda: job_of(state).planned != () and job_of(state).planned[0].sent == 4)
    assert numbers(state) == [0, 1, 2, 3]
    for n in range(12):
        await until(lambda n=n: n in numbers(state))
        await results(state, result(first + n % 3, n))
    await until(lambda: job_of(state).status is CmdStatus.DONE)
    task.cancel()

    assert numbers(state) == list(range(12))
    assert [one.model_name for one in asked(state)] == models
    assert job_of(state).planned == ()


async def test_the_next_process_goes_on_where_the_last_one_was(
    state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is not sent again, and settings stored since do not reach it."""
    await state.commands(submission(storing(first, "AdaptiveMaxN", 2), command_id="settings"))
    long = submission(*[training(first, None, hyper_params=None)] * 9, command_id="long")
    await state.commands(long)
    await state.commands(submission(storing(first, "LinearFit", 4), command_id="later"))
    assert numbers(state) == [0, 1, 2, 3]
    following = await restarted(state, settings, monkeypatch)
    await results(following, *[result(first, n) for n in (0, 1, 2, 3, 5)])
    await following.commands(long)

    assert numbers(following) == [4, 6, 7, 8]
    assert {(one.model_name, one.config["latest_n"]) for one in asked(following)} == {("AdaptiveMaxN", 2)}


async def test_another_job_is_served_meanwhile(state: Worker, first: int) -> None:
    """The long one holds up no command, neither of its own job nor of another."""
    await state.commands(submission(*[training(first)] * 18), CreateJob("other", 8, DATA_ID), key=None)
    await state.commands(submission(storing(first, "LinearFit", 2), command_id="store"))

    assert ForecastingState.of(state.runtime).jobs.get(8) is not None
    assert job_of(state).settings[0].model_name == "LinearFit"
    assert len(numbers(state)) == 4


@pytest.mark.parametrize("end", [DELETE, StopJob("stop", JOB_ID)])
async def test_nothing_more_is_sent_of_a_job_that_is_stopped_or_deleted(state: Worker, first: int, end: object) -> None:
    """Whatever answers come."""
    await state.commands(submission(*[training(first)] * 18))
    await state.commands(end)
    await results(state, *[result(first, n) for n in range(4)])

    assert numbers(state) == [0, 1, 2, 3]


async def test_series_that_cannot_be_read_any_more_are_answered_with_an_error(
    state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job comes to an end, and the worker goes on."""
    long = submission(*[training(first)] * 9)
    await state.commands(long)
    state.runtime.store.delete("splits/7")
    following = await restarted(state, settings, monkeypatch)
    await results(following, *[result(first, n) for n in range(4)])
    await following.commands(long)

    told = following.events(following.runtime.topics.job_results)
    assert [one.n for one in told] == [4, 5, 6, 7, 8]
    assert "are gone from the object store: create another job" in told[0].error
