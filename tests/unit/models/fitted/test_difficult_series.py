"""What the fitted models make of series that are hard: short, odd, with gaps, without a season or with a long one."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.fitted.decomposition import deseasonalised
from models.tuning.search_space import Dimension, Search
from tests.unit.models.fitted.statistical_samples import HEAVY, NAN, Array, forecast, noisy_season, with_promotions


@pytest.mark.parametrize(
    ("values", "season"),
    [(np.random.default_rng(14).normal(0, 1, 60), 6), (np.resize(np.arange(6.0), 17), 6), (np.arange(9.0), 1)],
)
def test_no_season_is_invented(values: Array, season: int) -> None:
    """Noise, too short a series, and a season of one step stay as they are."""
    assert deseasonalised(values, season).values is values


@pytest.mark.parametrize(("walk", "most"), [(False, 0.05), (True, 0.15)])
@pytest.mark.parametrize("season", [4, 7, 24])
def test_a_season_is_seldom_seen_where_there_is_none(season: int, walk: bool, most: float) -> None:
    """In noise, and in random walks, whose wanderings look more like one."""
    noise = np.random.default_rng(25).normal(0, 1, (200, 4 * season + 3))
    found = [deseasonalised(values, season).pattern is not None for values in (noise.cumsum(axis=1) if walk else noise)]

    assert sum(found) / 200 < most


@pytest.mark.parametrize("name", HEAVY)
def test_what_cannot_be_fitted_repeats_its_last_value_and_says_so(name: str) -> None:
    """Too few values, and values that are all alike; SeasonalNaive answers, and the neighbour is still fitted."""
    fine = np.random.default_rng(15).normal(10, 1, 30)
    few, constant = np.full(30, NAN), np.full(30, 3.0)
    few[-5:] = [1, 2, 3, 4, 9]
    got = forecast(name, np.stack([few, constant, fine]), 3)

    assert got.mean[:2].tolist() == [[9.0] * 3, [3.0] * 3]
    assert got.answered_by == ["SeasonalNaive", "SeasonalNaive", name]
    assert got.notes is not None
    assert f"{name} needs" in got.notes[0]
    assert "this series has 5" in got.notes[0]
    assert "does not vary" in got.notes[1]
    assert got.notes[2] == ""
    assert got.quantiles["0.9"][1].tolist() == [3.0] * 3


def test_a_librarys_warnings_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Python's nor numpy's: there may be thousands of series."""
    real = CATALOG["Theta"].load().__globals__["thetamodel"]

    def warn(*args: Any) -> Any:
        warnings.warn("failed to converge", UserWarning, stacklevel=2)
        np.log(np.zeros(1))
        return real(*args)

    monkeypatch.setattr("models.fitted.theta.thetamodel", warn)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        got = forecast("Theta", np.random.default_rng(30).normal(10, 1, 20), 3)

    assert got.answered_by == ["Theta"]
    assert warned == []


