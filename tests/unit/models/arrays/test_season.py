"""The season that is usual for a step."""

import subprocess
import sys
from pathlib import Path

import pytest

import models
from models.arrays.season import chosen_season_length, has_unknown_season, season_length

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("freq", "season"),
    [
        ("1s", 3600), ("min", 1440), ("5min", 288), ("10min", 144), ("15min", 96), ("30min", 48), ("h", 24), ("6h", 4),
        ("12h", 2), ("D", 7), ("B", 5), ("W-SUN", 52), ("MS", 12), ("ME", 12), ("BME", 12), ("MS-15", 12),
        ("QS-MAR", 4), ("6MS", 2), ("YS", 1), ("YE-JUN", 1), ("~h +08:00", 24), ("h @Europe/Berlin", 24),
        ("B@09:00-15:30/30min", 14),
    ],
)  # fmt: skip
def test_D29_every_calendar_has_its_usual_season(freq: str, season: int) -> None:
    """From a second to a year."""
    assert season_length(freq) == season


@pytest.mark.parametrize("freq", ["7min", "11h", "2D", "10D", "250ms", "9W-MON"])
def test_D29_of_other_steps_nobody_knows(freq: str) -> None:
    """No guess is better than a wrong one, and the forecast's note says so."""
    assert season_length(freq) == 0
    assert has_unknown_season({"season_length": 0}, season_length(freq))
    assert not has_unknown_season({"season_length": 3}, season_length(freq))


@pytest.mark.parametrize(
    ("step", "season"),
    [(15 * MINUTE, 96), (HOUR, 24), (DAY, 7), (7 * DAY, 52), (31 * DAY, 12), (30 * DAY, 12), (29 * DAY, 12),
     (90 * DAY, 4), (92 * DAY, 4), (365 * DAY, 1), (366 * DAY, 1), (31 * DAY - HOUR, 12), (0, 0), (HOUR + 1, 0)],
)  # fmt: skip
def test_a_command_without_a_calendar_has_the_season_of_its_step(step: int, season: int) -> None:
    """As older releases sent them: a month is a most frequent difference of days, maybe an hour off."""
    assert season_length("", step) == season


def test_the_hyper_parameter_wins_over_the_step() -> None:
    """0 stands for the step's own; what is unknown counts as no season."""
    assert chosen_season_length({"season_length": 5}, 7) == 5
    assert chosen_season_length({"season_length": 0}, 7) == 7
    assert chosen_season_length({"season_length": 1}, 7) == 1
    assert chosen_season_length({"season_length": 0}, 0) == 1


def test_it_imports_no_heavy_library() -> None:
    """The side that plans jobs asks for seasons without loading one."""
    code = "import sys, models.arrays.season; print(*({'scipy', 'pandas', 'statsforecast'} & set(sys.modules)))"
    root = Path(models.__file__).parent.parent
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []
