"""What a web page of another site can send through its reader's browser: nothing with an effect, nothing that tells."""

import socket
from typing import Any

import httpx
import pytest

from tests.acceptance.forecasting.jobs import PREVIEW, check_error, csv, new_job
from tests.integration.services import Api, Service

_FOREIGN = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def job_id(service: Service) -> int:
    """A job with a series, which nothing in this module changes."""
    return new_job(service.api, csv("day,value", "2020-01-01,1", "2020-01-02,2"))[0]


def test_a_page_of_another_site_changes_nothing(http: httpx.Client, api: Api, job_id: int) -> None:
    """403 for an upload in a form, a stop without a body, an invocation of no type: what needs no preflight."""
    before = api.get("/data/"), api.get(f"/job/{job_id}/")
    stops = [f"/job/{job_id}/stop", "/v1/p/training-jobs/1/versions/1/stop", "/transform-jobs/t/stop"]
    answers = [
        http.post("/data/", files={"upload": ("a.csv", PREVIEW)}, headers=_FOREIGN),
        *(http.post(path, headers=_FOREIGN | more) for path in stops for more in ({}, _FORM)),
        *(http.post(path, content=b"{}", headers=_FOREIGN) for path in ("/invocations", "/endpoints/e/invocations")),
        http.put("/uploads/evil", content=b"x", headers=_FOREIGN),
        http.delete(f"/job/{job_id}/", headers={"Sec-Fetch-Site": "same-site"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert (api.get("/data/"), api.get(f"/job/{job_id}/")) == before
    assert http.get("/uploads/evil").status_code == 404


def test_a_name_that_was_rebound_reads_nothing(http: httpx.Client) -> None:
    """421 at every door: the page is of the same origin by then."""
    for path in ("/job/", "/data/", "/metrics", "/healthz", "/openapi.json", "/docs", "/"):
        answer = http.get(path, headers={"Host": "evil.example"})
        check_error(answer, 421, "evil.example", "TIDECAST_ALLOWED_HOSTS")


def test_our_own_page_works(http: httpx.Client, api: Api, job_id: int, service: Service) -> None:
    """As a browser sends its requests: the page, its scripts, reads and writes; it cannot be framed."""
    own = {"Origin": service.stack.url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    page = http.get("/docs", headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"})
    created = http.post("/job/", json={"data_id": api.add_dataset(PREVIEW)}, headers=own)

    assert (page.status_code, page.headers["x-frame-options"]) == (200, "DENY")
    assert http.get("/openapi.json", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert created.status_code == 201
    assert created.headers["x-content-type-options"] == "nosniff"
    assert created.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("target", "status"), [("{url}/healthz", 200), ("http://evil.example/healthz", 421)])
def test_a_target_in_absolute_form_is_answered(service: Service, target: str, status: int) -> None:
    """RFC 9112, 3.2.2, on a real connection."""
    url = httpx.URL(service.stack.url)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        head = f"GET {target.format(url=url)} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_the_home_is_private(service: Service) -> None:
    """Nobody else on the machine reaches what lies in it."""
    assert service.settings.home.stat().st_mode & 0o077 == 0


def test_a_typo_in_a_patch_changes_nothing(http: httpx.Client, api: Api, job_id: int) -> None:
    """It would have been stored instead of trained, with 200."""
    before: Any = api.get(f"/job/{job_id}/")
    element = {"ts_id": before["series"][0]["ts_id"], "model_name": "LinearFit", "hyper_params": []}
    answer = http.patch(f"/job/{job_id}/", json=[element | {"next_k_predictions": 4}])
    body = check_error(answer, 400, "element 1, next_k_predictions", "did you mean next_k_prediction?")

    assert (body["element"], body["field"]) == (0, "next_k_predictions")
    assert api.get(f"/job/{job_id}/") == before
