"""Senders that wait for the agent that applies their command (decision 10)."""

import asyncio

import pytest

from streams.engine.command_waiters import CommandWaiters
from streams.errors import NotFoundError, RejectedError

REFUSAL = NotFoundError("unknown_job", "there is no job 7")


async def test_applied_ends_the_wait_with_the_outcome() -> None:
    """The sender gets what the agent made of the command."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome:
        waiters.applied("a", {"job_id": 7})

        assert await outcome == {"job_id": 7}


async def test_applied_needs_no_outcome() -> None:
    """Most commands have nothing to say but that they are done."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome:
        waiters.applied("a")

        assert await outcome is None


async def test_a_sender_waits_until_its_command_is_applied() -> None:
    """Not before, and not for another command."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome, waiters.waiting("b") as other:
        waiters.applied("b")

        assert await other is None
        assert not outcome.done()


async def test_refused_ends_the_wait_with_the_error() -> None:
    """The sender is told, so the agent need not tell the world."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome:
        assert waiters.refused("a", REFUSAL) is True
        with pytest.raises(RejectedError, match="there is no job 7"):
            await outcome


async def test_refused_says_when_nobody_waits() -> None:
    """Then the agent writes a dead letter."""
    assert CommandWaiters().refused("a", REFUSAL) is False


async def test_applied_without_a_sender_is_nothing() -> None:
    """A command from a producer, or of another worker's view."""
    CommandWaiters().applied("a")


async def test_two_senders_of_one_command_both_hear() -> None:
    """A retry with the same Idempotency-Key while the first try still waits."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as first, waiters.waiting("a") as second:
        waiters.applied("a", 5)

        assert await asyncio.gather(first, second) == [5, 5]


async def test_a_second_delivery_does_not_disturb_the_first_answer() -> None:
    """Applied twice, refused after applied: the first word counts."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome:
        waiters.applied("a", 1)
        waiters.applied("a", 2)

        assert waiters.refused("a", REFUSAL) is False
        assert await outcome == 1


async def test_a_repeat_of_an_answered_command_waits_anew() -> None:
    """The second sender asks the agent again, even before the first has taken its answer."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as first:
        waiters.applied("a", 1)
        with waiters.waiting("a") as second:
            assert not second.done()
            waiters.applied("a", 2)

            assert await asyncio.gather(first, second) == [1, 2]


async def test_a_refusal_after_the_sender_gave_up_is_not_lost() -> None:
    """After a time-out nobody waits, so the refusal becomes a dead letter."""
    waiters = CommandWaiters()
    with pytest.raises(TimeoutError), waiters.waiting("a") as outcome:
        async with asyncio.timeout(0):
            await asyncio.shield(outcome)

    assert waiters.refused("a", REFUSAL) is False


async def test_one_sender_giving_up_leaves_the_other_waiting() -> None:
    """They share the answer, not their patience."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as patient:
        with pytest.raises(TimeoutError), waiters.waiting("a") as hasty:
            async with asyncio.timeout(0):
                await asyncio.shield(hasty)
        waiters.applied("a", 5)

        assert await patient == 5


@pytest.mark.parametrize("end", ["applied", "refused", "gave up", "cancelled"])
async def test_nothing_is_kept_of_a_command(end: str) -> None:
    """A worker answers millions of commands."""
    waiters = CommandWaiters()
    with waiters.waiting("a") as outcome:
        if end == "applied":
            waiters.applied("a")
            await outcome
        elif end == "refused":
            waiters.refused("a", REFUSAL)
            assert outcome.exception() is REFUSAL
        elif end == "cancelled":
            outcome.cancel()

    assert not waiters._futures
    assert not waiters._senders


async def test_a_command_is_found_by_its_bytes_while_its_sender_waits() -> None:
    """Its agent need not decode what this process has encoded."""
    waiters, command = CommandWaiters(), object()
    with waiters.waiting("a", (b"bytes", command)), waiters.waiting("b"):
        during = waiters.sent(b"bytes"), waiters.sent(b"other")

    assert during == (command, None)
    assert waiters.sent(b"bytes") is None
