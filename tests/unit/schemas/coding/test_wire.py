"""The Confluent wire format and Avro's array<double>, against bytes written by hand from the two specifications."""

import struct
from io import BytesIO

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from schemas.coding.wire import (
    UndecodableError,
    decode_doubles,
    decode_text,
    encode_doubles,
    encode_long,
    frame,
    read_only,
    unframe,
)

DOUBLES = parse_schema({"type": "array", "items": "double"})


def avro_doubles(values: list[float]) -> bytes:
    """What a stock writer makes of an array<double>."""
    buffer = BytesIO()
    schemaless_writer(buffer, DOUBLES, values)
    return buffer.getvalue()


def long(value: int) -> bytes:
    """Avro's zigzag variable-length long, by the specification's own table of examples: 0 00, -1 01, 1 02, 64 80 01."""
    number = 2 * value if value >= 0 else -2 * value - 1
    out = bytearray()
    while number >= 128:
        out.append(number % 128 + 128)
        number //= 128
    return bytes([*out, number])


def doubles(*values: float) -> bytes:
    """Values as Avro writes them one after the other: eight bytes each, little-endian."""
    return struct.pack(f"<{len(values)}d", *values)


class TestFrame:
    """Byte 0, four bytes of schema id, then the payload."""

    def test_frame_puts_zero_and_the_big_endian_id_before_the_payload(self) -> None:
        """The five bytes are those that Confluent documents."""
        assert frame(258, b"ab") == b"\x00\x00\x00\x01\x02ab"

    @pytest.mark.parametrize("schema_id", [0, 1, 12, 2**31 - 1, 2**32 - 1])
    def test_unframe_gives_back_id_and_payload(self, schema_id: int) -> None:
        """Every id that fits into four bytes survives."""
        found, payload = unframe(frame(schema_id, b"payload"))

        assert found == schema_id
        assert bytes(payload) == b"payload"

    def test_an_empty_payload_is_a_payload(self) -> None:
        """A record without fields has no bytes; the header alone is enough."""
        found, payload = unframe(b"\0\0\0\0\7")

        assert (found, len(payload)) == (7, 0)

    def test_a_tombstone_is_refused_by_that_name(self) -> None:
        """A record without value is no event."""
        with pytest.raises(UndecodableError, match="tombstone"):
            unframe(None)

    @pytest.mark.parametrize("length", range(5))
    def test_too_few_bytes_are_refused(self, length: int) -> None:
        """Less than a header is told by its length."""
        with pytest.raises(UndecodableError, match=f"^{length} bytes are too few"):
            unframe(b"\0\0\0\0\7"[:length])

    @pytest.mark.parametrize(("first", "shown"), [(1, "1"), (0x7B, "123"), (0x80, "-128"), (0xFF, "-1")])
    def test_another_first_byte_is_refused(self, first: int, shown: str) -> None:
        """JSON posted by mistake, for example, begins with 123."""
        with pytest.raises(UndecodableError, match=f"first byte is {shown}, expected 0"):
            unframe(bytes([first, 0, 0, 0, 7, 1]))

    def test_undecodable_is_a_value_error(self) -> None:
        """Callers that know nothing of events may catch the standard class."""
        assert issubclass(UndecodableError, ValueError)


class TestEncodeDoubles:
    """One block with its count, then the values, then a zero."""

    def test_known_bytes(self) -> None:
        """Count 3 is 06, each value has eight bytes, 00 ends the array."""
        assert encode_doubles(np.array([1.0, -2.5, 0.0])) == b"\x06" + doubles(1.0, -2.5, 0.0) + b"\0"

    def test_an_empty_array_is_a_single_zero(self) -> None:
        """No block at all."""
        assert encode_doubles(np.empty(0)) == b"\0"

    @pytest.mark.parametrize("count", [1, 63, 64, 8191, 8192, 100_000])
    def test_equal_to_a_stock_writer_at_every_length_of_the_count(self, count: int) -> None:
        """The variable-length count changes its own length at 64 and 8192."""
        values = np.arange(count, dtype=np.float64)

        assert encode_doubles(values) == avro_doubles(values.tolist())

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(np.arange(10.0)[::2], id="strided"),
            pytest.param(np.arange(5.0)[::-1], id="reversed"),
            pytest.param(np.arange(5.0, dtype=">f8"), id="big-endian"),
            pytest.param(np.arange(5, dtype=np.int64), id="integers"),
            pytest.param(np.arange(5, dtype=np.float32), id="single-precision"),
        ],
    )
    def test_any_layout_in_memory_gives_the_same_bytes(self, values: "np.ndarray") -> None:
        """What counts are the values, not how numpy holds them."""
        assert encode_doubles(values) == avro_doubles([float(value) for value in values])

    @given(st.lists(st.floats()))
    def test_stock_reader_reads_what_we_write(self, values: list[float]) -> None:
        """Any doubles, infinities and NaN among them, bit for bit."""
        read = schemaless_reader(BytesIO(encode_doubles(np.array(values, np.float64))), DOUBLES, None)

        assert doubles(*read) == doubles(*values)


