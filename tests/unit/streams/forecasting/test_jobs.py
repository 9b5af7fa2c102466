"""The life of a job: every allowed move and no other, numbers of submissions, status of series."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.forecasting import (
    CmdStatus,
    ConfigureJob,
    CreateJob,
    JobRecord,
    JobStatus,
    SeriesConfig,
    Submission,
    SubmitJob,
)
from streams.errors import RejectedError
from streams.forecasting import jobs
from streams.forecasting.inputs import check_columns
from streams.forecasting.jobs import Progress
from streams.forecasting.submissions import Limits, check_elements
from streams.repeats import digest_of

HEADER = ("Region", "VMSeries", "ObjectTime", "cores", "load")
LIMITS = Limits(max_elements=50, max_next_k_prediction=50, max_max_eval=50)
CREATE = CreateJob("create", 7, 2, "flights", 5)
CONFIGURE = ConfigureJob("configure", 7, (2,), (3,), (0, 1))
NOTHING = Progress((), {})
FIRST = 1700

# Contract J-017, and nothing else.
MOVES = {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 3), (2, 4), (3, 2), (4, 2)}


def configured(job: JobRecord | None = None, series: int = 3, first: int = FIRST) -> JobRecord:
    """A job with series."""
    job = job or jobs.created(CREATE, at=1)
    columns = check_columns(job, CONFIGURE, HEADER)
    return jobs.configured(
        job, CONFIGURE, columns, split="split", series_count=series, first_ts_id=first, column_count=len(HEADER)
    )


def train(ts_id: int) -> SeriesConfig:
    """An element that asks for training."""
    return SeriesConfig(ts_id, "LinearFit", (), next_k_prediction=5)


def store(ts_id: int) -> SeriesConfig:
    """An element that stores settings."""
    return SeriesConfig(ts_id, "LinearFit", ())


def submit(job: JobRecord, *elements: SeriesConfig, command_id: str = "submit", at: int = 2) -> JobRecord:
    """The job after a submission, settings included."""
    command = SubmitJob(command_id, job.job_id, elements)
    to_store, to_train = check_elements(job, elements, LIMITS)
    begun = jobs.submitted(job, command, to_train, at=at)
    return jobs.stored(begun, command, to_store, digest_of(command), at=at, pack=lambda element: repr(element).encode())


def refusal(call: Any, *args: Any, **kwargs: Any) -> tuple[int, str, str]:
    """Status, code and message of what is refused."""
    with pytest.raises(RejectedError) as caught:
        call(*args, **kwargs)
    return caught.value.status, caught.value.code, caught.value.message


class TestCreated:
    """A new job."""

    def test_J010_a_job_begins_at_0_with_the_first_sequence_number(self) -> None:
        """And with the facts of its command."""
        assert jobs.created(CREATE, at=123) == JobRecord(
            7,
            2,
            "flights",
            5,
            123,
            status=CmdStatus.CREATED,
            sequence=1,
            commands=("create",),
            digests=(digest_of(CREATE),),
        )

    @pytest.mark.parametrize("job_id", [0, -1, 2**53])
    def test_J004_ids_are_positive_and_safe_in_json(self, job_id: int) -> None:
        """The message says what is expected."""
        assert refusal(jobs.created, replace(CREATE, job_id=job_id), at=1) == (
            400, "invalid_id", f"job_id is {job_id}, expected 1 to 9007199254740991"
        )  # fmt: skip

    @pytest.mark.parametrize("job_id", [1, 2**53 - 1])
    def test_J004_the_limits_are_ids(self, job_id: int) -> None:
        """Both ends of the range."""
        assert jobs.created(replace(CREATE, job_id=job_id), at=1).job_id == job_id

    @pytest.mark.parametrize("name", [None, "a", "A_9" * 10 + "zz"])
    def test_J043_names_are_letters_digits_and_underscores(self, name: str | None) -> None:
        """Up to 32 of them, or none."""
        assert jobs.created(replace(CREATE, name=name), at=1).name == name

    @pytest.mark.parametrize("name", ["", "a" * 33, "a b", "ü", "a\n", "名", "a-b"])
    def test_J043_other_names_are_refused(self, name: str) -> None:
        """With the rule, and the beginning of the name."""
        status, code, message = refusal(jobs.created, replace(CREATE, name=name), at=1)

        assert (status, code) == (400, "invalid_name")
        assert message == f"name {name!r}: use 1 to 32 characters of A-Z a-z 0-9 _"


class TestColumns:
    """Choosing columns."""

    def test_J052_the_columns_of_a_command(self) -> None:
        """In the order asked for."""
        columns = check_columns(jobs.created(CREATE, at=1), replace(CONFIGURE, groupby_indexs=(1, 0)), HEADER)

        assert (columns.timestamp_indexs, columns.target_indexs, columns.groupby_indexs) == ((2,), (3,), (1, 0))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"timestamp_indexs": ()}, "timestamp_indexs has 0 columns, expected exactly one"),
            ({"timestamp_indexs": (2, 4)}, "timestamp_indexs has 2 columns, expected exactly one"),
            ({"target_indexs": ()}, "target_indexs has 0 columns, expected exactly one"),
            ({"target_indexs": (2,)}, "column 2 (ObjectTime) is in timestamp_indexs and in target_indexs"),
            ({"groupby_indexs": (3,)}, "column 3 (cores) is in target_indexs and in groupby_indexs"),
            ({"groupby_indexs": (2,)}, "column 2 (ObjectTime) is in timestamp_indexs and in groupby_indexs"),
            ({"groupby_indexs": (0, 0)}, "column 0 (Region) is twice in groupby_indexs"),
            (
                {"groupby_indexs": (5,)},
                "groupby_indexs: column 5 does not exist; the data set has columns 0 to 4",
            ),
            ({"target_indexs": (-1,)}, "target_indexs: column -1 does not exist; the data set has columns 0 to 4"),
        ],
    )
    def test_J053_columns_exist_and_are_chosen_once(self, change: dict[str, Any], message: str) -> None:
        """The message names column and fields."""
        command = replace(CONFIGURE, **change)

        assert refusal(check_columns, jobs.created(CREATE, at=1), command, HEADER) == (
            400, "invalid_columns", message
        )  # fmt: skip

    @pytest.mark.parametrize("status", [CmdStatus.COMITTED, CmdStatus.DONE, CmdStatus.EXCEPTION])
    def test_J057_columns_are_fixed_after_a_submission(self, status: CmdStatus) -> None:
        """409: create another job."""
        job = replace(configured(), status=status)

        assert refusal(check_columns, job, CONFIGURE, HEADER)[:2] == (409, "already_submitted")

    def test_J017_choosing_again_makes_the_series_anew(self) -> None:
        """Ids and number are the new ones; settings of the old series go, and the job is CREATED as its new series."""
        old = submit(configured(), store(FIRST))
        job = configured(old, series=2, first=9000)

        assert (job.ts_ids, job.settings, job.status) == (range(9000, 9002), (), CmdStatus.CREATED)
        assert set(jobs.series_statuses(job, NOTHING).values()) == {CmdStatus.CREATED}
        assert (old.status, job.sequence) == (CmdStatus.UNCOMITTED, old.sequence + 1)  # so that the topic tells it
        assert configured(job, series=2, first=9000).sequence == job.sequence


class TestSubmitted:
    """Submissions and their numbers."""

    def test_J012_training_commits_the_job(self) -> None:
        """The sequence number grows with the status."""
        job = submit(configured(), train(FIRST))

        assert (job.status, job.sequence) == (CmdStatus.COMITTED, 2)

    def test_J011_storing_alone_does_not(self) -> None:
        """Status 1, once: storing again changes no status."""
        once = submit(configured(), store(FIRST))
        twice = submit(once, store(FIRST + 1), command_id="again")

        assert (once.status, once.sequence, once.submitted) == (CmdStatus.UNCOMITTED, 2, 0)
        assert (twice.status, twice.sequence) == (CmdStatus.UNCOMITTED, 2)

    def test_J089_numbers_follow_one_another(self) -> None:
        """Over submissions and repeats of a series; storing takes none."""
        job = submit(configured(), train(FIRST + 1), store(FIRST), train(FIRST + 1), command_id="a")
        job = submit(job, train(FIRST), command_id="b")

        assert job.submissions == (Submission("a", 0, (1, 1), 2), Submission("b", 2, (0,), 2))
        assert job.submitted == 3

    def test_trainings_are_in_the_order_of_their_numbers(self) -> None:
        """The caller counts them from the submission's first number."""
        job = submit(configured(), train(FIRST + 2), store(FIRST), train(FIRST), command_id="a")

        assert [jobs.series_of(job, n) for n in range(3)] == [FIRST + 2, FIRST, None]

    def test_J109_until_it_is_stored_a_submission_can_be_repeated(self) -> None:
        """What it stores has no influence on what it trains, also on the job that has its numbers."""
        command = SubmitJob("a", 7, (train(FIRST), replace(store(FIRST), model_name="AdaptiveMaxN")))
        _, trainings = check_elements(configured(), command.elements, LIMITS)
        changed = jobs.submitted(configured(), command, trainings, at=2)

        assert changed.settings == ()
        assert "a" not in changed.commands
        assert check_elements(changed, command.elements, LIMITS)[1] == trainings

    def test_settings_are_kept_once_per_series_in_order(self) -> None:
        """The latest wins."""
        job = submit(configured(), store(FIRST + 2), store(FIRST), command_id="a")
        job = submit(job, replace(store(FIRST + 2), model_name="AdaptiveMaxN"), command_id="b")

        assert [(it.ts_id, it.model_name) for it in job.settings] == [
            (FIRST, "LinearFit"), (FIRST + 2, "AdaptiveMaxN")
        ]  # fmt: skip
        assert job.commands[-2:] == ("a", "b")

    def test_a_new_submission_clears_the_old_error(self) -> None:
        """Storing settings does not: the job is still failed."""
        failed = jobs.finished(submit(configured(), train(FIRST)), Progress({0}, {0: "bad"}))

        assert submit(failed, train(FIRST), command_id="again").message is None
        assert submit(failed, store(FIRST), command_id="store").message == f"series {FIRST}: bad"
        assert submit(failed, store(FIRST), command_id="store").status is CmdStatus.EXCEPTION

    @given(lengths=st.lists(st.integers(1, 4), max_size=5), n=st.integers(-2, 22))
    def test_every_number_has_one_series(self, lengths: list[int], n: int) -> None:
        """As the submissions say; other numbers have none."""
        job, expected = configured(), {}
        for index, length in enumerate(lengths):
            chosen = [FIRST + (index + place) % 3 for place in range(length)]
            expected |= dict(enumerate(chosen, len(expected)))
            job = submit(job, *map(train, chosen), command_id=str(index))

        assert jobs.series_of(job, n) == expected.get(n)


