"""A version whose forecasting job is refused ends at once, with the words of the refusal of its own commands."""

import asyncio
from typing import Any, Final

import pytest

from agents.forecast_versions.refusals import Refusals
from agents.versions.run import RunFailedError
from schemas.forecasting import ConfigureJob, CreateJob
from tests.agents.bench import CODEC, Worker

_JOB: Final = 11


@pytest.fixture
async def refusals(trainer: Worker) -> Refusals:
    """Of the commands of a run whose ids begin with `run-`."""
    return Refusals(trainer.runtime, _JOB, lambda command_id: command_id.startswith("run-"))


def _letter(command: Any, reason: str) -> tuple[bytes, str]:
    return CODEC.encode(command), reason


async def _endless(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("work")


async def test_the_first_refusal_is_why(refusals: Refusals) -> None:
    """What comes behind it follows from it: there is no job. The work has ended by then."""
    ended = list[str]()
    waiting = asyncio.ensure_future(refusals.unless_refused(_endless(ended)))
    await asyncio.sleep(0)
    refusals.read([(b"no event", "broken"), _letter(CreateJob("another's", _JOB, 1), "nobody asks"), (None, "none")])
    await asyncio.sleep(0)
    assert not waiting.done()

    refusals.read(
        [
            _letter(CreateJob("run-job", _JOB, 1), "more than the quota"),
            _letter(ConfigureJob("run-columns", _JOB, (0,), (1,)), "there is no job 11"),
        ]
    )

    with pytest.raises(RunFailedError, match="the forecasting job 11 was refused: more than the quota"):
        await waiting
    assert ended == ["work"]


async def test_without_a_refusal_the_work_goes_on(refusals: Refusals) -> None:
    """Its outcome is told, be it an error."""

    async def one() -> int:
        return 1

    async def wrong() -> int:
        raise TimeoutError

    assert await refusals.unless_refused(one()) == 1
    with pytest.raises(TimeoutError):
        await refusals.unless_refused(wrong())


async def test_who_is_cancelled_leaves_nothing_behind(refusals: Refusals) -> None:
    """As every run: the work has ended before the cancellation goes on."""
    ended = list[str]()
    waiting = asyncio.ensure_future(refusals.unless_refused(_endless(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert ended == ["work"]
