"""Which calendar times follow, and what comes next (decision 16): known answers, and what holds for every alias."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas._libs.tslibs import offsets as pandas_offsets

from models.calendars.calendar import Calendar, calendar_of
from models.calendars.names import name_of, rule_named
from models.calendars.search import asked_calendar, find_calendar, find_frequency
from models.calendars.time_zones import MINUTE, offsets_at, offsets_on_clock, zone_named
from models.errors import RejectedInputError

Times = np.ndarray


def times(*texts: str) -> Times:
    """Times of texts."""
    return np.array(texts, dtype="M8[us]").astype(np.int64)


def texts(moments: Times) -> list[str]:
    """The texts of times, without midnight."""
    return [str(moment).removesuffix("T00:00:00.000000") for moment in np.asarray(moments).astype("M8[us]")]


def axis(alias: str, start: str, count: int) -> Times:
    """The first times of an alias, as pandas counts them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old spellings
        return pd.date_range(start, periods=count, freq=alias).as_unit("us").asi8.copy()


# Every prefix that pandas knows but those of nanoseconds, with anchors and multiples; years of 52 and 53 weeks are in
# test_fiscal.py, for a history must be long to tell them.
ALIASES = (
    "B BME BMS BQE BQS BYE BYS C CBME CBMS D ME MS QE QS SME SMS W YE YS bh cbh h min ms s us WOM-1MON WOM-2TUE"
    " WOM-3FRI WOM-4SUN SMS-10 SME-20 W-MON W-TUE W-SAT QS-FEB QS-MAR QE-JAN QE-NOV YS-JUL YE-MAR BQE-NOV BQS-MAR"
    " BYS-FEB BYE-JUN 2bh 3bh 2h 6h 12h 36h 15min 90min 5s 250ms 125us 2D 10D 28D 30D 31D 365D 366D 1461D 2W 2W-FRI 2B"
    " 3B 2MS 2ME 6MS 6ME 2QS 2YS 2YE 3BME 2BMS"
).split()
# Business and plain ends of months are the same days up to 16 times in a row.
SHORTEST = {"bh": 25, "cbh": 25, "BQS": 20, "BQE": 20, "BYS": 20, "BYE": 20, "BMS": 20, "BME": 20, "CBM": 20}


