"""Polling and the shape of results, timestamps, failures (contract 000, section 9)."""

import itertools
import random
import signal
import time
from datetime import date, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, check_error, csv, element, new_job, run, sample, train
from tests.integration.services import Api, Service, until

_THREE = csv("g,day,value", *(f"{g},{day},{value}" for g in "abc" for day, value in zip(DAYS, HISTORY, strict=True)))


def _three(api: Api) -> tuple[int, list[int]]:
    return new_job(api, _THREE, timestamp=1, target=2, groupby=[0])


def test_J130_before_training_the_body_is_the_status_alone(api: Api) -> None:
    """`{"status": 0}` without columns and with them, `{"status": 1}` with stored settings."""
    job_id = api.create_job(api.add_dataset(sample()))
    without_columns = api.get(f"/job/{job_id}/job_results/")
    details = api.call("PUT", f"/job/{job_id}/", json={"timestamp_indexs": [0], "target_indexs": [1]}).json()
    with_columns = api.get(f"/job/{job_id}/job_results/")
    setting = {"ts_id": details["ts_details"][0]["ts_id"], "model_name": "LinearFit", "hyper_params": {}}
    api.call("PATCH", f"/job/{job_id}/", json=[setting])

    assert (without_columns, with_columns) == ({"status": 0}, {"status": 0})
    assert api.get(f"/job/{job_id}/job_results/") == {"status": 1}


def test_J130_J091_J162_while_training_lasts_the_body_is_status_2(api: Api, service: Service) -> None:
    """PATCH answers at once and polling shows 2, with and without filters, until the trainer has answered."""
    job_id, ts_ids = _three(api)
    service.signal("trainer-1", signal.SIGSTOP)
    try:
        submitted = api.call("PATCH", f"/job/{job_id}/", json=[element(ts_ids[1])]).json()
        unfinished = [
            api.get(f"/job/{job_id}/job_results/{query}") for query in ("", f"?ts_id={ts_ids[0]}", "?history=0")
        ]
        job = api.get(f"/job/{job_id}/")
    finally:
        service.signal("trainer-1", signal.SIGCONT)

    assert submitted.pop("message").startswith("in training: ")
    assert submitted == {"job_id": job_id, "status": 2, "series": [{"ts_id": ts_ids[1], "status": 2}]}
    assert unfinished == [{"status": 2}] * 3
    assert [series["status"] for series in job["series"]] == [0, 2, 0]
    assert (job["submitted"], job["finished"]) == (1, 0)
    assert api.finished(job_id)["status"] == 3


def test_J018_J131_J132_every_series_has_an_entry(api: Api) -> None:
    """Untrained ones with an empty list, ascending by ts_id; the job is DONE."""
    job_id, ts_ids = _three(api)
    body = train(api, job_id, element(ts_ids[1]))

    assert set(body) == {"status", "results"}
    assert body["status"] == 3
    assert [entry["ts_id"] for entry in body["results"]] == sorted(ts_ids)
    assert [len(entry["results"]) for entry in body["results"]] == [0, 1, 0]


def test_J133_to_J139_a_result_has_the_fields_of_the_sample(api: Api) -> None:
    """Exactly those, each of its type; history under the columns' own labels, as in the file."""
    job_id, (ts_id,) = new_job(api, sample())
    ((result,),) = [entry["results"] for entry in train(api, job_id, element(ts_id, params={"latest_n": 5}))["results"]]

    assert set(result) == {"predictions", "timestamps", "metrics", "config", "ts_id", "model_name", "ts_history"}
    assert (result["ts_id"], result["model_name"]) == (ts_id, "LinearFit")
    assert result["ts_history"] == {"sum_PeakDailyCores": list(HISTORY), "ObjectTime": list(DAYS)}
    assert all(type(value) is int for value in result["ts_history"]["sum_PeakDailyCores"])
    assert all(type(value) is float for value in result["predictions"])
    assert result["timestamps"] == [f"2020-09-{day:02} 00:00:00" for day in range(8, 13)]


