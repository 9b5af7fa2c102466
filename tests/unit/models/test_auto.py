"""Auto: picks per series by backtest, averages the best, and says who answered."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import auto
from models.auto import CANDIDATES, WITH_FEATURES, forecast
from models.catalog import CATALOG, model_spec
from models.forecasts import Forecasts, SeriesBatch
from models.model_spec import ForecastFunction, ModelSpec

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

WEEK = [5.0, 9.0, 2.0, 7.0, 7.0, 1.0, 30.0]


def batch_of(*rows: list[float], horizon: int = 3, season: int = 1, combine: int = 3) -> SeriesBatch:
    steps = max(map(len, rows))
    history = np.array([[math.nan] * (steps - len(row)) + row for row in rows])
    return SeriesBatch(history, horizon, CATALOG["Auto"].resolve({"combine": combine}), season_length=season)


def noise(seed: int, points: int = 30) -> list[float]:
    random = np.random.default_rng(seed)
    return (50 + random.normal(size=points).cumsum()).tolist()


def alone(label: str, batch: SeriesBatch) -> np.ndarray:
    """The forecast of the candidate of that label, by itself."""
    (candidate,) = [candidate for candidate in CANDIDATES if candidate.label == label]
    spec = model_spec(candidate.model)
    config = spec.resolve(dict(candidate.settings))
    return spec.load()(replace(batch, config=config)).mean


def replaced(monkeypatch: pytest.MonkeyPatch, model: str, stand_in: Callable[[ForecastFunction], ForecastFunction]):
    """Let one model of the catalogue be computed by another function, which is given the true one."""
    load = ModelSpec.load
    monkeypatch.setattr(ModelSpec, "load", lambda spec: stand_in(load(spec)) if spec.name == model else load(spec))


def test_a_pure_line_is_continued_by_a_model_of_lines() -> None:
    """Drift and the windows of LinearFit make no error there; the flat models are not averaged in."""
    forecasts = forecast(batch_of([3.0 + 2.0 * step for step in range(20)]))

    assert forecasts.mean[0] == pytest.approx([43.0, 45.0, 47.0], rel=1e-9)
    assert {name.partition("(")[0] for name in forecasts.answered_by[0].split(" + ")} <= {"Drift", "LinearFit"}
    assert forecasts.notes == [""]


def test_a_strict_weekly_pattern_is_repeated_by_SeasonalNaive() -> None:
    """It is the first of those without an error; only those that take the season off first are as good."""
    (first, *others) = forecast(batch_of(WEEK * 6, horizon=7, season=7)).answered_by[0].split(" + ")
    one = forecast(batch_of(WEEK * 6, horizon=7, season=7, combine=1))

    assert first == "SeasonalNaive"
    assert set(others) <= {"Theta", "MSTL", "CES"}
    assert one.answered_by == ["SeasonalNaive"]
    assert one.mean[0].tolist() == WEEK


def test_the_season_length_that_is_asked_for_is_used() -> None:
    """It wins over the one that the data's step suggests."""
    batch = batch_of(WEEK * 6, horizon=7, season=1)
    config = CATALOG["Auto"].resolve({"season_length": 7})

    assert forecast(replace(batch, config=config)).mean[0] == pytest.approx(WEEK)
    assert forecast(batch).mean[0] != pytest.approx(WEEK)


@pytest.mark.parametrize("seed", range(8))
def test_with_one_to_combine_the_forecast_is_that_of_the_model_named(seed: int) -> None:
    """Fitted to the whole history, bit for bit."""
    batch = batch_of(noise(seed), combine=1)
    forecasts = forecast(batch)

    assert forecasts.mean.tolist() == alone(forecasts.answered_by[0], batch).tolist()


@pytest.mark.parametrize("seed", range(8))
def test_the_model_chosen_has_the_least_error_in_the_folds(seed: int) -> None:
    """Worked out again here, one fold and one candidate at a time."""
    values, horizon = noise(seed), 3
    errors = {}
    for candidate in CANDIDATES:
        folds = []
        for fold in (1, 2, 3):
            end = len(values) - fold * horizon
            predicted = alone(candidate.label, batch_of(values[:end]))[0]
            folds.append(np.abs(predicted - values[end : end + horizon]).mean())
        errors[candidate.label] = np.mean(folds)

    assert forecast(batch_of(values, combine=1)).answered_by == [min(errors, key=errors.__getitem__)]


