"""The time of an answer, put into its encoded form."""

from dataclasses import replace

import pytest

from schemas.coding.codec import Codec
from schemas.coding.wire import frame
from schemas.series import SeriesResult
from tests.unit.schemas.coding.stock import codec_knowing, datum_of, schema_of, stock_bytes
from tests.unit.schemas.event_samples import EVENTS, NOON

CODEC = Codec()
RESULTS = [event for event in EVENTS if isinstance(event, SeriesResult)]
RESULTS += [replace(RESULTS[-1], note=note) for note in ("", "a note", "ends in \0", "ends in \x80é")]


def answered(data: bytes, codec: Codec = CODEC, at: int = NOON + 7) -> bytes:
    """The result with its time."""
    return codec.answered(data, codec.outline_of(data, SeriesResult), at)


@pytest.mark.parametrize("result", RESULTS)
def test_it_is_what_coding_the_result_anew_gives(result: SeriesResult) -> None:
    """Byte for byte, also where there was a time before."""
    assert answered(CODEC.encode(result)) == CODEC.encode(replace(result, answered_at=NOON + 7))


def test_an_older_programs_result_gets_a_time_too() -> None:
    """It has no room for it, so it is coded anew."""
    old = schema_of("SeriesResult")
    old["fields"] = [field for field in old["fields"] if field["name"] != "answered_at"]
    codec = codec_knowing(old)
    result = RESULTS[1]

    row = answered(frame(99, stock_bytes(old, datum_of(result))), codec)

    assert codec.decode(row) == replace(codec.decode(codec.encode(result)), answered_at=NOON + 7)


def test_a_long_way_to_say_absent_is_understood() -> None:
    """Avro's zero may be written in several bytes; nobody does, but such a row must not become unreadable."""
    data = CODEC.encode(RESULTS[1])[:-1] + b"\x80\x00"

    assert CODEC.decode(answered(data)) == CODEC.decode(CODEC.encode(replace(RESULTS[1], answered_at=NOON + 7)))
