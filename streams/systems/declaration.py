"""What a system declares of itself, so that no shared file has to know it."""

from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from typing import Any, Literal

__all__ = ["DeclaredTable", "DeclaredTopic", "Keep", "System", "named"]


class Keep(Enum):
    """How long a topic keeps its records; `streams.topics` has the broker's settings for each."""

    COMMANDS = auto()
    """Until everybody has surely read them: TIDECAST_EVENT_RETENTION_DAYS."""
    EVENTS = auto()
    """Four times as long as commands."""
    LATEST = auto()
    """The last of each key, as long as events."""
    STATUS = auto()
    """The last of each key, for ever."""
    AUDIT = auto()
    """TIDECAST_AUDIT_RETENTION_DAYS."""
    LETTERS = auto()
    """TIDECAST_DEAD_LETTER_RETENTION_DAYS."""
    CHANGELOG = auto()
    """The last of each key, for ever, and for an hour whatever came before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTopic:
    """One topic without its prefix: kebab-case, found as `topics.<name in snake case>`.

    `records` are the record types that it may carry. `words` and `key` are for the reader of the AsyncAPI page.
    `action` is the service's: it receives commands and sends events; None for what is nobody else's business. `reply`
    names the topic of the answers. Where handling is `long`, no message counts as in hand (`streams.engine.hands`).
    """

    name: str
    records: tuple[str, ...]
    keep: Keep
    words: str
    key: str
    action: Literal["send", "receive"] | None = None
    reply: str | None = None
    long: bool = False

    @classmethod
    def commands(
        cls, name: str, *records: str, words: str, key: str, reply: str | None = None, long: bool = False
    ) -> "DeclaredTopic":
        """What anybody may send to the service; kept until everybody has surely read it."""
        return cls(
            name=name,
            records=records,
            keep=Keep.COMMANDS,
            words=words,
            key=key,
            action="receive",
            reply=reply,
            long=long,
        )

    @classmethod
    def events(
        cls, name: str, record: str, *, words: str, key: str, keep: Keep = Keep.EVENTS, long: bool = False
    ) -> "DeclaredTopic":
        """What the service tells anybody who reads it."""
        return cls(name=name, records=(record,), keep=keep, words=words, key=key, action="send", long=long)


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """A table of the state, in snake case, and the record type of its rows; its changelog is `<name>-changelog`."""

    name: str
    record: str

    @property
    def changelog(self) -> DeclaredTopic:
        """The topic of its rows."""
        return DeclaredTopic(
            name=f"{self.name.replace('_', '-')}-changelog",
            records=(self.record,),
            keep=Keep.CHANGELOG,
            words="A table's changelog, private: others must not read it.",
            key="The row's.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system. Modules and functions are named (`module` or `module:function`) and imported where they are needed.

    `topics` and `tables` are made on the broker before any process starts. `state` and `trainer` make the system's
    part of such a process (`streams.runtime.Part`). Modules of `state_agents` and `trainer_agents` have
    `attach(runtime)`, those of `views` a `DOOR`, those of `commands` a `register(app)`.
    """

    name: str
    topics: tuple[DeclaredTopic, ...] = ()
    tables: tuple[DeclaredTable, ...] = ()
    state: str | None = None
    trainer: str | None = None
    state_agents: tuple[str, ...] = ()
    trainer_agents: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def named(name: str) -> Any:
    """The module `a.b`, or what `a.b:c` names in it; ImportError and AttributeError where there is none.

    Not by Faust's discovery, which logs a module that fails to import and starts the worker without its agents.
    """
    module, _, member = name.partition(":")
    found = import_module(module)
    return getattr(found, member) if member else found
