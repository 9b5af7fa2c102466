"""The state: job commands and results in; training, status and dead letters out; the tables in between."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mode.supervisors import CrashingSupervisor

from agents.training import answer_commands
from connectors import datasets
from connectors.csv_table import inspect_csv
from connectors.publisher import DeliveryError, partition_for
from schemas.commands import (
    ConfigureJob,
    CreateJob,
    DeleteJob,
    HyperParam,
    SeriesConfig,
    SubmitJob,
    TrainSeries,
    TrainTogether,
)
from schemas.events import CmdStatus, JobStatus, SeriesResult
from schemas.records import JobRecord
from streams import apps
from streams.errors import RejectedError
from streams.settings import Settings
from tests.agents.bench import AT, CODEC, FakePublisher, Worker, headers

DATA_ID, JOB_ID = 2, 7
HOME = partition_for(b"7", 4)
CSV = "Region,When,cores,load\n" + "".join(
    f"{region},2020-08-{day:02} 00:00:00,{value + day},{day}\n"
    for day in range(1, 13)
    for region, value in [("west", 100), ("east", 200), ("north", 300)]
)
DAY = 86_400_000

CREATE = CreateJob("create", JOB_ID, DATA_ID, "flights", 5)
CONFIGURE = ConfigureJob("configure", JOB_ID, (1,), (2,), (0,))
DELETE = DeleteJob("delete", JOB_ID)


@pytest.fixture
async def state(state: Worker, tmp_path: Path) -> Worker:
    """A state worker with one data set: three series of twelve days."""
    file = tmp_path / "data.csv"
    file.write_text(CSV)
    add_dataset(state, file)
    return state


def add_dataset(state: Worker, file: Path, data_id: int = DATA_ID) -> None:
    """Register a file as a data set."""
    datasets.register(
        state.runtime.store,
        file,
        facts=inspect_csv(file),
        data_id=data_id,
        name="flights",
        file_name="flights.csv",
        related_user=1,
        time_created=datetime(2020, 9, 13, tzinfo=UTC),
    )


@pytest.fixture
async def first(state: Worker) -> int:
    """The first series id of a configured job."""
    await state.commands(CREATE, CONFIGURE)
    job = state.runtime.jobs.get(JOB_ID)
    state.forget()
    return int(job.first_ts_id)


def training(ts_id: int, model_name: str | None = "AdaptiveMaxN", **fields: Any) -> SeriesConfig:
    """An element that asks for training."""
    return SeriesConfig(ts_id, model_name, fields.pop("hyper_params", ()), **{"next_k_prediction": 5} | fields)


def storing(ts_id: int, model_name: str, latest_n: int) -> SeriesConfig:
    """An element that stores settings."""
    return SeriesConfig(ts_id, model_name, (HyperParam("latest_n", "int", latest_n),))


def submission(*elements: SeriesConfig, command_id: str = "submit") -> SubmitJob:
    """A submission."""
    return SubmitJob(command_id, JOB_ID, elements)


def asked(state: Worker) -> list[TrainSeries]:
    """The training that was sent out."""
    return state.events(state.runtime.topics.series_commands)


def together(state: Worker) -> list[TrainTogether]:
    """The training of several series with one model that was sent out."""
    return state.events(state.runtime.topics.training_runs)


def statuses(state: Worker) -> list[JobStatus]:
    """What the public topic was told; None is a tombstone."""
    return state.events(state.runtime.topics.job_status)


def job_of(state: Worker) -> JobRecord:
    """The job as the table has it."""
    job: JobRecord | None = state.runtime.jobs.get(JOB_ID)
    assert job is not None
    return job


def result(ts_id: int, n: int, error: str | None = None, **fields: Any) -> SeriesResult:
    """A result, good or bad."""
    made = SeriesResult(JOB_ID, ts_id, n, 1, "AdaptiveMaxN", {"latest_n": 5}, [1], [2.0], {"mse": 1.0}, error=error)
    return replace(made, **fields)


async def results(state: Worker, *made: SeriesResult | bytes | None, key: bytes = b"7", **place: Any) -> list[Any]:
    """Let results arrive as one batch."""
    topic = state.runtime.topics.job_results
    messages = [state.message(topic, key, one, **place) for one in made]
    await state.consume(topic, *messages)
    return messages


async def restarted(worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """The next process on the same log: its tables hold what the changelogs say."""
    publisher = FakePublisher()
    monkeypatch.setattr(apps, "Publisher", lambda *_, **__: publisher)
    runtime = apps.create_state(settings, "127.0.0.1:1")
    for table, topic in (
        (runtime.jobs, runtime.topics.jobs_changelog),
        (runtime.results, runtime.topics.results_changelog),
    ):
        for record in worker.publisher.log:
            if record.topic == topic:
                table._rows.write(record.partition, [(record.key, record.value)])
    return Worker(runtime, publisher)


class TestCreating:
    """CreateJob."""

    async def test_J010_a_job_is_created_and_told(self, state: Worker) -> None:
        """The row has what the command says and the log's time; the status is 0 with the first sequence number."""
        await state.commands(CREATE)

        assert job_of(state) == JobRecord(
            JOB_ID, DATA_ID, "flights", 5, created=int(AT * 1000), sequence=1, commands=("create",)
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
            (replace(CREATE, command_id="x" * 1_000_000), "settings and submissions of job 7 take"),
        ],
    )
    async def test_D12_an_invalid_command_is_a_dead_letter(
        self, state: Worker, command: CreateJob, reason: str
    ) -> None:
        """The log's door checks as HTTP's does; the refusal says what HTTP would say, and nothing changes."""
        await state.commands(command)

        assert state.runtime.jobs.ids() == []
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
        split = await state.runtime.splits.load(job.split)

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

        assert (job.series_count, job.settings, job.status) == (1, (), CmdStatus.UNCOMITTED)
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

    async def test_J057_columns_are_fixed_after_a_submission(self, state: Worker, first: int) -> None:
        """The series have been trained under these ids."""
        await state.commands(submission(training(first)), replace(CONFIGURE, command_id="again"))

        assert job_of(state).first_ts_id == first
        assert ["its columns are fixed" in letter["error"] for letter in state.dead()] == [True]

    async def test_a_producer_may_choose_any_command_id(self, state: Worker) -> None:
        """Also one that is no file name: it must not stop the worker."""
        await state.commands(CREATE, replace(CONFIGURE, command_id="../my command: " + "é" * 300))

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
        following.runtime.series_ids._clock = lambda: 0.0
        state.forget()
        await following.commands(replace(CONFIGURE, command_id="third"))

        assert job_of(following).first_ts_id > job_of(state).first_ts_id > first


