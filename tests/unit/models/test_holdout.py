"""Hold-out, refit and rounding, on whole matrices."""

import numpy as np
import pytest

from models.arrays.published_values import whole_numbers
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import HoldOutForecast, forecast_with_hold_out, hold_out_length
from models.quick.adaptive import forecast_max

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan


def run(rows: list[list[float]], *, prediction_length: int = 2, refit: bool = False) -> HoldOutForecast:
    """Forecast with the maximum of the last two points, scored by mse."""
    batch = SeriesBatch(np.array(rows), prediction_length, {"latest_n": 2})
    return forecast_with_hold_out(batch, forecast_max, refit=refit, metrics=("mse",))


def test_J119_the_hold_out_has_five_rows_or_as_many_as_are_asked_for() -> None:
    """The length h is max(5, prediction_length)."""
    assert [hold_out_length(n) for n in (1, 5, 6, 48)] == [5, 5, 6, 48]


def test_J118_J120_the_published_forecast_is_the_hold_outs() -> None:
    """Fitted on the 3 points before the last 5, published as it is, scored on those 5."""
    result = run([[9.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]])

    assert result.scored.tolist() == [True]
    assert result.predictions.tolist() == [[3.0, 3.0]]
    assert result.backtest.tolist() == [[3.0] * 5]
    assert result.scores["mse"].tolist() == [(1 + 4 + 9 + 16 + 25) / 5]


def test_J121_refit_forecasts_from_the_end_and_keeps_the_scores() -> None:
    """Predictions come from the whole history; hold-out forecast and scores stay as they are without refit."""
    result = run([[9.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]], refit=True)

    assert result.predictions.tolist() == [[8.0, 8.0]]
    assert result.backtest.tolist() == [[3.0] * 5]
    assert result.scores["mse"].tolist() == [11.0]


@pytest.mark.parametrize("prediction_length", [1, 5, 7])
def test_J119_a_series_of_at_most_h_plus_one_points_is_fitted_whole_and_not_scored(prediction_length: int) -> None:
    """With h + 1 points there is no hold-out, with h + 2 there is; both in one matrix."""
    h = hold_out_length(prediction_length)
    longer = [float(n) for n in range(1, h + 3)]
    result = run([[NAN, *longer[1:]], longer], prediction_length=prediction_length)

    assert result.scored.tolist() == [False, True]
    assert result.predictions.tolist() == [[float(h + 2)] * prediction_length, [2.0] * prediction_length]
    assert np.isnan(result.backtest[0]).all()
    assert np.isnan(result.scores["mse"]).tolist() == [True, False]


def test_missing_rows_belong_to_the_hold_out() -> None:
    """The last five rows in time are held out, observed or not; only observed ones are scored."""
    result = run([[1.0, 2.0, 3.0, NAN, NAN, NAN, 5.0, NAN]])

    assert result.backtest.tolist() == [[3.0] * 5]
    assert result.scores["mse"].tolist() == [4.0]


def test_a_hold_out_without_observations_has_undefined_scores() -> None:
    """The forecast is still made."""
    result = run([[1.0, 2.0, 3.0, NAN, NAN, NAN, NAN, NAN]])

    assert result.scored.tolist() == [True]
    assert np.isnan(result.scores["mse"]).tolist() == [True]
    assert result.predictions.tolist() == [[3.0, 3.0]]


def test_missing_rows_do_not_count_as_fitted_points() -> None:
    """Nine rows, but one observed value before the hold-out: fitted on all, not scored."""
    result = run([[NAN, 2.0, NAN, NAN, 3.0, 4.0, 5.0, 6.0, 7.0]])

    assert result.scored.tolist() == [False]
    assert result.predictions.tolist() == [[7.0, 7.0]]


def between(batch: SeriesBatch) -> Forecasts:
    """A model whose every forecast is `config["value"]`."""
    return Forecasts(np.full((batch.history.shape[0], batch.horizon), float(batch.config["value"])))