class TestEveryAlias:
    """Cut a history anywhere and continue it: the dates of the part that was cut off come out."""

    def test_no_prefix_of_pandas_is_forgotten(self) -> None:
        """A new one must be thought about; nanoseconds are too fine, and RE and REQ are looked at elsewhere."""
        known = {alias.lstrip("0123456789").split("-")[0] for alias in ALIASES}

        assert set(pandas_offsets.prefix_mapping) - known == {"ns", "RE", "REQ"}

    @settings(max_examples=15, deadline=None)
    @pytest.mark.parametrize("alias", ALIASES)
    @given(data=st.data())
    def test_a_history_cut_anywhere_is_continued(self, alias: str, data: st.DataObject) -> None:
        """From any day of any year, cut anywhere that the rule can be told."""
        shortest = next((count for name, count in SHORTEST.items() if alias.lstrip("0123456789").startswith(name)), 6)
        start = data.draw(st.datetimes(min_value=pd.Timestamp(1950, 1, 1), max_value=pd.Timestamp(2015, 1, 1)))
        whole = axis(alias, start.replace(second=0, microsecond=0).isoformat(), 60)
        cut = data.draw(st.integers(shortest, 55))

        found = find_frequency(whole[:cut])

        assert found.regular
        assert found.next_times(int(whole[cut - 1]), 60 - cut).tolist() == whole[cut:].tolist()

    @settings(max_examples=10, deadline=None)
    @pytest.mark.parametrize("alias", ALIASES)
    @given(data=st.data())
    def test_absent_rows_change_nothing(self, alias: str, data: st.DataObject) -> None:
        """A fifth of the rows are gone: the same dates come, and the places of the others tell which are absent."""
        whole = axis(alias, "2019-03-05", 60 if "bh" not in alias else 160)
        cut = len(whole) - 15
        gone = data.draw(st.sets(st.integers(1, cut - 2), max_size=cut // 5 if "bh" not in alias else cut // 8))
        kept = np.setdiff1d(np.arange(cut), np.array(sorted(gone), dtype=int))

        found = find_frequency(whole[kept])
        places, fits = found.places(whole[kept])

        assert fits.all()
        assert places.tolist() == kept.tolist()
        assert found.next_times(int(whole[cut - 1]), 15).tolist() == whole[cut:].tolist()

    @pytest.mark.parametrize("alias", ALIASES)
    def test_an_alias_is_the_rule_that_is_found(self, alias: str) -> None:
        """What a user may send as freq fits the times of that alias, and its own name is read as the same."""
        whole = axis(alias, "2019-03-05", 60)
        calendar = Calendar(rule_named(alias))

        places, fits = calendar.places(whole)

        assert fits.all()
        assert places.tolist() == list(range(60))
        assert calendar_of(find_frequency(whole).text).times(int(whole[0]), 60).tolist() == whole.tolist()
        assert rule_named(name_of(calendar.rule)) == calendar.rule

    @pytest.mark.parametrize("closing", ["2023-02-14T17:00", "2023-02-17T17:00"])  # a Friday too
    @pytest.mark.parametrize("alias", ["bh", "cbh", "2bh", "3bh"])
    def test_the_hour_of_closing_is_there_only_where_a_history_begins_with_it(self, alias: str, closing: str) -> None:
        """As pandas has it: no forecast is of that hour, the row has its own place, and the alias may be asked for."""
        whole = axis(alias, closing, 60)
        for cut in range(15, 55):
            found = find_frequency(whole[:cut])
            assert found.next_times(int(whole[cut - 1]), 60 - cut).tolist() == whole[cut:].tolist()
            assert found.times(int(whole[0]), 1).tolist() == whole[:1].tolist()
            places, fits = found.places(whole[:cut])
            assert found.regular
            assert fits.all()
            assert found.times(int(whole[0]), int(places[-1]) + 1)[places].tolist() == whole[:cut].tolist()
        asked, _ = asked_calendar(rule_named(alias), whole, None)
        assert asked.next_times(int(whole[-20]), 19).tolist() == whole[-19:].tolist()

    @settings(max_examples=10, deadline=None)
    @pytest.mark.parametrize("alias", "B W-MON MS ME BMS SMS QS-FEB QE YS YE-MAR WOM-1MON bh h 2h D".split())
    @given(data=st.data())
    def test_a_first_row_beside_the_rule_of_all_others_changes_no_date(self, alias: str, data: st.DataObject) -> None:
        """A shop opens in the middle of a month, a sensor at 11:53, a price is of the Sunday before."""
        whole = axis(alias, data.draw(st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2010, 1, 1))).isoformat(), 60)
        cut = data.draw(st.integers(32 if alias == "bh" else 12, 50))  # opening hours show on some days
        early = {"h": 7, "2h": 67, "bh": 37, "D": 407}.get(alias, 1440)
        history = np.insert(whole[:cut], 0, whole[0] - early * 60_000_000)
        if alias == "B" and history[0] // 86_400_000_000 % 7 not in (2, 3):  # no weekend
            history = history[1:]

        found = find_frequency(history)

        assert found.next_times(int(whole[cut - 1]), 10).tolist() == whole[cut : cut + 10].tolist()


