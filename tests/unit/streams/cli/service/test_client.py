"""The HTTP client of the commands: patient with a service that restarts, plain about everything else."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.cli.console.failure import CommandError
from streams.cli.service.client import ServiceClient

Handler = Callable[[httpx.Request], httpx.Response]


class Fake:
    """Answers from a list, and keeps the requests and pauses."""

    def __init__(self, *answers: httpx.Response | BaseException) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def client(self, **given: Any) -> ServiceClient:
        return ServiceClient(
            "http://127.0.0.1:8080", transport=httpx.MockTransport(self), pause=self.pauses.append, **given
        )


def _busy(retry_after: str | None = None) -> httpx.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx.Response(503, json={"status": 503, "code": "recovering", "message": "recovering"}, headers=headers)


def test_reads_ask_for_what_they_need() -> None:
    """Status, series and results, without histories unless asked."""
    fake = Fake(httpx.Response(200, json={"status": 3, "ts_details": []}))
    with fake.client() as client:
        client.job(7)
        client.series(7)
        client.results(7)
        client.results(7, ts_id=4, history=True, as_of=99)

    assert [str(request.url).removeprefix("http://127.0.0.1:8080") for request in fake.requests] == [
        "/job/7/",
        "/job/7/ts_details/",
        "/job/7/job_results/?history=0",
        "/job/7/job_results/?history=1&ts_id=4&as_of=99",
    ]


def test_J045_the_catalogue_is_read_model_by_model() -> None:
    """Names with the names of their hyper-parameters."""
    fake = Fake(
        httpx.Response(200, json={"data": ["A", "B"]}),
        httpx.Response(200, json={"data": [{"label": "n"}, {"label": "m"}]}),
        httpx.Response(200, json={"data": []}),
    )
    with fake.client() as client:
        assert client.models() == {"A": ["n", "m"], "B": []}


def test_J042_a_file_is_uploaded_whole_also_the_second_time(tmp_path: Path) -> None:
    """After a 503 it is read from its start again, under the same Idempotency-Key."""
    path = tmp_path / "sales.csv"
    path.write_bytes(b"a,b\n1,2\n")
    fake = Fake(_busy(), httpx.Response(201, json={"data": {"id": 5}}))
    with fake.client() as client:
        data_id = client.upload(path)

    assert data_id == 5
    assert [b'filename="sales.csv"' in request.content for request in fake.requests] == [True, True]
    assert [b"a,b\n1,2\n" in request.content for request in fake.requests] == [True, True]
    assert len({request.headers["Idempotency-Key"] for request in fake.requests}) == 1


def test_writes_of_their_own_have_keys_of_their_own() -> None:
    """Else the second would be taken for a repeat of the first."""
    fake = Fake(httpx.Response(201, json={"job_id": 1}))
    with fake.client() as client:
        client.create_job(5)
        client.create_job(5)

    assert len({request.headers["Idempotency-Key"] for request in fake.requests}) == 2


def test_J051_columns_are_sent_as_lists_of_indices() -> None:
    """The series come back."""
    fake = Fake(httpx.Response(200, json={"ts_details": [{"ts_id": 1}]}))
    with fake.client() as client:
        series = client.choose_columns(7, timestamp=2, target=3, group_by=(0, 1))

    assert series == [{"ts_id": 1}]
    assert json.loads(fake.requests[0].content) == {
        "timestamp_indexs": [2], "target_indexs": [3], "groupby_indexs": [0, 1],
    }  # fmt: skip


def test_16_what_is_known_of_the_calendar_is_sent_beside_them() -> None:
    """Nothing else is: null would ask for what is asked for anyway."""
    fake = Fake(httpx.Response(200, json={"ts_details": []}))
    with fake.client() as client:
        client.choose_columns(7, timestamp=0, target=1, group_by=(), calendar={"freq": "MS"})

    assert json.loads(fake.requests[0].content) == {
        "timestamp_indexs": [0], "target_indexs": [1], "groupby_indexs": [], "freq": "MS",
    }  # fmt: skip


def test_many_elements_are_sent_in_several_requests() -> None:
    """Each below the service's limits, in order, none twice."""
    fake = Fake(httpx.Response(200, json={}))
    with fake.client() as client:
        client.submit(7, [{"ts_id": number} for number in range(20_001)])

    bodies = [json.loads(request.content) for request in fake.requests]
    assert [len(body) for body in bodies] == [20_000, 1]
    assert bodies[1] == [{"ts_id": 20_000}]


@pytest.mark.parametrize("suppressed", [True, False])
def test_who_interrupts_a_request_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch, suppressed: bool) -> None:
    """The interrupt may have left a lock of the connections taken: to close them would wait for it for ever."""
    fake, closed = Fake(KeyboardInterrupt()), list[str]()
    monkeypatch.setattr(httpx.Client, "close", lambda _: closed.append("here"))
    with (
        suppress(CommandError),
        fake.client() as client,
        suppress(*((KeyboardInterrupt,) if suppressed else ())),
    ):
        try:
            client.job(7)
        except KeyboardInterrupt as interrupt:
            if suppressed:
                raise
            raise CommandError("stopped") from interrupt

    assert not closed
    with Fake(httpx.Response(200, json={})).client() as client:
        client.job(7)
    assert closed


def test_a_service_that_is_not_ready_is_asked_again() -> None:
    """With growing pauses, and as long as Retry-After says, up to ten seconds."""
    fake = Fake(_busy(), _busy(), _busy("7"), _busy("3600"), _busy("soon"), httpx.Response(200, json={"status": 3}))
    with fake.client() as client:
        assert client.job(7) == {"status": 3}

    assert fake.pauses == [0.5, 1.0, 7.0, 10.0, 8.0]


def test_a_service_that_stays_unready_is_given_up() -> None:
    """With its own words."""
    fake = Fake(_busy())
    with fake.client(patience_s=0) as client, pytest.raises(CommandError) as failure:
        client.job(7)

    assert str(failure.value) == "the service at http://127.0.0.1:8080 is not ready, also not after 0 s: recovering"


@pytest.mark.parametrize("code", ["NoReplica", "ServicePaused", "ServiceFailed"])
def test_what_stays_until_somebody_acts_is_not_waited_for(code: str) -> None:
    """The service says whose turn it is."""
    body = {"data": {"status": False}, "code": code, "message": "service s has no replica: scale it up"}
    fake = Fake(httpx.Response(503, json=body, headers={"Retry-After": "5"}))
    with fake.client() as client, pytest.raises(CommandError) as failure:
        client.write("POST", "/api/v1/scv/pmml/s", body=[])

    assert (str(failure.value), fake.pauses) == ("service s has no replica: scale it up", [])


def test_who_waits_is_told_what_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Once, and not where it is over in a moment."""
    ready = httpx.Response(200, json={"status": 3})
    with Fake(_busy(), _busy(), ready).client() as client:
        client.job(7)
    assert capsys.readouterr().err == ""

    with Fake(_busy(), _busy(), _busy(), _busy(), ready).client() as client:
        client.job(7)
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "",
        "waiting for the service at http://127.0.0.1:8080, 60 s at most: recovering\n",
    )


def test_silence_at_the_first_request_is_a_wrong_address() -> None:
    """Said at once, with the three remedies."""
    fake = Fake(httpx.ConnectError("Connection refused"))
    with fake.client() as client, pytest.raises(CommandError) as failure:
        client.job(7)

    assert fake.pauses == []
    words = str(failure.value)
    assert words.startswith("no Tidecast service answers at http://127.0.0.1:8080 (Connection refused): start one with")
    assert words.endswith("correct --url, or leave --url out")


def test_silence_of_a_service_that_has_answered_is_a_restart() -> None:
    """It is waited for."""
    ready = httpx.Response(200, json={"status": 2})
    fake = Fake(ready, httpx.ConnectError("refused"), httpx.ReadError("reset"), ready)
    with fake.client() as client:
        client.job(7)
        client.job(7)

    assert fake.pauses == [0.5, 1.0]


def test_a_time_out_is_told_as_such() -> None:
    """The address is right then."""
    fake = Fake(httpx.ReadTimeout("x"))
    with fake.client() as client, pytest.raises(CommandError, match="does not answer in time: try again"):
        client.job(7)


def test_J145_a_refusal_is_the_services_own_sentence() -> None:
    """It names field and remedy already."""
    fake = Fake(httpx.Response(400, json={"status": 400, "code": "x", "message": "target_indexs: is wrong"}))
    with fake.client() as client, pytest.raises(CommandError) as failure:
        client.choose_columns(7, timestamp=0, target=1, group_by=())

    assert str(failure.value) == "target_indexs: is wrong"


def test_what_is_not_there_may_be_elsewhere() -> None:
    """A job of another home is the usual mistake."""
    fake = Fake(httpx.Response(404, json={"status": 404, "code": "x", "message": "there is no job 7"}))
    with (
        fake.client() as client,
        pytest.raises(CommandError, match=r"there is no job 7 at http.*--url or TIDECAST_HOME"),
    ):
        client.job(7)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>"),
        httpx.Response(500, json=["x"]),
        httpx.Response(302, json={}),
        httpx.Response(200, text="<html>"),
    ],
)
def test_what_is_no_tidecast_is_told(answer: httpx.Response) -> None:
    """Another program on that port, or a proxy."""
    fake = Fake(answer)
    with fake.client() as client, pytest.raises(CommandError, match=r"Tidecast service: correct --url"):
        client.job(7)


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://h", "http://", "http://[::", "http://h:99999", "http://h:x", "http://h?a=b"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """With the form that is expected."""
    with pytest.raises(CommandError, match="write it as http://host:port"):
        ServiceClient(url)


@pytest.mark.parametrize("url", ["http://[::1]:8080", "https://forecasts.example", "http://h:1/tidecast/"])
def test_an_address_is_kept_without_its_last_slash(url: str) -> None:
    """IPv6, no port and a path are right too."""
    assert ServiceClient(url).url == url.rstrip("/")
