"""JSON Lines in and out, and the times of a series' steps."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.deepar.series import SeriesLine, first_series, is_json_lines, lines_file, read_series, step_times

LINES = (
    b'{"start": "2020-01-30", "target": [1, "NaN", null, 2.5], "item_id": "north", "cat": [1]}\n'
    b"\n"
    b'{"start": "2020-01-31 00:00:00", "target": []}'
)


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "sales.jsonl"
    path.write_bytes(content)
    return path


def test_D065_every_line_is_a_series_and_blank_ones_are_none(tmp_path: Path) -> None:
    """Named by item_id, else by the line; the fields stay as they are."""
    north, other = read_series(_file(tmp_path, LINES))

    assert (north.title, other.title) == ("north", "line 3")
    assert north.fields["target"] == [1, "NaN", None, 2.5]
    assert np.array_equal(north.history, [1, np.nan, np.nan, 2.5], equal_nan=True)
    assert first_series(_file(tmp_path, b"\n" + LINES)).title == "north"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"start": "2020-01-01", "target": [1]}\n{"start', r"sales\.jsonl, line 2: not JSON: .* at character"),
        (b'{"start": "2020-01-01"}', "line 1: expected an object with start and target"),
        (b'{"target": [1]}', "line 1: expected an object with start and target"),
        (b'{"start": "2020-01-01", "target": 7}', "line 1: expected an object with start and target"),
        (b"\n \n", r"sales\.jsonl has no series"),
    ],
)
def test_what_is_no_series_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """With the line."""
    with pytest.raises(CommandError, match=words):
        read_series(_file(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "lines"), [(LINES, True), (b'\n {"a": 1}', True), (b"a,b\n1,2\n", False), (b"", False)]
)
def test_the_begin_of_a_file_tells_its_kind(tmp_path: Path, content: bytes, lines: bool) -> None:
    """Whatever its name is."""
    assert is_json_lines(_file(tmp_path, content)) is lines


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(
        CommandError, match=r"^FILE .*missing\.jsonl cannot be read: No such file or directory; correct the path$"
    ):
        is_json_lines(tmp_path / "missing.jsonl")


def test_series_are_written_one_per_line() -> None:
    """As they are read; the file is gone afterwards."""
    with lines_file([SeriesLine(("a",), {"start": "2020-01-01", "target": [1.0, None]})] * 2) as path:
        lines = path.read_bytes().splitlines()

    assert [json.loads(line) for line in lines] == 2 * [{"start": "2020-01-01", "target": [1.0, None]}]
    assert not path.exists()


@pytest.mark.parametrize(
    ("start", "freq", "times"),
    [
        ("2020-02-28", "D", ["2020-02-28 00:00:00", "2020-02-29 00:00:00", "2020-03-01 00:00:00"]),
        ("2020-01-31", "M", ["2020-01-31 00:00:00", "2020-02-29 00:00:00", "2020-03-31 00:00:00"]),
        ("2020-01-01 00:20:00", "15min", ["2020-01-01 00:20:00", "2020-01-01 00:35:00", "2020-01-01 00:50:00"]),
        ("2020-01-01", "W", ["2020-01-01 00:00:00", "2020-01-08 00:00:00", "2020-01-15 00:00:00"]),
        ("2020-01-01 06:00:00", "D", ["2020-01-01 06:00:00", "2020-01-02 06:00:00", "2020-01-03 06:00:00"]),
        ("2020-03-15", "Q", ["2020-03-15 00:00:00", "2020-06-15 00:00:00", "2020-09-15 00:00:00"]),
        ("2020-07-01", "Y", ["2020-07-01 00:00:00", "2021-07-01 00:00:00", "2022-07-01 00:00:00"]),
        ("2020-01-03", "B", ["2020-01-03 00:00:00", "2020-01-06 00:00:00", "2020-01-07 00:00:00"]),
        ("2020-01-04", "B", ["2020-01-03 00:00:00", "2020-01-06 00:00:00", "2020-01-07 00:00:00"]),
    ],
)
def test_G06_G16_steps_go_on_from_the_start_as_it_is(start: str, freq: str, times: list[str]) -> None:
    """On its weekday, its day of the month, at its time of day; the service aligns it for the network alone (D-074)."""
    series = SeriesLine(("a",), {"start": start, "target": []})

    assert step_times(series, Frequency.parse(freq), 3) == times
    assert step_times(series, Frequency.parse(freq), 1, first=2) == times[2:]


def test_a_start_that_is_no_time_is_refused() -> None:
    """With the series."""
    with pytest.raises(CommandError, match=r'^a: start "soon" is not a date'):
        step_times(SeriesLine(("a",), {"start": "soon", "target": []}), Frequency.parse("D"), 1)
