"""How a process logs: one line per event, and a broker that is away does not flood it."""

import logging
import sys
import time
from collections.abc import Callable, Sequence

import structlog

__all__ = ["Repeats", "configure_logging"]

# While a broker is away each of them says so many times a second.
_CHATTY = ("aiokafka", "librdkafka", "connectors.publisher")
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


def configure_logging() -> None:
    """One line per event on standard error: key=value for people at a terminal, JSON elsewhere."""
    shared = [
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