class TestDecodeDoubles:
    """Every spelling of an array that the specification allows."""

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            pytest.param(b"\0", [], id="empty"),
            pytest.param(b"\x04" + doubles(1, 2) + b"\0", [1, 2], id="one-block"),
            pytest.param(b"\x02" + doubles(1) + b"\x04" + doubles(2, 3) + b"\0", [1, 2, 3], id="two-blocks"),
            pytest.param(b"\x03\x20" + doubles(1, 2) + b"\0", [1, 2], id="negative-count-with-size"),
            pytest.param(
                b"\x01\x10" + doubles(1) + b"\x02" + doubles(2) + b"\x03\x20" + doubles(3, 4) + b"\0",
                [1, 2, 3, 4],
                id="mixed",
            ),
            pytest.param(b"\x82\x00" + doubles(1) + b"\x80\x00", [1], id="counts-written-longer-than-needed"),
        ],
    )
    def test_known_bytes(self, data: bytes, expected: list[float]) -> None:
        """Blocks are joined in their order; a negative count is followed by the block's size."""
        values = decode_doubles(memoryview(data))

        assert values.tolist() == expected
        assert values.dtype == np.float64

    @given(
        st.lists(st.tuples(st.lists(st.floats(allow_nan=False), min_size=1, max_size=40), st.booleans()), max_size=6)
    )
    def test_blocks_of_any_size_and_sign_agree_with_a_stock_reader(
        self, blocks: list[tuple[list[float], bool]]
    ) -> None:
        """However a writer cuts an array into blocks, we read what fastavro reads."""
        data = b"".join(
            (long(-len(values)) + long(8 * len(values)) if sized else long(len(values))) + doubles(*values)
            for values, sized in blocks
        )
        data += b"\0"

        assert decode_doubles(memoryview(data)).tolist() == schemaless_reader(BytesIO(data), DOUBLES, None)

    @pytest.mark.parametrize("blocks", [0, 1, 2])
    def test_the_array_cannot_be_written_to(self, blocks: int) -> None:
        """One block is a view of the message: writing to it would change bytes that others read."""
        values = decode_doubles(memoryview(bytearray((b"\x02" + doubles(1)) * blocks + b"\0")))

        assert not values.flags.writeable

    def test_one_block_is_not_copied(self) -> None:
        """The long histories of TrainSeries stay where they are."""
        data = b"\x04" + doubles(1, 2) + b"\0"

        assert decode_doubles(memoryview(data)).base is not None

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"\x03\x20" + doubles(1, 2) + b"\x02" + doubles(3) + b"\0", id="two-blocks"),
            pytest.param(b"\x80\x01" + doubles(*range(64)) + b"\0", id="long-count"),
            pytest.param(b"\0", id="empty"),
        ],
    )
    def test_every_truncation_is_refused(self, data: bytes) -> None:
        """However many bytes are missing at the end."""
        for length in range(len(data)):
            with pytest.raises(UndecodableError, match="cut short"):
                decode_doubles(memoryview(data[:length]))

    @pytest.mark.parametrize("extra", [b"\0", b"\x02" + doubles(1) + b"\0"])
    def test_bytes_after_the_end_are_refused(self, extra: bytes) -> None:
        """The array fills its bytes; the rest would be another record's."""
        with pytest.raises(UndecodableError, match=f"^{len(extra)} bytes follow the end"):
            decode_doubles(memoryview(b"\x02" + doubles(1) + b"\0" + extra))

    @pytest.mark.parametrize("count", [2**40, -(2**40), 2**62, -(2**63)])
    def test_a_huge_count_allocates_nothing(self, count: int) -> None:
        """A few bad bytes must not ask for terabytes."""
        with pytest.raises(UndecodableError, match="cut short"):
            decode_doubles(memoryview(long(count) + b"\x10" + doubles(1)))

    def test_an_endless_count_is_refused(self) -> None:
        """A long has at most ten bytes."""
        with pytest.raises(UndecodableError, match="cut short"):
            decode_doubles(memoryview(b"\xff" * 100))

    @given(st.binary(max_size=60))
    def test_any_bytes_are_an_array_or_undecodable(self, data: bytes) -> None:
        """Never another exception."""
        try:
            values = decode_doubles(memoryview(data))
        except UndecodableError:
            return

        assert len(values) * 8 < len(data)


def test_read_only_is_the_same_array() -> None:
    """No copy is made."""
    values = np.zeros(3)

    assert read_only(values) is values
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


@pytest.mark.parametrize("text", ["", "a", "mäöü", "x" * 300])
def test_texts_are_read_one_after_the_other(text: str) -> None:
    """Each tells where the next one begins."""
    encoded = encode_long(len(text.encode())) + text.encode()

    assert decode_text(encoded + b"\x02z", 0) == (text, len(encoded))
    assert decode_text(encoded + b"\x02z", len(encoded)) == ("z", len(encoded) + 2)


@pytest.mark.parametrize("damaged", [b"", b"\x04a", b"\x01a", b"\x80", b"\x02\xff"])
def test_a_damaged_text_is_refused(damaged: bytes) -> None:
    """Cut short, of a length below zero, no UTF-8."""
    with pytest.raises(ValueError, match=r"cut short|utf-8"):
        decode_text(damaged, 0)
