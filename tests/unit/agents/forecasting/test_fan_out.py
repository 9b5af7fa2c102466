"""Where the training of a series is asked for."""

from itertools import combinations

import pytest

from agents.forecasting.fan_out import partition_of_series


@pytest.mark.parametrize(
    ("ts_id", "partitions", "partition"), [(1, 4, 2), (2, 4, 0), (3, 4, 3), (2**53 - 1, 64, 57), (7, 1, 0)]
)
def test_a_series_has_one_partition(ts_id: int, partitions: int, partition: int) -> None:
    """The same in every process and release: commands of before and of now lie behind one another."""
    assert partition_of_series(ts_id, partitions) == partition


@pytest.mark.parametrize("first", [1, 123_456_789, 2**53 - 400])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_jobs_series_lie_evenly_over_two_workers(first: int, step: int) -> None:
    """Whichever two partitions each of them has, and whether all series are trained or every second or third."""
    partitions = [partition_of_series(first + step * number, 4) for number in range(100)]

    for own in combinations(range(4), 2):
        assert abs(sum(one in own for one in partitions) - 50) <= 3


def test_few_series_lie_apart() -> None:
    """Four series are no work for one of two workers alone."""
    for first in range(1000, 2000):
        partitions = [partition_of_series(first + number, 4) for number in range(4)]
        assert len(set(partitions)) >= 3
