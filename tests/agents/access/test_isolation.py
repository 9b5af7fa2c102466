"""Another project's things are answered exactly as what is not there, at each address that names one.

Case 60 of ecosystem.md, acceptance test 5 of security.md. An operation of the API document is in a table below, or at
a door that is the default project's alone, or about nothing that a project has.
"""

from typing import Any, Final, cast

import httpx
import orjson
import pytest
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from streams.access.caller import ANYBODY, calling
from streams.views.web.door import OPERATION, Door, Doors
from streams.views.web.forwarding import OwnerForwarding
from tests.agents.access.asked import ASKED, OF_ONES_OWN, POINT, READS, Asked
from tests.agents.access.things import ANNA, BOB, Things

_UNKNOWN: Final = "99887766"
_TRAINING: Final = "/v1/{project_id}"
LISTS: Final = (
    *("/api/v1/workloads", "/data/", "/endpoints", "/job/", "/model-info", "/service-list", "/v2"),
    *("/alerts", "/transform-jobs", "/dataset-info", "/api/v1/jobs", "/api/v1/runs"),
    *("/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/runs/search"),
    *(f"{_TRAINING}/{kind}" for kind in ("training-jobs", "training-job-configs", "visualization-jobs")),
)
NO_THINGS: Final = (
    *(
        "/access/",
        "/asyncapi.json",
        "/cluster",
        "/dashboard",
        "/dead-letters",
        "/execution-parameters",
        "/favicon.ico",
        "/healthz",
        "/model-deploy-service",
        "/ping",
        "/v2/health",
    ),
    *("/api/v1/metrics/", "/sdk/", "/wandb-dropped/"),
    *("/metrics", "/model/", "/readyz", "/registry/", "/v3", "/watch"),
    *(f"{_TRAINING}/{what}" for what in ("job/", "built-in-algorithms")),
)
"""How addresses of nothing begin that a project has: what is the caller's own, an administrator's, or everybody's."""


def told(answer: httpx.Response, named: object) -> tuple[int, str]:
    """An answer, whatever the thing is called that it speaks of."""
    return answer.status_code, answer.text.replace(str(named), "it")


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.operation)
async def test_a_thing_of_another_project_is_unknown(http: httpx.AsyncClient, things: Things, asked: Asked) -> None:
    """Status and words are those for what nobody has ever heard of, and nothing is written."""
    named = getattr(things, asked.of)
    with calling(BOB):
        theirs = await asked.send(http, named)
        unknown = await asked.send(http, _UNKNOWN)

    assert told(theirs, named) == told(unknown, _UNKNOWN)


@pytest.mark.parametrize("asked", READS, ids=lambda asked: asked.operation)
async def test_its_own_project_reads_it(http: httpx.AsyncClient, things: Things, asked: Asked) -> None:
    """Else the test above would say nothing."""
    with calling(ANNA):
        answer = await asked.send(http, getattr(things, asked.of))

    assert answer.status_code == asked.status, answer.text


async def test_two_projects_have_files_and_points_of_one_name(http: httpx.AsyncClient, things: Things) -> None:
    """Neither sees, or writes over, what the other has; both are told the name as they wrote it."""
    answers = []
    for who, text in ((ANNA, "anna's"), (BOB, "bob's"), (ANYBODY, "anybody's")):
        with calling(who):
            told = await http.put("/uploads/mine.txt", content=text)
            answers.append((who, text))
            assert told.json() == {"path": "/uploads/mine.txt", "bytes": len(text)}
            sent = await http.post("/api/v1/workloads/mine/metrics", json={"data": [orjson.loads(POINT)]})
            assert sent.status_code == 202
    for who, text in answers:
        with calling(who):
            assert (await http.get("/uploads/mine.txt")).text == text
    keys = [record.key for record in things.worker.sent(things.worker.runtime.topics.metrics)]
    assert keys == [b"sales=mine", b"stock=mine", b"mine"]


async def test_the_default_project_is_one_of_its_own(http: httpx.AsyncClient, things: Things) -> None:
    """With access control off nobody sees what was made under it, and the other way round."""
    assert (await http.get(f"/job/{things.job_id}/")).status_code == 404
    assert (await http.get("/job/")).json() == {"jobs": []}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/data/", "shop"),
        ("/job/", "shop_job"),
        ("/api/v1/workloads", "fj-102-103-0"),
        ("/endpoints", "shop_endpoint"),
        ("/model-info", "shop_model"),
        ("/api/2.0/mlflow/experiments/search", "shop_experiment"),
        ("/api/2.0/mlflow/runs/search", "shop_tracked"),
        ("/api/v1/workloads", "shop_tracked"),
        ("/api/v1/workloads", "shop_training"),
        ("/api/v1/workloads", "shop_run"),
        ("/dataset-info", "shop.csv"),
        ("/api/v1/jobs", "shop_scoring"),
        ("/api/v1/runs", "shop_run"),
        ("/service-list", "shop_service"),
        ("/transform-jobs", "shop_transform"),
        ("/v1/{}/training-jobs", "shop_training"),
        ("/v1/{}/training-job-configs", "shop_config"),
        ("/v1/{}/visualization-jobs", "shop_look"),
    ],
)
async def test_lists_have_what_is_ones_own(http: httpx.AsyncClient, things: Things, path: str, found: str) -> None:
    """Also their counts."""
    assert things.data_id
    with calling(ANNA):
        own = await http.get(path.format(ANNA.project))
    with calling(BOB):
        others = await http.get(path.format(BOB.project))

    assert found in own.text
    assert others.status_code == 200
    assert found not in others.text


