"""Jobs as they stood at some time: the same functions as today's, over what the log had by then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, Columns, JobRecord, Submission
from schemas.series import SeriesResult
from streams.errors import RejectedError
from streams.forecasting import jobs
from streams.forecasting import time_travel as past
from streams.forecasting.jobs import Progress

CODEC = Codec()
FIRST, CREATED = 1700, 1_000
FAR = 10**12
JOB = JobRecord(
    7,
    2,
    "flights",
    1,
    CREATED,
    CmdStatus.DONE,
    9,
    columns=Columns((0,), (1,), ()),
    column_count=2,
    split="split",
    first_ts_id=FIRST,
    series_count=2,
    submissions=(Submission("a", 0, (0, 1), 2_000), Submission("b", 2, (1,), 4_000)),
    commands=("c", "p", "s", "a", "b"),
    settings_at=1_500,
)
ANSWERED = {0: 2_100, 1: 3_000, 2: 5_000}


def row(n: int, answered_at: int | None, error: str | None = None) -> bytes:
    """An answer as the table keeps it."""
    ts_id = jobs.series_of(JOB, n) or 0
    result = SeriesResult(7, ts_id, n, 1, "LinearFit", {}, (1,), (2.0,), {"mse": 1.0}, error=error)
    return CODEC.encode(replace(result, answered_at=answered_at))


def rows(answered: dict[int, int | None], errors: dict[int, str] | None = None) -> dict[int, Sequence[bytes]]:
    """The table's answers by series, in order of submission."""
    found: dict[int, list[bytes]] = {ts_id: [] for ts_id in JOB.ts_ids}
    for n in sorted(answered):
        found[jobs.series_of(JOB, n) or 0].append(row(n, answered[n], (errors or {}).get(n)))
    return found


def at(time: int, job: JobRecord = JOB, answers: Any = None) -> tuple[CmdStatus, str | None, list[int]]:
    """Status, message and the numbers of the answers that were there."""
    then, found = past.as_of(CODEC, job, rows(ANSWERED) if answers is None else answers, time)
    return then.status, then.message, sorted(CODEC.decode(one).n for of_series in found.values() for one in of_series)


@pytest.mark.parametrize(
    ("time", "status", "numbers"),
    [
        (1_000, CmdStatus.CREATED, []),
        (1_499, CmdStatus.CREATED, []),
        (1_500, CmdStatus.UNCOMITTED, []),
        (2_000, CmdStatus.COMITTED, []),
        (2_100, CmdStatus.COMITTED, [0]),
        (2_999, CmdStatus.COMITTED, [0]),
        (3_000, CmdStatus.DONE, [0, 1]),
        (3_999, CmdStatus.DONE, [0, 1]),
        (4_000, CmdStatus.COMITTED, [0, 1]),
        (5_000, CmdStatus.DONE, [0, 1, 2]),
        (FAR, CmdStatus.DONE, [0, 1, 2]),
    ],
)
def test_a_job_goes_through_its_life_again(time: int, status: CmdStatus, numbers: list[int]) -> None:
    """What the log got at that very millisecond is there."""
    assert at(time) == (status, None, numbers)


def test_before_it_was_created_there_is_no_job() -> None:
    """404, with both times."""
    with pytest.raises(RejectedError, match=r"as_of: there was no job 7 at 999; it was created at 1000") as refusal:
        at(999)

    assert refusal.value.status == 404


def test_a_failure_shows_until_it_was_mended() -> None:
    """The message is that of its time, though the job has none today."""
    answers = rows({0: 2_100, 1: 3_000, 2: 5_000}, {1: "too short"})

    assert at(3_500, answers=answers)[:2] == (CmdStatus.EXCEPTION, f"series {FIRST + 1}: too short")
    assert at(4_500, answers=answers)[:2] == (CmdStatus.COMITTED, None)
    assert at(5_000, answers=answers)[:2] == (CmdStatus.DONE, None)


def test_answers_without_a_submission_are_not_there_yet() -> None:
    """A trainer's clock may be behind: its answer counts from the submission on."""
    assert at(3_999, answers=rows({0: 2_100, 1: 3_000, 2: 3_500}))[2] == [0, 1]
    assert at(4_000, answers=rows({0: 2_100, 1: 3_000, 2: 3_500})) == (CmdStatus.DONE, None, [0, 1, 2])


def test_a_submission_waits_for_those_before_it() -> None:
    """Numbers have no holes, whatever clocks wrote the log's times."""
    job = replace(JOB, submissions=(replace(JOB.submissions[0], at=5_000), replace(JOB.submissions[1], at=4_000)))

    assert at(4_500, job)[0] is CmdStatus.UNCOMITTED
    assert at(5_000, job)[2] == [0, 1, 2]


@pytest.mark.parametrize("status", [CmdStatus.UNCOMITTED, CmdStatus.DONE])
def test_a_row_from_before_times_were_kept_has_always_been_so(status: CmdStatus) -> None:
    """From the job's creation on, as there is nothing better to say."""
    submissions = tuple(replace(one, at=0) for one in JOB.submissions) if status is CmdStatus.DONE else ()
    job = replace(JOB, status=status, submissions=submissions, settings_at=None)
    answers = rows(dict.fromkeys(ANSWERED)) if submissions else rows({})

    assert at(CREATED, job, answers) == (status, None, [0, 1, 2] if submissions else [])


@given(
    errors=st.dictionaries(st.integers(0, 2), st.sampled_from(["bad", "worse"])),
    answered=st.dictionaries(st.integers(0, 2), st.integers(2_000, 6_000)),
)
def test_today_is_the_past_of_tomorrow(errors: dict[int, str], answered: dict[int, int]) -> None:
    """With a time in the future: the record and the answers as they are, whatever has been answered."""
    errors = {n: text for n, text in errors.items() if n in answered}
    committed = replace(JOB, status=CmdStatus.COMITTED)
    today = jobs.finished(committed, Progress(answered.keys(), errors))
    answers = rows(dict(answered), errors)
    then, found = past.as_of(CODEC, today, answers, FAR)

    assert (then.status, then.message, then.submissions) == (today.status, today.message, today.submissions)
    assert found == answers
