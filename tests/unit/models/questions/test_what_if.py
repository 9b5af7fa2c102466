"""Forecasts as they are, and as they would be with other features."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.batch import SeriesRequest, forecast_batch
from models.errors import RejectedInputError
from models.options import Options
from models.questions.what_if import Change, changed_features, changing_s, forecast_both

_N, _AHEAD = 120, 7
_MODELS = ("Regression", "Auto", "LightGBM", "ARIMA")


def _request(model: str, *, noise: float = 1.0, **fields: Any) -> SeriesRequest:
    """Values that fall by 3 with a price, and rise by 8 with a campaign."""
    rng = np.random.default_rng(5)
    features = np.column_stack([10 + rng.normal(size=_N + _AHEAD), (rng.random(_N + _AHEAD) < 0.3) * 1.0])
    values = 100.5 - 3 * features[:_N, 0] + 8 * features[:_N, 1] + noise * rng.normal(size=_N)
    config = {"budget_ms": 100} if model == "Auto" else {}  # without those that take long
    return SeriesRequest(
        values, model, config, _AHEAD, refit=True, eval_metrics=(), seed=3, covariates=features, freq="D", **fields
    )


class TestChangedFeatures:
    """What is made of [F, steps]."""

    def test_each_kind_of_some_steps(self) -> None:
        """Both ends count, and the features that came stay as they were."""
        features = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
        changes = [
            Change(0, "multiply", (2.0,), 2, 3),
            Change(1, "add", (-1.0, -2.0), 1, 2),
            Change(0, "set", (9.0,), 4, 4),
        ]
        made = changed_features(features, changes)

        assert made.tolist() == [[1.0, 4.0, 6.0, 9.0], [4.0, 4.0, 7.0, 8.0]]
        assert features.tolist() == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]

    def test_one_after_the_other(self) -> None:
        """The second sees what the first has made."""
        made = changed_features(
            np.array([[10.0]]), [Change(0, "add", (2.0,), 1, 1), Change(0, "multiply", (0.5,), 1, 1)]
        )

        assert made.tolist() == [[6.0]]


class TestForecastBoth:
    """Both forecasts of a series."""

    @pytest.mark.parametrize("model", _MODELS)
    def test_the_base_is_the_forecast_that_was_published(self, model: str) -> None:
        """To the last bit, quantiles included, though Auto's losers are not tried again."""
        request = _request(model)
        [stored] = forecast_batch([request])
        both = forecast_both(request, [Change(0, "multiply", (0.9,), 3, 5)], stored.answered_by)

        assert both.base.predictions.tolist() == stored.predictions
        assert {level: values.tolist() for level, values in both.base.quantiles.items()} == stored.quantiles
        assert both.answered_by == stored.answered_by
        assert both.changed.predictions.tolist() != stored.predictions

    @pytest.mark.parametrize("model", _MODELS)
    def test_no_change_gives_equal_forecasts(self, model: str) -> None:
        """Exactly: nothing but the features may differ."""
        request = _request(model)
        both = forecast_both(request, [Change(0, "add", (0.0,), 1, _AHEAD)], None)

        assert both.changed.predictions.tolist() == both.base.predictions.tolist()
        assert {level: values.tolist() for level, values in both.changed.quantiles.items()} == {
            level: values.tolist() for level, values in both.base.quantiles.items()
        }

    @pytest.mark.parametrize("model", ["Regression", "Auto"])
    def test_the_difference_is_the_coefficient_by_the_change(self, model: str) -> None:
        """-3 for each of the price, 8 for a campaign; the interval moves as a whole."""
        request = _request(model, noise=1e-3)
        changes = [Change(0, "add", (2.0,), 3, 5), Change(1, "set", (1.0,), 7, 7)]
        both = forecast_both(request, changes, forecast_batch([request])[0].answered_by)
        campaign = 8 * (1 - both.features[1, 6])
        difference = both.changed.predictions - both.base.predictions

        assert difference == pytest.approx([0, 0, -6, -6, -6, 0, campaign], abs=0.01)
        for level, values in both.base.quantiles.items():
            assert both.changed.quantiles[level] - values == pytest.approx(difference, abs=0.01)

    @pytest.mark.parametrize("model", ["Regression", "LightGBM"])
    def test_levels_and_bounds_are_those_of_the_stored_forecast(self, model: str) -> None:
        """LightGBM's are made of its errors in the backtest."""
        options = Options(windows=2, levels=(0.1, 0.9), lower=70.0, upper=80.0)
        request = _request(model, options=options)
        [stored] = forecast_batch([request])
        both = forecast_both(request, [Change(0, "set", (-100.0,), 1, _AHEAD)])

        assert {level: values.tolist() for level, values in both.base.quantiles.items()} == stored.quantiles
        assert set(stored.quantiles) == {"0.1", "0.9"}
        assert both.changed.predictions.max() <= 80.0

    def test_whole_numbers_stay_whole(self) -> None:
        """Of a series of whole numbers, as its stored forecast."""
        request = _request("Regression")
        both = forecast_both(replace(request, target=np.rint(request.target)), [Change(0, "add", (0.4,), 1, 2)])

        assert both.changed.predictions.tolist() == np.rint(both.changed.predictions).tolist()

    @pytest.mark.parametrize(
        ("target", "says"), [(np.full(_N, np.nan), "no observed values"), (np.full(_N, np.inf), "infinite")]
    )
    def test_a_series_without_sense_is_refused(self, target: Any, says: str) -> None:
        """In the words of a training."""
        with pytest.raises(RejectedInputError, match=says):
            forecast_both(replace(_request("Regression"), target=target), [])

    def test_what_ends_beyond_all_numbers_is_refused(self) -> None:
        """A change without measure."""
        with pytest.raises(RejectedInputError, match="change it by less"):
            forecast_both(
                _request("Regression"), [Change(0, "set", (1e308,), 1, 1), Change(0, "multiply", (10.0,), 1, 1)]
            )


def test_what_takes_long_is_known_before() -> None:
    """Regression is quick; of Auto those count that it had chosen."""
    assert changing_s("Regression", 400, None) < 0.01
    assert changing_s("Auto", 400, "SES + Regression") < 0.05 < changing_s("Auto", 400, "LightGBM + Regression")
    assert changing_s("ARIMA", 400, None) > 1
