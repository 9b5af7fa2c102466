"""The season that is usual for a step."""

import subprocess
import sys
from pathlib import Path

import pytest

import models
from models.season import chosen_season_length, season_length

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("step", "season"),
    [
        (15 * MINUTE, 96),
        (30 * MINUTE, 48),
        (HOUR, 24),
        (DAY, 7),
        (7 * DAY, 52),
        (28 * DAY, 12),
        (29 * DAY, 12),
        (30 * DAY, 12),
        (31 * DAY, 12),
        (90 * DAY, 4),
        (91 * DAY, 4),
        (92 * DAY, 4),
        (365 * DAY, 1),
        (366 * DAY, 1),
    ],
)
def test_usual_steps_have_their_usual_season(step: int, season: int) -> None:
    """From a quarter of an hour to a year."""
    assert season_length(step) == season


@pytest.mark.parametrize("step", [31 * DAY - HOUR, 31 * DAY + HOUR, 28 * DAY - HOUR])
def test_a_month_may_be_an_hour_longer_or_shorter(step: int) -> None:
    """Where the clocks change in it."""
    assert season_length(step) == 12


@pytest.mark.parametrize(
    "step", [-DAY, 0, 1, MINUTE, HOUR + 1, DAY - 1, 2 * DAY, 10 * DAY, 27 * DAY, 32 * DAY, 88 * DAY, 10**18]
)
def test_other_steps_have_none(step: int) -> None:
    """No guess is better than a wrong one."""
    assert season_length(step) == 1


def test_the_hyper_parameter_wins_over_the_step() -> None:
    """0 stands for the step's own; what is unknown counts as no season."""
    assert chosen_season_length({"season_length": 5}, 7) == 5
    assert chosen_season_length({"season_length": 0}, 7) == 7
    assert chosen_season_length({"season_length": 1}, 7) == 1
    assert chosen_season_length({"season_length": 0}, 0) == 1


def test_it_imports_no_numerical_library() -> None:
    """The side that plans jobs asks for seasons without loading one."""
    code = "import sys, models.season; print(*({'numpy', 'scipy', 'pandas', 'statsforecast'} & set(sys.modules)))"
    root = Path(models.__file__).parent.parent
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []
