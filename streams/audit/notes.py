"""What is known of the request that is being answered, noted by whoever knows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from connectors.kafka.publisher import Headers
from streams.access.caller import NOBODY, Caller
from streams.audit.subjects import LONGEST, subject_of

__all__ = [
    "MARK",
    "RequestNote",
    "mark_of_request",
    "note_caller",
    "note_hop",
    "note_subject",
    "note_trace",
    "note_user",
    "request_noted",
]

MARK: Final = "tidecast-request"
"""The header of what is sent while a request is answered that is told of: so nothing is told of twice."""


@dataclass(slots=True)
class RequestNote:
    """What is known of a request that is being answered."""

    trace_id: str
    who: Caller = NOBODY
    subject: str = ""
    by_hop: bool = False
    """Another state worker has sent it, and tells of it."""


_current: ContextVar[RequestNote | None] = ContextVar("request_note", default=None)


@contextmanager
def request_noted(note: RequestNote) -> Iterator[None]:
    """Within it whoever knows more of the request may say so."""
    token = _current.set(note)
    try:
        yield
    finally:
        _current.reset(token)


def note_caller(who: Caller) -> None:
    """Who asks."""
    note = _current.get()
    if note is not None:
        note.who = who


def note_user(name: str) -> None:
    """Whose name was said with a password, be it right or wrong."""
    note_caller(Caller(name[:LONGEST], NOBODY.project, NOBODY.role))


def note_hop() -> None:
    """Another state worker has passed the request on, and tells of it."""
    note = _current.get()
    if note is not None:
        note.by_hop = True


def note_trace(trace_id: str) -> None:
    """The trace that the request has, or begins."""
    note = _current.get()
    if note is not None:
        note.trace_id = trace_id


def note_subject(command: Any) -> None:
    """What the request is about, as its command says."""
    note = _current.get()
    if note is not None:
        note.subject = note.subject or subject_of(command)


def mark_of_request() -> Headers:
    """The header of what is sent while a request is answered that is told of."""
    return () if _current.get() is None else ((MARK, b"1"),)
