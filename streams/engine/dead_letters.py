"""Dead letters: what could not be decoded or applied, kept with its reason and its way back."""

from connectors.kafka.publisher import Record
from schemas.coding.wire import UndecodableError, unframe
from streams.engine.fetched import UNREADABLE
from streams.errors import RejectedError, class_name
from streams.messages import Message
from streams.telemetry.tracing import trace_headers

__all__ = ["dead_letter"]

_LONGEST_REASON = 2000  # characters; a reason repeats what was sent, and headers count towards the record's size limit


def dead_letter(topic: str, message: Message, error: Exception, *, max_bytes: int | None = None) -> Record:
    """The record that keeps a consumed `message` on the topic of dead letters.

    Key and value are the original bytes; the headers say where it came from and why it is here. Where that would be
    more than `max_bytes`, the original stays where it is and the header `omitted-bytes` says how large it was:
    a letter that cannot be sent would stop the agent at this message for good.
    """
    try:
        schema_id = str(unframe(message.value)[0])
    except UndecodableError:
        schema_id = ""
    reason = error.message if isinstance(error, RejectedError) else str(error)
    for name, value in message.headers or ():
        if name == UNREADABLE and not message.value:
            reason = (value or b"").decode("utf-8", "replace")
    headers = {
        "topic": message.topic,
        "partition": str(message.partition),
        "offset": str(message.offset),
        "schema-id": schema_id,
        "error-class": class_name(error),
        "error": reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…",
    }
    encoded = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
    encoded += trace_headers(message)
    letter = Record(topic, message.key, message.value, encoded)
    if max_bytes is None or letter.size <= max_bytes:
        return letter
    omitted = len(message.key or b"") + len(message.value or b"")
    return letter._replace(key=None, value=None, headers=[*encoded, ("omitted-bytes", str(omitted).encode())])
