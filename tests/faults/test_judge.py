"""The judge itself: it accepts what is right, and notices each kind of wrong, by name. Needs no broker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.datasets import AddDataset
from schemas.forecasting import CmdStatus, CreateJob, JobRecord
from schemas.series import Forecast
from tests.faults.clean import CODEC, DATA, DELETED, FIRST, SECOND, TOPICS, Clean
from tests.faults.history import Operation, Outcome
from tests.faults.judge import Judge

_FAILED = Operation("POST", "/job/", "other", Outcome.INFO, None, None, 0.0, 0.1)


def _told(clean: Clean) -> list[str]:
    return [str(finding) for finding in Judge(TOPICS, codec=CODEC).findings(clean.seen(), *clean.asked)]


def of(job_id: int, n: int | None = None, ts_id: int | None = None) -> Callable[[Any], bool]:
    """Chooses what is said of a job, a submission, a series."""
    return lambda says: says.job_id == job_id and (n is None or says.n == n) and (ts_id is None or says.ts_id == ts_id)


def test_nothing_is_wrong_where_all_is_well() -> None:
    """Jobs that were configured anew, deleted and submitted twice; a repeat of everything changes nothing."""
    clean = Clean()
    before = _told(clean)
    for topic in (TOPICS.job_results, TOPICS.series_commands):
        clean.repeat(topic, of(FIRST))
    clean.repeat(TOPICS.forecasts, of(SECOND, 0))
    clean.repeat(TOPICS.forecasts, of(SECOND, 3))  # the state says again what stays
    clean.history.append(replace(_FAILED, key=clean.history[1].key))

    assert before == _told(clean) == []


def _lose_a_row(clean: Clean) -> None:
    clean.repeat(TOPICS.jobs_changelog, lambda row: row.job_id == SECOND and row.sequence == 3)


def _lose_a_job(clean: Clean) -> None:
    clean.write(TOPICS.jobs_changelog, SECOND, None)


def _lose_a_setting(clean: Clean) -> None:
    clean.call("PATCH", f"/job/{FIRST}/", [{"ts_id": 101, "model_name": "Lstm"}], {"status": 1})


def _lose_a_patch(clean: Clean) -> None:
    elements = [{"ts_id": 202, "model_name": "Lstm", "next_k_prediction": 2}]
    clean.call("PATCH", f"/job/{SECOND}/", elements, {"status": 2})


def _lose_a_configuration(clean: Clean) -> None:
    clean.call("PUT", f"/job/{FIRST}/", {}, {"ts_details": [{"ts_id": 400}, {"ts_id": 401}]})


def _make_two_jobs_of_one_key(clean: Clean) -> None:
    key = next(call.key for call in clean.history if call.path == "/job/")
    clean.call("POST", "/job/", {"data_id": DATA}, {"job_id": SECOND}, key=key)


def _make_a_job_that_nobody_is_told_of(clean: Clean) -> None:
    clean.write(TOPICS.jobs_changelog, 13, JobRecord(13, DATA, None, 1, 1))


def _command_two_jobs_at_once(clean: Clean) -> None:
    clean.write(TOPICS.job_commands, 13, CreateJob(f"create-{FIRST}", 13, DATA))


def _give_a_series_of_a_deleted_job(clean: Clean) -> None:
    clean.change(TOPICS.jobs_changelog, lambda row: row.job_id == DELETED and row.series_count, first_ts_id=200)


def _give_a_series_twice_to_one_client(clean: Clean) -> None:
    put = next(call for call in clean.history if call.path == f"/job/{DELETED}/" and call.method == "PUT")
    clean.history[clean.history.index(put)] = replace(put, answer={"ts_details": [{"ts_id": 101}]})


def _end_with_the_older(clean: Clean) -> None:
    clean.repeat(TOPICS.forecasts, of(SECOND, 2))


def _end_with_that_of_a_deleted_job(clean: Clean) -> None:
    clean.write(TOPICS.forecasts, 202, Forecast(DELETED, 202, 0, "s", "LinearFit", 1, (1,), [7.0]))


def _find_a_late_forecast(clean: Clean) -> None:
    clean.write(TOPICS.forecasts, 300, Forecast(DELETED, 300, 0, "s", "LinearFit", 1, (1,), [7.0]))


def _lose_a_forecast(clean: Clean) -> None:
    clean.write(TOPICS.forecasts, 202, None)


def _answer_another_number(clean: Clean) -> None:
    clean.repeat(TOPICS.job_results, of(SECOND, 5), n=1_000_005)


def _answer_another_series(clean: Clean) -> None:
    clean.change(TOPICS.job_results, of(SECOND, 5), ts_id=201)


def _answer_under_another_job(clean: Clean) -> None:
    clean.change(TOPICS.job_results, of(SECOND, 5), job_id=FIRST)


def _answer_twice(clean: Clean) -> None:
    clean.repeat(TOPICS.job_results, of(SECOND, 5), predictions=[6.0])


def _show_twice(clean: Clean) -> None:
    results = clean.bodies[SECOND]["results"][2]["results"]
    results.append(results[0])


def _show_another(clean: Clean) -> None:
    clean.bodies[SECOND]["results"][2]["results"][1]["predictions"] = [7.0]


def _skip_a_status(clean: Clean) -> None:
    clean.drop(TOPICS.job_status, lambda status: status.job_id == SECOND and status.sequence in (2, 4))


def _end_otherwise(clean: Clean) -> None:
    clean.change(
        TOPICS.job_status, lambda status: status.job_id == SECOND and status.sequence == 5, status=CmdStatus.EXCEPTION
    )


def _dropped(topic: str) -> Callable[[Clean], None]:
    return lambda clean: clean.drop(topic, of(SECOND, 5))


_WRONG: dict[str, tuple[Callable[[Clean], Any], str, str]] = {
    # delivery.md, mutations a to d: acknowledged too early or on failure, not sent, sent under another number
    "a: a submission that nobody handled": (
        _lose_a_patch,
        "acknowledged write lost",
        "job 11, series 202, submission 6",
    ),
    "b: an answer that nobody kept": (
        _dropped(TOPICS.results_changelog),
        "row lost",
        "job 11, series 202, submission 5",
    ),
    "c: an answer that was not sent": (_dropped(TOPICS.job_results), "answer lost", "job 11, series 202, submission 5"),
    "c: a command that was not sent": (
        _dropped(TOPICS.series_commands),
        "command lost",
        "job 11, series 202, submission 5",
    ),
    "d: an answer under another number": (
        _answer_another_number,
        "foreign answer",
        "job 11, series 202, submission 1000005",
    ),
    "B1: a row of the past comes last": (_lose_a_row, "acknowledged write lost", "job 11, series 200, submission 3"),
    "B1: a submission has left the row": (_lose_a_row, "submission lost", "job 11, series 200, submission 3"),
    "B1: a job without a row": (_lose_a_job, "acknowledged write lost", "job 11"),
    "B1: columns without effect": (_lose_a_configuration, "acknowledged write lost", "job 10"),
    "B9: settings without effect": (_lose_a_setting, "acknowledged write lost", "job 10, series 101"),
    "B3: the older forecast comes last": (
        _end_with_the_older,
        "older forecast last",
        "job 11, series 202, submission 5",
    ),
    "B4: two jobs are answered under one key": (_make_two_jobs_of_one_key, "one key, two things", "job 11"),
    "B4: two jobs are made of one command": (_command_two_jobs_at_once, "one key, two things", "job 13"),
    "B4: a job that no answer has named": (_make_a_job_that_nobody_is_told_of, "nobody was told", "job 13"),
    "B10: a deleted job had the series": (
        _give_a_series_of_a_deleted_job,
        "series id given twice",
        "job 11, series 200: job 12",
    ),
    "B10: two PUTs got the series": (
        _give_a_series_twice_to_one_client,
        "series id given twice",
        "job 12, series 101",
    ),
    "B10: a deleted job's forecast under the series": (
        _end_with_that_of_a_deleted_job,
        "foreign forecast",
        "job 12, series 202, submission 0",
    ),
    "a deleted job's forecast": (_find_a_late_forecast, "deleted, and there", "job 12, series 300, submission 0"),
    "a deleted job's row": (
        lambda clean: clean.repeat(TOPICS.jobs_changelog, lambda row: row.job_id == DELETED and row.sequence == 1),
        "deleted, and there",
        "job 12",
    ),
    "a deleted job that is listed": (lambda clean: clean.listed.add(DELETED), "deleted, and there", "job 12"),
    "a job that is not listed": (lambda clean: clean.listed.discard(FIRST), "acknowledged write lost", "job 10"),
    "a lost data set": (lambda clean: clean.datasets.clear(), "acknowledged write lost", "data set 9"),
    "a lost forecast": (_lose_a_forecast, "forecast lost", "job 11, series 202, submission 5"),
    "an answer of another series": (_answer_another_series, "foreign answer", "job 11, series 201, submission 5"),
    "an answer of another job": (_answer_under_another_job, "foreign answer", "job 10, series 202, submission 5"),
    "two answers that differ": (_answer_twice, "answered differently", "job 11, series 202, submission 5"),
    "shown twice": (_show_twice, "shown twice", "job 11, series 202"),
    "shown wrongly": (_show_another, "not shown", "job 11, series 202, submission 5"),
    "a lost score": (
        lambda clean: clean.drop(TOPICS.metrics, lambda point: point.workload_uid == "fj-11-202-5"),
        "wrong scores",
        "job 11, series 202, submission 5",
    ),
    "a wrong move": (_skip_a_status, "wrong move", "job 11"),
    "a wrong end": (_end_otherwise, "wrong end", "job 11"),
    "a write of unknown outcome": (lambda clean: clean.history.append(_FAILED), "unknown outcome", "POST /job/"),
    "a server error": (
        lambda clean: clean.history.append(replace(_FAILED, method="GET", status=500)),
        "server error",
        "500",
    ),
    "a dead letter": (
        lambda clean: clean.write(TOPICS.dead_letters, 1, JobRecord(1, 1, None, 1, 1)),
        "dead letters",
        "1, expected 0",
    ),
    "a record on the wrong topic": (
        lambda clean: clean.write(TOPICS.job_status, 13, AddDataset("c", 1, "n", "p", "f")),
        "wrong topic",
        "AddDataset",
    ),
}


@pytest.mark.parametrize(("spoil", "rule", "place"), _WRONG.values(), ids=_WRONG.keys())
def test_what_is_wrong_is_named(spoil: Callable[[Clean], Any], rule: str, place: str) -> None:
    """Each kind, once: a message of that rule says where."""
    clean = Clean()
    spoil(clean)

    assert [text for text in _told(clean) if text.startswith(rule) and place in text], _told(clean)


def test_figures_count_what_is_wrong() -> None:
    """Lost, doubled, foreign and repeated answers are told apart, also before a job has ended."""
    clean = Clean()
    clean.drop(TOPICS.job_results, of(SECOND, 0))
    del clean.bodies[SECOND]["results"][0]["results"][0]
    _show_twice(clean)
    _answer_another_number(clean)
    clean.repeat(TOPICS.job_results, of(SECOND, 4))
    clean.bodies[SECOND]["results"][1]["results"].append({"model_name": "Lstm", "predictions": [1.0]})
    ended = Judge(TOPICS, codec=CODEC).count(clean.seen(), clean.asked[1])
    del clean.bodies[SECOND]
    going_on = Judge(TOPICS, codec=CODEC).count(clean.seen(), clean.asked[1])

    assert (ended.submitted, ended.visible) == (6, 7)
    assert (ended.lost, ended.duplicated, ended.foreign, ended.repeated) == (1, 1, 2, 1)
    assert (going_on.visible, going_on.lost, going_on.foreign, going_on.repeated) == (5, 1, 1, 1)