def test_J141_int_parameters_are_whole_numbers(api: Api) -> None:
    """Also when they were sent as 4.0."""
    job_id, (ts_id,) = new_job(api, sample())
    params = [{"name": "latest_n", "type": "int", "val": 4.0}, {"name": "add_std_factor", "type": "float", "val": 1}]
    config = train(api, job_id, element(ts_id) | {"hyper_params": params})["results"][0]["results"][0]["config"]

    assert config == {"latest_n": 4, "add_std_factor": 1.0}
    assert type(config["latest_n"]) is int


_MIDNIGHT = "00:00:00.0000000"


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (["9/29/2020", "9/30/2020", "10/1/2020"], ["2020-10-02", "2020-10-03"]),
        (["2020-02-27", "2020-02-28", "2020-02-29"], ["2020-03-01", "2020-03-02"]),
        (["2020-01-01 22:00:00", "2020-01-01 23:00:00"], ["2020-01-02", "2020-01-02 01:00:00"]),
        ([f"2020-08-01 {_MIDNIGHT}", f"2020-08-08 {_MIDNIGHT}"], ["2020-08-15", "2020-08-22"]),
        (["2020-08-01 00:00:00.5", "2020-08-01 00:00:30.5"], ["2020-08-01 00:01:00", "2020-08-01 00:01:30"]),
        (["2020-08-01T00:00:00", "2020-08-01T00:15:00"], ["2020-08-01 00:30:00", "2020-08-01 00:45:00"]),
        (["2020-08-01T00:00:00Z", "2020-08-02T00:00:00Z"], ["2020-08-03", "2020-08-04"]),
        (["1/1/2020", "1/2/2020", "1/3/2020", "1/10/2020"], ["2020-01-11", "2020-01-12"]),
        (["2020-01-01"], ["2020-01-02", "2020-01-03"]),
    ],
    ids="slashes leap-day hours seven-digits fraction T-form UTC missing-days one-point".split(),
)
def test_J134_J142_J143_timestamps_follow_the_history_by_its_most_frequent_step(
    api: Api, times: list[str], following: list[str]
) -> None:
    """Every accepted form is understood and shown in ts_history as it was written."""
    result = run(api, sample(range(len(times)), times), next_k_prediction=2)

    assert result["timestamps"] == [text if " " in text else f"{text} 00:00:00" for text in following]
    assert result["ts_history"]["ObjectTime"] == times


def test_J142_16_gaps_do_not_make_the_step_drift(api: Api) -> None:
    """38 days with every fifth one missing: the step is a day, and a day that is absent is one of the hold-out's."""
    kept = [index for index in range(len(DAYS)) if index % 5]
    result = run(api, sample([HISTORY[i] for i in kept], [DAYS[i] for i in kept]), refit=1)

    assert result["timestamps"] == [f"2020-09-{day:02} 00:00:00" for day in range(8, 13)]
    assert result["backtest"]["timestamps"] == [
        f"{date(2020, 8, 1) + timedelta(days=index)} 00:00:00" for index in range(33, 38)
    ]


def test_J143_rows_are_ordered_by_time(api: Api) -> None:
    """A shuffled file gives the answer of the sorted one; as texts, 9/1/2020 would come after 10/1/2020."""
    rows = list(zip(DAYS, HISTORY, strict=True))
    random.Random(7).shuffle(rows)
    result = run(api, sample([value for _, value in rows], [day for day, _ in rows]), "AdaptiveMaxN", {"latest_n": 5})

    assert result["predictions"] == [237] * 5
    assert result["ts_history"] == {"sum_PeakDailyCores": list(HISTORY), "ObjectTime": list(DAYS)}


def _job_with_bad_series(api: Api) -> tuple[int, list[int]]:
    """Series good, double (one day twice), blank (no value at all)."""
    rows = [f"good,{day},{value}" for day, value in zip(DAYS, HISTORY, strict=True)]
    rows += ["double,1/1/2020,1", "double,1/2/2020,2", "double,1/2/2020,3", "blank,1/1/2020,", "blank,1/2/2020,"]
    return new_job(api, csv("g,day,value", *rows), timestamp=1, target=2, groupby=[0])


