"""Whatever is wrong with the bytes of an event."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.coding.codec import EVENT_TYPES, Codec
from schemas.coding.wire import UndecodableError, frame
from schemas.forecasting import CmdStatus, DeleteJob, JobStatus
from tests.unit.schemas.event_samples import EVENTS


class TestDamagedBytes:
    """Whatever is wrong with the bytes, the answer is UndecodableError and nothing else."""

    def test_every_truncation_is_undecodable(self, ours: Codec, event: Any) -> None:
        """From no byte at all to one byte less than the event."""
        data = ours.encode(event)

        for length in range(len(data)):
            with pytest.raises(UndecodableError):
                ours.decode(data[:length])

    @pytest.mark.parametrize("extra", [b"\0", b"\0" * 8, b"\x02", b"garbage"])
    def test_anything_after_the_end_is_undecodable(self, ours: Codec, event: Any, extra: bytes) -> None:
        """An event fills its bytes."""
        with pytest.raises(UndecodableError):
            ours.decode(ours.encode(event) + extra)

    def test_every_flipped_bit_gives_an_event_or_undecodable(self, ours: Codec, event: Any) -> None:
        """A flip inside a number or text may make another valid event; nothing may raise another error."""
        data = ours.encode(event)

        for place in range(5, len(data)):
            for bit in range(8):
                damaged = bytearray(data)
                damaged[place] ^= 1 << bit
                self.decode_or_refuse(ours, bytes(damaged), type(event))

    @settings(max_examples=300)
    @given(payload=st.binary(max_size=200), kind=st.sampled_from(EVENT_TYPES))
    def test_any_bytes_behind_a_good_header(self, ours: Codec, payload: bytes, kind: type) -> None:
        """Random bytes are an event of that type or undecodable."""
        self.decode_or_refuse(ours, frame(ours.schema_id_of(kind), payload), kind)

    @settings(max_examples=300)
    @given(seed=st.integers(0, 2**32), example=st.sampled_from(EVENTS))
    def test_any_damage_to_an_event(self, ours: Codec, seed: int, example: Any) -> None:
        """Bytes changed, cut out and put in, with the values that mean most in Avro: signs, ends and long counts."""
        dice = random.Random(seed)
        data = bytearray(ours.encode(example))
        for _ in range(dice.randint(1, 5)):
            place = dice.randint(5, len(data))
            loud = bytes(dice.choice((0x00, 0x01, 0x7F, 0x80, 0xFF, dice.randrange(256))) for _ in range(10))
            cut = dice.randint(0, 9)
            data[place : place + cut] = loud[: dice.randint(0, 10)]
        self.decode_or_refuse(ours, bytes(data), type(example))

    @given(data=st.binary(max_size=60))
    def test_any_bytes_at_all(self, ours: Codec, data: bytes) -> None:
        """Without a good header there is no event."""
        if data[:1] == b"\0" and len(data) >= 5 and int.from_bytes(data[1:5]) <= len(EVENT_TYPES):
            return

        with pytest.raises(UndecodableError):
            ours.decode(data)

    def test_a_tombstone_is_undecodable(self, ours: Codec) -> None:
        """Agents get None as value."""
        with pytest.raises(UndecodableError, match="tombstone"):
            ours.decode(None)

    def test_an_unknown_enum_symbol_is_undecodable(self, ours: Codec) -> None:
        """A status number 5 does not exist."""
        data = ours.encode(JobStatus(1, CmdStatus.EXCEPTION, 1, 0, 0, 0, 0))
        before, after = data[:6], data[7:]  # the header and job_id, one byte of status

        assert ours.decode(before + b"\x06" + after).status is CmdStatus.DONE
        with pytest.raises(UndecodableError, match="does not fit"):
            ours.decode(before + b"\x0a" + after)

    def test_text_that_is_not_utf8_is_undecodable(self, ours: Codec) -> None:
        """Avro text is UTF-8."""
        data = ours.encode(DeleteJob("id", 1)).replace(b"id", b"\xff\xfe")

        with pytest.raises(UndecodableError, match="UnicodeDecodeError"):
            ours.decode(data)

    def test_the_text_names_the_schema_id(self, ours: Codec) -> None:
        """So that a dead letter says what the sender claimed to have sent."""
        with pytest.raises(UndecodableError, match=f"schema {ours.schema_id_of(JobStatus)} does not fit"):
            ours.decode(frame(ours.schema_id_of(JobStatus), b""))

    @staticmethod
    def decode_or_refuse(ours: Codec, data: bytes, kind: type) -> None:
        """Decode; only an event of the type or UndecodableError is let through."""
        try:
            decoded = ours.decode(data)
        except UndecodableError:
            return
        assert type(decoded) is kind