def test_a_fit_that_fails_repeats_the_last_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library raises, or if its forecast is not finite."""
    history = np.random.default_rng(16).normal(10, 1, 20)
    for outcome in (Exception("no model able to be fitted"), {"mean": np.array([1.0, np.inf, 2.0])}):

        def fail(*_: object, outcome: Any = outcome, **__: object) -> Any:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr("models.fitted.theta.forecast_theta", fail)
        got = forecast("Theta", history, 3)

        assert got.mean.tolist() == [[history[-1]] * 3]
        assert got.answered_by == ["SeasonalNaive"]
        assert got.notes is not None
        assert "could not be fitted" in got.notes[0]


def test_a_fit_that_fails_with_covariates_is_tried_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """ARIMA still answers, and the note says that the covariates went unused."""
    from models.fitted import arima  # noqa: PLC0415

    real = arima.auto_arima_f

    def refuse(*args: Any, xreg: Array | None, **kwargs: Any) -> Any:
        if xreg is not None:
            raise ValueError("xreg is rank deficient")
        return real(*args, xreg=xreg, **kwargs)

    monkeypatch.setattr(arima, "auto_arima_f", refuse)
    values, promotion = with_promotions(17)
    got = forecast("ARIMA", values[:80], 10, covariates=promotion[np.newaxis, :, np.newaxis])

    assert got.mean.tolist() == forecast("ARIMA", values[:80], 10).mean.tolist()
    assert got.answered_by == ["ARIMA"]
    assert got.notes == ["could not be fitted with the features, so fitted without them"]


@pytest.mark.parametrize("name", HEAVY)
def test_gaps_are_interpolated_and_those_at_the_end_forecast(name: str) -> None:
    """Of a series that stops early, the steps after the end of the array are returned."""
    values = noisy_season(18)[:60]
    whole = values.copy()
    whole[20] = (values[19] + values[21]) / 2
    gap = whole.copy()
    gap[20] = NAN
    stopped = np.concatenate([np.full(4, NAN), gap, np.full(3, NAN)])

    assert (
        forecast(name, stopped, 4, season=7).mean[0].tolist() == forecast(name, whole, 7, season=7).mean[0, 3:].tolist()
    )


NO_SEASON_TRIED = Search((Dimension("season_length", "int", val=1),))


@pytest.mark.parametrize("search", [None, NO_SEASON_TRIED])
@pytest.mark.parametrize(
    ("values", "refit", "note"),
    [
        (range(7), False, "ETS needs 8 observed values and this series has 2 before the hold-out: "),
        (range(4), True, "ETS needs 8 observed values and this series has 4: "),
        ([3] * 30 + [4, 5, 6, 5, 4], False, "the series does not vary before the hold-out: "),
        ([3] * 35, True, "the series does not vary: "),
    ],
)
def test_notes_count_what_is_fitted_and_say_so(
    values: list[int], refit: bool, note: str, search: Search | None
) -> None:
    """Without `refit` that ends before the hold-out, also for a tuned model: a user counts the whole series."""
    target = np.array(values, dtype=np.float64)
    answer = forecast_batch([SeriesRequest(target, "ETS", {}, 5, refit, ("mae",), search=search)])[0]

    assert answer.error is None
    assert note + "its last value is repeated" in answer.note


def test_a_season_that_only_the_hold_out_completes_is_left_out_and_the_note_says_so() -> None:
    """Sixteen days are two weeks, but only eleven of them are fitted."""
    target = noisy_season(19)[:16]
    answer = forecast_batch([SeriesRequest(target, "ETS", {}, 5, False, ("mae",), season_length=7)])[0]

    assert answer.note == "too short before the hold-out for two seasons of 7 steps, so fitted without a season"


@pytest.mark.parametrize("name", HEAVY)
def test_a_season_not_seen_twice_is_left_out(name: str) -> None:
    """And the note says so; the forecast is the one without a season."""
    values = noisy_season(19)[:13]
    got = forecast(name, values, 3, season=7)

    assert got.mean.tolist() == forecast(name, values, 3).mean.tolist()
    needed = "three" if name == "Theta" else "two"  # Theta removes each, which takes one more
    assert got.notes == [f"too short for {needed} seasons of 7 steps, so fitted without a season"]


@pytest.mark.parametrize("name", ["HoltWinters", "ETS", "Theta"])
def test_a_season_of_many_steps_goes_on(name: str) -> None:
    """48, more than the libraries estimate one by one."""
    pattern = 10 * np.sin(np.arange(48) * 2 * np.pi / 48)
    values = 50 + np.resize(pattern, 192) + np.random.default_rng(20).normal(0, 0.5, 192)
    got = forecast(name, values[:144], 48, season=48)

    assert np.abs(got.mean[0] - values[144:]).mean() < 1.5


@pytest.mark.parametrize("name", ["HoltWinters", "ETS"])
@pytest.mark.parametrize(("season", "removed"), [(24, 0), (25, 1)])
def test_seasons_of_more_than_24_steps_are_removed_first(
    name: str, season: int, removed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to there they are part of the model."""
    calls = []
    monkeypatch.setattr(
        "models.fitted.exponential_smoothing.deseasonalised",
        lambda *given: calls.append(given) or deseasonalised(*given),
    )
    forecast(name, np.random.default_rng(28).normal(10, 1, 80), 3, season=season)

    assert len(calls) == removed


@pytest.mark.parametrize(
    ("name", "longest"), [("HoltWinters", 2_000), ("ETS", 2_000), ("Theta", 5_000), ("ARIMA", 1_000)]
)
def test_only_the_newest_values_of_a_very_long_series_are_fitted(name: str, longest: int) -> None:
    """So that time is bounded; the note says so."""
    values = np.random.default_rng(21).normal(0.7, 0.05, longest + 50)
    got = forecast(name, values, 2)

    assert got.mean.tolist() == forecast(name, values[50:], 2).mean.tolist()
    assert got.notes == [f"fitted to the last {longest} values"]


@pytest.mark.parametrize("name", HEAVY)
@pytest.mark.parametrize("power", [990, -990])
def test_scale_changes_nothing(name: str, power: int) -> None:
    """Huge and tiny values are forecast as others are."""
    values = noisy_season(22)[:40]
    plain, scaled = forecast(name, values, 3), forecast(name, np.ldexp(values, power), 3)

    assert np.ldexp(plain.mean, power).tolist() == scaled.mean.tolist()
    assert np.ldexp(plain.quantiles["0.1"], power).tolist() == scaled.quantiles["0.1"].tolist()


