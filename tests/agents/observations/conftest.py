"""What all of these begin with."""

from pathlib import Path

import pytest

from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, add_sample


@pytest.fixture
async def state(state: Worker, tmp_path: Path) -> Worker:
    """A state worker with a job on a data set of three series, whose columns tell its rows apart."""
    add_sample(state, tmp_path)
    await state.commands(CREATE, CONFIGURE)
    state.forget()
    return state