KNOWN = """
MS      | 2020-11-01 2020-12-01 | 2021-01-01 2021-02-01 2021-03-01
ME      | 2020-10-31 2020-11-30 2020-12-31 | 2021-01-31 2021-02-28 2021-03-31
MS-30   | 2019-11-30 2019-12-30 2020-01-30 | 2020-02-29 2020-03-30 2020-04-30
MS-15   | 2020-01-15 2020-02-15 2020-03-15 | 2020-04-15 2020-05-15 2020-06-15
QS-MAR  | 2019-03-01 2019-06-01 2019-09-01 2019-12-01 | 2020-03-01 2020-06-01 2020-09-01
QE-DEC  | 2019-03-31 2019-06-30 2019-09-30 | 2019-12-31 2020-03-31 2020-06-30
YS-JUL  | 2019-07-01 2020-07-01 2021-07-01 | 2022-07-01 2023-07-01 2024-07-01
YS-JAN  | 2021-01-01 2022-01-01 2023-01-01 | 2024-01-01 2025-01-01 2026-01-01
YE-DEC  | 2019-12-31 2020-12-31 2021-12-31 | 2022-12-31 2023-12-31 2024-12-31
6MS     | 2020-01-01 2020-07-01 2021-01-01 | 2021-07-01 2022-01-01 2022-07-01
W-SUN   | 2020-01-05 2020-01-12 | 2020-01-19 2020-01-26 2020-02-02
BME     | 2020-01-31 2020-02-28 2020-03-31 2020-04-30 | 2020-05-29 2020-06-30 2020-07-31
B       | 2020-01-03 2020-01-06 2020-01-07 | 2020-01-08 2020-01-09 2020-01-10
D       | 2020-01-06 2020-01-07 2020-01-08 | 2020-01-09 2020-01-10 2020-01-11
6h      | 2020-01-01T06 2020-01-01T12 | 2020-01-01T18:00:00.000000 2020-01-02 2020-01-02T06:00:00.000000
12MS-28 | 2020-02-28 2021-02-28 2022-02-28 2023-02-28 | 2024-02-28 2025-02-28 2026-02-28
YE-FEB  | 2020-02-29 2021-02-28 2022-02-28 2023-02-28 | 2024-02-29 2025-02-28 2026-02-28
28D     | 2020-01-01 2020-01-29 2020-02-26 | 2020-03-25 2020-04-22 2020-05-20
365D    | 2021-01-01 2022-01-01 2023-01-01 2024-01-01 2024-12-31 | 2025-12-31 2026-12-31 2027-12-31
1461D   | 2004-01-01 2008-01-01 2012-01-01 | 2016-01-01 2020-01-01 2024-01-01
"""


@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_16_known_answers(line: str) -> None:
    """The frequency as pandas names it, and the next three dates."""
    freq, history, following = (part.split() for part in line.split("|"))
    given_times = times(*history)
    found = find_frequency(given_times)

    assert ([found.freq], found.note) == (freq, "")
    assert texts(found.next_times(int(given_times[-1]), 3)) == following


def test_16_half_of_the_places_must_be_filled() -> None:
    """Ten days of which five are there are days; of eleven, no rule is told, and the usual step is used."""
    assert find_frequency(times("2020-01-01", "2020-01-04", "2020-01-06")).text == "D"
    found = find_frequency(times("2020-01-04", "2020-01-05", "2020-01-06", "2020-01-12", "2020-01-13"))
    sparse = find_frequency(times("2020-01-04", "2020-01-05", "2020-01-06", "2020-01-13", "2020-01-14"))

    assert found.text == "D"
    assert sparse.text == "~D"
    assert not sparse.regular
    assert "most frequent" in sparse.note


def test_B45_jittered_times_have_their_median_distance() -> None:
    """Hours with some seconds more or less, two rows 20 s apart: the smallest distance of all is no step."""
    jitter = np.random.default_rng(1).permutation(400)[:40] - 200
    moments = (np.arange(40) * 3600 + jitter) * 1_000_000
    moments = np.sort(np.append(moments, moments[-1] - 20_000_000))

    found = find_frequency(moments)

    assert not found.regular
    assert 3300e6 < found.usual_step < 3900e6


def test_B08_office_hours_are_kept() -> None:
    """Half-hourly values from 09:00 to 15:30 go on at 09:00 of the next day; on business days after the weekend."""
    clock = np.arange(9 * 2, 16 * 2) * 1_800_000_000
    daily = (times("2020-03-02")[0] + np.arange(10)[:, None] * 86_400_000_000 + clock).ravel()
    business = (axis("B", "2020-03-02", 10)[:, None] + clock).ravel()

    found, weekly = find_frequency(daily), find_frequency(business)

    assert found.freq == "D@09:00-15:30/30min"
    assert texts(found.next_times(int(daily[-1]), 2)) == ["2020-03-12T09:00:00.000000", "2020-03-12T09:30:00.000000"]
    assert texts(weekly.next_times(int(business[-1]), 1)) == ["2020-03-16T09:00:00.000000"]
    assert "times of day" in found.note
    assert (found.season_lengths, weekly.season_lengths) == ((14, 98), (14, 70))


