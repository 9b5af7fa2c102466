"""What each feature adds to a forecast."""

from typing import Any

import numpy as np
import pytest

from models.batch import SeriesRequest, forecast_batch
from models.errors import RejectedInputError
from models.questions.explanations import explain, explaining_s

_N, _AHEAD = 120, 7


def _request(model: str, *, noise: float = 0.5, **fields: Any) -> SeriesRequest:
    """Values that fall by 3 with a price, rise by 8 with a campaign, and do not care for the weather."""
    rng = np.random.default_rng(5)
    steps = _N + _AHEAD
    price, campaign = 10 + rng.normal(size=steps), (rng.random(steps) < 0.3) * 1.0
    features = np.column_stack([price, campaign, rng.normal(size=steps)])
    values = 100.5 - 3 * price[:_N] + 8 * campaign[:_N] + noise * rng.normal(size=_N)
    return SeriesRequest(
        values, model, {}, _AHEAD, refit=True, eval_metrics=(), seed=3, covariates=features, freq="D", **fields
    )


@pytest.mark.parametrize("model", ["Regression", "ARIMA", "Auto"])
def test_a_feature_adds_its_coefficient_by_its_distance_from_the_mean(model: str) -> None:
    """Known from how the values were made; a feature that they do not have adds next to nothing."""
    request = _request(model)
    assert request.covariates is not None
    past, ahead = request.covariates[:_N], request.covariates[_N:]

    found = explain(request)

    away = ahead - past.mean(axis=0)
    np.testing.assert_allclose(found.added[0], -3 * away[:, 0], atol=0.4)
    np.testing.assert_allclose(found.added[1], 8 * away[:, 1], atol=0.6)
    np.testing.assert_allclose(found.added[2], 0, atol=0.4)
    np.testing.assert_allclose(found.usual, past.mean(axis=0))
    assert found.features.tolist() == ahead.T.tolist()


@pytest.mark.parametrize("model", ["Regression", "LightGBM", "ARIMA", "Auto"])
def test_all_of_them_add_up_to_the_forecast(model: str) -> None:
    """Of trees too, where what a feature adds depends on the others; the values are not bounded or rounded here."""
    request = _request(model, allow_negative=True)
    [stored] = forecast_batch([request])

    found = explain(request, stored.answered_by)

    np.testing.assert_allclose(found.rest + found.added.sum(axis=0), stored.predictions, rtol=1e-9)
    assert found.answered_by == stored.answered_by


def test_what_is_already_known_of_the_choice_is_not_looked_for_again() -> None:
    """The same explanation, with the models that Auto had chosen as without."""
    request = _request("Auto")
    first = explain(request)

    again = explain(request, first.answered_by)

    np.testing.assert_allclose(again.added, first.added)


def test_a_feature_with_holes_has_the_mean_of_what_is_known() -> None:
    """And one of which nothing is known counts from zero on."""
    request = _request("Regression")
    assert request.covariates is not None
    holes = request.covariates.copy()
    holes[:60, 0] = np.nan
    found = explain(SeriesRequest(**{**_fields(request), "covariates": holes}))

    assert found.usual[0] == pytest.approx(holes[60:_N, 0].mean())


def test_a_series_without_values_is_refused() -> None:
    """As by a training."""
    with pytest.raises(RejectedInputError, match="no observed values"):
        explain(SeriesRequest(**{**_fields(_request("Regression")), "target": np.full(_N, np.nan)}))


def test_trees_take_longer() -> None:
    """Each group of features is a fit of its own; where effects add up, each feature is one."""
    assert explaining_s("LightGBM", 400, None, 3) > 2 * explaining_s("Regression", 400, None, 3)
    assert explaining_s("Auto", 400, "LightGBM + ETS", 9) > explaining_s("Auto", 400, "ETS", 9)


def _fields(request: SeriesRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in SeriesRequest.__dataclass_fields__}
