"""Boils kettles."""

from typing import Any

from streams.engine.agents import agent_on
from streams.engine.transport import batches
from streams.runtime import StateRuntime
from tests.agents.systems.kettles.state import KettleState


def attach(state: StateRuntime) -> None:
    app, topic = state.app, state.topics.kettle_commands

    @agent_on(app, topic, "boil_kettles")
    async def boil_kettles(stream: Any) -> None:
        async for events in batches(app, stream, 100):
            for message in (event.message for event in events):
                command = state.codec.decode(message.value)
                await KettleState.of(state).kettles.put(message.partition, message.key, command)
