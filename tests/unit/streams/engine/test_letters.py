"""Dead letters as whoever looks at them sees them, and their way back."""

import pytest

from connectors.kafka.topic_reader import StoredRecord
from streams.engine.letters import Letter, StrayLetterError, id_of, letter_of, place_of, sent_again

LETTER = StoredRecord(
    topic="tidecast.dead-letters",
    partition=2,
    offset=15,
    timestamp_ms=1_700_000_000_000,
    key=b"7\xff",
    value=b"\x00bytes",
    headers=(
        ("topic", b"tidecast.job-commands"),
        ("error-class", b"RejectedError"),
        ("error", "data_id: there is no dataset 5 …".encode()),
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ),
)


def test_what_it_says() -> None:
    """The id names its place; a key that is no text is shown all the same."""
    shown = letter_of(LETTER)

    assert id_of(LETTER) == "2-15"
    assert shown == Letter(
        "2-15",
        1_700_000_000_000,
        "tidecast.job-commands",
        "7\\xff",
        "RejectedError",
        "data_id: there is no dataset 5 …",
        6,
    )


def test_headers_of_others_are_none_of_ours() -> None:
    """A record that somebody else has put there has no reason."""
    bare = StoredRecord("t", 0, 0, 1, None, None, ())

    assert letter_of(bare) == Letter("0-0", 1, "", "", "", "", 0)


@pytest.mark.parametrize("text", ["", "2", "2-", "-15", "2-15-1", "a-1", "1-b", "²-1", "1" * 40 + "-1"])
def test_no_id(text: str) -> None:
    """Anything else than PARTITION-OFFSET in plain digits."""
    assert place_of(text) is None


def test_id() -> None:
    """What the list shows is found again."""
    assert place_of(id_of(LETTER)) == (2, 15)


def test_sent_again() -> None:
    """Key and value byte for byte, with its trace and without its reason."""
    record = sent_again(LETTER, {"tidecast.job-commands"})

    assert (record.topic, record.key, record.value) == ("tidecast.job-commands", LETTER.key, LETTER.value)
    assert [name for name, _ in record.headers or ()] == ["traceparent"]


def test_not_to_topics_of_others() -> None:
    """Whoever can write a dead letter must not make us write where it likes."""
    with pytest.raises(StrayLetterError, match=r"2-15 came from topic 'tidecast.job-commands', which is none"):
        sent_again(LETTER, {"other.job-commands"})
