"""Rows that come to the data set of a job: cores of a region by day."""

from schemas.observations import Observation
from tests.agents.bench import AT
from tests.agents.forecasting.jobs.samples import DATA_ID

__all__ = ["AT_MS", "FIRST", "KEY", "observed"]

KEY = b"%d" % DATA_ID
FIRST = 1_597_276_800_000  # 2020-08-13
AT_MS = int(AT * 1000)


def observed(day: int, cores: float | None, region: str = "west") -> Observation:
    """Of a day of August 2020, or behind its end."""
    text = f"2020-08-{day}" if day <= 31 else f"2020-09-{day - 31:02}"
    return Observation(DATA_ID, f"{text} 00:00:00", {"cores": cores}, {"Region": region})