ODD = {
    "zeros": np.zeros(30),
    "one pulse": np.eye(30)[15],
    "a step": np.repeat([0.0, 1.0], 15),
    "alternating": np.resize([1.0, -1.0], 30),
    "a perfect line": np.arange(30.0),
    "a perfect season": np.resize(np.arange(7.0), 30),
    "exponential": np.exp(np.arange(30.0)),
    "rare sales": np.resize([0.0, 0, 0, 0, 5], 30),
    "extremes": np.resize([1.7e308, -1.7e308], 30),
    "a tiny variation": 1e15 + np.resize([0.0, 1.0, 0.5], 30),
    "nearly all missing": np.where(np.arange(30) % 3 == 0, np.arange(30.0), NAN),
}


@pytest.mark.parametrize("name", ["SES", *HEAVY])
def test_odd_series_are_forecast_in_silence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A finite forecast for each, its interval around it, nothing printed, warned of, or written into the history."""
    history = np.stack(list(ODD.values()))
    before = history.copy()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        got = forecast(name, history, 4, season=7)
    printed = capfd.readouterr()

    assert np.isfinite(got.mean).all()
    assert not (got.quantiles["0.9"] < got.quantiles["0.1"]).any()
    assert np.array_equal(history, before, equal_nan=True)
    assert (printed.out, printed.err, warned) == ("", "", [])


@pytest.mark.parametrize("name", HEAVY)
def test_company_changes_no_bit(name: str) -> None:
    """A series between two others, padded, is forecast as if it were alone; a second time as well."""
    alone = noisy_season(23)[:40]
    matrix = np.full((3, 55), NAN)
    matrix[0] = np.random.default_rng(24).normal(0, 1e6, 55)
    matrix[1, -40:] = alone
    matrix[2, ::2] = 7.0
    together, single, again = (forecast(name, rows, 5, season=7) for rows in (matrix, alone, alone))

    assert together.mean[1].tobytes() == single.mean[0].tobytes() == again.mean[0].tobytes()
    assert all(together.quantiles[q][1].tobytes() == single.quantiles[q][0].tobytes() for q in single.quantiles)
    assert together.answered_by is not None
    assert together.answered_by[1:2] == single.answered_by


def test_D39_arima_forecasts_within_the_level_of_a_series_with_an_outlier() -> None:
    """One typing error of 1,000,000 among values near 100 hides their mean from the search: not 0, but near 100."""
    values = 100 + np.random.default_rng(39).normal(0, 1.5, 40).round(2)
    values[20] = 1_000_000
    answer = forecast_batch([SeriesRequest(values, "ARIMA", {}, 3, True, ("mse",), season_length=7)])[0]

    assert answer.answered_by in (None, "ARIMA")
    assert answer.predictions == pytest.approx([100] * 3, abs=3)


@pytest.mark.parametrize("model", ["ETS", "HoltWinters", "Theta", "ARIMA", "LightGBM"])
@pytest.mark.parametrize(("season", "points"), [(52, 208), (144, 720)])
def test_D29_long_seasons_are_forecast_by_every_seasonal_model(model: str, season: int, points: int) -> None:
    """A day of 10-minute steps, a year of weeks: the pattern goes on, and no fit takes minutes."""
    pattern = 50 + 20 * np.sin(2 * np.pi * np.arange(points + 8) / season)
    values = pattern + np.random.default_rng(season).normal(0, 1, points + 8)
    answer = forecast_batch([SeriesRequest(values[:points], model, {}, 8, True, (), season_length=season)])[0]

    assert answer.answered_by in (None, model)
    assert np.abs(np.array(answer.predictions) - pattern[points:]).mean() < 4


@pytest.mark.parametrize(("model", "needed"), [("ETS", "three"), ("ARIMA", "three"), ("LightGBM", "two")])
def test_D40_the_note_of_a_season_that_is_too_long_names_it(model: str, needed: str) -> None:
    """With its own number, and how many are needed."""
    values = 50 + np.random.default_rng(1).normal(0, 1, 60)
    answer = forecast_batch([SeriesRequest(values, model, {"season_length": 365}, 3, True, ())])[0]

    assert f"for {needed} seasons of 365 steps" in answer.note


@pytest.mark.parametrize("model", ["SeasonalNaive", "ETS"])
def test_D29_the_note_says_that_no_season_is_known(model: str) -> None:
    """Not where one is given, and not where there is none, as for years."""
    values = 50 + np.random.default_rng(1).normal(0, 1, 60)
    asked = SeriesRequest(values, model, {}, 3, True, ())

    notes = [
        forecast_batch([replace(asked, season_length=known, config=config)])[0].note
        for known, config in ((0, {}), (1, {}), (7, {}), (0, {"season_length": 7}), (0, {"season_length": 1}))
    ]
    assert ["no season is usual" in note for note in notes] == [True, False, False, False, False]