class TestFinished:
    """The end of a training."""

    job = submit(configured(), train(FIRST + 1), train(FIRST), train(FIRST + 1))

    @pytest.mark.parametrize("answered", [set(), {0}, {0, 2}, {1, 2}])
    def test_J018_a_job_with_open_submissions_is_not_done(self, answered: set[int]) -> None:
        """Whichever are answered, and also if they failed (J-019)."""
        assert jobs.finished(self.job, Progress(answered, dict.fromkeys(answered, "bad"))) is self.job

    def test_J018_done_though_a_series_was_never_trained(self) -> None:
        """Every submitted series is what counts."""
        done = jobs.finished(self.job, Progress({0, 1, 2}, {}))

        assert (done.status, done.sequence, done.message) == (CmdStatus.DONE, 3, None)

    @pytest.mark.parametrize(
        ("errors", "message"),
        [
            ({1: "a"}, f"series {FIRST}: a"),
            ({2: "b"}, f"series {FIRST + 1}: b"),
            ({1: "a", 2: "b"}, f"series {FIRST}: a (2 series failed in all)"),
            ({0: "x"}, f"series {FIRST + 1}: x"),
            ({0: "x", 2: "b"}, f"series {FIRST + 1}: x"),
        ],
    )
    def test_J019_a_failed_series_fails_the_job(self, errors: dict[int, str], message: str) -> None:
        """The message names the first of them and counts the rest."""
        failed = jobs.finished(self.job, Progress({0, 1, 2}, errors))

        assert (failed.status, failed.sequence, failed.message) == (CmdStatus.EXCEPTION, 3, message)

    def test_a_later_success_mends_a_series(self) -> None:
        """The latest PATCH that names a series is the one that counts, with all its elements."""
        job = submit(self.job, train(FIRST + 1), command_id="again")

        assert jobs.finished(job, Progress({0, 1, 2, 3}, {0: "bad", 2: "bad"})).status is CmdStatus.DONE

    @pytest.mark.parametrize("status", [CmdStatus.CREATED, CmdStatus.UNCOMITTED, CmdStatus.DONE, CmdStatus.EXCEPTION])
    def test_J020_only_a_job_in_training_ends(self, status: CmdStatus) -> None:
        """A repeated result moves nothing."""
        job = replace(self.job, status=status)

        assert jobs.finished(job, Progress({0, 1, 2}, {1: "bad"})) is job