def test_every_door_keeps_projects_apart(http: httpx.AsyncClient) -> None:
    """One that does not yet is closed to all projects but the default one; there is none left."""
    app: Any = http._transport.app  # type: ignore[attr-defined]
    doors: Doors = app.state.doors

    assert [path for path in app.openapi()["paths"] if not getattr(doors.at(path), "apart", True)] == []


async def test_a_new_door_is_closed_to_projects_until_it_says_that_it_keeps_them_apart(things: Things) -> None:
    """Closed rather than open to all."""
    doors = Doors([Door(router=APIRouter(prefix="/kettles"), tag=OPERATION)])
    app = OwnerForwarding(PlainTextResponse("hot"), things.worker.runtime, doors)
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for who, status in ((BOB, 404), (ANYBODY, 200)):
            with calling(who):
                assert (await client.get("/kettles")).status_code == status


def test_no_operation_is_forgotten(http: httpx.AsyncClient) -> None:
    """What a door that is apart lets somebody name is in the table; a new address has to be added to it."""
    app: Any = http._transport.app  # type: ignore[attr-defined]
    doors: Doors = app.state.doors
    known = {one.operation for one in ASKED} | OF_ONES_OWN
    for path, methods in app.openapi()["paths"].items():
        door = doors.at(path)
        for method in methods:
            names_nothing = path in ("/", *LISTS) or path.startswith(NO_THINGS)
            assert door is None or not door.apart or names_nothing or f"{method.upper()} {path}" in known, (
                f"{method.upper()} {path}: add it to a table above"
            )


@pytest.mark.parametrize("asked", [one for one in ASKED if "{project_id}" in one.operation], ids=str)
async def test_addresses_of_another_project_are_those_of_none(
    http: httpx.AsyncClient, things: Things, asked: Asked
) -> None:
    """Whether there is such a project or not; what it has does not show."""
    answers = []
    for project in ("sales", "nobodys"):
        there = Asked(asked.operation, asked.of, asked.query, asked.body, asked.path.replace("{project_id}", project))
        with calling(BOB):
            answers.append(told(await there.send(http, getattr(things, asked.of)), project))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/endpoints",
            "/endpoints/shop_endpoint",
            "/transform-jobs/shop_transform",
            "/model-info",
            "/service-list",
            "/v2",
        ),
        *("/model-descript?modelName=shop_model", "/api/v1/scv/pmml/shop_service", "/v2/models/shop_service"),
        *("/api/v1/jobs", "/api/v1/jobs/shop_scoring", "/api/v1/runs", "/dataset-info"),
        *("/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/runs/search", "/api/v1/workloads"),
    ],
)
async def test_no_answer_shows_how_names_and_files_are_kept(http: httpx.AsyncClient, things: Things, path: str) -> None:
    """Users see the names and paths that they wrote."""
    assert things.endpoint
    with calling(ANNA):
        answer = await http.get(path)

    assert answer.status_code == 200
    assert "sales=" not in answer.text
    assert "project-files" not in answer.text


async def test_the_only_endpoint_is_ones_own(http: httpx.AsyncClient, things: Things) -> None:
    """Others' do not count, and are not asked."""
    assert things.endpoint
    answers = {}
    for who in (BOB, ANYBODY):
        with calling(who):
            asked = Asked("POST /invocations", "endpoint", body='{"instances": []}')
            answers[who] = await asked.send(http, "")

    assert {(it.status_code, it.json()["message"]) for it in answers.values()} == {
        (404, "there is no endpoint: train a model, and its endpoint appears")
    }


async def test_a_name_with_the_mark_of_projects_leads_nowhere(http: httpx.AsyncClient, things: Things) -> None:
    """Who is of the default project cannot write another one's names."""
    kept = f"sales={things.endpoint}"
    for who in (ANYBODY, BOB):
        with calling(who):
            answers = [
                await http.get(f"/endpoints/{kept}"),
                await http.get(f"/transform-jobs/sales={things.transform}"),
            ]
            assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_path_that_is_too_long_in_a_project_is_refused(http: httpx.AsyncClient, things: Things) -> None:
    """What stands before it in the store counts too."""
    assert things.file
    path = "/".join(["a" * 99] * 10)
    with calling(BOB):
        put = await http.put(f"/uploads/{path}", content=b"abc")

    assert put.status_code == 400, put.text
