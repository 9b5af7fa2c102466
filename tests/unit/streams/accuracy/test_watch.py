"""What is remembered of a job's series from event to event."""

import numpy as np
import pytest

from connectors.datasets.splits import Split
from streams.accuracy.judging import Judged
from streams.accuracy.observed import Values
from streams.accuracy.watch import Watch, is_worse

_DAY = 86_400_000_000  # microseconds


def _split(*series: int) -> Split:
    """Daily series of so many values each."""
    counts = np.array(series)
    times = np.concatenate([np.arange(count) * _DAY for count in series])
    return Split(
        target=np.ones(len(times)),
        times=times,
        text_codes=np.zeros(len(times), np.int32),
        texts=("1970-01-01",),
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        calendars=("D",),
        calendar_codes=np.zeros(len(series), np.int32),
        is_complete=np.ones(len(series), np.bool_),
        groupby_val=tuple(f"('{place}',)" for place in range(len(series))),
        groupby_key=("shop",),
        target_label="sold",
        timestamp_label="day",
        target_is_integer=True,
        features=(),
    )


def _watch(split: Split) -> Watch:
    watch = Watch()
    watch.grow(split, "a")
    return watch


def _came(**days: list[int]) -> dict[int, Values]:
    return {int(place[1:]): Values({day * _DAY: (1.0, 9) for day in those}) for place, those in days.items()}


def test_a_series_that_falls_behind_is_told_once() -> None:
    """At the third step that it has no value for while others have."""
    split = _split(10, 10)
    watch = _watch(split)

    told = [watch.values_came(split, _came(s0=[day])) for day in range(10, 15)]
    assert [[(it.place, it.time // _DAY, it.steps) for it in those] for those in told] == [[], [], [(1, 9, 3)], [], []]


def test_a_series_that_was_behind_from_the_start_is_not_told() -> None:
    """It may have ended long ago."""
    split = _split(30, 5)

    assert _watch(split).values_came(split, _came(s0=[30])) == []


def test_a_gap_of_a_series_is_told_when_it_goes_on() -> None:
    """Also of a series that is alone; values that come late fill no gap that was told."""
    split = _split(10)
    watch = _watch(split)

    assert watch.values_came(split, _came(s0=[12])) == []
    [told] = watch.values_came(split, _came(s0=[16]))
    assert (told.place, told.time // _DAY, told.steps) == (0, 12, 3)
    assert watch.values_came(split, _came(s0=[13, 14, 15])) == []


def test_a_series_that_was_told_is_not_told_again_when_it_goes_on() -> None:
    """Once for each gap."""
    split = _split(10, 10)
    watch = _watch(split)
    assert len(watch.values_came(split, _came(s0=[10, 11, 12, 13, 14]))) == 1

    assert watch.values_came(split, _came(s1=[14])) == []


def test_a_watch_made_anew_knows_nothing_of_what_is_still_to_be_told() -> None:
    """Though the split has it already."""
    split = _split(14, 10)
    watch = Watch()
    watch.grow(split, "a", _came(s0=[10, 11, 12, 13]))

    assert [it.place for it in watch.values_came(split, _came(s0=[10, 11, 12, 13]))] == [1]


def test_series_that_are_new_are_watched_from_then_on() -> None:
    """Those that were there keep what is known of them."""
    watch = _watch(_split(10))
    split = _split(12, 12)
    watch.grow(split, "b")

    assert (watch.last // _DAY).tolist() == [9, 11]


def _judged(day: int, error: float, *, step: int = 1, n: int = 0) -> Judged:
    at = np.array([day])
    return Judged(5, n, "SES", 1.0, 2.0, np.array([step]), at, np.array([error]), np.zeros(1), {}, {}, (day,))


def test_forecasts_that_become_worse_are_told_once() -> None:
    """From ten values on; the errors are scaled by 2, the backtest had 1."""
    watch = Watch()

    told = [watch.judged([_judged(day, 4.0 + day % 2)]) for day in range(14)]
    [worse] = [it for those in told for it in those]
    assert (worse.ts_id, worse.model_name, worse.time, worse.values) == (5, "SES", 9, 10)
    assert worse.error == pytest.approx(2.25)
    assert (worse.backtest, worse.offset) == (1.0, 9)


def test_forecasts_as_good_as_promised_are_not_told() -> None:
    """Nor those of a few values."""
    watch = Watch()

    assert not any(watch.judged([_judged(day, 1.0 + day % 3)]) for day in range(40))
    assert not any(Watch().judged([_judged(day, 9.0 + day % 2)]) for day in range(9))


def test_of_several_forecasts_of_a_time_the_nearest_counts() -> None:
    """A value that is corrected takes the place of the one before."""
    watch = Watch()
    watch.judged([_judged(3, 100.0, step=4), _judged(3, 2.0, step=1), _judged(3, 50.0, step=2)])
    assert watch.errors == {(5, "SES"): {3: 1.0}}

    watch.judged([_judged(3, 6.0)])
    assert watch.errors == {(5, "SES"): {3: 3.0}}


def test_the_latest_twenty_are_compared() -> None:
    """What was long ago is forgotten."""
    watch = Watch()
    for day in range(30):
        watch.judged([_judged(day, 2.0)])

    assert sorted(watch.errors[5, "SES"]) == list(range(10, 30))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [([2.0] * 9, False), ([1.0] * 20, False), ([1.5] * 20, True), ([0.0, 2.2] * 10, False), ([0.9, 1.6] * 10, True)],
)
def test_the_test_is_one_sided_at_one_percent(errors: list[float], expected: bool) -> None:
    """As scipy's t-test of one sample against the backtest's 1."""
    assert is_worse(errors, 1.0) is expected


def test_the_limits_are_those_of_students_distribution() -> None:
    """The table has three digits."""
    from scipy.stats import ttest_1samp  # noqa: PLC0415 - the oracle

    rng = np.random.default_rng(3)
    for count in range(10, 21):
        for shift in (0.3, 0.6, 0.9):
            errors = (rng.normal(size=count) + 1 + shift).tolist()
            p = float(ttest_1samp(errors, 1.0, alternative="greater").pvalue)
            if abs(p - 0.01) > 0.0005:
                assert is_worse(errors, 1.0) == (p < 0.01)
