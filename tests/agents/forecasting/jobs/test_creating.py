"""Creating and configuring jobs: commands in, rows and status out."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.datasets import manifests as datasets
from schemas.forecasting import CmdStatus, ConfigureJob, CreateJob, JobRecord, JobStatus
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.repeats import digest_of
from streams.settings import Settings
from tests.agents.bench import AT, CODEC, Worker
from tests.agents.forecasting.jobs.samples import (
    CONFIGURE,
    CREATE,
    DATA_ID,
    HOME,
    JOB_ID,
    job_of,
    restarted,
    statuses,
    storing,
    submission,
    training,
)


class TestCreating:
    """CreateJob."""

    async def test_J010_a_job_is_created_and_told(self, state: Worker) -> None:
        """The row has what the command says and the log's time; the status is 0 with the first sequence number."""
        await state.commands(CREATE)

        assert job_of(state) == JobRecord(
            JOB_ID,
            DATA_ID,
            "flights",
            5,
            created=int(AT * 1000),
            sequence=1,
            commands=("create",),
            digests=(digest_of(CREATE),),
        )
        assert statuses(state) == [JobStatus(JOB_ID, CmdStatus.CREATED, 1, 0, 0, 0, 0)]
        (told,) = state.sent(state.runtime.topics.job_status)
        assert told.key == b"7"

    async def test_the_row_is_in_the_changelog_of_its_partition(self, state: Worker) -> None:
        """A restart finds it there."""
        await state.commands(CREATE)
        (row,) = state.sent(state.runtime.topics.jobs_changelog)

        assert (row.key, row.partition) == (b"7", HOME)
        assert CODEC.decode(row.value) == job_of(state)

    async def test_a_repeated_command_changes_nothing(self, state: Worker) -> None:
        """It tells the same status again, in case that was lost; readers know it by its sequence number."""
        await state.commands(CREATE, CREATE)

        assert len(state.sent(state.runtime.topics.jobs_changelog)) == 1
        assert [status.sequence for status in statuses(state)] == [1, 1]
        assert state.dead() == []

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (replace(CREATE, data_id=3), "data_id: there is no dataset 3"),
            (replace(CREATE, data_id=-(2**63)), "there is no dataset"),
            (replace(CREATE, name="no blanks"), "name 'no blanks': use 1 to 32 characters of A-Z a-z 0-9 _"),
            (replace(CREATE, job_id=0), "job_id is 0, expected 1 to"),
            (replace(CREATE, job_id=2**53), "job_id is 9007199254740992, expected 1 to 9007199254740991"),
            (replace(CREATE, command_id="x" * 256), "command_id: has 256 characters, at most 255 are allowed"),
        ],
    )
    async def test_D12_an_invalid_command_is_a_dead_letter(
        self, state: Worker, command: CreateJob, reason: str
    ) -> None:
        """The log's door checks as HTTP's does; the refusal says what HTTP would say, and nothing changes."""
        await state.commands(command)

        assert ForecastingState.of(state.runtime).jobs.ids() == []
        assert [reason in letter["error"] for letter in state.dead()] == [True]
        assert {letter["error-class"] for letter in state.dead()} == {"RejectedError"}
        assert statuses(state) == []

    async def test_another_job_of_the_same_id_is_refused(self, state: Worker) -> None:
        """The first keeps the id; a view that minted it mints again."""
        await state.commands(CREATE, replace(CREATE, command_id="other", name="mine"))

        assert job_of(state).name == "flights"
        assert [letter["error"] for letter in state.dead()] == ["job 7 exists already"]

    async def test_a_sender_that_waits_is_told_instead_of_the_dead_letters(self, state: Worker) -> None:
        """The refusal of an HTTP request goes into its answer."""
        with state.runtime.waiters.waiting("create") as outcome:
            await state.commands(replace(CREATE, data_id=3))

            with pytest.raises(RejectedError, match="there is no dataset 3"):
                await outcome
        assert state.dead() == []

    async def test_a_sender_that_waits_hears_when_it_can_read(self, state: Worker) -> None:
        """Decision 10: told after the changelog has the row."""
        with state.runtime.waiters.waiting("create") as outcome:
            await state.commands(CREATE)

            assert outcome.done()
            assert await outcome is None