def test_J019_J143_J144_a_bad_series_fails_alone_and_says_why(api: Api) -> None:
    """EXCEPTION with a message; the good series' result is there, the bad ones show their error."""
    job_id, (good, double, blank) = _job_with_bad_series(api)
    maximum = {"latest_n": 5}
    body = train(api, job_id, *(element(ts_id, "AdaptiveMaxN", maximum) for ts_id in (double, good, blank)))
    by_series = {entry["ts_id"]: entry["results"] for entry in body["results"]}
    statuses = {series["ts_id"]: series["status"] for series in api.get(f"/job/{job_id}/")["series"]}

    assert set(body) == {"status", "message", "results"}
    assert body["status"] == 4
    assert str(double) in body["message"]
    assert [result["predictions"] for result in by_series[good]] == [[237] * 5]
    for ts_id, part in ((double, "2020-01-02"), (blank, "no observed values")):
        ((failed,),) = [by_series[ts_id]]
        assert set(failed) == {"ts_id", "model_name", "error"}
        assert (failed["ts_id"], failed["model_name"]) == (ts_id, "AdaptiveMaxN")
        assert part in failed["error"]
    assert statuses == {good: 3, double: 4, blank: 4}


def test_J017_a_failed_job_can_be_trained_again(api: Api) -> None:
    """4 → 2; it stays EXCEPTION while a series' latest submission failed, and the failed result stays in its place."""
    job_id, (good, double, _) = _job_with_bad_series(api)
    train(api, job_id, element(double))
    answer = api.call("PATCH", f"/job/{job_id}/", json=[element(good)])
    body = api.finished(job_id)

    assert answer.status_code == 200
    assert body["status"] == 4
    assert [len(entry["results"]) for entry in body["results"]] == [1, 1, 0]


def test_J163_numbers_beyond_what_a_forecast_can_be_are_an_error(api: Api) -> None:
    """A line through the largest numbers overflows: EXCEPTION, never Infinity or a job that stays at 2."""
    job_id, (ts_id,) = new_job(api, sample([1.7e308, -1.7e308] * 8, DAYS[:16]))
    body = train(api, job_id, element(ts_id))

    assert body["status"] == 4
    assert "finite" in body["results"][0]["results"][0]["error"]


def test_J163_a_forecast_beyond_the_year_9999_is_an_error(api: Api) -> None:
    """Its timestamps could not be written."""
    job_id, (ts_id,) = new_job(api, sample([1, 2, 3], ["9999-12-29", "9999-12-30", "9999-12-31"]))
    body = train(api, job_id, element(ts_id))

    assert body["status"] == 4
    assert "9999" in body["results"][0]["results"][0]["error"]


@pytest.mark.parametrize("path", ["", "ts_details/", "job_results/"])
def test_J145_an_unknown_job_is_404(api: Api, path: str) -> None:
    """At each of its addresses."""
    check_error(api.call("GET", f"/job/1/{path}"), 404, "1")


def test_J146_ts_id_and_history_make_the_answer_smaller(api: Api) -> None:
    """Only that series, only without history; the rest of the results is the same."""
    job_id, ts_ids = _three(api)
    whole = train(api, job_id, *(element(ts_id) for ts_id in ts_ids))
    one = api.get(f"/job/{job_id}/job_results/?ts_id={ts_ids[1]}")
    bare = api.get(f"/job/{job_id}/job_results/?history=0")
    for entry in whole["results"]:
        for result in entry["results"]:
            del result["ts_history"]

    assert [entry["ts_id"] for entry in one["results"]] == [ts_ids[1]]
    assert one["results"][0]["results"][0]["ts_history"]["value"] == list(HISTORY)
    assert bare == whole


def test_J146_a_filter_that_fits_nothing_is_refused(api: Api) -> None:
    """A series of another job: 404; no number, or a history of 2: 400."""
    job_id, _ = _three(api)
    _, (other, *_) = _three(api)
    check_error(api.call("GET", f"/job/{job_id}/job_results/?ts_id={other}"), 404, str(other))
    for query in ("ts_id=x", "history=2", "history=yes"):
        check_error(api.call("GET", f"/job/{job_id}/job_results/?{query}"), 400, query.partition("=")[0])


