"""A digest of what a command says: equal for a repeat, another for other content under its id."""

from dataclasses import fields, replace
from typing import Any

import pytest

from schemas.coding.codec import Codec
from schemas.forecasting import CreateJob, DeleteJob, JobRecord, SeriesConfig, StopJob, SubmitJob
from schemas.training import TrainDeepAR
from schemas.values import HyperParam
from streams.errors import RejectedError
from streams.repeats import check_repeat, digest_known, digest_of, with_command
from tests.unit.schemas.event_samples import EVENTS, FULL_CONFIG

COMMANDS = [event for event in EVENTS if hasattr(event, "command_id")]
FIRST, LAST = SeriesConfig(8, "LinearFit", ()), SeriesConfig(9, "LinearFit", ())
SUBMIT = SubmitJob("c", 7, (FIRST, FULL_CONFIG, LAST))
JOB = JobRecord(7, 2, None, 1, 0, commands=("old", "older"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_what_is_encoded_and_decoded_says_the_same(command: Any) -> None:
    """The sender's own object stands for its record where it waits in the same process."""
    assert digest_of(Codec().decode(Codec().encode(command))) == digest_of(command)


def test_the_id_is_no_content() -> None:
    """It is what the content is kept for."""
    assert digest_of(replace(SUBMIT, command_id="d")) == digest_of(SUBMIT)


@pytest.mark.parametrize("field", [field.name for field in fields(SeriesConfig)])
def test_every_field_of_an_element_counts(field: str) -> None:
    """One that is left out differs from one that is there, whatever element it is of."""
    first, full, last = SUBMIT.elements
    other = replace(full, **{field: 5 if field == "ts_id" else None})

    assert digest_of(replace(SUBMIT, elements=(first, other, last))) != digest_of(SUBMIT)


@pytest.mark.parametrize(
    "other",
    [
        replace(SUBMIT, elements=SUBMIT.elements[:-1]),
        replace(SUBMIT, elements=SUBMIT.elements[::-1]),
        replace(SUBMIT, elements=(FIRST, replace(FULL_CONFIG, ts_id=9), replace(LAST, ts_id=8797))),
        replace(SUBMIT, job_id=8),
        replace(SUBMIT, elements=(replace(FIRST, hyper_params=(HyperParam("latest_n", "int", 5),)), FULL_CONFIG, LAST)),
    ],
)
def test_other_elements_are_other_content(other: SubmitJob) -> None:
    """Fewer, in another order, settings exchanged between series, of another job."""
    assert digest_of(other) != digest_of(SUBMIT)


def test_kinds_of_commands_differ() -> None:
    """Though they have the same fields."""
    assert digest_of(StopJob("c", 7)) != digest_of(DeleteJob("c", 7))


def test_the_order_of_a_map_is_no_content() -> None:
    """Avro's maps have none."""
    one = TrainDeepAR("c", "p", 1, "n", "/uploads/a", {"epochs": 5, "time_freq": "D"})

    assert digest_of(replace(one, parameters={"time_freq": "D", "epochs": 5})) == digest_of(one)
    assert digest_of(replace(one, parameters={"time_freq": "D", "epochs": 6})) != digest_of(one)


def test_digests_are_kept_in_rows_and_stay_what_they_are() -> None:
    """A release that computes them otherwise would refuse the repeats of what the one before it has done."""
    assert digest_of(CreateJob("c", 7, 2, "flights", 5)) == "0fd0e06c785c0c1b"
    later_ones = "backtest_windows levels lower upper fill series future_features holidays refresh side".split()
    full = replace(FULL_CONFIG, **dict.fromkeys(later_ones))
    assert digest_of(replace(SUBMIT, elements=(FIRST, full, LAST))) == "76e6ee52a67c457d"


def test_what_an_older_release_has_done_has_no_digest() -> None:
    """Its repeats are taken for what they say they are."""
    known = digest_known(JOB, "older")

    assert known == ""
    check_repeat(SUBMIT, known, "job 7")
    assert digest_known(JOB, "new") is None


def test_commands_and_digests_stay_side_by_side() -> None:
    """Also behind commands of an older release."""
    job = replace(JOB, **with_command(JOB, "new", "d1"))

    assert (job.commands, job.digests) == (("old", "older", "new"), ("", "", "d1"))
    assert [digest_known(job, one) for one in ("old", "new")] == ["", "d1"]


def test_the_refusal_says_what_is_wrong_and_what_helps() -> None:
    """It names the field, the id, and who has it."""
    check_repeat(SUBMIT, digest_of(SUBMIT), "job 7")
    with pytest.raises(RejectedError) as refused:
        check_repeat(replace(SUBMIT, job_id=8), digest_of(SUBMIT), "job 7")

    assert (refused.value.status, refused.value.code) == (409, "command_id_reused")
    assert refused.value.message == (
        "command_id: 'c' was used before, by a command for job 7 with other content; this SubmitJob has changed "
        "nothing: send it under a new command_id"
    )
