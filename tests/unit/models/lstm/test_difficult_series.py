"""Series that are hard for a network: short, long, constant, huge, with missing values."""

import os
from typing import Any

import numpy as np
import pytest

from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.forecasts import SeriesBatch
from models.lstm import forecast as lstm
from models.lstm.training import continue_series
from tests.unit.models.lstm.lstm_samples import BOTH, NAN, QUICK, QUICK_LONG, SAMPLE, batch_of

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@BOTH
def test_a_missing_lag_is_put_on_the_line_between_its_neighbours(model: Any, config: dict[str, Any]) -> None:
    """A gap of two among the lags gives what the filled series gives."""
    values = SAMPLE.tolist()
    place = -6  # a lag of samples of Lstm; LstmLong's newest third are targets
    place = place if model is lstm.forecast else 10
    gap, filled = values.copy(), values.copy()
    gap[place] = NAN
    filled[place] = (values[place - 1] + values[place + 1]) / 2

    assert model(batch_of([gap], config)).mean.tolist() == model(batch_of([filled], config)).mean.tolist()


def test_a_missing_value_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """LstmLong loses the sample; Lstm takes an older one instead; at the end, lags repeat the last observed value."""
    seen = []
    monkeypatch.setattr(lstm, "train", lambda start, x, y, **_: seen.append((x, y)) or start)
    row = [0.0, 1, 2, 3, 4, 5, NAN, 7, 8, 10, NAN]
    lstm.forecast_long(batch_of([row], QUICK_LONG))
    lstm.forecast(batch_of([row], QUICK))
    (long_inputs, long_targets), (inputs, targets) = seen

    assert np.rint(long_targets * 10).tolist() == [[8, 10]]
    assert np.rint(long_inputs * 10).tolist() == [[[0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8]]]
    assert np.rint(targets * 10).tolist() == [[5, 7, 8, 10]]
    assert np.rint(inputs * 10).tolist() == [[[2, 3, 4], [4, 5, 6], [5, 6, 7], [6, 7, 8]]]


def test_a_forecast_starts_at_the_end_of_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values missing at the end count as steps: the last observed value stands for them."""
    seen = []
    spy = lambda networks, lags, steps: seen.append(lags) or continue_series(networks, lags, steps)  # noqa: E731
    monkeypatch.setattr(lstm, "continue_series", spy)
    lstm.forecast(batch_of([[0.0, 1, 2, 3, 4, 5, 6, 7, 8, 10, NAN, NAN]], QUICK))

    assert seen[0].tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@BOTH
def test_a_series_too_short_to_train_on_is_answered_by_its_mean_and_says_so(
    model: Any, config: dict[str, Any], length: int
) -> None:
    """Two samples are the least: with 4 points there are none, neither at fold 3 nor with 3 lags."""
    row = [3.0, 5.0, 10.0, 2.0][:length]
    forecasts = model(batch_of([row, SAMPLE.tolist()], config))

    assert forecasts.mean[0].tolist() == [sum(row) / length] * 3
    assert forecasts.answered_by[0] == "AdaptiveAverageN"
    assert forecasts.saved[0] is None
    assert "too few points to train" in forecasts.notes[0]
    assert forecasts.saved[1] is not None


@pytest.mark.parametrize(
    ("model", "config", "fewest"), [(lstm.forecast_long, QUICK_LONG, 6), (lstm.forecast, QUICK, 5)]
)
def test_the_note_names_the_fewest_points(model: Any, config: dict[str, Any], fewest: int) -> None:
    """With as many as the note asks for there is a network, with one less there is none."""
    enough, less = SAMPLE[:fewest].tolist(), SAMPLE[: fewest - 1].tolist()
    forecasts = model(batch_of([enough, less], config))

    assert [content is not None for content in forecasts.saved] == [True, False]
    assert f"needs {fewest} observed" in forecasts.notes[1]


def test_lstm_says_when_there_are_fewer_samples_than_asked_for() -> None:
    """Six points and 3 lags are 3 samples, not 4."""
    forecasts = lstm.forecast(batch_of([SAMPLE[:6].tolist(), SAMPLE[:7].tolist()], QUICK))

    assert forecasts.notes == ["trained on 3 samples, there are not 4", ""]


@pytest.mark.parametrize("value", [0.0, -3.25, 7.1, 1e300, -1.7e308, 5e-324])
@BOTH
def test_a_series_that_never_changes_is_continued_exactly(model: Any, config: dict[str, Any], value: float) -> None:
    """Also with gaps; there is no network, and the note says why."""
    forecasts = model(batch_of([[value] * 9 + [NAN] + [value] * 9], config))

    assert forecasts.mean.tolist() == [[value] * 3]
    assert forecasts.answered_by == ["AdaptiveMaxN"]
    assert forecasts.saved == [None]
    assert "never changes" in forecasts.notes[0]


@pytest.mark.parametrize("scale", [1e300, -1e300, 1e-200, 5e-324])
@BOTH
def test_huge_and_tiny_values_give_a_finite_forecast_near_the_series(
    model: Any, config: dict[str, Any], scale: float
) -> None:
    """No warning, nothing overflows."""
    values = (SAMPLE - 200) * scale
    forecasts = model(batch_of([values.tolist()], config))

    assert np.isfinite(forecasts.mean).all()
    assert (np.abs(forecasts.mean) <= 3 * np.abs(values).max()).all()


@BOTH
def test_a_spread_beyond_all_numbers_is_refused_without_a_warning(model: Any, config: dict[str, Any]) -> None:
    """From -1.7e308 to 1.7e308: the answer says that the values are too large, and the neighbour is not touched."""
    name = "LstmLong" if model is lstm.forecast_long else "Lstm"
    given = {key: value for key, value in config.items() if key != "loss_used"}
    wide, fine = [
        SeriesRequest(values, name, given, 5, refit=True, eval_metrics=(), seed=1)
        for values in (np.where(SAMPLE > 240, 1.7e308, -1.7e308), SAMPLE)
    ]
    answers = forecast_batch([wide, fine])

    assert "too large" in answers[0].error
    assert answers[1].error is None


def test_long_histories_are_cut_and_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest points count, for the scale too; a series with none among them keeps its old level."""
    monkeypatch.setattr(lstm, "LONGEST_HISTORY", 20)
    values = SAMPLE.tolist()
    silent = [*values[:6], *[NAN] * 32]
    whole = lstm.forecast_long(batch_of([values, values[-20:], silent], QUICK_LONG))
    newest = lstm.forecast_long(batch_of([values[-20:]], QUICK_LONG))

    assert whole.mean[0].tolist() == newest.mean[0].tolist()
    assert whole.notes[:2] == ["trained on the newest 20 points", ""]
    assert whole.mean[2].tolist() == pytest.approx([sum(values[1:6]) / 5] * 3)
    assert whole.answered_by[2] == "AdaptiveAverageN"


def test_endless_training_is_refused_before_it_begins() -> None:
    """Each value is allowed, together they would take hours; the message says what to lower."""
    config = CATALOG["LstmLong"].resolve({"batch_size_used": 1, "epochs_used": 1000, "lstm_cells_per_layer_used": 500})
    with pytest.raises(RejectedInputError, match="too long; lower epochs_used or lstm_cells_per_layer_used"):
        lstm.forecast_long(SeriesBatch(np.random.default_rng(1).normal(0, 1, (1, 900)), 1, config))
