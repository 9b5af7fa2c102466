"""`GET /alerts`: the newest of the topic, each once, and one's own alone."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.kafka.topic_reader import StoredRecord, TopicMissingError
from schemas.observations import Alert
from streams.views.accuracy import alerts
from streams.views.application import create_http
from tests.agents.bench import CODEC, Worker

_ALERT = Alert("a", "missing_data", 7, 2, 9, "shop=a", 10, 86_400_000, "shop=a: there is no value", step=3)
_OTHERS = (
    replace(_ALERT, alert_id="b", at=5, kind="outside_interval", model_name="SES", n=4, value=1.5),
    replace(_ALERT, alert_id="c", at=7, job_id=8),
    replace(_ALERT, at=11, message="told again"),
    replace(_ALERT, alert_id="d", at=12, project="sales"),
)


async def _asked(state: Worker, query: str = "") -> httpx.Response:
    transport = httpx.ASGITransport(create_http(state.runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(f"/alerts{query}")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the topic has, among it what somebody else wrote."""
    values = [b"no Avro", *(CODEC.encode(one) for one in (_ALERT, *_OTHERS))]
    records = [StoredRecord("alerts", 0, place, 0, b"7", value, ()) for place, value in enumerate(values)]
    monkeypatch.setattr(alerts, "read_topic", lambda *_, **__: iter(records))


@pytest.mark.usefixtures("topic")
@pytest.mark.parametrize(
    ("query", "expected"),
    [("", "bca"), ("?limit=1", "a"), ("?job_id=8", "c"), ("?kind=outside_interval", "b"), ("?kind=none", "")],
)
async def test_the_newest_are_told_each_once(state: Worker, query: str, expected: str) -> None:
    """The newest last; another project's are none."""
    found = (await _asked(state, query)).json()["alerts"]

    assert "".join(one["alert_id"] for one in found) == expected


@pytest.mark.usefixtures("topic")
async def test_an_alert_is_told_as_people_read_it(state: Worker) -> None:
    """As it was told last; what does not belong is null."""
    found: list[dict[str, Any]] = (await _asked(state)).json()["alerts"]

    assert found[-1] == {
        "alert_id": "a",
        "kind": "missing_data",
        "message": "told again",
        "at": 11,
        "timestamp": "1970-01-02 00:00:00",
        "job_id": 7,
        "data_id": 2,
        "ts_id": 9,
        "series_key": "shop=a",
        "model_name": None,
        "n": None,
        "step": 3,
        "value": None,
        "expected": None,
        "low": None,
        "high": None,
        "project": "default",
    }
    assert (found[0]["model_name"], found[0]["n"], found[0]["value"]) == ("SES", 4, 1.5)


async def test_without_the_topic_it_is_to_be_asked_again(state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the service starts."""

    def missing(*_: Any, **__: Any) -> Any:
        raise TopicMissingError("alerts")

    monkeypatch.setattr(alerts, "read_topic", missing)

    assert (await _asked(state)).status_code == 503
