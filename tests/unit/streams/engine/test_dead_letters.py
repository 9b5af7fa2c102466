"""Dead letters: the original, where it came from, and why it is here."""

from dataclasses import dataclass

import pytest

from connectors.kafka.publisher import Record
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import DeleteJob
from streams.engine.dead_letters import dead_letter
from streams.errors import NotFoundError

EVENT = Codec().encode(DeleteJob("c", 7))


@dataclass
class Message:
    """What a letter needs of a consumed message."""

    key: bytes | None = b"7"
    value: bytes | None = EVENT
    topic: str = "commands"
    partition: int = 3
    offset: int = 41
    headers: tuple[tuple[str, bytes], ...] = ()


def headers(letter: Record) -> dict[str, str]:
    """The headers as text."""
    return {name: value.decode() for name, value in letter.headers}


def test_a_letter_keeps_the_original() -> None:
    """Byte for byte, under its key, so that it can be sent again."""
    letter = dead_letter("dead-letters", Message(), UndecodableError("no"))

    assert (letter.topic, letter.key, letter.value, letter.partition) == ("dead-letters", b"7", EVENT, None)


def test_the_headers_say_where_and_why() -> None:
    """The way back, the schema, and the error."""
    letter = dead_letter("dead-letters", Message(), UndecodableError("not an event"))

    assert headers(letter) == {
        "topic": "commands",
        "partition": "3",
        "offset": "41",
        "schema-id": str(Codec().schema_id_of(DeleteJob)),
        "error-class": "UndecodableError",
        "error": "not an event",
    }


def test_a_refusal_gives_its_message() -> None:
    """The text that HTTP would answer."""
    letter = dead_letter("dead-letters", Message(), NotFoundError("unknown_job", "there is no job 7"))

    assert (headers(letter)["error-class"], headers(letter)["error"]) == ("RejectedError", "there is no job 7")


@pytest.mark.parametrize("value", [None, b"", b"\0\0", b"{}    "])
def test_bytes_without_a_schema_id_have_an_empty_one(value: bytes | None) -> None:
    """Whatever they are, they are kept."""
    letter = dead_letter("dead-letters", Message(key=None, value=value), UndecodableError("no"))

    assert (letter.key, letter.value, headers(letter)["schema-id"]) == (None, value, "")


def test_long_reasons_are_cut() -> None:
    """They repeat what was sent, which may be the whole size of a record."""
    letter = dead_letter("dead-letters", Message(), UndecodableError("x" * 5000))

    assert headers(letter)["error"] == "x" * 2000 + "…"


def test_a_reason_that_is_no_text_does_not_fail() -> None:
    """Half a surrogate pair cannot be encoded; the rest of the reason is kept."""
    letter = dead_letter("dead-letters", Message(), UndecodableError("bad \ud800 name"))

    assert headers(letter)["error"] == "bad ? name"


@pytest.mark.parametrize("too_large", [0, 1])
def test_a_letter_that_cannot_be_sent_leaves_the_original_where_it_is(too_large: int) -> None:
    """Its headers still lead to it, and say how large it was."""
    message = Message(value=b"x" * 10_000)
    whole = dead_letter("dead-letters", message, UndecodableError("no"))
    letter = dead_letter("dead-letters", message, UndecodableError("no"), max_bytes=whole.size - too_large)

    if not too_large:
        assert letter == whole
    else:
        assert (letter.key, letter.value) == (None, None)
        assert headers(letter) == headers(whole) | {"omitted-bytes": "10001"}


def test_a_letter_belongs_to_the_trace_of_its_original() -> None:
    """Whoever follows a request finds where it ended; other headers are not kept."""
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    message = Message(headers=(("retries", b"3"), trace))
    letter = dead_letter("dead-letters", message, UndecodableError("no"))

    assert letter.headers[-1] == trace
    assert "retries" not in headers(letter)
