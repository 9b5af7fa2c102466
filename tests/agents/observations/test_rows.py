"""Rows by HTTP: what is published, when it is answered, and what is read back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.views.application import create_http
from tests.agents.bench import CODEC, Worker
from tests.agents.forecasting.jobs.samples import CSV, DATA_ID

PATH = f"/data/{DATA_ID}/rows"
ROWS = [
    {"Region": "west", "When": "2020-08-13 00:00:00", "cores": 113},
    {"Region": "west", "When": "2020-08-01 00:00:00", "cores": 5, "load": None},
]


@pytest.fixture
async def http(state: Worker) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application itself."""
    transport = httpx.ASGITransport(create_http(state.runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def applied(state: Worker, asked: Any) -> httpx.Response:
    """The answer to a request whose observations the agent then takes from the log."""
    answer: asyncio.Task[httpx.Response] = asyncio.ensure_future(asked)
    topic = state.runtime.topics.observations
    while not state.sent(topic) and not answer.done():
        await asyncio.sleep(0.01)
    assert not answer.done(), "it was answered before the rows were kept"
    await state.consume(topic, *(state.message(topic, one.key, one.value) for one in state.sent(topic)))
    return await answer


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_rows_are_kept_before_it_is_answered(state: Worker, http: httpx.AsyncClient, form: str) -> None:
    """An event for each; then the table, its preview and the list have them."""
    if form == "json":
        asked = http.post(PATH, json=ROWS)
    else:
        lines = "When,cores,Region,load\n2020-08-13 00:00:00,113,west,\n2020-08-01 00:00:00,5,west,\n"
        asked = http.post(PATH, content=lines, headers={"Content-Type": "text/csv"})
    answer = await applied(state, asked)

    assert (answer.status_code, answer.json()) == (200, {"data_id": DATA_ID, "accepted": 2})
    events = [CODEC.decode(one.value) for one in state.sent(state.runtime.topics.observations)]
    assert [(event.groups, event.values["cores"] in (113.0, "113")) for event in events] == [
        ({"Region": "west"}, True),
        ({"Region": "west"}, False),
    ]
    lines = (await http.get(PATH)).text.splitlines()
    assert (lines[1], lines[-1]) == ("west,2020-08-01 00:00:00,5,", "west,2020-08-13 00:00:00,113,")
    preview = (await http.get(f"/data/{DATA_ID}/")).json()
    assert (preview["data"]["rows"], preview["heads"]["cores"][0]) == (37, 5)
    assert [one["rows"] for one in (await http.get("/data/")).json()["data"]] == [37]


async def test_a_table_that_has_not_grown_is_the_file(http: httpx.AsyncClient) -> None:
    """With a name for whoever saves it."""
    answer = await http.get(PATH)

    assert (answer.status_code, answer.text) == (200, CSV)
    assert "data-2.csv" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("rows", "status", "words"),
    [
        ([*ROWS, {"Region": "west", "When": "soon", "cores": 1}], 400, "row 3: When"),
        ([{"Region": "west", "When": "2020-08-13 00:00:00", "cores": "many"}], 400, "row 1: cores"),
        ([{"Region": "west", "When": "2020-08-13 00:00:00", "price": 1}], 400, "row 1: 'price' is no column"),
        ([{"When": "2020-08-13 00:00:00"}], 400, "row 1: Region is missing"),
        ([], 400, "rows: there are none"),
    ],
    ids=["time", "number", "column", "group", "none"],
)
async def test_one_wrong_row_keeps_all_out(
    state: Worker, http: httpx.AsyncClient, rows: Any, status: int, words: str
) -> None:
    """It is told which, and why; nothing is published."""
    answer = await http.post(PATH, json=rows)

    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert state.sent(state.runtime.topics.observations) == []


async def test_other_columns_cannot_tell_rows_apart_any_more(state: Worker, http: httpx.AsyncClient) -> None:
    """Once rows were added; without a job and rows they have to be named."""
    first = await applied(state, http.post(PATH, json=ROWS[:1]))
    other = await http.post(PATH, json=ROWS, params={"timestamp_column": "When"})
    unknown = await http.post(PATH, json=ROWS, params={"timestamp_column": "day"})
    no_time = await http.post(PATH, json=ROWS, params={"timestamp_column": "Region"})

    assert first.status_code == 200
    assert (other.status_code, other.json()["code"]) == (409, "other_layout")
    assert (unknown.status_code, "'day' is no column" in unknown.text) == (400, True)
    assert no_time.status_code == 400


async def test_what_is_not_there_and_another_kind_of_body(http: httpx.AsyncClient) -> None:
    """404 and 415."""
    assert (await http.post("/data/99887766/rows", json=ROWS)).json()["code"] == "unknown_dataset"
    assert (await http.post(PATH, content="x", headers={"Content-Type": "text/plain"})).status_code == 415
