"""Dead letters for whoever looks at them: their ids, what they say, and their way back."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from connectors.kafka.publisher import Record
from connectors.kafka.topic_reader import StoredRecord
from streams.telemetry.tracing import trace_headers

__all__ = ["Letter", "StrayLetterError", "id_of", "letter_of", "place_of", "sent_again"]

_LONGEST_ID = 30


class StrayLetterError(LookupError):
    """A letter came from a topic that is none of this installation's: it cannot be sent again."""


class Letter(NamedTuple):
    """What a dead letter says of itself; not the event, which may be large."""

    letter_id: str
    at_ms: int
    topic: str
    key: str
    error_class: str
    error: str
    size: int


def id_of(record: StoredRecord) -> str:
    """PARTITION-OFFSET, such as 2-15."""
    return f"{record.partition}-{record.offset}"


def place_of(letter_id: str) -> tuple[int, int] | None:
    """Partition and offset; None where it is no dead letter's id."""
    partition, dash, offset = letter_id.partition("-")
    numbers = all(part.isascii() and part.isdecimal() for part in (partition, offset))
    return (int(partition), int(offset)) if dash and numbers and len(letter_id) < _LONGEST_ID else None


def letter_of(record: StoredRecord) -> Letter:
    """From the headers that it was given when it was kept."""
    headers: Mapping[str, str] = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    return Letter(
        letter_id=id_of(record),
        at_ms=record.timestamp_ms,
        topic=headers.get("topic", ""),
        key="" if record.key is None else record.key.decode("utf-8", "backslashreplace"),
        error_class=headers.get("error-class", ""),
        error=headers.get("error", ""),
        size=len(record.value or b""),
    )


def sent_again(record: StoredRecord, topics: Collection[str]) -> Record:
    """The record, byte for byte, for the topic that it came from; StrayLetterError where that is none of `topics`."""
    origin = letter_of(record).topic
    if origin not in topics:
        raise StrayLetterError(
            f"{id_of(record)} came from topic {origin!r}, which is none of this service's topics: nothing was sent; "
            "compare TIDECAST_TOPIC_PREFIX with the service's"
        )
    return Record(origin, record.key, record.value, trace_headers(record))
