"""The edge of an agent: what every command meets before it is applied, and what becomes of one that is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas.coding.wire import UndecodableError
from streams.checks import check_command
from streams.engine.tenure import check_writer, still_current
from streams.engine.transport import batches, handle_by_key
from streams.engine.tries import GivenUpError, guarded
from streams.errors import RejectedError
from streams.messages import Event
from streams.runtime import StateRuntime
from streams.telemetry.logs import speaking_of

__all__ = ["CommandTopic", "ToldError", "handle_all", "handle_command", "tell_given_up"]


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """What one topic of commands takes: the types, how the key of each is checked, and how its bytes are decoded.

    `check_key` raises RejectedError where a record has not the key that its command must have. `moves` is whether the
    worker that owns the key's partition has to apply it, wherever a producer has put it; what lies in the object store
    is every worker's. Commands of a `background` topic count as done when their handling ends, not when their batch
    does: they wait for the end of a rebalance (`streams.engine.tenure`).
    """

    name: str
    types: tuple[Any, ...]
    check_key: Callable[[Any, bytes | None], None]
    decode: Callable[[bytes | None], Awaitable[Any]] | None = None
    moves: bool = True
    background: bool = False


class ToldError(Exception):
    """A command is refused because of `error`, and whoever is to know of it has been told already."""

    def __init__(self, error: RejectedError) -> None:
        super().__init__(error.message)
        self.error = error


async def handle_command(
    state: StateRuntime, topic: CommandTopic, event: Event, apply: Callable[[Any], Awaitable[Any]]
) -> None:
    """Take one command: 1. decode it, 2. check its type, bounds and key, 3. pass it on or apply it, 4. tell its sender.

    What cannot be decoded, or is refused and has no sender waiting here, becomes a dead letter. The sender is told what
    `apply` returns, unless `apply` has told it already. SupersededError where what was refused may be another worker's.
    """
    message = event.message
    try:
        value = message.value
        command: Any = state.codec.decode(value) if topic.decode is None else await topic.decode(value)
        if not isinstance(command, topic.types):
            raise UndecodableError(f"a {type(command).__name__} on the topic of {topic.name}")
    except UndecodableError as error:
        await state.publisher.send([state.dead_letter(message, error)])
        return
    try:
        with speaking_of(message, command):
            check_command(message, command)
            topic.check_key(command, message.key)
            moved = state.moved(message) if topic.moves else None
            if moved is not None:
                await state.publisher.send([moved])
                return
            outcome = await apply(command)
    except ToldError as told:
        state.tell_of(message, command, told.error)
        state.waiters.refused(command.command_id, told.error)
        return
    except RejectedError as error:
        # What is not there may be with another worker by now.
        if topic.background:
            if not await still_current(state.app, event):
                return
        elif topic.moves:
            check_writer(state.app, event)
        state.tell_of(message, command, error)
        if not state.waiters.refused(command.command_id, error):
            await state.publisher.send([state.dead_letter(message, error)])
        return
    state.tell_of(message, command)
    state.waiters.applied(command.command_id, outcome)


async def tell_given_up(state: StateRuntime, event: Event, error: GivenUpError) -> Any:
    """Tell the sender of a command that it is given up; the command, None where the message holds none."""
    try:
        command: Any = state.codec.decode(event.message.value)
    except UndecodableError:
        return None
    state.waiters.refused(command.command_id, error)
    return command


async def handle_all(
    state: StateRuntime,
    agent: str,
    stream: Any,
    topic: CommandTopic,
    apply: Callable[[Event, Any], Awaitable[Any]],
    ended: Callable[[StateRuntime, Event, GivenUpError], Awaitable[Any]] = tell_given_up,
    *,
    beside: tuple[Coroutine[Any, Any, None], ...] = (),
) -> None:
    """Handle an agent's commands as long as it runs: those of one key in their order, others side by side.

    `apply` is told the event and its command, as `handle_command` says. `ended` learns of a command that is given up
    after its tries; `beside` is what the agent does in the background.
    """

    async def handle(event: Event) -> None:
        await handle_command(state, topic, event, partial(apply, event))

    guarded_handle = guarded(state, agent, handle, partial(ended, state))
    tasks = [asyncio.create_task(work) for work in beside]
    try:
        async for events in batches(state.app, stream):
            state.metrics.observe_batch(agent, len(events))
            await handle_by_key(agent, events, guarded_handle)
    finally:
        for task in tasks:
            task.cancel()
