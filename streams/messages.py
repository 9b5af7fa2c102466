"""What agents consume, as far as our code looks at it. Faust, which makes these, is untyped here."""

from typing import Any, Protocol

__all__ = ["Consumed", "Event", "Message", "WithHeaders", "time_of"]


class WithHeaders(Protocol):
    """Whatever was read of the log."""

    @property
    def headers(self) -> Any: ...  # noqa: D102


class Message(WithHeaders, Protocol):
    """A record of the log. `timestamp` is the log's time in seconds."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def timestamp(self) -> float: ...  # noqa: D102


class Consumed(Message, Protocol):
    """A record that this worker was assigned: `tp` is its topic and partition, `generation_id` the assignment."""

    generation_id: int

    @property
    def tp(self) -> Any: ...  # noqa: D102


class Event(Protocol):
    """What an agent's stream gives: a consumed message, which it may acknowledge."""

    @property
    def message(self) -> Consumed: ...  # noqa: D102


def time_of(message: Message) -> int:
    """When the log got a message, in milliseconds: what is kept of it is the same after a replay."""
    return round(message.timestamp * 1000)
