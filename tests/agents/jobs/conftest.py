"""A state worker with a data set, and with a job on it."""

from pathlib import Path

import pytest

from tests.agents.bench import Worker
from tests.agents.jobs.samples import CONFIGURE, CREATE, CSV, JOB_ID, add_dataset


@pytest.fixture
async def state(state: Worker, tmp_path: Path) -> Worker:
    """A state worker with one data set: three series of twelve days."""
    file = tmp_path / "data.csv"
    file.write_text(CSV)
    add_dataset(state, file)
    return state


@pytest.fixture
async def first(state: Worker) -> int:
    """The first series id of a configured job."""
    await state.commands(CREATE, CONFIGURE)
    job = state.runtime.jobs.get(JOB_ID)
    state.forget()
    return int(job.first_ts_id)
