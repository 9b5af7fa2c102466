"""Timestamp texts: accepted forms, refused ones, order by time, and the form the answers use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.timestamps import columns as timestamp_columns
from connectors.timestamps.parsing import (
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
        (["2020-01-01 00:00:10.5", "2020-01-01 00:00:40.5"], ["2020-01-01 00:00:10", "2020-01-01 00:00:40"]),
        (
            ["2020-01-01 00:00:10.0001239", "2020-01-01 00:00:10"],
            ["2020-01-01 00:00:10.000123", "2020-01-01 00:00:10.000000"],
        ),
        (  # each second of these distances would be wrong by half of a second
            ["2020-01-01 00:00:10.5", "2020-01-01 00:00:12", "2020-01-01 00:00:15"],
            ["2020-01-01 00:00:10.500", "2020-01-01 00:00:12.000", "2020-01-01 00:00:15.000"],
        ),
        (  # jitter makes no steps
            ["2020-01-01 00:00:10.5", "2020-01-01 00:00:20.6", "2020-01-01 00:00:30.55"],
            ["2020-01-01 00:00:10", "2020-01-01 00:00:20", "2020-01-01 00:00:30"],
        ),
        (["0001-01-01"], ["0001-01-01 00:00:00"]),
        (["9999-12-31 23:59:59.999999"], ["9999-12-31 23:59:59"]),
    ],
)
def test_17_times_that_differ_are_never_shown_alike(texts: list[str], shown: list[str]) -> None:
    """Whole seconds as J-134 has them; where they are closer, all with milliseconds, or with microseconds."""
    assert shown_times(parse_timestamps(texts).wall) == shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("NaN", "not a date"),
        ("yesterday", "not a date"),
        ("12345", "does not exist"),
        ("0999", "read in digits alone, which are 1500 to 2200"),
        ("20201301", "does not exist"),
        ("123", "not a date"),
        ("2020.25", "not a date"),
        ("2020Q5", "does not exist"),
        ("2020-W54", "does not exist"),
        ("2021-W53", "does not exist"),
        ("Foo 2020", "not a date"),
        ("8/1/2020 13:00 PM", "does not exist"),
        ("8/1/2020 5", "not a date"),
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
        ("13/13/2020", "month first"),
        ("0/1/2020", "does not exist"),
        ("2020-02-30", "does not exist"),
        ("2021-02-29", "does not exist"),
        ("2020-00-10", "does not exist"),
        ("2020-13-01", "does not exist"),
        ("2020-08-00", "does not exist"),
        ("0000-01-01", "does not exist"),
        ("2020-08-01 24:00:01", "does not exist"),
        ("2020-08-01 24:30", "does not exist"),
        ("2020-08-01 25:00", "does not exist"),
        ("2020-02-30 24:00", "does not exist"),
        ("2020-01-31 - 2020-02", "is not a date"),
        ("12:00 - 13:00", "is not a date"),
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
    monkeypatch.setattr(timestamp_columns, "_BLOCK", block)

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


READ = [
    (["31.12.2020", "01.01.2021"], ["2020-12-31", "2021-01-01"]),
    (["31-12-2020", "1-1-2021"], ["2020-12-31", "2021-01-01"]),
    (["31/12/2020", "01/01/2021"], ["2020-12-31", "2021-01-01"]),
    (["01/01/2021", "13/01/2021"], ["2021-01-01", "2021-01-13"]),
    (["12.31.2020"], ["2020-12-31"]),
    (["01/31/2020 5:00 PM", "02/01/2020 12:00 AM"], ["2020-01-31 17:00", "2020-02-01 00:00"]),
    (["1/31/2020 5 pm", "1/31/2020 5:30:01 a.m."], ["2020-01-31 17:00", "2020-01-31 05:30:01"]),
    (["2020/08/01", "2020/8/2"], ["2020-08-01", "2020-08-02"]),
    (["2020.08.31"], ["2020-08-31"]),
    (["2020-8-1 5:00"], ["2020-08-01 05:00"]),
    (["2020Q1", "2020Q4"], ["2020-01-01", "2020-10-01"]),
    (["2020-Q3", "2020-Q4"], ["2020-07-01", "2020-10-01"]),
    (["Q1 2020", "Q2/2020", "1q2021"], ["2020-01-01", "2020-04-01", "2021-01-01"]),
    (["2020H1", "2020-S2"], ["2020-01-01", "2020-07-01"]),
    (["2020-W01", "2020-W53"], ["2019-12-30", "2020-12-28"]),
    (["2020W017", "2020-W53-7"], ["2020-01-05", "2021-01-03"]),
    (["2020M01", "2020M12"], ["2020-01-01", "2020-12-01"]),
    (["202001", "202012"], ["2020-01-01", "2020-12-01"]),
    (["20200131", "20200201"], ["2020-01-31", "2020-02-01"]),
    (["20200131T120501", "20200131 1300", "202001311400"], ["2020-01-31 12:05:01", "2020-01-31 13:00",
                                                            "2020-01-31 14:00"]),
    (["1700", "1959"], ["1700-01-01", "1959-01-01"]),
    (["01/2020", "12/2020"], ["2020-01-01", "2020-12-01"]),
    (["01.2020", "12.2020"], ["2020-01-01", "2020-12-01"]),
    (["999999999", "1577836800", "1577836800.5"], ["2001-09-09 01:46:39", "2020-01-01", "2020-01-01 00:00:00.500"]),
    (["1577836800000", "1577836800250"], ["2020-01-01", "2020-01-01 00:00:00.250"]),
    (["1577836800000001"], ["2020-01-01 00:00:00.000001"]),
    (["1577836800000001999"], ["2020-01-01 00:00:00.000001"]),
    (["43831", "43831.5", "43831.041666666664"], ["2020-01-01", "2020-01-01 12:00", "2020-01-01 01:00"]),
    (["Jan 1959", "December 1959"], ["1959-01-01", "1959-12-01"]),
    (["Jan-59", "Feb-00"], ["1959-01-01", "2000-02-01"]),
    (["1 Jan 2020", "01-Feb-2020", "1st March 2020"], ["2020-01-01", "2020-02-01", "2020-03-01"]),
    (["1-Jan-20", "31-Dec-99"], ["2020-01-01", "1999-12-31"]),
    (["January 1, 2020", "Jan 2, 2020 5:00 PM"], ["2020-01-01", "2020-01-02 17:00"]),
    (["Wed, 01 Jan 2020 06:00:00 GMT"], ["2020-01-01 06:00"]),
    (["2020 Jan", "2020-Feb-03"], ["2020-01-01", "2020-02-03"]),
    (["1. M\u00e4rz 2020", "2 de mayo de 2020", "1er ao\u00fbt 2020"], ["2020-03-01", "2020-05-02", "2020-08-01"]),
    (["2020\u5e741\u670831\u65e5", "2020\u5e7402\u670801\u65e5 10:00"], ["2020-01-31", "2020-02-01 10:00"]),
    (["2020\u5e741\u6708", "2020\u5e7412\u6708"], ["2020-01-01", "2020-12-01"]),
    (["2020\ub144 1\uc6d4 5\uc77c"], ["2020-01-05"]),
    (["2020013123", "2020020100"], ["2020-01-31 23:00", "2020-02-01"]),
    (["2010010100", "1893456000"], ["2033-09-11 00:08:20", "2030-01-01"]),
    (["2020-01-31T23", "2020-02-01 00"], ["2020-01-31 23:00", "2020-02-01"]),
    (["2020-01-31_23:00:01", "2020-01-31 23:00:02"], ["2020-01-31 23:00:01", "2020-01-31 23:00:02"]),
    (["1970.0", "1971.0"], ["1970-01-01", "1971-01-01"]),
    (["202001.0", "202012.0"], ["2020-01-01", "2020-12-01"]),
    (["20200131.0"], ["2020-01-31"]),
    (["2020:Q1", "2020/Q2", "2020.Q3", "2020-T4"], ["2020-01-01", "2020-04-01", "2020-07-01", "2020-10-01"]),
    (["1Q10", "Q2 '10", "Q3-10", "4. Quartal 2010"], ["2010-01-01", "2010-04-01", "2010-07-01", "2010-10-01"]),
    (["W02 2020", "KW 3 2020", "Week 4/2020", "2020KW05"], ["2020-01-06", "2020-01-13", "2020-01-20", "2020-01-27"]),
    (["Jan2018", "Feb2018"], ["2018-01-01", "2018-02-01"]),
    (["Jan-20-2020", "20/Jan/20"], ["2020-01-20", "2020-01-20"]),
    (["20. 1. 2020", "21. 12. 2020"], ["2020-01-20", "2020-12-21"]),
    (["2020 01 31", "2020 02 01"], ["2020-01-31", "2020-02-01"]),
    (["Mo 20.01.2020", "Di, 21.01.2020"], ["2020-01-20", "2020-01-21"]),
    (["2020-01-20 Mon", "2020-01-21 (Tue)"], ["2020-01-20", "2020-01-21"]),
    (["Mon Jan 20 00:00:00 2020"], ["2020-01-20"]),
    (["Mon Jan 20 2020 01:00:00 GMT+0100 (Central European Standard Time)"], ["2020-01-20 01:00"]),
    (["20/Jan/2020:13:55:36 +0000"], ["2020-01-20 13:55:36"]),
    (["20JAN2020:13:55:37"], ["2020-01-20 13:55:37"]),
    (["20.01.2020 00:15 Uhr"], ["2020-01-20 00:15"]),
    (["5/1/2020\u202f5:00\u202fPM"], ["2020-05-01 17:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "times"), READ)
def test_D18_forms_that_leave_no_doubt_are_read(texts: list[str], times: list[str]) -> None:
    """Each text is the time that people mean by it."""
    assert parse_timestamps(texts).wall.tolist() == parse_timestamps(times).wall.tolist()


@pytest.mark.parametrize(
    ("texts", "first", "order"),
    [
        (["01/01/2018", "01/02/2018", "01/12/2018"], "2018-01-02", "month first"),
        (["01-04-2020", "01-05-2020"], "2020-01-05", "month first"),
        (["01.04.2020", "01.05.2020"], "2020-05-01", "day first"),
        (["1/2/2020 5:00", "1/3/2020 5:00"], "2020-01-03 05:00", "month first"),
    ],
)
def test_D18_an_order_that_nothing_shows_is_told(texts: list[str], first: str, order: str) -> None:
    """B17: slashes and dashes are read month first, points day first, and the warning names the remedy."""
    read = parse_timestamps(texts)
    other = "day first" if order == "month first" else "month first"

    assert read.wall[1] == parse_timestamps([first]).wall[0]
    assert read.warning is not None
    assert f"read {order}" in read.warning
    assert f'timestamp_format "{other}"' in read.warning
    assert parse_timestamps(texts, other).warning is None
    assert parse_timestamps(texts, other).wall[1] != read.wall[1]


@pytest.mark.parametrize(
    ("texts", "times", "order"),
    [
        (["20.01.20", "21.01.20"], ["2020-01-20", "2020-01-21"], "day first"),
        (["01.02.20", "02.02.20", "03.02.20"], ["2020-02-01", "2020-02-02", "2020-02-03"], "day first"),
        (["1/13/20", "1/14/20"], ["2020-01-13", "2020-01-14"], "month first"),
        (["31/12/99 5:00", "01/01/00 5:00"], ["1999-12-31 05:00", "2000-01-01 05:00"], "day first"),
        (["20-01-30", "20-01-31", "20-02-01"], ["2020-01-30", "2020-01-31", "2020-02-01"], "year first"),
        (["99/1/31", "99/2/28"], ["1999-01-31", "1999-02-28"], "year first"),
        (["Jan-18", "Feb-18", "Mar-18", "Apr-18"], ["2018-01", "2018-02", "2018-03", "2018-04"], ""),
        (["Dec '18", "Nov '18", "Oct '18", "Sep '18"], ["2018-12", "2018-11", "2018-10", "2018-09"], ""),
    ],
)
def test_D18_years_of_two_digits_are_read_where_one_order_fits(texts: list[str], times: list[str], order: str) -> None:
    """The warning says how, and one of the texts is read as all of them were."""
    read = parse_timestamps(texts)

    assert read.wall.tolist() == parse_timestamps(times).wall.tolist()
    assert read.warning is not None
    assert f"read{' ' * bool(order)}{order} with years of two digits, here {times[0][:10]}" in read.warning
    assert read.written.startswith(order)
    assert parse_timestamps(texts[-1:], read.written).wall[0] == read.wall[-1]


@pytest.mark.parametrize(
    "texts",
    [
        ["01/02/20", "01/03/20", "01/04/20"],
        ["8/1/20"],
        ["20-08-01"],
        ["Jan-15", "Jan-16", "Jan-17", "Jan-18", "Jan-19"],
        ["Jan-30", "Jan-31", "Feb-01", "Feb-02"],
    ],
)
def test_D18_years_of_two_digits_that_can_be_days_are_refused(texts: list[str]) -> None:
    """With the remedy."""
    with pytest.raises(BadTimestampError, match=r"four digits.* timestamp_format"):
        parse_timestamps(texts)


def test_D18_quarters_that_look_like_months_are_told() -> None:
    """2020-1 to 2020-4 and so on may be the first months of years, which hardly anybody has."""
    quarters = [f"{year}-{quarter}" for year in (2020, 2021, 2022) for quarter in (1, 2, 3, 4)]

    assert "if they are quarters, write 2020Q1" in (parse_timestamps(quarters).warning or "")
    assert parse_timestamps([f"2020-{month}" for month in range(1, 13)]).warning is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2020-13", "write weeks as 2020-W13"),
        ("2020-03-01 14:00-15:00", "the end of a period"),
        ("2020-03-01 14:00-12:59", "the end of a period"),
        ("2020-03-01 14:00+14:01", "the end of a period"),
        ("1970.5", "does not exist"),
    ],
)
def test_D18_what_looks_like_another_thing_is_called_so(text: str, says: str) -> None:
    """Weeks are no months, and what ends a period is no offset."""
    with pytest.raises(BadTimestampError, match=says):
        parse_timestamps([text])


@pytest.mark.parametrize(
    "texts",
    [["1/13/2020", "1/2/2020"], ["13/1/2020", "1/2/2020"], ["2020-01-02"], ["Jan 2020"], ["1577836800"], ["2020-02"]],
)
def test_D18_a_column_without_doubt_has_no_warning(texts: list[str]) -> None:
    """One day beyond the 12th settles the order of all."""
    assert parse_timestamps(texts).warning is None


@pytest.mark.parametrize(
    ("texts", "index", "says"),
    [
        (["12/31/2020", "1/1/2021", "31/12/2020"], 2, "does not exist .*month first"),
        (["31/12/2020", "1/1/2021", "12/31/2020"], 2, "does not exist .*day first"),
        (["31/12/2020", "1/1/2021", "soon"], 2, "not a date"),
        (["31.12.2020", "31/12/2020"], 1, "one form throughout"),
        (["2020Q1", "2020-01-01"], 1, "one form throughout"),
        (["1577836800", "1577836800000"], 1, "one form throughout"),
        (["Jan-15", "Feb-16"], 0, "day of a year .* four digits"),
        (["2020-01-01", "43831"], 1, "one form throughout"),
    ],
)
def test_D18_columns_that_leave_doubt_are_refused(texts: list[str], index: int, says: str) -> None:
    """At the text that shows it, in the order that most of the column has."""
    with pytest.raises(BadTimestampError, match=says) as refused:
        parse_timestamps(texts)

    assert refused.value.index == index


@pytest.mark.parametrize(
    ("text", "written", "time"),
    [
        ("31.12.20", "%d.%m.%y", "2020-12-31"),
        (" 01/02/2020", "%d/%m/%Y", "2020-02-01"),
        ("01/02/2020", "day first", "2020-02-01"),
        ("01.02.2020", "month_first", "2020-01-02"),
        ("5:07 PM, 1 Jan 20", "%I:%M %p, %d %b %y", "2020-01-01 17:07"),
        ("2020-W01-1", "%G-W%V-%u", "2019-12-30"),
        ("2020-001", "%Y-%j", "2020-01-01"),
        ("86400", "unix", "1970-01-02"),
        ("-86400.5", "unix", "1969-12-30 23:59:59.500"),
        ("86400000", "Unix-ms", "1970-01-02"),
        ("86400000001", "unix us", "1970-01-02 00:00:00.000001"),
        ("1.25", "excel", "1899-12-31 06:00"),
        ("20200102", "%Y%d%m", "2020-02-01"),
    ],
)
def test_D18_a_format_says_how_texts_are_written(text: str, written: str, time: str) -> None:
    """Also what could be read otherwise, or not at all."""
    assert parse_timestamps([text], written).wall.tolist() == parse_timestamps([time]).wall.tolist()


def test_D18_a_format_with_an_offset_keeps_it() -> None:
    """As ISO-8601's are kept."""
    read = parse_timestamps(["01.02.2020 05:00 +0530", "01.02.2020 05:00 -0100"], "%d.%m.%Y %H:%M %z")

    assert read.offset_minutes is not None
    assert read.offset_minutes.tolist() == [330, -60]
    assert format_timestamps(read.wall_ms) == ["2020-02-01 05:00:00"] * 2