class TestSeriesStatuses:
    """The status of each series (J-016)."""

    def test_every_status(self) -> None:
        """Untouched, stored, in training, done, failed."""
        job = submit(configured(series=5), store(FIRST + 1), train(FIRST + 2), train(FIRST + 3), train(FIRST + 4))

        assert jobs.series_statuses(job, Progress({1, 2}, {2: "bad"})) == {
            FIRST: CmdStatus.CREATED,
            FIRST + 1: CmdStatus.UNCOMITTED,
            FIRST + 2: CmdStatus.COMITTED,
            FIRST + 3: CmdStatus.DONE,
            FIRST + 4: CmdStatus.EXCEPTION,
        }

    @pytest.mark.parametrize(
        ("answered", "errors", "status"),
        [
            ({0}, {}, CmdStatus.COMITTED),
            ({1}, {}, CmdStatus.COMITTED),
            ({0, 1}, {}, CmdStatus.DONE),
            ({0, 1}, {0: "bad"}, CmdStatus.EXCEPTION),
            ({0, 1}, {1: "bad"}, CmdStatus.EXCEPTION),
        ],
    )
    def test_a_series_trained_twice(self, answered: set[int], errors: dict[int, str], status: CmdStatus) -> None:
        """In training while either is open; one failure fails it."""
        job = submit(configured(series=1), train(FIRST), train(FIRST))

        assert jobs.series_statuses(job, Progress(answered, errors)) == {FIRST: status}

    def test_the_latest_patch_that_names_a_series_counts(self) -> None:
        """A later one for other series changes nothing; an answer may be missing in an early one."""
        job = submit(configured(series=4), train(FIRST), train(FIRST + 1), train(FIRST + 2), command_id="a")
        job = submit(job, train(FIRST + 1), train(FIRST + 3), command_id="b")
        job = submit(job, train(FIRST + 3), command_id="c")

        assert jobs.series_statuses(job, Progress({0, 1, 3, 4, 5}, {0: "bad", 1: "bad", 4: "bad"})) == {
            FIRST: CmdStatus.EXCEPTION,
            FIRST + 1: CmdStatus.DONE,
            FIRST + 2: CmdStatus.COMITTED,
            FIRST + 3: CmdStatus.DONE,
        }

    def test_they_ascend_by_id(self) -> None:
        """Whatever the order of submission (J-065)."""
        job = submit(configured(), train(FIRST + 2), train(FIRST))

        assert list(jobs.series_statuses(job, NOTHING)) == [FIRST, FIRST + 1, FIRST + 2]


