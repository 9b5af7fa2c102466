"""Series that are too long are refused where the user chooses them."""

import numpy as np
import pytest

from connectors.datasets.splits import Split
from schemas.forecasting import Columns, JobRecord
from streams.errors import RejectedError
from streams.forecasting.series_limits import check_features_fit, check_lengths
from streams.forecasting.submissions import Plan, Training

JOB = JobRecord(7, 2, None, 1, 0, columns=Columns((0,), (1,), ()), first_ts_id=100, series_count=2)


class _Split:
    """What is looked at of a split: two series of three and five points."""

    lengths = np.array([3, 5])
    groupby_val = ("('west',)", "('east',)")


SPLIT: Split = _Split()  # type: ignore[assignment]


def refusal(**limits: int) -> RejectedError:
    """Why the series are refused."""
    with pytest.raises(RejectedError) as refused:
        check_lengths(SPLIT, **{"max_points": 10, "record_limit": 10_000} | limits)
    return refused.value


def test_the_longest_series_is_named_with_the_limit_that_it_breaks() -> None:
    """And what can be done."""
    many, large = refusal(max_points=4), refusal(record_limit=4096 + 4 * 8)

    assert (many.status, many.place) == (400, {"field": "target_indexs"})
    assert many.message == (
        "target_indexs: series ('east',) has 5 points, at most 4 are accepted: leave out old ones, or raise "
        "TIDECAST_MAX_SERIES_POINTS"
    )
    assert "at most 4 are accepted: leave out old ones, or raise TIDECAST_MAX_MESSAGE_BYTES" in large.message


def test_a_series_of_just_the_limit_is_accepted() -> None:
    """Both limits."""
    check_lengths(SPLIT, max_points=5, record_limit=4096 + 5 * 8)


def test_features_that_make_a_command_too_large_name_their_element() -> None:
    """The series by itself is not too long."""
    plan = Plan("ARIMA", {}, 3, ("mse",), refit=False)
    wide = Plan("ARIMA", {}, 3, ("mse",), refit=False, features=(2, 3))
    trainings = [Training(101, plan), Training(100, wide, 2), Training(101, wide, 3)]
    check_features_fit(JOB, SPLIT, trainings, 4096 + 15 * 8)

    with pytest.raises(RejectedError, match="2 features of 5 points are more than a Kafka record can carry") as refused:
        check_features_fit(JOB, SPLIT, trainings, 4096 + 14 * 8)
    assert refused.value.place == {"element": 2, "field": "feature_indexs"}
