"""Lines of files that grow, and their times."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.metric_sources import text_lines
from connectors.metric_sources.text_lines import LineFile, LineTimes, milliseconds_of


@given(
    text=st.text(alphabet="aé\n\r ", max_size=60),
    cuts=st.lists(st.integers(0, 130), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_each_line_comes_once(
    tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int], encoding: str
) -> None:
    """Wherever the file is cut while it is read, in the middle of a character or of a byte order mark too."""
    whole = text.encode(encoding)
    path = tmp_path_factory.mktemp("lines") / "log"
    path.write_bytes(b"")
    file = LineFile(path)
    found = []
    for cut in [*sorted(min(cut, len(whole)) for cut in cuts), len(whole)]:
        path.write_bytes(whole[:cut])
        while lines := file.read_new():
            found += lines
    found += file.last()

    expected = re.split("\r\n|\r|\n", text)
    last = expected.pop()
    assert found == expected + ([last] if last else [])


def test_each_update_of_a_progress_bar_is_a_line(tmp_path: Path) -> None:
    """While it is drawn: the first line feed comes when the training has ended (M-061)."""
    path = tmp_path / "log"
    path.write_bytes(b"\r 1/3 loss=3\r 2/3 loss=2")
    file = LineFile(path)

    assert file.read_new() == ["", " 1/3 loss=3"]
    with path.open("ab") as log:
        log.write(b"\r")
    assert file.read_new() == []
    with path.open("ab") as log:
        log.write(b"\n 3/3 loss=1")
    assert file.read_new() == [" 2/3 loss=2"]
    assert file.last() == [" 3/3 loss=1"]


def test_a_line_that_is_too_long_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows it is read."""
    monkeypatch.setattr(text_lines, "_LONGEST", 100)
    monkeypatch.setattr(text_lines, "_CHUNK", 64)
    path = tmp_path / "log"
    path.write_bytes(b"first\n" + b"x" * 1000 + b"\nlast\n")
    file, found = LineFile(path), []
    while lines := file.read_new():
        found += lines

    assert found[0] == "first"
    assert found[-1] == "last"
    assert len(found) == 3
    assert set(found[1]) == {"x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01T00:00:00Z step", 1704067200000),
        ("[2024-01-01 00:00:00,123+00:00] [INFO]", 1704067200123),
        ("2024-01-01 02:00:00.5 +0200: x", 1704067200500),
        ("2024-13-01 00:00:00Z", None),
        ("step 3", None),
        ("", None),
    ],
)
def test_times_that_lines_say(text: str, expected: int | None) -> None:
    """In the forms of logging libraries."""
    assert milliseconds_of(text) == expected


def test_lines_without_a_time_follow_one_another() -> None:
    """From the time that is given, or the last one said; those that arrive live are dated so."""
    times = LineTimes(1000)

    assert [times.of("a"), times.of("b")] == [1000, 1001]
    times.live = True
    assert abs(times.of("c") - time.time() * 1000) < 60_000
    assert [times.of("1970-01-01T00:00:05Z x"), times.of("d")] == [5000, 5000]
