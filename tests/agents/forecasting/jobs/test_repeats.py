"""Commands that come again, and others that come under their ids."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.forecasting import ConfigureJob, DeleteJob, StopJob
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, JOB_ID, asked, job_of, submission, training


@pytest.fixture
async def submitted(state: Worker, first: int) -> int:
    """The first series of a job to which one submission was sent."""
    await state.commands(submission(training(first)))
    state.forget()
    return first


async def test_repeats_of_every_command_are_harmless(state: Worker, submitted: int) -> None:
    """At least once: they change nothing, and nobody is told of an error."""
    before = job_of(state)
    await state.commands(CREATE, CONFIGURE, submission(training(submitted)))

    assert job_of(state) == before
    assert (state.dead(), asked(state)) == ([], [])


@pytest.mark.parametrize(
    "other",
    [
        replace(CREATE, name="ships"),
        replace(CREATE, command_id="submit"),
        replace(CONFIGURE, groupby_indexs=()),
        ConfigureJob("submit", JOB_ID, (1,), (2,), (0,)),
        StopJob("submit", JOB_ID),
        DeleteJob("create", JOB_ID),
    ],
    ids=lambda command: f"{type(command).__name__} under {command.command_id}",
)
async def test_other_content_under_a_used_id_is_a_dead_letter(state: Worker, submitted: int, other: Any) -> None:
    """It was ignored in silence: its sender took it for done."""
    before = job_of(state)
    await state.commands(other)

    assert job_of(state) == before
    (letter,) = state.dead()
    assert letter["error-class"] == "RejectedError"
    assert f"command_id: {other.command_id!r} was used before, by a command for job 7" in letter["error"]
    assert "send it under a new command_id" in letter["error"]


async def test_another_submission_under_a_used_id_trains_nothing(state: Worker, submitted: int) -> None:
    """Neither what it asks for, nor what the first asked for a second time; whoever waits is told."""
    before = job_of(state)
    with state.runtime.waiters.waiting("submit") as outcome:
        await state.commands(submission(training(submitted + 1)))
        with pytest.raises(RejectedError) as refused:
            await outcome

    assert refused.value.code == "command_id_reused"
    assert (job_of(state), asked(state)) == (before, [])


async def test_an_id_is_free_again_once_its_job_is_deleted(state: Worker, submitted: int) -> None:
    """What it stood for is no more."""
    await state.commands(DeleteJob("delete", JOB_ID), replace(CREATE, name="ships"))

    assert job_of(state).name == "ships"
    assert state.dead() == []


async def test_commands_of_an_older_release_may_be_repeated(state: Worker, submitted: int) -> None:
    """Their rows do not know what they said."""
    job = job_of(state)
    await ForecastingState.of(state.runtime).jobs.put(0, replace(job, digests=()))
    await state.commands(submission(training(submitted + 1)))

    assert (state.dead(), asked(state)) == ([], [])
