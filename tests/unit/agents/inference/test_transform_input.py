"""The lines of a transform job's file, in parts that never take long, whatever the file holds."""

import gzip
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.inference import transform_lines
from agents.inference.transform_lines import InputError, InputLines
from connectors.objects.store import ObjectStore
from schemas.inference import StartTransform
from streams.inference import transforms
from streams.settings import Settings

MIB = 1024**2


def opened(
    folder: Path, content: bytes, name: str = "batch.jsonl", *, limit: int = 64 * MIB, longest: int = MIB - 1024
) -> InputLines:
    """The file as a job reads it."""
    store = ObjectStore(str(folder))
    store.put_bytes(f"uploads/{name}", content)
    settings = Settings(max_transform_data_bytes=limit, max_message_bytes=longest + 1024)
    record = transforms.begun(StartTransform("c", "job", "model", f"/uploads/{name}", "/outputs/o"), at=0)
    return InputLines(store, settings, record)


def all_parts(lines: InputLines, size: int = 100) -> list[list[tuple[int, bytes | None]]]:
    """Every part to the end."""
    parts = []
    while (part := lines.part(size)) is not None:
        parts.append(part)
    lines.close()
    return parts


def by_the_book(content: bytes, longest: int) -> list[tuple[int, bytes | None]]:
    """What the lines are, read in one go."""
    lines = enumerate(content.split(b"\n"), 1)
    return [(number, line if len(line) <= longest else None) for number, line in lines if line.strip()]


def gzipped(block: bytes, times: int) -> bytes:
    """A block again and again, packed."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(times):
            file.write(block)
    return packed.getvalue()


content = st.lists(st.sampled_from([b"\n", b"\n\n\n", b" ", b"\t", b"{}", b"abcdef", b"\r\n", b"x" * 30])).map(b"".join)


@given(content=content, block=st.integers(1, 40), size=st.integers(1, 5))
def test_the_lines_are_those_of_the_file_however_it_is_cut(
    content: bytes, block: int, size: int, tmp_path_factory: Any
) -> None:
    """Blocks end anywhere, also within a line that is too long or blank."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transform_lines, "_BLOCK", block)
        patch.setattr(transform_lines, "_PART_BYTES", 3 * block)
        lines = opened(tmp_path_factory.mktemp("input"), content)
        lines._longest = 12
        parts = all_parts(lines, size)

    assert [line for part in parts for line in part] == by_the_book(content, 12)
    assert all(len(part) <= size for part in parts)


@pytest.mark.parametrize("block", [b"\n" * MIB, b" \n" * MIB, b" " * MIB, b"\n" * (MIB - 1) + b"x", b"{" * MIB])
def test_no_part_takes_long_whatever_the_file_holds(tmp_path: Path, block: bytes) -> None:
    """Newlines by the million, blank lines, lines without an end: a part is a few hundredths of a second."""
    lines = opened(tmp_path, gzipped(block, 24), "bomb.jsonl.gz")
    longest, ended = 0.0, False
    while not ended:
        began = time.thread_time()
        ended = lines.part(100) is None
        longest = max(longest, time.thread_time() - began)

    assert longest < 0.3


def test_a_file_is_read_to_the_limit_and_the_reason_says_which(tmp_path: Path) -> None:
    """What counts is what it unpacks to."""
    lines = opened(tmp_path, gzipped(b"\n" * MIB, 3), "bomb.jsonl.gz", limit=2 * MIB)

    with pytest.raises(InputError, match="has more than 2097152 bytes when unpacked: split it into several files"):
        all_parts(lines)


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    """The limit is the most that is accepted."""
    parts = all_parts(opened(tmp_path, b"{}\n" * 10, limit=30))

    assert sum(map(len, parts)) == 10


def test_a_damaged_file_is_told_as_such(tmp_path: Path) -> None:
    """At its beginning and in its middle."""
    whole = gzipped(b"{}\n" * 1000, 3)
    for content in (b"no gzip at all", whole[:-9]):
        with pytest.raises(InputError, match="is no whole gzip file"):
            all_parts(opened(tmp_path, content, "damaged.jsonl.gz"))