@pytest.mark.parametrize(
    ("freq", "weekdays", "season"),
    [
        ("W-MON,TUE,WED,THU,SUN", (6, 0, 1, 2, 3), 5),
        ("W-MON,TUE,WED,THU,FRI,SAT", (0, 1, 2, 3, 4, 5), 6),
        ("W-MON,WED,FRI", (0, 2, 4), 3),
        ("W-TUE,THU", (1, 3), 2),
        ("W-SAT,SUN", (5, 6), 2),
    ],
)
def test_16_days_of_the_week_that_never_have_a_row_get_none(freq: str, weekdays: tuple[int, ...], season: int) -> None:
    """Weekends lie elsewhere in other countries, and courses, shops and trains have days of their own."""
    days = pd.date_range("2020-01-05", periods=90)
    whole = days[days.weekday.isin(weekdays)].to_numpy().astype("M8[us]").astype(np.int64)
    found = find_frequency(whole[:-7])

    assert (found.freq, found.season_length) == (freq, season)
    assert found.next_times(int(whole[-8]), 7).tolist() == whole[-7:].tolist()
    assert calendar_of(found.text).times(int(whole[0]), len(whole)).tolist() == whole.tolist()
    assert "certain days" in found.note
    assert find_frequency(np.delete(whole[:-7], [3, 9])).freq == freq  # holidays


def test_16_a_weekday_that_is_absent_for_some_weeks_is_one_of_days() -> None:
    """Seven weeks do not tell it."""
    days = pd.date_range("2020-01-06", periods=49)
    whole = days[days.weekday != 6].to_numpy().astype("M8[us]").astype(np.int64)

    assert find_frequency(whole).freq == "D"


@pytest.mark.parametrize("weeks", [(4, 4, 5), (4, 5, 4), (5, 4, 4)])
def test_16_months_of_retail_have_four_or_five_weeks(weeks: tuple[int, ...]) -> None:
    """Cut anywhere, their pattern goes on."""
    steps = np.array(weeks * 8, dtype=np.int64) * 7
    whole = times("2019-12-29")[0] + np.concatenate(([0], np.cumsum(steps))) * 86_400_000_000
    for cut in range(7, 20):
        found = find_frequency(whole[:cut])

        assert found.next_times(int(whole[cut - 1]), 5).tolist() == whole[cut : cut + 5].tolist()
        assert calendar_of(found.text) == found
        assert (found.regular, found.season_length) == (True, 12)


@pytest.mark.parametrize(("freq", "numbers"), [("MS-5,20", (5, 20)), ("MS-1,11,21", (1, 11, 21)), ("SMS-15", (1, 15))])
def test_16_some_days_of_every_month(freq: str, numbers: tuple[int, ...]) -> None:
    """Pay days, and the thirds of months that weather services have."""
    whole = times(
        *(f"{year}-{month:02}-{day:02}" for year in (2019, 2020) for month in range(1, 13) for day in numbers)
    )
    found = find_frequency(whole[:-5])

    assert (found.freq, found.season_length) == (freq, 12 * len(numbers))
    assert found.next_times(int(whole[-6]), 5).tolist() == whole[-5:].tolist()
    assert rule_named(freq) == found.rule


@pytest.mark.parametrize(
    "name", ["W-FRI,MON", "W-MON,MON", "2W-MON,FRI", "W-MON,XXX", "13W@91,92", "W@7,8", "MS-20,5", "MS-0,5", "MS-5,31"]
)
def test_16_names_that_say_nothing_are_refused(name: str) -> None:
    """Days out of order, twice, or beyond the weeks or the shortest month."""
    with pytest.raises(RejectedInputError, match="is no frequency"):
        rule_named(name)


def test_a_single_time_is_taken_for_a_day() -> None:
    """Nothing tells its step, and the note says so."""
    found = find_frequency(times("2020-01-01"))

    assert (found.freq, found.regular) == ("D", True)
    assert "single time" in found.note


