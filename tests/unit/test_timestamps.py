"""Timestamp texts: accepted forms, refused ones, order by time, and the form the answers use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import timestamps
from connectors.timestamps import (
    BadTimestampError,
    format_timestamp,
    format_timestamps,
    parse_timestamps,
    shown_times,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(*parts: int) -> int:
    """The expected moment, by way of the standard library."""
    return (datetime(*parts, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)  # type: ignore[misc]


ACCEPTED = [
    ("8/1/2020", milliseconds(2020, 8, 1)),
    ("08/01/2020", milliseconds(2020, 8, 1)),
    ("12/31/2020", milliseconds(2020, 12, 31)),
    ("8/1/2020 7:05", milliseconds(2020, 8, 1, 7, 5)),
    ("8/1/2020 17:05:09", milliseconds(2020, 8, 1, 17, 5, 9)),
    ("8/1/2020 17:05:09.5", milliseconds(2020, 8, 1, 17, 5, 9, 500_000)),
    ("2020-08-01 00:00:00", milliseconds(2020, 8, 1)),
    ("2020-08-01 00:00:00.0000000", milliseconds(2020, 8, 1)),
    ("2020-08-01", milliseconds(2020, 8, 1)),
    ("2020-08", milliseconds(2020, 8, 1)),
    ("2020-08-01 13:14", milliseconds(2020, 8, 1, 13, 14)),
    ("2020-08-01T13:14:15", milliseconds(2020, 8, 1, 13, 14, 15)),
    ("2020-08-01 13:14:15.1", milliseconds(2020, 8, 1, 13, 14, 15, 100_000)),
    ("2020-08-01 13:14:15.12", milliseconds(2020, 8, 1, 13, 14, 15, 120_000)),
    ("2020-08-01 13:14:15.123999999", milliseconds(2020, 8, 1, 13, 14, 15, 123_000)),
    ("2020-08-01T13:14:15Z", milliseconds(2020, 8, 1, 13, 14, 15)),
    ("2020-08-01T13:14:15+08:00", milliseconds(2020, 8, 1, 5, 14, 15)),
    ("2020-08-01T13:14:15.002395+0800", milliseconds(2020, 8, 1, 5, 14, 15, 2000)),
    ("2020-08-01 20:14:15 -05:30", milliseconds(2020, 8, 2, 1, 44, 15)),
    ("2020-08-01T13:14-05", milliseconds(2020, 8, 1, 18, 14)),
    (" 2020-08-01\t", milliseconds(2020, 8, 1)),
    ("2020-02-29", milliseconds(2020, 2, 29)),
    ("1900-03-01", milliseconds(1900, 3, 1)),
    ("0001-01-01", milliseconds(1, 1, 1)),
    ("9999-12-31 23:59:59.999", milliseconds(9999, 12, 31, 23, 59, 59, 999_000)),
]


@pytest.mark.parametrize(("text", "moment"), ACCEPTED)
def test_J143_accepted_forms(text: str, moment: int) -> None:
    """Every documented form is the moment it names; finer than a microsecond is cut off."""
    parsed = parse_timestamps([text])

    assert (parsed.instants // 1000).tolist() == [moment]
    assert parsed.wall_ms.tolist() == [moment + 60_000 * int((parsed.offset_minutes or [0])[0])]


def test_17_an_offset_is_kept_beside_what_the_clock_shows() -> None:
    """Half past one at +05:30 is half past one; a column without offsets has none."""
    parsed = parse_timestamps(["2020-01-02T01:30:00+05:30", "2020-01-02T01:30:00-08:00", "2020-01-02T01:30:00Z"])

    assert parsed.offset_minutes is not None
    assert parsed.offset_minutes.tolist() == [330, -480, 0]
    assert shown_times(parsed.wall) == ["2020-01-02 01:30:00"] * 3
    assert parse_timestamps(["2020-01-02 01:30:00"]).offset_minutes is None


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["2020-01-01 00:00:10", "2020-01-01 00:00:11.0"], ["2020-01-01 00:00:10", "2020-01-01 00:00:11"]),
        (["2020-01-01 00:00:10", "2020-01-01 00:00:10.25"], ["2020-01-01 00:00:10.000", "2020-01-01 00:00:10.250"]),
        (["2020-01-01 00:00:10.0001239"], ["2020-01-01 00:00:10.000123"]),
        (["0001-01-01"], ["0001-01-01 00:00:00"]),
        (["9999-12-31 23:59:59.999999"], ["9999-12-31 23:59:59.999999"]),
    ],
)
def test_17_times_that_differ_are_never_shown_alike(texts: list[str], shown: list[str]) -> None:
    """Whole seconds as J-134 has them; else all with milliseconds, or with microseconds."""
    assert shown_times(parse_timestamps(texts).wall) == shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("NaN", "not a date"),
        ("yesterday", "not a date"),
        ("20200801", "not a date"),
        ("1596240000", "not a date"),
        ("2020", "not a date"),
        ("2020-8-1", "not a date"),
        ("2020/08/01", "not a date"),
        ("01.08.2020", "not a date"),
        ("8-1-2020", "not a date"),
        ("8/1/2020 5:00 PM", "not a date"),
        ("2020-08-01 5:00", "not a date"),
        ("2020-08-01T", "not a date"),
        ("2020-08-01Z", "not a date"),
        ("2020-08-01 00:00:00.", "not a date"),
        ("2020-08-01 00:00:00.0000000000", "not a date"),
        ("2020-08-01 00:00:00 Europe/Berlin", "not a date"),
        ("\u0662\u0660\u0662\u0660-08-01", "not a date"),
        ("2020-08-01" + " " * 50 + "x", "not a date"),
        ("9" * 100_000, "not a date"),
        ("8/1/20", "two-digit year"),
        ("20-08-01", "two-digit year"),
        ("8/1/20 10:00", "two-digit year"),
        ("13/1/2020", "month first"),
        ("31/12/2020", "month first"),
        ("0/1/2020", "does not exist"),
        ("2020-02-30", "does not exist"),
        ("2021-02-29", "does not exist"),
        ("2020-00-10", "does not exist"),
        ("2020-13-01", "does not exist"),
        ("2020-08-00", "does not exist"),
        ("0000-01-01", "does not exist"),
        ("2020-08-01 24:00:00", "does not exist"),
        ("2020-08-01 23:60:00", "does not exist"),
        ("2020-08-01 23:59:60", "does not exist"),
        ("2020-08-01 00:00:00+24:00", "does not exist"),
        ("2020-08-01 00:00:00+00:60", "does not exist"),
    ],
)
def test_refused_texts_say_why(text: str, says: str) -> None:
    """What cannot be read is refused with its place, its text and the reason; nothing is guessed."""
    with pytest.raises(BadTimestampError, match=says) as refused:
        parse_timestamps([text])

    assert (refused.value.index, refused.value.text) == (0, text)


def test_J143_order_is_by_time_not_by_text() -> None:
    """10/1/2020 comes after 9/1/2020, and texts of different length in one column are all read."""
    moments = parse_timestamps(["10/1/2020", "9/1/2020", "9/1/2020 0:01"]).wall

    assert moments[1] < moments[2] < moments[0]


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-08-01", "2020-08-02", "8/3/2020"],
        ["8/1/2020", "8/2/2020", "2020-08-03"],
        ["2020-08-01 00:00:00", "2020-08-02", "2020-08-03T00:00:00Z"],
    ],
)
def test_mixed_families_are_refused(texts: list[str]) -> None:
    """A column keeps to slashes, ISO or ISO with offset; the first text of another family is named."""
    with pytest.raises(BadTimestampError, match="use one form throughout") as refused:
        parse_timestamps(texts)

    assert refused.value.index == 2
    assert texts[0] in str(refused.value)


@pytest.mark.parametrize("block", [1, 2, 3, 200_000])
def test_the_first_bad_text_is_named(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Whatever surrounds it and however the texts are taken together, the earliest bad text is the one reported."""
    monkeypatch.setattr(timestamps, "_BLOCK", block)

    for texts, first in [
        (["2020-08-01", "2020-08-01 10:00", "2020-02-30", "x", "2020-08-01 99:00"], 2),
        (["2020-08-01", "2020-08-01 99:00", "2020-02-30"], 1),
        (["2020-08-01", "x", "2020-02-30"], 1),
        (["2020-02-30", "x"], 0),
    ]:
        with pytest.raises(BadTimestampError) as refused:
            parse_timestamps(texts)
        assert refused.value.index == first


def test_no_texts_give_no_moments() -> None:
    """An empty column is an empty answer."""
    assert parse_timestamps([]).wall.tolist() == []
    assert format_timestamps(np.array([], dtype=np.int64)) == []


@given(
    st.lists(
        st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)),  # noqa: DTZ001  wall-clock times
        min_size=1,
        max_size=20,
    )
)
def test_J134_formatting_is_the_inverse_of_reading(times: list[datetime]) -> None:
    """Any moment is written and read back, also before 1970, and both agree with the standard library."""
    texts = [time.replace(microsecond=0).isoformat(sep=" ") for time in times]
    moments = parse_timestamps([time.isoformat(sep=" ", timespec="microseconds") for time in times]).wall_ms

    assert format_timestamps(moments) == texts
    assert format_timestamps(parse_timestamps(texts).wall_ms) == texts
    assert shown_times(parse_timestamps(texts).wall) == texts
    assert format_timestamp(int(moments[0])) == texts[0]
    expected = [(time.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1) for time in times]
    assert moments.tolist() == expected
