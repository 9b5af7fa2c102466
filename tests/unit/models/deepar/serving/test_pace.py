"""How long forecasting takes: what is learnt of it, and what is not."""

import pytest

from models.deepar.config import DeepARConfig
from models.deepar.serving.pace import Pace, pace_of, work_of

ENOUGH = 50_000


def config(layers: int, cells: int) -> DeepARConfig:
    """A model of this size."""
    return DeepARConfig("D", 10, 20, num_layers=layers, num_cells=cells)


def test_the_first_guess_holds_until_something_is_measured() -> None:
    """Then the measure does."""
    pace = Pace(3.0)
    before = pace.seconds
    pace.note(ENOUGH, 0.5 * ENOUGH)

    assert (before, pace.seconds) == (3.0, 0.5)


def test_small_requests_teach_nothing() -> None:
    """Their time is that of everything else: a large request after them would be refused for nothing."""
    pace = Pace(3.0)
    for _ in range(100):
        pace.note(30, 3000.0)

    assert pace.seconds == 3.0


def test_an_interruption_does_not_count() -> None:
    """The least of a few measures is the time without one."""
    pace = Pace(3.0)
    for seconds in (2.0, 900.0, 2.5):
        pace.note(ENOUGH, seconds * ENOUGH)

    assert pace.seconds == 2.0


def test_a_slower_machine_is_noticed() -> None:
    """Measures of long ago are forgotten."""
    pace = Pace(3.0)
    for seconds in (2.0, *[4.0] * 8):
        pace.note(ENOUGH, seconds * ENOUGH)

    assert pace.seconds == 4.0


def test_a_slow_time_does_not_refuse_large_requests_for_ever() -> None:
    """Where nothing but refusals follows, what was measured is given up by and by."""
    pace = Pace(3.0)
    for _ in range(8):
        pace.note(ENOUGH, 900.0 * ENOUGH)
    for _ in range(9):
        pace.refuse()

    assert pace.seconds == 3.0


def test_models_of_one_size_share_a_pace() -> None:
    """Others have their own, which is longer for larger networks from the start."""
    assert pace_of(config(2, 43)) is pace_of(config(2, 43))
    assert pace_of(config(2, 43)) is not pace_of(config(3, 43))
    assert pace_of(config(4, 43)).seconds == pytest.approx(2 * pace_of(config(2, 43)).seconds)
    assert pace_of(config(2, 172)).seconds == pytest.approx(8 * pace_of(config(2, 43)).seconds)


def test_work_grows_with_the_sample_paths() -> None:
    """The steps that are read count, too."""
    assert work_of(config(2, 40), 1) == 4 * 30 + 10
    assert work_of(config(2, 40), 100) == 4 * 30 + 1000
