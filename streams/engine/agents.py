"""How an agent is registered, every one of them alike."""

from collections.abc import Callable
from typing import Any

import faust
from mode.supervisors import CrashingSupervisor

__all__ = ["agent_on"]


def agent_on(app: faust.App, topic: str, name: str) -> Callable[[Callable[[Any], Any]], Any]:
    """A decorator: let the function, given the stream of the topic's raw messages, be an agent of the app.

    One that fails takes the process down: what it has not acknowledged is read again by the next one.
    """
    decorate: Callable[[Callable[[Any], Any]], Any] = app.agent(
        app.topic(topic, value_serializer="raw", internal=True), name=name, supervisor_strategy=CrashingSupervisor
    )
    return decorate
