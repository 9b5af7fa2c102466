"""The calendars of many series at once are those of each alone (decision 16)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calendars import columns as calendar_columns
from models.calendars.columns import find_calendars
from models.calendars.names import rule_named
from models.calendars.search import find_calendar
from models.errors import RejectedInputError

MINUTE = 60_000_000
ALIASES = "h 15min D W-MON 28D 365D MS ME MS-15 QS BMS BME B 2B YS WOM-2TUE SMS 36h bh us".split()


def axis(alias: str, start: str, count: int) -> np.ndarray:
    """The first times of an alias; of ours for days of the month, by that of pandas."""
    if alias == "MS-15":
        return axis("MS", start, count) + 14 * 1440 * MINUTE
    return pd.date_range(start, periods=count, freq=alias).as_unit("us").asi8.copy()


def columns(series: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Series behind one another, and where each begins."""
    return np.concatenate(series), np.concatenate(([0], np.cumsum([len(one) for one in series]))).astype(np.int64)


@st.composite
def any_series(draw: st.DrawFn) -> np.ndarray:
    """Times of some alias, some of which are absent or twice there."""
    start = draw(st.dates(pd.Timestamp(1990, 1, 1).date(), pd.Timestamp(2020, 1, 1).date()))
    times = axis(draw(st.sampled_from(ALIASES)), start.isoformat(), draw(st.integers(3, 30)))
    kept = draw(st.sets(st.integers(0, len(times) - 1), min_size=3))
    if draw(st.booleans()):  # a first row beside the rule of the others
        times = np.insert(times, 0, times[0] - draw(st.sampled_from([7, 30, 2880, 10_000])) * MINUTE)
    chosen = np.sort(np.append(times[sorted(kept)], times[: draw(st.sampled_from([0, 0, 0, 1]))]))
    return chosen if draw(st.booleans()) else times


@settings(max_examples=60, deadline=None)
@given(
    series=st.lists(any_series(), min_size=1, max_size=12),
    offset=st.sampled_from([None, 0, 330]),
    together=st.booleans(),
)
def test_16_many_series_are_answered_as_each_alone(series: list, offset: int | None, *, together: bool) -> None:
    """However they are looked at, and whichever others there are."""
    wall, bounds = columns(series)
    minutes = None if offset is None else np.full(len(wall), offset, np.int16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calendar_columns, "_FEW_AXES", 0 if together else 100)
        found = find_calendars(wall, minutes, bounds)

    for number, times in enumerate(series):
        distinct = np.unique(times)
        alone, on_it = find_calendar(distinct, None if minutes is None else minutes[: len(distinct)])
        assert found.calendars[found.codes[number]] == alone.text or len(distinct) <= 2
        if alone.regular and len(distinct) > 2:
            places, _ = alone.places(on_it)
            is_complete = len(distinct) == len(times) and places[-1] == len(times) - 1
            assert bool(found.complete[number]) == is_complete


def test_16_equal_axes_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand series on one axis, and a few with others."""
    looked_at = []
    monkeypatch.setattr(
        calendar_columns, "find_calendar", lambda *given: looked_at.append(len(given[0])) or find_calendar(*given)
    )
    months, days = axis("MS", "2015-01-01", 48), axis("D", "2015-01-01", 30)
    wall, bounds = columns([months] * 5000 + [days] + [months] * 5000)

    found = find_calendars(wall, None, bounds)

    assert looked_at == [48, 30]
    assert found.complete.all()
    assert [found.calendars[code] for code in found.codes[[0, 5000, 10_000]]] == ["MS", "D", "MS"]


def test_16_short_series_follow_the_others() -> None:
    """A row or two tell little: where the calendar of most series fits them, it is theirs."""
    months = axis("MS", "2015-01-01", 24)
    strange = axis("D", "2016-05-04", 1)
    wall, bounds = columns([months, months[:1], axis("MS", "2015-02-01", 2), strange])

    found = find_calendars(wall, None, bounds)

    assert [found.calendars[code] for code in found.codes] == ["MS", "MS", "MS", "?D"]


def test_16_short_series_do_not_follow_one_of_many() -> None:
    """Where no calendar is that of most series, a single row says nothing, and the note tells it."""
    wall, bounds = columns([axis("W-WED", "2020-01-15", 9), axis("MS", "2015-01-01", 24), axis("D", "2020-01-15", 1)])

    found = find_calendars(wall, None, bounds)

    assert [found.calendars[code] for code in found.codes] == ["W-WED", "MS", "?D"]


def test_17_offsets_that_differ_are_of_their_own() -> None:
    """Series that show the same times with other offsets are not alike; in a zone they are on its clock."""
    wall = axis("h", "2021-03-27", 48)
    winter, changed = np.full(48, 60, np.int16), np.where(wall < axis("h", "2021-03-28 02:00", 1)[0], 60, 120)
    both, bounds = columns([wall, wall + np.where(changed == 120, 60 * MINUTE, 0)])
    minutes = np.concatenate([winter, changed]).astype(np.int16)

    found = find_calendars(both, minutes, bounds)
    zoned = find_calendars(both, minutes, bounds, zone="Europe/Berlin")

    assert [found.calendars[code] for code in found.codes] == ["h +01:00", "h +02:00"]
    assert [zoned.calendars[code] for code in zoned.codes] == ["h @Europe/Berlin"] * 2
    assert zoned.complete.all()
    assert zoned.times.tolist() == [*(wall - 60 * MINUTE), *(wall - 60 * MINUTE)]


def test_16_a_rule_that_is_asked_for_must_fit_all() -> None:
    """The row that does not is named, with a frequency that does."""
    months, ends = axis("MS", "2015-01-01", 24), axis("ME", "2015-01-01", 24)
    wall, bounds = columns([months, ends])

    with pytest.raises(RejectedInputError, match=r'"MS" does not fit the data: the row at 2015-01-31.*such as "ME"'):
        find_calendars(wall, None, bounds, asked=rule_named("MS"))
    assert find_calendars(wall, None, bounds, asked=rule_named("D")).calendars == ("D",)