@pytest.mark.parametrize("seed", range(8))
def test_a_combination_lies_between_its_members_and_has_no_more_than_asked(seed: int) -> None:
    """Weights are positive and add up to 1."""
    batch = batch_of(noise(seed), combine=4)
    forecasts = forecast(batch)
    members = forecasts.answered_by[0].split(" + ")
    means = np.array([alone(label, batch)[0] for label in members])

    assert 1 <= len(set(members)) == len(members) <= 4
    assert (forecasts.mean[0] >= means.min(axis=0) - 1e-9).all()
    assert (forecasts.mean[0] <= means.max(axis=0) + 1e-9).all()


def test_better_candidates_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are off by 1 and by 1.25 share 5 : 4, and one that is off by 2 has no share."""
    levels = {"Drift": 101.0, "SES": 98.75, "Theta": 102.0}
    load = ModelSpec.load

    def flat(spec: ModelSpec) -> ForecastFunction:
        level = levels.get(spec.name, 1e6)  # the others are far off
        # Auto scales by a power of two: 100 becomes 100 / 128.
        return lambda batch: Forecasts(np.full((len(batch.history), batch.horizon), level / 128))

    monkeypatch.setattr(ModelSpec, "load", flat)
    forecasts = forecast(batch_of([100.0] * 20))
    monkeypatch.setattr(ModelSpec, "load", load)

    assert forecasts.mean[0] == pytest.approx([(5 * 101.0 + 4 * 98.75) / 9] * 3)
    assert forecasts.answered_by == ["Drift + SES"]


def test_a_model_that_raises_is_out_for_its_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other rows of the same batch still get its forecast, as they do without the odd row."""
    line, week = [2.0 * step for step in range(42)], WEEK * 6

    def choosy(true: ForecastFunction) -> ForecastFunction:
        def raising(batch: SeriesBatch) -> Forecasts:
            if (np.diff(batch.history[:, -7:]) > 0).all(axis=1).any():
                raise ValueError("dislikes lines")
            return true(batch)

        return raising

    replaced(monkeypatch, "SeasonalNaive", choosy)
    forecasts = forecast(batch_of(line, week, horizon=7, season=7, combine=1))

    assert forecasts.answered_by[1] == "SeasonalNaive"
    assert forecasts.mean[1].tolist() == WEEK
    assert forecasts.mean[0] == pytest.approx([84.0 + 2 * step for step in range(7)])


@pytest.mark.parametrize("how", ["raises", "is not finite", "left it to another"])
def test_the_next_best_stands_in_for_a_model_that_fails_on_the_whole_history(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note names the one that failed, and the answer does not."""

    def failing(true: ForecastFunction) -> ForecastFunction:
        def late(batch: SeriesBatch) -> Forecasts:
            made = true(batch)
            if batch.history.shape[1] < 42:
                return made
            if how == "raises":
                raise RuntimeError
            if how == "is not finite":
                return Forecasts(np.full_like(made.mean, math.inf))
            return Forecasts(made.mean, answered_by=["Another"] * len(made.mean))

        return late

    replaced(monkeypatch, "SeasonalNaive", failing)
    forecasts = forecast(batch_of(WEEK * 6, horizon=7, season=7, combine=1))

    assert forecasts.notes == ["SeasonalNaive could not be fitted to the whole history"]
    assert "SeasonalNaive" not in forecasts.answered_by[0]
    assert np.isfinite(forecasts.mean).all()


def test_if_all_models_fail_the_last_value_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the chain; a trailing gap is skipped."""

    def broken(_: ModelSpec) -> ForecastFunction:
        raise ImportError

    monkeypatch.setattr(ModelSpec, "load", broken)
    forecasts = forecast(batch_of([*noise(1), 7.0, math.nan]))

    assert forecasts.mean.tolist() == [[7.0, 7.0, 7.0]]
    assert forecasts.answered_by == ["SeasonalNaive"]
    assert "the last value is repeated" in forecasts.notes[0]


@pytest.mark.parametrize("points", range(1, 6))
def test_a_series_too_short_for_a_backtest_gets_the_mean_of_drift_and_smoothing(points: int) -> None:
    """Three values before a fold of three are needed; the note says so."""
    batch = batch_of([4.0, 8.0, 7.0, 9.0, 12.0][:points])
    forecasts = forecast(batch)
    members = [alone("Drift", batch), alone("SES", batch)]

    assert forecasts.answered_by == ["Drift + SES"]
    assert forecasts.mean[0] == pytest.approx(np.mean(members, axis=0)[0])
    assert forecasts.notes == ["too short for a backtest, so no model was chosen by one"]


def test_a_single_fold_is_enough() -> None:
    """With six values and a horizon of three there is one, and no note."""
    forecasts = forecast(batch_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))

    assert forecasts.notes == [""]
    assert forecasts.mean[0] == pytest.approx([7.0, 8.0, 9.0])