def test_the_status_event_counts() -> None:
    """Series, submissions, answers and failures, with the message."""
    job = jobs.finished(submit(configured(), train(FIRST), train(FIRST + 1)), Progress({0, 1}, {1: "bad"}))

    assert jobs.status_event(job, Progress({0, 1}, {1: "bad"})) == JobStatus(
        7, CmdStatus.EXCEPTION, 3, series=3, submitted=2, finished=2, failed=1, message=f"series {FIRST + 1}: bad",
        first_ts_id=FIRST,
    )  # fmt: skip


class TestSettling:
    """What a job that is refreshed keeps of submissions that are all answered."""

    def test_numbers_and_failures_stay(self) -> None:
        """The row lists them no more; of the series whose last submission failed it knows which answer says so."""
        job = submit(configured(), train(FIRST), train(FIRST + 1), train(FIRST))
        series = {0: FIRST, 1: FIRST + 1, 2: FIRST}
        progress = Progress(series.keys(), {1: "bad"}, 3, series)
        settled = jobs.settled(jobs.finished(job, progress), progress)

        assert (settled.submitted, settled.settled, settled.failed) == (3, 3, (1,))
        assert (settled.submissions, settled.planned) == ((), ())
        after = Progress(series.keys(), {1: "bad"}, 0, series)
        assert jobs.series_statuses(settled, after) == {
            FIRST: CmdStatus.DONE,
            FIRST + 1: CmdStatus.EXCEPTION,
            FIRST + 2: CmdStatus.CREATED,
        }
        again = submit(settled, train(FIRST + 2))
        more = series | {3: FIRST + 2}
        assert jobs.series_of(again, 3) == FIRST + 2
        assert jobs.series_of(again, 2) is None
        assert jobs.finished(again, after) is again
        failed = jobs.finished(again, Progress(more.keys(), {1: "bad"}, 1, more))
        assert (failed.status, failed.message) == (CmdStatus.EXCEPTION, f"series {FIRST + 1}: bad")
        mended = submit(settled, train(FIRST + 1))
        more = series | {3: FIRST + 1}
        assert jobs.finished(mended, Progress(more.keys(), {1: "bad"}, 1, more)).status is CmdStatus.DONE


