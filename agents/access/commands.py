"""The state of users, keys and projects: applies the commands that add, change and revoke them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from faust.agents import Agent

from schemas.access import AccessRecord
from streams.access.directory import KEY, row_key
from streams.access.rules import COMMANDS, AccessCommand, changes, check_command
from streams.access.state import AccessState
from streams.command_edge import CommandTopic, handle_all
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.errors import Code, InvalidError
from streams.messages import Event, time_of
from streams.runtime import StateRuntime

__all__ = ["attach"]

_AGENT = "keep_access"


def _check_key(_: AccessCommand, key: bytes | None) -> None:
    if key != KEY:
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the word {KEY.decode()}")


_TOPIC = CommandTopic("access commands", COMMANDS, _check_key)


def attach(state: StateRuntime) -> Agent:
    """Register `keep_access` on the state's app."""

    @agent_on(state.app, state.topics.access_commands, _AGENT)
    async def keep_access(stream: Any) -> None:
        """Apply commands, all in one order."""
        await handle_all(state, _AGENT, stream, _TOPIC, partial(_apply, state))

    agent: Agent = keep_access
    return agent


async def _apply(state: StateRuntime, event: Event, command: AccessCommand) -> AccessRecord | None:
    """Write the rows that a command changes; the one that it was about. Every worker follows their log."""
    check_writer(state.app, event)
    check_command(command)
    table = AccessState.of(state).access

    def rows(kind: str) -> Sequence[AccessRecord]:
        return [row for key in table.beginning_with(row_key(kind, "")) if (row := table.get(key)) is not None]

    made = changes(rows, command, time_of(event.message))
    written = []
    for kind, name, record in made:
        key, partition = row_key(kind, name), event.message.partition
        written.append(table.delete(partition, key) if record is None else table.put(partition, key, record))
    await asyncio.gather(*written)
    return made[0][2]