@pytest.mark.parametrize(
    ("text", "written", "says"),
    [
        ("2020-01-01", "%d.%m.%Y", 'not written as timestamp_format says \\("%d.%m.%Y"\\)'),
        ("2020-01-01", "foo", '"foo" names no year; write .*%d.%m.%Y'),
        ("2020-01-01", "%H:%M", "names no year"),
        ("2020-01-01", "%Y-%Q", "is no format"),
        ("2020-01-01", "%Y-%", "is no format"),
        ("2020-01-01", "%Y" * 60, "names no year"),
        ("noon", "unix", "not written as timestamp_format says"),
        ("9" * 20, "unix", "not written as timestamp_format says"),
    ],
)
def test_D18_a_format_that_does_not_fit_is_told(text: str, written: str, says: str) -> None:
    """With what a format looks like, or the text that is written otherwise."""
    with pytest.raises(BadTimestampError, match=says):
        parse_timestamps([text], written)


@pytest.mark.parametrize(
    ("texts", "asked", "written"),
    [
        (["1/2/2020", "13/2/2020"], "", "day first"),
        (["1/2/2020", "2/13/2020"], "", ""),
        (["1.2.2020", "2.13.2020"], "", "month first"),
        (["1.2.2020", "13.2.2020"], "", "day first"),
        (["2020-01-02", "2020-01-03"], "", ""),
        (["1/2/20", "13/2/20"], "%d/%m/%y", "%d/%m/%y"),
    ],
)
def test_D18_a_part_of_a_column_is_read_as_all_of_it(texts: list[str], asked: str, written: str) -> None:
    """A series may have only the days that could be months."""
    whole = parse_timestamps(texts, asked)

    assert whole.written == written
    assert parse_timestamps(texts[:1], whole.written).wall[0] == whole.wall[0]


def test_D18_a_format_does_not_take_a_line_end_for_a_blank() -> None:
    """Timestamps are kept one per line."""
    with pytest.raises(BadTimestampError, match="not written as"):
        parse_timestamps(["2020-01-01\n10:00"], "%Y-%m-%d %H:%M")
