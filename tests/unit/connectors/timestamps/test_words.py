"""Words in dates, and what years and months may be instead (decision 18)."""

import pytest

from connectors.timestamps import shapes
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps, shown_times

WORDS = [
    (["15 maj 2020", "15. marts 2020", "15 augusti 2020"], ["2020-05-15", "2020-03-15", "2020-08-15"]),
    (["15 lutego 2020", "paź 2020", "5. července 2020", "6. červen 2020"],
     ["2020-02-15", "2020-10-01", "2020-07-05", "2020-06-06"]),
    (["15 Ocak 2020", "15 KASIM 2020", "15 ağustos 2020"], ["2020-01-15", "2020-11-15", "2020-08-15"]),
    (["15 мая 2020 \u0433.", "1 ЯНВАРЯ 2020", "июн 2020", "2 липня 2020", "3 октомври 2020"],
     ["2020-05-15", "2020-01-01", "2020-06-01", "2020-07-02", "2020-10-03"]),
    (["2020. január 15.", "15 ianuarie 2020", "15. maaliskuuta 2020", "15 Maret 2020", "15 de setiembre de 2020"],
     ["2020-01-15", "2020-01-15", "2020-03-15", "2020-03-15", "2020-09-15"]),
    (["15JAN20", "15JAN20:13:55:37"], ["2020-01-15", "2020-01-15 13:55:37"]),
    (["2020 H1", "H2 2020"], ["2020-01-01", "2020-07-01"]),
    (["2020年1月5日 6时30分", "2020年1月5日 06時30分15秒"], ["2020-01-05 06:30", "2020-01-05 06:30:15"]),
    (["2020/01/20(月)", "2020/01/21 星期二"], ["2020-01-20", "2020-01-21"]),
    (["\u200e5/1/2020 \u200e5:00 PM"], ["2020-05-01 17:00"])]  # fmt: skip


@pytest.mark.parametrize(("texts", "times"), WORDS)
def test_D18_words_that_leave_no_doubt_are_read(texts: list[str], times: list[str]) -> None:
    """Each text is the time that people mean by it."""
    assert parse_timestamps(texts).wall.tolist() == parse_timestamps(times).wall.tolist()


def test_months_of_every_language_are_their_own() -> None:
    """Each name is read as its own month, whatever language's beginnings it looks like."""
    for line in (*shapes._lines(shapes._MONTHS), *shapes._lines(shapes._MORE_MONTHS)):
        assert [shapes.MONTH_NUMBERS[name] for name in line] == list(range(1, 13)), line


@pytest.mark.parametrize("sign", ["-", "/"])
def test_18_seasons_may_be_meant_by_years_and_months(sign: str) -> None:
    """2005/06 is June 2005, and perhaps a season; 2005/07 behind it shows that it is a month."""
    seasons = [f"{year}{sign}{year % 100 + 1:02}" for year in range(2005, 2012)]

    assert "seasons that begin in 2005, write 2005" in (parse_timestamps(seasons).warning or "")
    assert parse_timestamps([*seasons, f"2012{sign}01"]).warning is None


def test_18_a_number_of_five_digits_that_is_no_day_says_which_are() -> None:
    """Days of spreadsheets, as far as dates are likely."""
    with pytest.raises(BadTimestampError, match="from 1954 to 2064; write dates as YYYY-MM-DD"):
        parse_timestamps(["18000", "18001"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2020-01-31T01:00:00+01:00[Europe/Berlin]", "2020-01-31 01:00:00"),
        ("2020-01-31T01:00:00Z[Etc/UTC]", "2020-01-31 01:00:00"),
        ("31.01.2020 01:00 - 31.01.2020 02:00", "2020-01-31 01:00:00"),
        ("31.01.2020 01:00 - 31.01.2020 02:00 (CET/CEST)", "2020-01-31 01:00:00"),
        ("43861,5", "2020-01-31 12:00:00"),
        ("2020-01-31 24:00", "2020-02-01 00:00:00"),
        ("2020-02-29T24:00:00+01:00", "2020-03-01 00:00:00"),
        ("31.12.2019 24:00", "2020-01-01 00:00:00"),
    ],
)
def test_18_other_words_for_a_time(text: str, shown: str) -> None:
    """Zones behind offsets, periods by their beginning, decimal commas, the end of a day (J-143: ISO-8601 has it)."""
    assert shown_times(parse_timestamps([text]).wall) == [shown]