def test_a_constant_series_goes_on() -> None:
    """Exactly, for zero and large and negative numbers, without a note."""
    forecasts = forecast(batch_of([0.0] * 30, [-7.25] * 30, [1e300] * 30))

    assert forecasts.mean.tolist() == [[0.0] * 3, [-7.25] * 3, [pytest.approx(1e300)] * 3]
    assert forecasts.notes == ["", "", ""]


def test_gaps_and_a_fold_without_observations_are_survived() -> None:
    """A week at the end, one in between, and a day within a fold, that nobody observed."""
    values = np.array(WEEK * 8)
    values[-7:] = math.nan
    values[20:27] = values[45] = math.nan
    forecasts = forecast(batch_of(values.tolist(), horizon=7, season=7, combine=1))

    assert forecasts.mean[0].tolist() == WEEK
    assert forecasts.answered_by == ["SeasonalNaive"]
    assert forecasts.notes == [""]


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**990])
def test_the_scale_of_a_series_changes_nothing_but_the_scale(factor: float) -> None:
    """No square overflows or vanishes on the way."""
    values = noise(5)
    plain, scaled = (forecast(batch_of([value * size for value in values])) for size in (1.0, factor))

    assert scaled.mean.tolist() == (plain.mean * factor).tolist()
    assert scaled.answered_by == plain.answered_by


cells = st.one_of(st.just(math.nan), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6), st.sampled_from([1e308, 0.0]))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(cells, min_size=14, max_size=14), min_size=2, max_size=4), st.integers(1, 4))
def test_a_rows_forecast_has_the_same_bits_alone_and_in_company(rows: list[list[float]], horizon: int) -> None:
    """Whatever the rows are; each is finite, and called again gives the same."""
    rows = [[*row[:-1], 1.0] if all(map(math.isnan, row)) else row for row in rows]
    together, again = (forecast(batch_of(*rows, horizon=horizon, season=4)) for _ in range(2))
    apart = [forecast(batch_of(row, horizon=horizon, season=4)) for row in rows]

    assert np.isfinite(together.mean).all()
    assert together.mean.tobytes() == again.mean.tobytes() == np.concatenate([one.mean for one in apart]).tobytes()
    assert together.answered_by == [one.answered_by[0] for one in apart]
    assert together.notes == [one.notes[0] for one in apart]


@pytest.mark.parametrize("points", [2, 9, 25])
def test_padding_before_a_short_series_changes_nothing(points: int) -> None:
    """Beside a longer one it gets the same bits."""
    short = noise(3, points)

    assert forecast(batch_of(short, noise(4))).mean[0].tobytes() == forecast(batch_of(short)).mean[0].tobytes()


def test_the_candidates_are_valid_models_of_the_catalogue() -> None:
    """With distinct labels, and none of them Auto itself."""
    labels = [candidate.label for candidate in CANDIDATES]

    assert len(set(labels)) == len(labels)
    assert all(CATALOG[candidate.model].resolve(candidate.settings) for candidate in CANDIDATES if candidate.settings)
    assert "Auto" not in {candidate.model for candidate in CANDIDATES}
    assert auto.forecast is CATALOG["Auto"].load()