class TestConfiguring:
    """ConfigureJob."""

    async def test_J054_the_series_are_made(self, state: Worker) -> None:
        """Consecutive ids in the order of the file, a split that can be loaded, and no change of status."""
        await state.commands(CREATE, CONFIGURE)
        job = job_of(state)
        split = await ForecastingState.of(state.runtime).splits.load(job.split)

        assert (job.status, job.sequence, job.series_count, job.column_count) == (CmdStatus.CREATED, 1, 3, 4)
        assert split.groupby_val == ("('west',)", "('east',)", "('north',)")
        assert job.ts_ids == range(job.first_ts_id, job.first_ts_id + 3)
        assert job.first_ts_id >> 17 & 63 == HOME

    async def test_J017_columns_chosen_again_make_other_series(self, state: Worker, first: int) -> None:
        """New ids, the settings of the old series gone, and their split too."""
        await state.commands(submission(storing(first, "LinearFit", 3)))
        old = job_of(state)
        await state.commands(replace(CONFIGURE, command_id="again", groupby_indexs=()))
        job = job_of(state)

        assert (job.series_count, job.settings, job.status) == (1, (), CmdStatus.CREATED)
        assert job.first_ts_id > old.ts_ids[-1]
        assert not state.runtime.store.exists(old.split)
        assert state.runtime.store.exists(job.split)

    async def test_a_repeated_command_keeps_the_series(self, state: Worker, first: int) -> None:
        """The ids stay: somebody may have been told them."""
        await state.commands(CONFIGURE)

        assert job_of(state).first_ts_id == first
        assert state.sent(state.runtime.topics.jobs_changelog) == []

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (replace(CONFIGURE, timestamp_indexs=()), "timestamp_indexs has 0 columns, expected exactly one"),
            (replace(CONFIGURE, target_indexs=(1,)), "column 1 (When) is in timestamp_indexs and in target_indexs"),
            (replace(CONFIGURE, groupby_indexs=(9,)), "groupby_indexs: column 9 does not exist"),
            (replace(CONFIGURE, target_indexs=(0,), groupby_indexs=()), "target_indexs: "),
            (replace(CONFIGURE, job_id=8), "there is no job 8"),
            (replace(CONFIGURE, freq="monthly"), 'freq: "monthly" is no frequency'),
            (replace(CONFIGURE, freq="W-TUE"), 'freq: "W-TUE" does not fit the data'),
            (replace(CONFIGURE, time_zone="Mars/Olympus"), "time_zone: "),
        ],
    )
    async def test_D12_an_invalid_command_is_a_dead_letter(
        self, state: Worker, command: ConfigureJob, reason: str
    ) -> None:
        """And the job stays as it was."""
        await state.commands(CREATE)
        before = job_of(state)
        await state.commands(command)

        assert job_of(state) == before
        assert [reason in letter["error"] for letter in state.dead()] == [True]

    async def test_16_a_producer_may_ask_for_a_calendar(self, state: Worker) -> None:
        """As a PUT may: it is kept with the columns, and the split has it."""
        await state.commands(CREATE, replace(CONFIGURE, freq="H", time_zone="Europe/Berlin"))
        job = job_of(state)
        assert job.columns is not None
        assert job.split is not None
        split = await ForecastingState.of(state.runtime).splits.load(job.split)

        assert (job.columns.freq, job.columns.time_zone) == ("H", "Europe/Berlin")
        assert split.calendars == ("h @Europe/Berlin",)

    async def test_J057_columns_are_fixed_after_a_submission(self, state: Worker, first: int) -> None:
        """The series have been trained under these ids."""
        await state.commands(submission(training(first)), replace(CONFIGURE, command_id="again"))

        assert job_of(state).first_ts_id == first
        assert ["its columns are fixed" in letter["error"] for letter in state.dead()] == [True]

    async def test_a_producer_may_choose_any_command_id(self, state: Worker) -> None:
        """Also one that is no file name: it must not stop the worker."""
        await state.commands(CREATE, replace(CONFIGURE, command_id="../my command: " + "é" * 240))

        assert job_of(state).series_count == 3
        assert state.dead() == []

    async def test_a_dataset_whose_file_is_gone_is_a_refusal(self, state: Worker) -> None:
        """It may be deleted while the command is on its way; the worker must go on."""
        await state.commands(CREATE)
        state.runtime.store.delete(datasets.load(state.runtime.store, DATA_ID).path)
        await state.commands(CONFIGURE)

        assert [letter["error"] for letter in state.dead()] == [
            "data_id: the file of dataset 2 is gone: upload it again"
        ]

    async def test_J005_series_ids_are_not_given_twice_after_a_restart(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The next process starts above every block that the table knows, also when its clock is behind."""
        await state.commands(replace(CONFIGURE, command_id="again"))
        following = await restarted(state, settings, monkeypatch)
        ForecastingState.of(following.runtime).series_ids._clock = lambda: 0.0
        state.forget()
        await following.commands(replace(CONFIGURE, command_id="third"))

        assert job_of(following).first_ts_id > job_of(state).first_ts_id > first