class TestSubmitting:
    """SubmitJob."""

    async def test_J162_training_is_sent_out_keyed_by_series(self, state: Worker, first: int) -> None:
        """One self-contained command per element, in order, with numbers from 0."""
        elements = [training(first + 1), training(first, eval_metrics=("mae",), refit=1), training(first + 1)]
        await state.commands(submission(*elements))
        sent = asked(state)

        assert [(one.job_id, one.ts_id, one.n) for one in sent] == [
            (JOB_ID, first + 1, 0), (JOB_ID, first, 1), (JOB_ID, first + 1, 2)
        ]  # fmt: skip
        keys = [record.key for record in state.sent(state.runtime.topics.series_commands)]
        assert keys == [b"%d" % one.ts_id for one in sent]
        assert (sent[0].item_id, sent[0].model_name, sent[0].config) == ("('east',)", "AdaptiveMaxN", {"latest_n": 5})
        assert sent[0].target.tolist() == [201.0 + day for day in range(12)]
        assert (sent[0].start, sent[0].step, list(sent[0].timestamps)) == (1_596_240_000_000, DAY, [])
        assert (list(sent[1].eval_metrics), sent[1].refit, sent[1].next_k_prediction) == (["mae"], True, 5)

    async def test_J012_the_job_is_committed_and_told(self, state: Worker, first: int) -> None:
        """0 to 2 in one PATCH (J-017)."""
        await state.commands(submission(training(first), training(first + 2)))

        assert (job_of(state).status, job_of(state).submitted) == (CmdStatus.COMITTED, 2)
        assert statuses(state) == [JobStatus(JOB_ID, CmdStatus.COMITTED, 2, 3, 2, 0, 0)]

    async def test_J011_settings_alone_are_stored(self, state: Worker, first: int) -> None:
        """Nothing is trained; the status becomes 1."""
        await state.commands(submission(storing(first, "LinearFit", 3)))

        assert asked(state) == []
        assert job_of(state).settings == (storing(first, "LinearFit", 3),)
        assert [status.status for status in statuses(state)] == [CmdStatus.UNCOMITTED]

    async def test_J071_training_takes_what_is_stored(self, state: Worker, first: int) -> None:
        """Model and parameters may come in an earlier call."""
        await state.commands(
            submission(storing(first, "LinearFit", 3)),
            submission(SeriesConfig(first, next_k_prediction=2), command_id="go"),
        )
        (sent,) = asked(state)

        assert (sent.model_name, sent.config) == ("LinearFit", {"latest_n": 3, "add_std_factor": 0.1})

    async def test_irregular_series_carry_their_timestamps(self, state: Worker, tmp_path: Path) -> None:
        """Start and step would not say them."""
        file = tmp_path / "gaps.csv"
        file.write_text("t,v\n2020-01-01,1\n2020-01-02,2\n2020-01-05,3\n")
        add_dataset(state, file, 4)
        await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
        await state.commands(submission(training(job_of(state).first_ts_id)))
        (sent,) = asked(state)

        assert [time // DAY for time in sent.timestamps] == [18262, 18263, 18266]

    async def test_J092_one_wrong_element_refuses_all(self, state: Worker, first: int) -> None:
        """Nothing is trained or stored, and the dead letter names the element."""
        before = job_of(state)
        await state.commands(submission(training(first), storing(first, "LinearFit", 2), training(first + 3)))

        assert job_of(state) == before
        assert asked(state) == []
        assert [letter["error"] for letter in state.dead()] == [
            f"element 3 (ts_id {first + 3}), ts_id: {first + 3} is not a series of job 7"
        ]

    async def test_J093_a_submission_without_series_is_refused(self, state: Worker) -> None:
        """Columns come first."""
        await state.commands(CREATE, submission(training(1)))

        assert ["has no series yet" in letter["error"] for letter in state.dead()] == [True]

    async def test_a_submission_to_an_unknown_job_is_a_dead_letter(self, state: Worker) -> None:
        """The original command is kept with the reason."""
        (sent,) = await state.commands(submission(training(1)))
        (letter,) = state.sent(state.runtime.topics.dead_letters)

        assert (letter.key, letter.value) == (b"7", sent.value)
        assert headers(letter)["error"] == "there is no job 7"
        assert state.committed(sent)

    async def test_a_finished_command_is_not_sent_out_again(self, state: Worker, first: int) -> None:
        """A duplicate of what is done trains nothing twice."""
        await state.commands(submission(training(first)), submission(training(first)))

        assert len(asked(state)) == 1
        assert job_of(state).submitted == 1

    async def test_J089_another_submission_of_the_same_series_has_numbers_of_its_own(
        self, state: Worker, first: int
    ) -> None:
        """Repeats are not merged."""
        await state.commands(submission(training(first)), submission(training(first), command_id="second"))

        assert [one.n for one in asked(state)] == [0, 1]

    async def test_series_too_long_for_a_record_are_answered_with_an_error(self, state: Worker, tmp_path: Path) -> None:
        """No trainer can be sent them; the job ends in EXCEPTION instead of stopping the worker for good."""
        file = tmp_path / "long.csv"
        minutes = [
            f"2020-{1 + i // 40320:02}-{1 + i // 1440 % 28:02} {i // 60 % 24:02}:{i % 60:02}:00" for i in range(135_000)
        ]
        file.write_text("t,v\n" + "".join(f"{minute},{i}\n" for i, minute in enumerate(minutes)))
        add_dataset(state, file, 4)
        await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
        first = job_of(state).first_ts_id
        (sent,) = await state.commands(submission(training(first)))
        (answer,) = state.events(state.runtime.topics.job_results)

        assert asked(state) == []
        assert (answer.job_id, answer.ts_id, answer.n) == (JOB_ID, first, 0)
        assert "the series has 135000 points, more than a Kafka record" in answer.error
        assert state.committed(sent)

    async def test_settings_too_large_for_a_row_are_refused(self, state: Worker, first: int) -> None:
        """They come in several commands, each small enough for the log."""
        huge = [SeriesConfig(first + i, None, (HyperParam("x" * 600_000, "int", 1),)) for i in range(2)]
        await state.commands(*(submission(one, command_id=str(one.ts_id)) for one in huge))

        assert [setting.ts_id for setting in job_of(state).settings] == [first]
        assert ["at most" in letter["error"] for letter in state.dead()] == [True]

    @pytest.mark.parametrize("damage", ["gone", "damaged"])
    async def test_a_job_whose_series_cannot_be_read_refuses_training(
        self, state: Worker, first: int, damage: str
    ) -> None:
        """Before anything is accepted; the worker goes on."""
        split = job_of(state).split
        state.runtime.splits._kept.clear()
        if damage == "gone":
            state.runtime.store.delete(split)
        else:
            state.runtime.store.put_bytes(split, b"PK\3\4 not a split")
        await state.commands(submission(training(first)))

        assert job_of(state).status is CmdStatus.CREATED
        assert [damage in letter["error"] for letter in state.dead()] == [True]


class TestTogether:
    """Submissions to a model that learns from many series."""

    async def test_D073_elements_with_equal_plans_are_one_command(self, state: Worker, first: int) -> None:
        """Keyed by the job; nothing is sent series by series, but for other models."""
        epochs = (HyperParam("epochs", "int", 20),)
        await state.commands(
            submission(
                training(first, "DeepAR", hyper_params=epochs),
                training(first + 1),
                training(first + 2, "DeepAR", hyper_params=epochs),
                training(first + 1, "DeepAR", hyper_params=epochs, refit=1),
            )
        )
        equal, other = together(state)

        assert (list(equal.ns), list(equal.ts_ids)) == ([0, 2], [first, first + 2])
        assert (list(other.ns), list(other.ts_ids)) == ([3], [first + 1])
        assert (equal.job_id, equal.first_ts_id, equal.split) == (JOB_ID, first, job_of(state).split)
        assert (equal.model_name, equal.config["epochs"], equal.refit, equal.next_k_prediction) == (
            "DeepAR",
            20,
            False,
            5,
        )
        assert (other.config, other.refit) == (equal.config, True)
        assert [(one.ts_id, one.n) for one in asked(state)] == [(first + 1, 1)]
        assert {record.key for record in state.sent(state.runtime.topics.training_runs)} == {b"7"}

    async def test_a_submission_cut_short_asks_for_what_is_missing(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With the same numbers; what is answered is not asked for again."""
        elements = [training(first + place, "DeepAR") for place in range(3)]
        state.publisher.failing = {state.runtime.topics.training_runs}
        with pytest.raises(DeliveryError):
            await state.commands(submission(*elements))
        following = await restarted(state, settings, monkeypatch)
        await results(following, result(first + 1, 1))
        await following.commands(submission(*elements))

        (command,) = together(following)
        assert (list(command.ns), list(command.ts_ids)) == ([0, 2], [first, first + 2])

    async def test_a_command_too_large_for_a_record_is_cut_in_two(
        self, state: Worker, first: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And no further than it must be: each part trains the model anew."""
        elements = [training(first + number % 3, "DeepAR") for number in range(20)]
        await state.commands(submission(*elements, command_id="whole"))
        (whole,) = state.sent(state.runtime.topics.training_runs)
        state.forget()
        monkeypatch.setattr(Settings, "record_limit", whole.size - 1)
        await state.commands(submission(*elements, command_id="parts"))
        parts = together(state)

        assert [len(part.ns) for part in parts] == [10, 10]
        assert [n for part in parts for n in part.ns] == list(range(20, 40))


class TestCrashes:
    """A process that dies at some moment, and the next one on the same log."""

    async def test_a_submission_cut_short_is_sent_out_again_with_the_same_numbers(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What has been answered meanwhile is left out."""
        state.publisher.failing = {state.runtime.topics.series_commands}
        elements = [training(first), training(first + 1), training(first)]
        with pytest.raises(DeliveryError):
            await state.commands(submission(*elements))
        following = await restarted(state, settings, monkeypatch)
        await results(following, result(first + 1, 1))
        await following.commands(submission(*elements))

        assert [(one.ts_id, one.n) for one in asked(following)] == [(first, 0), (first, 2)]
        assert job_of(following).submitted == 3
        assert job_of(following).commands[-1] == "submit"

    @pytest.mark.parametrize("cut", [True, False])
    async def test_J109_a_repeat_trains_with_the_settings_of_its_time(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, cut: bool
    ) -> None:
        """Settings that the submission itself, or a later one, stores do not reach back into it."""
        log = [
            submission(storing(first, "AdaptiveMaxN", 2), command_id="settings"),
            submission(SeriesConfig(first, next_k_prediction=5), storing(first, "LinearFit", 4)),
            submission(storing(first, "AdaptiveAverageN", 3), command_id="later"),
        ]
        state.publisher.failing = {state.runtime.topics.series_commands} if cut else set()
        if cut:
            with pytest.raises(DeliveryError):
                await state.commands(*log)
        else:
            await state.commands(*log)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(*log)

        sent = [*asked(state), *asked(following)]
        assert [(one.n, one.model_name, one.config) for one in sent] == [(0, "AdaptiveMaxN", {"latest_n": 2})]
        assert job_of(following).settings == (storing(first, "AdaptiveAverageN", 3),)

    async def test_stricter_limits_do_not_undo_what_was_accepted(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A job that is at 2 must get its answers (J-163)."""
        state.publisher.failing = {state.runtime.topics.series_commands}
        with pytest.raises(DeliveryError):
            await state.commands(submission(training(first), training(first + 1)))
        stricter = settings.model_copy(update={"max_elements": 1, "max_next_k_prediction": 1})
        following = await restarted(state, stricter, monkeypatch)
        await following.commands(submission(training(first), training(first + 1)))

        assert len(asked(following)) == 2
        assert following.dead() == []

    async def test_the_whole_log_again_changes_nothing(self, state: Worker, first: int) -> None:
        """Nothing was committed before the crash: every command comes again, none is refused, none trains twice."""
        log = [
            CREATE,
            CONFIGURE,
            submission(storing(first, "LinearFit", 3), command_id="settings"),
            submission(training(first)),
            submission(storing(first + 1, "LinearFit", 2), command_id="later"),
        ]
        await state.commands(*log)
        before = job_of(state)
        state.forget()
        await state.commands(*log)

        assert job_of(state) == before
        assert state.dead() == []
        assert asked(state) == []

    async def test_settings_of_series_that_were_made_anew_are_no_dead_letter(self, state: Worker, first: int) -> None:
        """The repeat of a stored setting whose series a later PUT replaced is not checked against the new ones."""
        stored = submission(storing(first, "LinearFit", 3))
        await state.commands(stored, replace(CONFIGURE, command_id="again"), stored)

        assert job_of(state).settings == ()
        assert state.dead() == []

    @pytest.mark.parametrize("lost", ["jobs_changelog", "job_status"])
    async def test_a_failed_delivery_stops_the_worker_unacknowledged(self, state: Worker, lost: str) -> None:
        """The sender is not told that it is done, and the command comes again."""
        topics = state.runtime.topics
        state.publisher.failing = {getattr(topics, lost)}
        sent = state.message(topics.job_commands, b"7", CREATE)
        with state.runtime.waiters.waiting("create") as outcome:
            with pytest.raises(DeliveryError):
                await state.consume(topics.job_commands, sent)

            assert not outcome.done()
        assert not state.committed(sent)

    @pytest.mark.parametrize("topic", ["job_commands", "job_results"])
    async def test_a_dead_letter_that_is_not_delivered_stops_the_worker(self, state: Worker, topic: str) -> None:
        """What cannot be kept elsewhere stays in the log."""
        name = getattr(state.runtime.topics, topic)
        state.publisher.failing = {state.runtime.topics.dead_letters}
        sent = state.message(name, b"7", b"rubbish")
        with pytest.raises(DeliveryError):
            await state.consume(name, sent)

        assert not state.committed(sent)

    async def test_a_batch_is_acknowledged_after_its_writes(self, state: Worker) -> None:
        """Not while the broker still holds them."""
        topics = state.runtime.topics
        state.publisher.held = []
        sent = state.message(topics.job_commands, b"7", CREATE)
        task = state.start(topics.job_commands, sent)
        async with asyncio.timeout(20):
            while not state.publisher.held:
                await asyncio.sleep(0.001)
        assert not state.committed(sent)
        state.publisher.release()
        await state.settled(task)
        task.cancel()

        assert state.committed(sent)


class TestTracking:
    """Results."""

    @pytest.fixture
    async def first(self, state: Worker, first: int) -> int:
        """Two series are in training, one of them twice."""
        await state.commands(submission(training(first), training(first + 1), training(first)))
        state.forget()
        return first

    async def test_J018_the_job_is_done_after_the_last_answer(self, state: Worker, first: int) -> None:
        """Not before; one status event, and every result stored in the changelog as it came."""
        await results(state, result(first, 0))
        await results(state, result(first + 1, 1))
        assert (job_of(state).status, statuses(state)) == (CmdStatus.COMITTED, [])
        await results(state, result(first, 2))

        assert statuses(state) == [JobStatus(JOB_ID, CmdStatus.DONE, 3, 3, 3, 3, 0)]
        rows = state.sent(state.runtime.topics.results_changelog)
        assert [row.key for row in rows] == [b"7:%d:%d" % key for key in ((first, 0), (first + 1, 1), (first, 2))]
        assert {row.partition for row in rows} == {HOME}

    async def test_results_come_in_any_order_and_in_one_batch(self, state: Worker, first: int) -> None:
        """Trainers are many."""
        await results(state, result(first, 2), result(first + 1, 1), result(first, 0))

        assert job_of(state).status is CmdStatus.DONE

    async def test_J019_a_failed_series_makes_the_job_fail_at_the_end(self, state: Worker, first: int) -> None:
        """Good series still finish; the message names the series."""
        await results(state, result(first + 1, 1, "too short"))
        assert job_of(state).status is CmdStatus.COMITTED
        await results(state, result(first, 0), result(first, 2))

        assert job_of(state).message == f"series {first + 1}: too short"
        assert statuses(state) == [
            JobStatus(JOB_ID, CmdStatus.EXCEPTION, 3, 3, 3, 3, 1, f"series {first + 1}: too short")
        ]

    async def test_J020_duplicates_do_not_complete_a_job(self, state: Worker, first: int) -> None:
        """Three times the same answer is one answer."""
        await results(state, result(first, 0), result(first, 0), result(first, 0))

        assert job_of(state).status is CmdStatus.COMITTED

    async def test_J020_a_repeat_after_the_end_tells_the_same_status_again(self, state: Worker, first: int) -> None:
        """The crash may have come between changelog and status; the sequence number stays, so readers drop it."""
        made = [result(first, 0), result(first + 1, 1), result(first, 2)]
        await results(state, *made)
        await results(state, made[2])

        assert [(status.status, status.sequence) for status in statuses(state)] == [(CmdStatus.DONE, 3)] * 2
        assert len(state.sent(state.runtime.topics.jobs_changelog)) == 1

    async def test_J017_a_finished_job_can_be_trained_again(self, state: Worker, first: int) -> None:
        """3 to 2 to 4; status events have rising sequence numbers."""
        await results(state, result(first, 0), result(first + 1, 1), result(first, 2))
        await state.commands(submission(training(first), command_id="second"))
        await results(state, result(first, 2))
        assert job_of(state).status is CmdStatus.COMITTED
        await results(state, result(first, 3, "worse"))

        assert [(int(status.status), status.sequence) for status in statuses(state)] == [(3, 3), (2, 4), (4, 5)]

    @pytest.mark.parametrize(("offset", "n"), [(0, 3), (0, -1), (1, 0), (2, 0), (3, 0), (0, 2**62)])
    async def test_results_that_no_job_waits_for_are_left_alone(
        self, state: Worker, first: int, offset: int, n: int
    ) -> None:
        """Anybody may post TrainSeries: a number or a series that was not submitted so is not the job's."""
        (sent,) = await results(state, result(first + offset, n))

        assert state.publisher.records == []
        assert state.runtime.results.progress(JOB_ID).finished == set()
        assert state.committed(sent)

    async def test_results_of_a_deleted_job_are_left_alone(self, state: Worker, first: int) -> None:
        """The trainers were still at it."""
        await state.commands(DELETE)
        state.forget()
        (sent,) = await results(state, result(first, 0))

        assert state.publisher.records == []
        assert len(state.runtime.results) == 0
        assert state.committed(sent)

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"rubbish", "first byte is 114"),
            (None, "no value (tombstone)"),
            (CODEC.encode(CREATE), "a CreateJob, not a SeriesResult"),
        ],
    )
    async def test_what_is_no_result_is_a_dead_letter(
        self, state: Worker, first: int, value: bytes | None, reason: str
    ) -> None:
        """The results around it are stored."""
        await results(state, result(first, 0), value, result(first, 2))

        assert set(state.runtime.results.progress(JOB_ID).finished) == {0, 2}
        assert [reason in letter["error"] for letter in state.dead()] == [True]

    async def test_a_result_under_another_key_is_a_dead_letter(self, state: Worker, first: int) -> None:
        """Its row would be in a partition that is not the job's."""
        await results(state, result(first, 0), key=b"8")

        assert [letter["error-class"] for letter in state.dead()] == ["RejectedError"]
        assert len(state.runtime.results) == 0

    async def test_a_result_in_another_partition_is_sent_to_its_own(self, state: Worker, first: int) -> None:
        """Producers place keys in several ways; the job's worker gets it."""
        (sent,) = await results(state, result(first, 0), partition=(HOME + 1) % 4)
        (moved,) = state.sent(state.runtime.topics.job_results)

        assert (moved.key, moved.value, moved.partition) == (sent.key, sent.value, HOME)
        assert len(state.runtime.results) == 0

    async def test_a_result_too_large_to_keep_is_a_dead_letter(self, state: Worker, first: int) -> None:
        """A record that fills its size limit has no room for the longer key of a row."""
        full = result(first, 0, "x" * (1024 * 1024 - 100))
        await results(state, full)

        assert [letter["error"][-30:] for letter in state.dead()] == ["bytes cannot be kept in one row"[-30:]]
        assert state.sent(state.runtime.topics.results_changelog) == []

    async def test_a_long_error_is_cut_in_the_job(self, state: Worker, first: int) -> None:
        """The row and the public status stay small; the result keeps all of it."""
        await results(state, result(first, 0), result(first, 2), result(first + 1, 1, "x" * 500_000))
        message = job_of(state).message

        assert message == f"series {first + 1}: {'x' * 1000}…"

    async def test_a_failed_delivery_stops_the_worker_unacknowledged(self, state: Worker, first: int) -> None:
        """The result comes again."""
        state.publisher.failing = {state.runtime.topics.results_changelog}
        topic = state.runtime.topics.job_results
        sent = state.message(topic, b"7", result(first, 0))
        with pytest.raises(DeliveryError):
            await state.consume(topic, sent)

        assert not state.committed(sent)

    async def test_the_trainer_answers_what_the_state_asks(self, state: Worker, first: int) -> None:
        """Both agents together: the job ends, and the results are its own."""
        await state.commands(submission(training(first), training(first + 2), command_id="second"))
        topics = state.runtime.topics
        commands = [
            state.message(topics.series_commands, record.key, record.value)
            for record in state.sent(topics.series_commands)
        ]
        answers = [
            CODEC.decode(r.value) for r in answer_commands(state.runtime, commands) if r.topic == topics.job_results
        ]
        await results(state, result(first, 0), result(first + 1, 1), result(first, 2), *answers)
        rows = state.runtime.results.of_series(JOB_ID, [first + 2])[first + 2]

        assert job_of(state).status is CmdStatus.DONE
        assert [CODEC.decode(row).predictions for row in rows] == [[307.0] * 5]


