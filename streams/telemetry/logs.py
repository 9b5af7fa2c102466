"""How a process logs: one line per event, and a broker that is away does not flood it.

Where a line speaks of a record it carries topic, partition and offset, and job_id, ts_id and trace_id where the record
has them: `speaking_of` puts them into every line that is logged inside it, also by tasks and threads that are begun
there.
"""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import structlog

from streams.messages import Message
from streams.telemetry.tracing import trace_id_of

__all__ = ["Repeats", "configure_logging", "console_processors", "event_fields", "speaking_of"]

# While a broker is away each of them says so many times a second.
_CHATTY = ("aiokafka", "librdkafka", "connectors.kafka.publisher", "streams.runtime")  # the last: of each dead letter
_AGAIN_S = 10.0  # often enough to see in a log that it goes on
_KEY = 40  # characters that make a message the same: what happened and to whom, not the time it took


class Repeats(logging.Filter):
    """Lets the same message of a chatty logger through once in a while; the next one says how many were left out."""

    def __init__(self, loggers: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._loggers = tuple(loggers)
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # when it was let through, how many since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged. The same message: one that begins alike."""
        if not record.name.startswith(self._loggers):
            return True
        own = record.msg["event"] if isinstance(record.msg, dict) else None  # structlog's events are dictionaries
        text = own or record.getMessage()
        key, now = (record.name, text[:_KEY]), self._clock()
        last, left_out = self._seen.get(key, (-_AGAIN_S, 0))
        if now - last < _AGAIN_S:
            self._seen[key] = (last, left_out + 1)
            return False
        self._seen[key] = (now, 0)
        if left_out and own is None:
            record.msg, record.args = f"{text} ({left_out} more like this were not logged)", ()
        return True


def event_fields(message: Message, event: Any = None) -> dict[str, Any]:
    """What a line says of a consumed message, and of the event in it where that could be read."""
    fields = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
    ids = {name: getattr(event, name, None) for name in ("job_id", "ts_id")} | {"trace_id": trace_id_of(message)}
    return fields | {name: value for name, value in ids.items() if value is not None}


def speaking_of(message: Message, event: Any = None) -> AbstractContextManager[None]:
    """Let the lines that are logged in this block say which record they are about."""
    return structlog.contextvars.bound_contextvars(**event_fields(message, event))


def console_processors() -> list[structlog.typing.Processor]:
    """How lines are written for people where no worker is set up: by commands and tests, with tracebacks of text alone.

    structlog's own show each variable of each function: slow, and secrets may be among them.
    """
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]


def configure_logging() -> None:
    """One line per event on standard error: key=value for people at a terminal, JSON elsewhere."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    handler.addFilter(Repeats(_CHATTY))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("aiokafka", "faust", "mode", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