@pytest.mark.parametrize(
    ("history", "value", "expected"),
    [
        ([1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0], 2.5, 2.0),
        ([1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0], 3.5, 4.0),
        ([1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0], 2.5 + 1e-12, 2.0),
        ([1.0, 2.0, 3.0, 0.0, 5.0, 6.0, 7.0], -3.0, 0.0),
        ([1.0, 2.0, 3.0, 0.0, NAN, 6.0, 7.0], 2.6, 3.0),
        ([1.0, 2.0, 3.0, 4.5, 5.0, 6.0, 7.0], 2.6, 2.6),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5], 2.6, 2.6),
        ([1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0], -2.6, -2.6),
    ],
    ids=[
        "half-to-even-down",
        "half-to-even-up",
        "nine-decimals-first",
        "clipped",
        "gaps-are-no-fractions",
        "fraction-fitted",
        "fraction-held-out",
        "negative",
    ],
)
@pytest.mark.parametrize("refit", [False, True])
def test_J108_rounded_and_clipped_only_if_all_history_is_whole(
    history: list[float], value: float, expected: float, refit: bool
) -> None:
    """Both the predictions and the hold-out forecast, and that before it is scored."""
    batch = SeriesBatch(np.array([history]), 5, {"value": value})
    result = forecast_with_hold_out(batch, between, refit=refit, metrics=("me",))

    actual = [a for a in history[-5:] if a == a]
    assert result.predictions.tolist() == [[expected] * 5]
    assert result.backtest.tolist() == [[expected] * 5]
    assert result.scores["me"].tolist() == pytest.approx([sum(actual) / len(actual) - expected], abs=1e-12)


@pytest.mark.parametrize(
    ("history", "expected", "allowed"),
    [
        ([1.5, 0.0, 3.0, 4.0, NAN, 6.0, 7.5], 0.0, -2.6),
        ([1.0, 0.0, 3.0, 4.0, NAN, 6.0, 7.0], 0.0, -3.0),
        ([1.5, 0.0, 3.0, 4.0, NAN, 6.0, -0.5], -2.6, -2.6),
        ([-0.5, 0.0, 3.0, 4.0, NAN, 6.0, 7.5], -2.6, -2.6),
    ],
    ids=["decimals", "whole", "negative-held-out", "negative-fitted"],
)
@pytest.mark.parametrize("refit", [False, True])
def test_D32_nothing_is_below_zero_where_the_whole_history_is_not(
    history: list[float], expected: float, allowed: float, refit: bool
) -> None:
    """Predictions, quantiles and backtest alike, and before they are scored; allow_negative keeps what was computed."""

    def model(batch: SeriesBatch) -> Forecasts:
        mean = between(batch).mean
        return Forecasts(mean, {"0.1": mean, "0.9": -mean})

    for allow_negative, value in ((False, expected), (True, allowed)):
        batch = SeriesBatch(np.array([history]), 5, {"value": -2.6}, allow_negative=allow_negative)
        result = forecast_with_hold_out(batch, model, refit=refit, metrics=("me",))
        actual = [a for a in history[-5:] if a == a]

        assert result.predictions.tolist() == result.backtest.tolist() == [[value] * 5]
        assert result.quantiles["0.1"].tolist() == [[value] * 5]
        assert (result.quantiles["0.9"] > 2).all()
        assert result.scores["me"].tolist() == pytest.approx([sum(actual) / len(actual) - value], abs=1e-12)


def test_D32_minus_zero_is_not_published() -> None:
    """A reader of the JSON would see -0.0."""
    batch = SeriesBatch(np.array([[1.5, 2.0]]), 1, {"value": -0.0})
    result = forecast_with_hold_out(batch, between, refit=False, metrics=())

    assert not np.signbit(result.predictions).any()


def test_J108_each_row_is_rounded_by_its_own_history() -> None:
    """A whole series beside a fractional one, both without hold-out."""
    batch = SeriesBatch(np.array([[1.0, 2.0], [1.5, 2.0]]), 1, {"value": 2.6})
    result = forecast_with_hold_out(batch, between, refit=False, metrics=())

    assert result.predictions.tolist() == [[3.0], [2.6]]


def test_whole_numbers_never_gives_minus_zero_and_keeps_huge_values() -> None:
    """-0.2 becomes 0.0; 1e300 is whole already and is not scaled."""
    got = whole_numbers(np.array([-0.2, 1e300, 2.0**53]))

    assert got.tolist() == [0.0, 1e300, 2.0**53]
    assert not np.signbit(got[0])


def test_a_model_that_returns_the_wrong_shape_is_noticed() -> None:
    """Broadcasting one column over the horizon would publish a wrong forecast."""
    with pytest.raises(ValueError, match="instead of"):
        forecast_with_hold_out(
            SeriesBatch(np.ones((2, 9)), 3, {}),
            lambda batch: Forecasts(np.ones((len(batch.history), 1))),
            refit=False,
            metrics=(),
        )
