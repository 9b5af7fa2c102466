"""What DeepAR's network reads besides lags and embeddings: calendar, age, features, and the scale of a series."""

import numpy as np
import pytest

from models.deepar.frequency import Frequency
from models.deepar.inputs import embedding_dimensions, input_size, known_inputs, scale_of
from models.deepar.series import Series

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
EMPTY = np.empty(0, np.float32)


def floats(*values: float) -> np.ndarray:
    """As series have them."""
    return np.array(values, np.float32)


def test_calendar_age_and_features_of_each_step() -> None:
    """From before the series begins, where the age stands still and features are 0, to behind its last value."""
    frequency = Frequency.parse("D")
    series = Series(np.datetime64("2024-02-28", "D"), floats(1, 2, 3), (), np.array([[1, 2, 3, 4], [5, 6, 7, 8]], "f4"))
    known = known_inputs(frequency, series, -2, 6)
    times = np.arange(np.datetime64("2024-02-26"), np.datetime64("2024-03-03"))

    assert known[:, :3] == pytest.approx(frequency.calendar(times))
    assert known[:, 3] == pytest.approx(np.log10([2, 2, 2, 3, 4, 5]))
    assert known[:, 4:].tolist() == [[0, 0], [0, 0], [1, 5], [2, 6], [3, 7], [4, 8]]


@pytest.mark.parametrize("feat", [None, np.empty((0, 4), np.float32)])
def test_without_features_there_are_none(feat: np.ndarray | None) -> None:
    """Calendar and age alone."""
    series = Series(np.datetime64("2024-02-28", "D"), floats(1, 2, 3), (), feat)

    assert known_inputs(Frequency.parse("D"), series, 0, 4).shape == (4, 4)


@pytest.mark.parametrize("first", [-9, -4, 0, 2])
def test_features_have_their_place_wherever_the_steps_begin(first: int) -> None:
    """Also where all steps lie before the series."""
    feat = np.arange(1, 9, dtype=np.float32)[np.newaxis]
    series = Series(np.datetime64("2024", "Y"), floats(1, 2, 3), (), feat)
    expected = [feat[0, step] if step >= 0 else 0 for step in range(first, first + 4)]

    assert known_inputs(Frequency.parse("Y"), series, first, 4)[:, -1].tolist() == expected


def test_what_is_remembered_of_a_calendar_cannot_be_changed() -> None:
    """Series that end at the same time share it: each gets its own array."""
    frequency = Frequency.parse("H")
    series = Series(np.datetime64("2024-02-28T05", "h"), floats(1, 2))
    before = known_inputs(frequency, series, 0, 5).copy()
    known_inputs(frequency, series, 0, 5)[:] = 7

    assert np.array_equal(known_inputs(frequency, series, 0, 5), before)


@pytest.mark.parametrize(
    ("context", "history", "expected"),
    [
        (floats(1, -3, NAN), floats(100, 1, -3, NAN), 2.0),
        (floats(0, 2), floats(0, 2), 1.0),  # zeros count
        (floats(0, NAN), floats(6, 0, NAN), 3.0),  # the context tells nothing
        (EMPTY, floats(5), 5.0),
        (floats(0, 0), floats(0, 0), 7.5),
        (floats(NAN), floats(NAN, NAN), 7.5),
        (EMPTY, EMPTY, 7.5),
        (floats(3e38, 3e38, 3e38), EMPTY, 3e38),  # the sum does not overflow
    ],
)
def test_the_scale_is_the_mean_absolute_value(context: np.ndarray, history: np.ndarray, expected: float) -> None:
    """Of what is observed in the context, else in the history, else that of a typical series."""
    assert scale_of(context, history, default=7.5, scaled=True) == pytest.approx(expected)
    assert scale_of(context, history, default=7.5, scaled=False) == 1.0


def test_embeddings_have_half_as_many_numbers_as_values() -> None:
    """At least one, at most what is asked for."""
    assert embedding_dimensions((1, 2, 3, 19, 20, 1000), 10) == (1, 1, 2, 10, 10, 10)
    assert embedding_dimensions((1000,), 3) == (3,)
    assert embedding_dimensions((), 10) == ()


@pytest.mark.parametrize("name", ["min", "H", "D", "W", "M", "Q", "Y"])
def test_the_input_is_as_wide_as_its_parts(name: str) -> None:
    """Lags, calendar, age and features as they come, embeddings, and the scale."""
    frequency = Frequency.parse(name)
    series = Series(
        frequency.align(np.datetime64("2024-02-28T00:00", "m")), floats(1), (), np.zeros((2, 1), np.float32)
    )
    parts = len(frequency.lags()) + known_inputs(frequency, series, 0, 1).shape[1] + 3 + 4 + 1

    assert input_size(frequency, num_dynamic_feat=2, embeddings=(3, 4)) == parts
