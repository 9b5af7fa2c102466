"""Which forecast a question is about."""

from dataclasses import replace
from typing import Final

from schemas.series import Asked, Beside, SeriesResult
from streams.what_if.questions import answering, columns_of

_FEATURED: Final = SeriesResult(
    7, 1, 3, 1, "Auto", {}, (5,), (1.0,), {}, mase_insample=0.5, asked=Asked(Beside((4, 2)))
)
_PLAIN: Final = replace(_FEATURED, model_name="Theta", mase_insample=0.1, asked=None)


def test_the_best_with_features_answers() -> None:
    """A better one without is of no use; of a model the latest counts, and of several those that begin latest."""
    better = replace(_FEATURED, model_name="Regression", n=4, mase_insample=0.4)
    outdated = replace(better, model_name="ARIMA", timestamps=(4,), mase_insample=0.1)

    assert answering([_PLAIN, _FEATURED, better, outdated], None) == better
    assert answering([_PLAIN, _FEATURED, better], "Auto") == _FEATURED
    assert answering([_FEATURED, replace(_FEATURED, n=9)], None) == replace(_FEATURED, n=9)


def test_why_there_is_none_is_said() -> None:
    """With the models that make use of features."""
    failed = replace(_FEATURED, error="too short", predictions=(), asked=None)

    assert answering([], None) == "it has no forecast"
    assert answering([_FEATURED], "ARIMA") == "it has no forecast by ARIMA"
    assert answering([failed], None) == "it failed: too short"
    assert answering([_PLAIN], None) == (
        "Theta makes no use of features: train it by ARIMA, LightGBM, Auto or Regression"
    )
    assert "train it with feature_indexs" in str(answering([replace(_FEATURED, asked=None)], None))


def test_columns_are_read_once() -> None:
    """Of all forecasts together."""
    other = replace(_FEATURED, asked=Asked(Beside((2, 9))))

    assert columns_of([_FEATURED, other, _PLAIN]) == [2, 4, 9]