class Life(RuleBasedStateMachine):
    """A job that anything may happen to, in any order; answers come in any order and more than once."""

    @initialize()
    def create(self) -> None:
        self.job = jobs.created(CREATE, at=1)
        self.answers: dict[int, str | None] = {}
        self.commands = 0

    @property
    def progress(self) -> Progress:
        return Progress(set(self.answers), {n: error for n, error in self.answers.items() if error is not None})

    def move(self, job: JobRecord) -> None:
        """Take the new record; the heart of this test."""
        before, after = int(self.job.status), int(job.status)
        assert before == after or (before, after) in MOVES
        assert job.sequence == self.job.sequence + (before != after)
        self.job = job

    @rule(series=st.integers(1, 4))
    def configure(self, series: int) -> None:
        if self.job.status >= CmdStatus.COMITTED:
            assert refusal(check_columns, self.job, CONFIGURE, HEADER)[0] == 409
        else:
            first = self.job.first_ts_id + self.job.series_count + 1
            self.move(configured(self.job, series, first))

    @precondition(lambda self: self.job.columns is not None)
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        element = st.builds(
            lambda make, ts_id: make(ts_id), st.sampled_from([train, store]), st.sampled_from(self.job.ts_ids)
        )
        elements = data.draw(st.lists(element, min_size=1, max_size=3))
        self.commands += 1
        self.move(submit(self.job, *elements, command_id=str(self.commands)))
        if any(element.trains for element in elements):
            assert self.job.status is CmdStatus.COMITTED

    @precondition(lambda self: self.job.submitted)
    @rule(data=st.data(), error=st.none() | st.just("bad"))
    def answer(self, data: st.DataObject, error: str | None) -> None:
        self.answers[data.draw(st.integers(0, self.job.submitted - 1))] = error
        self.move(jobs.finished(self.job, self.progress))

    @invariant()
    def a_job_is_in_training_exactly_while_an_answer_is_missing(self) -> None:
        missing = self.job.submitted - len(self.answers)
        assert (self.job.status is CmdStatus.COMITTED) == (missing > 0)

    @invariant()
    def the_series_agree_with_the_job(self) -> None:
        statuses = set(jobs.series_statuses(self.job, self.progress).values())
        assert (CmdStatus.COMITTED in statuses) == (self.job.status is CmdStatus.COMITTED)
        if self.job.status is CmdStatus.CREATED:
            assert statuses <= {CmdStatus.CREATED}

    @invariant()
    def every_number_belongs_to_a_series_of_the_job(self) -> None:
        assert {jobs.series_of(self.job, n) for n in range(self.job.submitted)} <= set(self.job.ts_ids)


TestLife = Life.TestCase
TestLife.__doc__ = "J-017, J-018, J-020: whatever happens in whatever order, the status makes only allowed moves."
