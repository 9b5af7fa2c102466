"""A state worker with a data set, and with a job on it."""

from pathlib import Path

import pytest

from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, JOB_ID, add_sample


@pytest.fixture
async def state(state: Worker, tmp_path: Path) -> Worker:
    """A state worker with one data set: three series of twelve days."""
    add_sample(state, tmp_path)
    return state


@pytest.fixture
async def first(state: Worker) -> int:
    """The first series id of a configured job."""
    await state.commands(CREATE, CONFIGURE)
    job = ForecastingState.of(state.runtime).jobs.get(JOB_ID)
    state.forget()
    return int(job.first_ts_id)