class TestTimes:
    """What the rows keep of the log's times, so that a job can be shown as it was."""

    async def test_rows_keep_the_times_at_which_the_log_got_things(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of settings, submissions and answers, the first of repeated ones; a restart knows them as well."""

        async def consume(topic: str, event: Any, at: float) -> None:
            message = state.message(topic, b"7", event)
            message.timestamp = at
            await state.consume(topic, message)

        topics = state.runtime.topics
        second = submission(training(first + 1), command_id="second")
        await consume(topics.job_commands, submission(storing(first, "LinearFit", 5), command_id="store"), 10.001)
        await consume(topics.job_commands, submission(storing(first, "LinearFit", 6), command_id="again"), 11.002)
        await consume(topics.job_commands, submission(training(first)), 12.003)
        await consume(topics.job_results, result(first, 0), 13.004)
        await consume(topics.job_results, result(first, 0), 14.005)
        await consume(topics.job_commands, second, 15.006)
        await consume(topics.job_commands, second, 16.007)
        again = await restarted(state, settings, monkeypatch)

        for worker in (state, again):
            (row,) = worker.runtime.results.of_series(JOB_ID, [first])[first]
            assert job_of(worker).settings_at == 10_001
            assert [one.at for one in job_of(worker).submissions] == [12_003, 15_006]
            assert CODEC.decode(row).answered_at == 13_004

    async def test_a_submission_cut_short_keeps_its_time(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The command comes again as it is in the log."""
        state.publisher.failing.add(state.runtime.topics.series_commands)
        with pytest.raises(DeliveryError):
            await state.commands(submission(training(first)))
        following = await restarted(state, settings, monkeypatch)
        before = job_of(following).submissions
        await following.commands(submission(training(first)))

        assert [one.at for one in before] == [round(AT * 1000)]
        assert job_of(following).submissions == before


class TestDeleting:
    """DeleteJob."""

    async def test_everything_of_the_job_goes(self, state: Worker, first: int) -> None:
        """Row, results, split, and by tombstones the public status and forecasts."""
        await state.commands(submission(training(first)))
        await results(state, result(first, 0))
        split = job_of(state).split
        state.forget()
        await state.commands(DELETE)
        topics = state.runtime.topics

        assert (state.runtime.jobs.get(JOB_ID), len(state.runtime.jobs), len(state.runtime.results)) == (None, 0, 0)
        assert {(record.topic, record.key, record.value) for record in state.publisher.records} == {
            (topics.jobs_changelog, b"7", None),
            (topics.results_changelog, b"7:%d:0" % first, None),
            (topics.job_status, b"7", None),
            (topics.forecasts, b"%d" % first, None),
        }
        assert not state.runtime.store.exists(split)

    async def test_a_second_deletion_is_refused(self, state: Worker, first: int) -> None:
        """There is nothing left; the sender is told as over HTTP."""
        await state.commands(DELETE, replace(DELETE, command_id="again"))

        assert [letter["error"] for letter in state.dead()] == ["there is no job 7"]

    @pytest.mark.parametrize("lost", ["results_changelog", "job_status", "forecasts"])
    async def test_a_deletion_cut_short_is_completed(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, lost: str
    ) -> None:
        """The row may be gone from its changelog while results or the public status are not yet."""
        await state.commands(submission(training(first)))
        await results(state, result(first, 0))
        topics = state.runtime.topics
        state.publisher.failing = {getattr(topics, lost)}
        with pytest.raises(DeliveryError):
            await state.commands(DELETE)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(DELETE)

        log = [*state.publisher.log, *following.publisher.log]
        left = {record.key: record.value for record in log if record.topic == getattr(topics, lost)}
        assert set(left.values()) == {None}
        assert len(following.runtime.results) == 0


class TestDoor:
    """What any command has to be."""

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"", "0 bytes are too few"),
            (b"{}     ", "first byte is 123"),
            (None, "no value (tombstone)"),
            (b"\0\0\0\0\0", "unknown schema id 0"),
            (CODEC.encode(CREATE)[:-3], "does not fit the bytes"),
            (CODEC.encode(result(1, 0)), "a SeriesResult on the topic of job commands"),
            (CODEC.encode(JobRecord(7, 2, None, 1, 0)), "a JobRecord on the topic of job commands"),
        ],
    )
    async def test_what_is_no_command_is_a_dead_letter(self, state: Worker, value: bytes | None, reason: str) -> None:
        """With key, bytes, place and reason; the commands around it are applied."""
        topic = state.runtime.topics.job_commands
        messages = [state.message(topic, b"7", one) for one in (CREATE, value, CONFIGURE)]
        await state.consume(topic, *messages)
        (letter,) = state.sent(state.runtime.topics.dead_letters)

        assert (letter.key, letter.value) == (b"7", value)
        assert reason in headers(letter)["error"]
        assert (headers(letter)["topic"], headers(letter)["offset"]) == (topic, "1")
        assert job_of(state).series_count == 3
        assert state.committed(messages[-1])

    @pytest.mark.parametrize("key", [b"8", b"07", b"", b"\0\0\0\7"])
    async def test_a_command_under_another_key_is_a_dead_letter(self, state: Worker, key: bytes) -> None:
        """It would be applied where its job is not, or out of order."""
        await state.commands(CREATE, key=key)

        assert state.runtime.jobs.ids() == []
        assert [letter["error"] for letter in state.dead()] == ["the record's key must be the job_id, 7, as text"]

    async def test_a_command_without_a_key_is_a_dead_letter(self, state: Worker) -> None:
        """Kafka would spread such records over all partitions."""
        topic = state.runtime.topics.job_commands
        await state.consume(topic, state.message(topic, None, CREATE))

        assert ["key must be the job_id" in letter["error"] for letter in state.dead()] == [True]

    async def test_D12_a_command_in_another_partition_is_sent_to_its_own(self, state: Worker) -> None:
        """Kafka's C clients place keys by another hash: their commands take effect all the same, in their order."""
        topic = state.runtime.topics.job_commands
        elsewhere = [state.message(topic, b"7", one, partition=(HOME + 1) % 4) for one in (CREATE, CONFIGURE)]
        await state.consume(topic, *elsewhere)
        moved = state.sent(topic)

        assert state.runtime.jobs.ids() == []
        assert [(one.key, one.value, one.partition) for one in moved] == [(b"7", m.value, HOME) for m in elsewhere]
        assert {one.timestamp_ms for one in moved} == {int(AT * 1000)}

    async def test_jobs_of_one_batch_do_not_wait_for_one_another(self, state: Worker) -> None:
        """A slow split of one job holds up that job alone; commands of one job keep their order."""
        gate, make = asyncio.Event(), state.runtime.splits.make

        async def slow(command: ConfigureJob, *rest: Any) -> Any:
            if command.job_id == JOB_ID:
                await gate.wait()
            return await make(command, *rest)

        state.runtime.splits.make = slow
        topic = state.runtime.topics.job_commands
        commands = [CREATE, CONFIGURE, DELETE] + [replace(one, job_id=8) for one in (CREATE, CONFIGURE)]
        task = state.start(topic, *(state.message(topic, b"%d" % one.job_id, one) for one in commands))
        async with asyncio.timeout(20):
            while (other := state.runtime.jobs.get(8)) is None or not other.series_count:
                await asyncio.sleep(0.001)
        assert job_of(state).series_count == 0
        gate.set()
        await state.settled(task)
        task.cancel()

        assert state.runtime.jobs.ids() == [8]
        assert state.dead() == []

    def test_the_agents_end_the_process_when_they_fail(self, state: Worker) -> None:
        """Faust would go on after the failed batch; the crash makes the next start read it again."""
        agents = state.runtime.app.agents

        assert {agent.supervisor_strategy for agent in agents.values()} == {CrashingSupervisor}