def test_J020_the_status_only_moves_forward_while_one_polls(api: Api) -> None:
    """Polled from submission to end: 2, then 3, and nothing after that."""
    job_id, ts_ids = _three(api)
    api.call("PATCH", f"/job/{job_id}/", json=[element(ts_id) for ts_id in ts_ids * 10])
    seen: list[Any] = []

    def finished() -> bool:
        seen.append(api.get(f"/job/{job_id}/job_results/?history=0")["status"])
        return seen[-3:] == [3, 3, 3]

    until(finished, why="the job is DONE")

    assert seen == sorted(seen)
    assert set(seen) <= {2, 3}


def _now() -> int:
    """Milliseconds, a few after all that was answered before."""
    time.sleep(0.005)
    return round(time.time() * 1000)


def _at(api: Api, job_id: int, when: int, more: str = "") -> dict[str, Any]:
    body: dict[str, Any] = api.get(f"/job/{job_id}/job_results/?as_of={when}{more}")
    return body


def test_as_of_shows_a_job_as_it_was(api: Api) -> None:
    """Each stage of its life, from the creation to a second PATCH, as it was answered then."""
    before = _now()
    job_id, ts_ids = _three(api)
    created = _now()
    api.call("PATCH", f"/job/{job_id}/", json=[{"ts_id": ts_ids[0], "model_name": "LinearFit", "hyper_params": []}])
    stored = _now()
    first = train(api, job_id, element(ts_ids[0]), element(ts_ids[1]))
    trained = _now()
    second = train(api, job_id, element(ts_ids[1], "AdaptiveMaxN", {"latest_n": 5}))
    ended = _now()

    check_error(api.call("GET", f"/job/{job_id}/job_results/?as_of={before}"), 404, "as_of", str(before))
    assert _at(api, job_id, created) == {"status": 0}
    assert _at(api, job_id, stored) == {"status": 1}
    assert _at(api, job_id, trained) == first
    assert _at(api, job_id, ended) == second
    assert [len(entry["results"]) for entry in second["results"]] == [1, 2, 0]
    assert _at(api, job_id, trained, f"&ts_id={ts_ids[1]}&history=0")["results"] == [
        {
            "ts_id": ts_ids[1],
            "results": [{k: v for k, v in first["results"][1]["results"][0].items() if k != "ts_history"}],
        }
    ]


def test_as_of_a_submission_without_its_answers_is_unfinished(api: Api) -> None:
    """Between PATCH and DONE the status is 2, whichever series is asked for."""
    job_id, ts_ids = _three(api)
    train(api, job_id, element(ts_ids[0]))
    finished = _now()
    train(api, job_id, *(element(ts_id) for ts_id in ts_ids * 10))
    ended = _now()
    moments = [*range(finished, ended, max(1, (ended - finished) // 50)), ended]
    seen = [_at(api, job_id, when, f"&history=0&ts_id={ts_ids[0]}")["status"] for when in moments]

    assert [status for status, _ in itertools.groupby(seen)] == [3, 2, 3]


def test_as_of_a_failure_that_was_mended_is_still_a_failure(api: Api) -> None:
    """With the message of that time."""
    job_id, (_, double, _) = _job_with_bad_series(api)
    failed = train(api, job_id, element(double))
    then = _now()

    assert failed["status"] == 4
    assert _at(api, job_id, then) == failed


def test_as_of_the_future_is_now(api: Api) -> None:
    """And of a deleted job there is no past."""
    job_id, ts_ids = _three(api)
    whole = train(api, job_id, *(element(ts_id) for ts_id in ts_ids))
    now = _now()

    assert _at(api, job_id, 253_402_300_799_999) == _at(api, job_id, now + 1000) == whole
    assert api.call("DELETE", f"/job/{job_id}/").status_code == 204
    check_error(api.call("GET", f"/job/{job_id}/job_results/?as_of={now}"), 404, str(job_id))


@pytest.mark.parametrize("value", ["x", "", "-1", "1.5", "2026-01-01", "253402300800000"])
def test_as_of_takes_milliseconds_only(api: Api, value: str) -> None:
    """400 names the parameter."""
    job_id, _ = _three(api)

    check_error(api.call("GET", f"/job/{job_id}/job_results/?as_of={value}"), 400, "as_of")
