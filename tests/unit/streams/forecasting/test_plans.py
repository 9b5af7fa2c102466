"""What a job's row says of commands that are out: how many, from which offsets on, and whether they may be gone."""

from dataclasses import replace

import pytest

from schemas.forecasting import CmdStatus, JobRecord, Planned, Submission
from streams.forecasting.plans import is_lost, sent, sent_again

BEFORE = Planned(0, 0, b"")
JOB = JobRecord(
    7, 2, None, 1, 0, CmdStatus.COMITTED, submissions=(Submission("c", 0, (0,) * 9, 1000),), planned=(BEFORE,)
)


def planned(job: JobRecord) -> Planned:
    """The only one."""
    (found,) = job.planned
    return found


def test_the_lowest_offsets_of_all_parts_are_kept() -> None:
    """By partition, and of the trainings of many series."""
    first = sent(JOB, BEFORE, 4, {2: 50, 0: 7})
    second = sent(first, planned(first), 9, {0: 9, 1: 3, 2: 40}, 5)

    assert planned(first) == Planned(0, 4, b"", (), (7, -1, 50), -1)
    assert planned(second) == Planned(0, 9, b"", (), (7, 3, 40), 5)


def test_what_is_to_be_sent_again_stays_to_be_sent() -> None:
    """Who was sending a part meanwhile does not say that all is out."""
    out = sent(JOB, BEFORE, 4, {0: 7})
    again = sent_again(out, planned(out), 2)

    assert planned(again) == Planned(0, 2, b"")
    assert sent(again, planned(out), 9, {0: 9}) is again


@pytest.mark.parametrize(
    ("known", "starts", "run_start", "lost"),
    [
        (Planned(0, 4, b"", (), (7, -1, 50)), (7, 99, 50), 99, False),
        (Planned(0, 4, b"", (), (7, -1, 50)), (8, 0, 0), 0, True),
        (Planned(0, 4, b"", (), (), 5), (99, 99, 99), 5, False),
        (Planned(0, 4, b"", (), (), 5), (0, 0, 0), 6, True),
        (Planned(0, 0, b"", (), (), 5), (9, 9, 9), 9, False),
    ],
)
def test_a_command_before_the_topics_beginning_is_gone(
    known: Planned, starts: tuple[int, ...], run_start: int, *, lost: bool
) -> None:
    """Of any partition; what is not sent yet cannot be."""
    assert is_lost(JOB, known, starts, run_start, before=0) is lost


def test_of_what_was_stopped_nothing_is_missed() -> None:
    """It has its answers."""
    known = Planned(0, 4, b"", (), (7,))

    assert not is_lost(replace(JOB, stopped=9), known, (8,), 0, before=0)


@pytest.mark.parametrize(("before", "start", "lost"), [(1000, 5, False), (1001, 5, True), (1001, 0, False)])
def test_where_the_offsets_are_not_known_the_time_decides(before: int, start: int, *, lost: bool) -> None:
    """As in rows of releases before 2026-11-29."""
    assert is_lost(JOB, Planned(0, 4, b""), (0, start), 0, before) is lost
