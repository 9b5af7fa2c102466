"""Bytes become clean lines, the same however they are cut, in constant memory."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.user_code.log_lines import LINE_BYTES, LogLines


def lines_of(*blocks: bytes, most: int = 1 << 30) -> list[str]:
    log = LogLines(most)
    return [line for block in blocks for line in log.feed(block)] + log.end()


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\nlast", ["one", "", "last"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b" 1%\r50%\r100%\n", ["100%"]),
        (b" 1%\r50%\r100%\r\n", ["100%"]),
        (b" 1%\r50%\r", ["50%"]),
        (b"\r\r\n", [""]),
        (b"\x1b[1;32mepoch\x1b[0m 1\x1b]0;title\x07 of\x1b[K 2\n", ["epoch 1 of 2"]),
        (b"\x1b[38;5;9", []),
        (b"tab\there\x00\x08\x07\n", ["tab\there"]),
        ("größer\n".encode(), ["größer"]),
        (b"gr\xf6\xdfer\n", ["gr\ufffd\ufffder"]),
        (b"", []),
    ],
)
def test_a_line_is_what_a_terminal_would_show(printed: bytes, lines: list[str]) -> None:
    assert [line for line in lines_of(printed) if line or b"\n" in printed] == lines


noise = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\x1b", b"[", b"a", b"xyz", "ö€".encode(), b"\xff", b"a" * 9000]
    )
).map(b"".join) | st.binary(max_size=200)


@given(noise, st.lists(st.integers(0, 40_000)), st.integers(0, 30_000))
def test_the_lines_do_not_depend_on_where_blocks_are_cut(printed: bytes, cuts: list[int], most: int) -> None:
    places = [0, *sorted(min(cut, len(printed)) for cut in cuts), len(printed)]
    blocks = [printed[start:end] for start, end in pairwise(places)]

    assert lines_of(*blocks, most=most) == lines_of(printed, most=most)


@given(noise)
def test_no_line_is_longer_than_it_may_be_or_holds_what_is_not_to_be_seen(printed: bytes) -> None:
    for line in lines_of(printed):
        assert len(line.encode()) <= LINE_BYTES
        assert line.isprintable() or "\t" in line or not line.isascii()
        assert not {"\x1b", "\r", "\n", "\0"} & set(line)


def test_a_line_of_a_gigabyte_takes_no_memory() -> None:
    log = LogLines(1 << 20)
    block = b"x" * (64 * 1024)
    tracemalloc.start()
    for _ in range((1 << 30) // len(block)):
        assert log.feed(block) == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (line,) = log.feed(b"\n")

    assert most < 1 << 20
    assert len(line.encode()) == LINE_BYTES
    assert line.endswith(" … (line cut)")


def test_a_log_that_is_too_long_is_cut_with_one_line_that_says_so() -> None:
    log = LogLines(100)
    lines = [line for n in range(1000) for line in log.feed(b"line %d\n" % n)]

    assert lines[-1] == "log cut: it has 100 bytes, the most that are kept"
    assert sum(len(line) + 1 for line in lines[:-1]) <= 100
    assert sum("log cut" in line for line in lines) == 1
    assert log.cut
    assert log.end() == []