def test_what_takes_longer_than_the_budget_is_left_out_and_named() -> None:
    """By the length of the series, not by a clock, so that a repeat does the same; a shorter row is not touched."""
    long, short = noise(6, 400), noise(7, 40)
    config = CATALOG["Auto"].resolve({"budget_ms": 50})
    forecasts = forecast(replace(batch_of(long, short), config=config))
    quick = forecast(replace(batch_of(long), config=CATALOG["Auto"].resolve({"budget_ms": 0})))

    assert forecasts.notes == ["chosen without MSTL, which would take longer than budget_ms: raise it to try them", ""]
    assert "chosen without CES, MSTL" in quick.notes[0]
    assert not {"CES", "MSTL"} & set(quick.answered_by[0].split(" + "))


def test_the_intervals_are_those_of_the_errors_in_the_folds() -> None:
    """Student's t with three degrees of freedom, as there are three folds; a row without a fold has none."""
    values, horizon = noise(2, 40), 4
    batch = batch_of(values, values[:3], horizon=horizon, combine=1)
    forecasts = forecast(batch)
    squares = []
    for fold in (1, 2, 3):
        end = len(values) - fold * horizon
        made = alone(forecasts.answered_by[0], batch_of(values[:end], horizon=horizon))[0]
        squares += ((made - values[end : end + horizon]) ** 2).tolist()
    deviation = np.sqrt(np.mean(squares))

    for level, t in (("0.1", -1.6377443536962), ("0.9", 1.6377443536962), ("0.975", 3.1824463052842)):
        assert forecasts.quantiles[level][0] == pytest.approx(forecasts.mean[0] + t * deviation, rel=1e-6)
        assert np.isnan(forecasts.quantiles[level][1]).all()


def test_features_of_the_steps_to_come_decide_where_they_explain_the_series() -> None:
    """The target is 2 x + 1 of a feature that nobody could guess, so the forecast is 2 x + 1 of what it will be."""
    feature = np.random.default_rng(8).normal(size=(1, 63, 1)) * 10
    batch = replace(batch_of((2 * feature[0, :60, 0] + 1).tolist()), covariates=feature)
    forecasts = forecast(batch)

    assert forecasts.mean[0] == pytest.approx(2 * feature[0, 60:, 0] + 1, rel=1e-6)
    assert forecasts.answered_by[0].startswith("Regression")
    assert "ARIMA, which would take longer than budget_ms" in forecasts.notes[0]
    assert forecast(replace(batch, covariates=None)).mean[0] != pytest.approx(forecasts.mean[0], abs=1)


def test_a_feature_that_explains_nothing_does_little_harm() -> None:
    """The folds judge models with features as all others."""
    noisy = np.random.default_rng(9).normal(size=(1, 45, 1))
    batch = batch_of(WEEK * 6, season=7)
    told = forecast(replace(batch, covariates=noisy))

    assert told.mean[0] == pytest.approx(forecast(batch).mean[0], abs=0.5)


def test_what_features_add_is_known_to_all_candidates() -> None:
    """The last steps, by which they are chosen, have no holiday; the next one has, and each holiday took away forty."""
    holiday = np.zeros(124)
    holiday[[10, 31, 50, 77, 121]] = 1
    values = 100 - 40 * holiday[:120]
    batch = replace(batch_of(values.tolist(), horizon=4, season=7), covariates=holiday[np.newaxis, :, np.newaxis])
    forecasts = forecast(batch)

    assert forecasts.mean[0] == pytest.approx([100, 60, 100, 100], abs=0.5)


def test_what_has_features_is_tried_before_all_others() -> None:
    """Of equally good ones the first counts as better; labels are told apart, and each makes use of features."""
    labels = [candidate.label for candidate in WITH_FEATURES + CANDIDATES]

    assert len(set(labels)) == len(labels)
    assert all(CATALOG[candidate.model].covariates for candidate in WITH_FEATURES)