class TestClocks:
    """Decision 17."""

    def test_B46_a_constant_offset_is_the_clock(self) -> None:
        """The next hour is that of the file's clock, and its offset stays known."""
        wall = axis("h", "2020-01-01", 48)

        found, on_it = find_calendar(wall, np.full(48, 330, np.int16))

        assert on_it.tolist() == wall.tolist()
        assert (found.text, found.offsets(wall[:1])) == ("h +05:30", [330])
        assert calendar_of(found.text) == found

    def test_B11_of_differing_offsets_the_last_is_used(self) -> None:
        """Hours across the begin of summer time: none is twice, none is left out."""
        instants = axis("h", "2021-03-27", 48)
        offsets = np.where(instants < times("2021-03-28T01")[0], 60, 120).astype(np.int16)

        found, on_it = find_calendar(instants + offsets.astype(np.int64) * 60_000_000, offsets)

        assert found.text == "h +02:00"
        assert texts(on_it[-1:]) == ["2021-03-29T01:00:00.000000"]
        assert texts(found.next_times(int(on_it[-1]), 1)) == ["2021-03-29T02:00:00.000000"]

    def test_17_local_midnights_are_days(self) -> None:
        """Their instants are 23 and 25 hours apart; what the clock shows is a day."""
        wall = axis("D", "2021-03-20", 20)
        offsets = np.where(wall < times("2021-03-28T02")[0], 60, 120).astype(np.int16)

        found, on_it = find_calendar(wall, offsets)

        assert found.text == "D"
        assert texts(found.next_times(int(on_it[-1]), 1)) == ["2021-04-09"]

    @pytest.mark.parametrize(
        ("instant", "shown", "offsets"),
        [
            ("2021-10-31T00:00", ["02:00", "02:00", "03:00"], [120, 60, 60]),
            ("2021-03-28T00:00", ["01:00", "03:00", "04:00"], [60, 120, 120]),
        ],
    )
    def test_17_a_time_zone_repeats_and_leaves_out_hours(
        self, instant: str, shown: list[str], offsets: list[int]
    ) -> None:
        """In Berlin's autumn 02:00 comes twice, in spring not at all."""
        instants = axis("h", "2021-03-01", 48)
        found, _ = find_calendar(instants + 60 * 60_000_000, np.full(48, 60, np.int16), "Europe/Berlin")

        following = found.times(int(times(instant)[0]), 3)

        assert found.text == "h @Europe/Berlin"
        assert [text[11:16] for text in texts(found.shown(following))] == shown
        assert found.offsets(following) == offsets

    def test_17_a_time_zone_keeps_days_at_midnight(self) -> None:
        """Days are counted on the clock, and each knows its offset."""
        wall = axis("D", "2021-03-20", 8)
        found, on_it = find_calendar(wall, np.full(8, 60, np.int16), "Europe/Berlin")

        following = found.next_times(int(on_it[-1]), 2)

        assert texts(found.shown(following)) == ["2021-03-28", "2021-03-29"]
        assert found.offsets(following) == [60, 120]


class TestNames:
    """What a user may send as freq."""

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("M", "ME"), ("H", "h"), ("T", "min"), ("S", "s"), ("L", "ms"), ("U", "us"), ("A", "YE-DEC"),
            ("Q", "QE-DEC"), ("BM", "BME"), ("AS", "YS-JAN"), ("A-JUL", "YE-JUL"), ("Q-MAR", "QE-DEC"),
            ("SM", "SME-15"), ("BH", "bh"), ("1D12h", "36h"), ("24h", "D"), ("60min", "h"), (" 15min ", "15min"),
        ],
    )  # fmt: skip
    def test_old_and_new_spellings(self, old: str, new: str) -> None:
        """Both are read, the new one is shown."""
        assert name_of(rule_named(old)) == new

    @pytest.mark.parametrize("wrong", ["", "x", "0D", "-1D", "ns", "easter", "W-XXX", "MS-32", "1.5.D", "D" * 200])
    def test_what_is_none_is_refused_with_the_remedy(self, wrong: str) -> None:
        """It names the field and what can be sent."""
        with pytest.raises(RejectedInputError, match=r"freq: .* is no frequency; send an offset alias of pandas"):
            rule_named(wrong)

    @pytest.mark.parametrize("wrong", ["Europe/Atlantis", "", "../etc/passwd", "h", "+25:00", "Europe"])
    def test_a_zone_that_is_none_is_refused(self, wrong: str) -> None:
        """It names the field and an example."""
        with pytest.raises(RejectedInputError, match="IANA"):
            zone_named(wrong)

    @pytest.mark.parametrize("text", ["MS", "~h", "?D", "h +05:30", "h -08:00", "D Europe/Berlin", "15min @Asia/Tokyo"])
    def test_a_calendar_is_read_from_its_text(self, text: str) -> None:
        """The text is all that a command carries."""
        assert calendar_of(text).text == text


