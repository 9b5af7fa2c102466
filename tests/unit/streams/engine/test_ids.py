"""Ids without coordination: below 2^53, growing with time, never twice."""

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine import ids
from streams.engine.ids import IdMinter, SeriesIdMinter
from streams.errors import RejectedError

JSON_SAFE = 2**53 - 1
BLOCK = 131_072  # series of one job, at most
EPOCH = 1_704_067_200  # 2024-01-01T00:00:00Z
TODAY = 1_606_000_000 + 200_000_000.5


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class TestIdMinter:
    """Ids of jobs and data sets."""

    @pytest.mark.parametrize(("moment", "milliseconds"), [(EPOCH, 0), (EPOCH + 0.5, 500), (EPOCH + 86_400, 86_400_000)])
    def test_an_id_is_the_milliseconds_and_twelve_random_bits(
        self, moment: float, milliseconds: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Known answer, with the dice fixed: milliseconds since 2024 times 4096, plus the random bits."""
        monkeypatch.setattr(ids.secrets, "randbelow", lambda below: below - 1)

        assert IdMinter(lambda: moment).mint() == milliseconds * 4096 + 4095

    def test_decision9_ids_are_json_safe_until_2093(self) -> None:
        """41 bits of milliseconds reach that far."""
        end = EPOCH + (2**41 - 1) / 1000

        assert time.gmtime(end).tm_year == 2093
        assert 1 <= IdMinter(lambda: end).mint() <= JSON_SAFE

    def test_a_clock_before_2024_still_gives_positive_ids(self) -> None:
        """A machine that starts without a clock must not make negative ids."""
        minter = IdMinter(lambda: 0.0)

        assert [minter.mint() for _ in range(3)] == [1, 2, 3]

    def test_many_in_one_millisecond_are_distinct_and_grow(self) -> None:
        """More than the random bits can tell apart."""
        minter = IdMinter(lambda: TODAY)
        minted = [minter.mint() for _ in range(10_000)]

        assert minted == sorted(set(minted))
        assert minted[-1] <= JSON_SAFE

    def test_a_clock_set_back_repeats_nothing(self) -> None:
        """Ids go on growing, whatever the clock does."""
        clock = Clock(TODAY)
        minter = IdMinter(clock)
        first = minter.mint()
        clock.now -= 3600

        assert minter.mint() == first + 1

    @given(st.lists(st.floats(-1e6, 1e9), min_size=1, max_size=50))
    def test_any_clock_gives_strictly_growing_ids(self, steps: list[float]) -> None:
        """Property: strictly growing, positive, JSON-safe."""
        clock = Clock(TODAY)
        minter = IdMinter(clock)
        minted = []
        for step in steps:
            clock.now = TODAY + step
            minted.append(minter.mint())

        assert minted == sorted(set(minted))
        assert all(1 <= number <= JSON_SAFE for number in minted)

    def test_two_processes_in_one_millisecond_mostly_differ(self) -> None:
        """The random bits are used: 200 processes do not all mint the same."""
        minted = {IdMinter(lambda: TODAY).mint() for _ in range(200)}

        assert len(minted) > 150
        assert len({number >> 12 for number in minted}) == 1


class TestSeriesIdMinter:
    """Blocks of consecutive series ids."""

    def test_a_block_is_seconds_partition_index(self) -> None:
        """Known answer: one day after the epoch, partition 5, index 0."""
        first = SeriesIdMinter(lambda: EPOCH + 86_400.9).mint(5)

        assert first == (86_400 * 64 + 5) * BLOCK

    def test_decision9_the_last_id_of_the_last_block_is_json_safe(self) -> None:
        """30 bits of seconds, the highest partition, the highest index: exactly 2^53 - 1."""
        last_second = EPOCH + 2**30 - 1

        assert SeriesIdMinter(lambda: last_second).mint(63) + BLOCK - 1 == JSON_SAFE
        assert time.gmtime(last_second).tm_year == 2058

    def test_the_smallest_id_is_positive(self) -> None:
        """Also when the clock stands at or before the epoch."""
        assert SeriesIdMinter(lambda: 0.0).mint(0) >= 1
        assert SeriesIdMinter(lambda: float(EPOCH)).mint(0) >= 1

    def test_blocks_of_one_partition_follow_without_overlap(self) -> None:
        """Many in one second borrow from the seconds to come."""
        minter = SeriesIdMinter(lambda: TODAY)
        blocks = [minter.mint(3) for _ in range(1000)]

        assert all(later - earlier >= BLOCK for earlier, later in itertools.pairwise(blocks))

    def test_partitions_never_overlap(self) -> None:
        """Every partition has an owner of its own, with a clock of its own, and they mint at once."""
        dice = random.Random(7)
        minters = {partition: SeriesIdMinter(lambda: TODAY + dice.randint(-5, 5)) for partition in range(64)}
        blocks = sorted(minter.mint(partition) for partition, minter in minters.items() for _ in range(20))

        assert len(set(blocks)) == len(blocks) == 1280
        assert all(later - earlier >= BLOCK for earlier, later in itertools.pairwise(blocks))

    def test_a_new_owner_starts_above_what_the_table_remembers(self) -> None:
        """A second process takes the partition over, and its clock is behind."""
        first = SeriesIdMinter(lambda: TODAY)
        highest = max(first.mint(2) for _ in range(50))
        second = SeriesIdMinter(lambda: TODAY - 1000)

        second.observe(2, highest)

        assert second.mint(2) > highest + BLOCK - 1

    def test_any_id_of_a_block_may_be_observed(self) -> None:
        """Not only the first: the highest id that a table knows may be a series in the middle."""
        minter = SeriesIdMinter(lambda: 0.0)
        block = SeriesIdMinter(lambda: TODAY).mint(4)

        minter.observe(4, block + BLOCK - 1)

        assert minter.mint(4) >= block + BLOCK

    def test_observing_an_older_block_changes_nothing(self) -> None:
        """The table's highest may be lower than what was minted since."""
        minter = SeriesIdMinter(lambda: TODAY)
        first = minter.mint(1)

        minter.observe(1, first - 1000 * 64 * BLOCK)
        minter.observe(1, 0)

        assert minter.mint(1) > first

    def test_observing_one_partition_leaves_the_others(self) -> None:
        """Each partition has its own sequence."""
        clock = Clock(TODAY)
        minter = SeriesIdMinter(clock)
        untouched = SeriesIdMinter(clock).mint(1)

        minter.observe(0, JSON_SAFE // 2)

        assert minter.mint(1) == untouched

    def test_ids_that_are_not_json_safe_are_refused(self) -> None:
        """In 2058, or by a clock that thinks so; the clock is set right, and nothing of it is left."""
        clock = Clock(EPOCH + 2**30)
        minter = SeriesIdMinter(clock)
        with pytest.raises(RejectedError, match="clock"):
            minter.mint(0)
        clock.now = TODAY
        minter.observe(0, 2**30 * 64 * BLOCK)

        assert minter.mint(0) == SeriesIdMinter(lambda: TODAY).mint(0)

    def test_a_clock_days_ahead_of_the_log_is_not_believed(self) -> None:
        """Nor remembered by the blocks that it would have given."""
        ahead = SeriesIdMinter(lambda: TODAY + 3 * 86_400)

        assert ahead.mint(0, TODAY) == SeriesIdMinter(lambda: TODAY).mint(0)
        assert ahead.mint(1, TODAY + 2.5 * 86_400) == SeriesIdMinter(lambda: TODAY + 3 * 86_400).mint(1)

    @given(
        st.lists(
            st.tuples(st.sampled_from(["mint", "observe", "tick", "back"]), st.integers(0, 63), st.integers(0, 40)),
            max_size=60,
        )
    )
    def test_no_history_of_owners_repeats_an_id(self, history: list[tuple[str, int, int]]) -> None:
        """Property: owners come and go (a new minter observes the highest block), clocks jump; no block overlaps."""
        clock = Clock(TODAY)
        minter = SeriesIdMinter(clock)
        highest: dict[int, int] = {}
        blocks = []
        for action, partition, number in history:
            if action == "mint":
                minter.observe(partition, highest.get(partition, 0))
                highest[partition] = minter.mint(partition)
                blocks.append(highest[partition])
            elif action == "observe":
                minter = SeriesIdMinter(clock)
            else:
                clock.now += number if action == "tick" else -number

        blocks.sort()
        assert all(later - earlier >= BLOCK for earlier, later in itertools.pairwise(blocks))
        assert all(1 <= block <= JSON_SAFE - BLOCK + 1 for block in blocks)