@pytest.mark.parametrize(
    ("freq", "seasons"),
    [
        ("MS", (12,)), ("QS", (4,)), ("W-SUN", (52,)), ("B", (5, 260)), ("D", (7, 365)), ("h", (24, 168)), ("YS", ()),
        ("5min", (288, 2016)), ("10min", (144, 1008)), ("15min", (96, 672)), ("30min", (48, 336)), ("6h", (4, 28)),
        ("min", (1440, 10080)), ("s", (3600,)), ("250ms", ()), ("SMS", (24,)), ("bh", (8, 40)), ("7min", ()),
        ("2W", (26,)),        ("30D", (12,)), ("91D", (4,)), ("28D", (13,)), ("2MS", (6,)), ("BME", (12,)), ("YE", ()),
        ("365D", ()), ("5h", ()),
    ],
)  # fmt: skip
def test_13_seasons(freq: str, seasons: tuple[int, ...]) -> None:
    """The day of steps below a day, the week of days, the year of all longer steps."""
    found = calendar_of(freq)

    assert found.season_lengths == seasons
    assert found.season_length == (seasons[0] if seasons else 1)


def test_16_a_calendar_that_holds_is_not_given_up_for_a_better_one_that_the_first_time_is_not_on() -> None:
    """The last business days of quarters, two of them absent; most are the last days, too, but not the first."""
    days = ["2019-03-29", "2019-09-30", "2019-12-31", "2020-03-31", "2020-06-30", "2020-12-31", "2021-03-31"]
    days += ["2021-06-30", "2021-09-30", "2021-12-31", "2022-03-31"]
    found = find_frequency(np.array(days, "M8[us]").astype(np.int64))

    assert (found.text, found.note) == ("BQE-DEC", "")
    following = found.next_times(int(np.datetime64("2022-03-31", "us").astype(np.int64)), 3)
    assert np.datetime_as_string(following.astype("M8[us]"), "D").tolist() == ["2022-06-30", "2022-09-30", "2022-12-30"]


@pytest.mark.parametrize("month", [3, 10])
@pytest.mark.parametrize("zone", ["Europe/Berlin", ""])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("hours", [2, 3, 4, 6, 8, 12])
def test_17_hours_of_the_clock_stay_so_when_it_is_set(month: int, zone: str, first: int, hours: int) -> None:
    """Every two hours became every hour, half of them empty, and the forecast covered half the time."""
    start = np.datetime64(f"2024-{month:02}-26", "us") + np.timedelta64(first, "h")
    wall = start + np.arange(14 * 24 // hours) * np.timedelta64(hours, "h")
    if month == 3:  # 2:00 is left out on the 31st
        wall = wall[wall != np.datetime64("2024-03-31T02:00")]
    times = wall.astype(np.int64)
    offsets = offsets_on_clock(times, "Europe/Berlin")[0].astype(np.int16)
    found, axis = find_calendar(times, offsets, zone)

    assert (found.freq, found.in_utc) == (f"{hours}h", False)
    assert (found.shown(axis) == times).all()


@pytest.mark.parametrize("month", [3, 10])
@pytest.mark.parametrize("hours", [1, 2, 3])
def test_17_hours_that_go_by_stay_so_when_the_clock_is_set(month: int, hours: int) -> None:
    """Every two hours, counted: by the clock from even hours to odd ones."""
    start = np.datetime64(f"2024-{month:02}-26", "us")
    instants = (start + np.arange(14 * 24 // hours) * np.timedelta64(hours, "h")).astype(np.int64)
    offsets = offsets_at(instants, "Europe/Berlin").astype(np.int16)
    found, axis = find_calendar(instants + offsets.astype(np.int64) * MINUTE, offsets, "Europe/Berlin")

    assert (found.freq, found.in_utc) == ("h" if hours == 1 else f"{hours}h", True)
    assert (axis == instants).all()


def test_17_a_clock_that_is_set_by_half_an_hour() -> None:
    """Lord Howe Island's; hours became half-hours."""
    times = (np.datetime64("2024-10-04", "us") + np.arange(96) * np.timedelta64(1, "h")).astype(np.int64)
    offsets = offsets_on_clock(times, "Australia/Lord_Howe")[0].astype(np.int16)

    assert find_calendar(times, offsets, "Australia/Lord_Howe")[0].text == "h Australia/Lord_Howe"
