"""Rows of data sets in; alerts out, and on to the address that the installation names."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from agents.accuracy import webhook
from connectors.webhooks import SIGNATURE, Webhook, WebhookError, signature
from schemas.forecasting import Refresh, SeriesConfig, StartShadow, SwitchShadow
from schemas.observations import Alert, Observation
from streams.settings import SecretUrl, Settings
from streams.workers import apps
from tests.agents.accuracy.samples import AT_MS, FIRST, KEY, observed
from tests.agents.bench import FakePublisher, Worker, restarted
from tests.agents.forecasting.jobs.samples import (
    CONFIGURE,
    CREATE,
    DAY,
    HOME,
    JOB_ID,
    add_sample,
    job_of,
    result,
    results,
    submission,
    training,
)

_STEPS = 18


@pytest.fixture
async def ts_id(state: Worker, tmp_path: Path) -> int:
    """The first of three series of a job, which has a forecast of eighteen days, always 112 in an 80 % interval."""
    add_sample(state, tmp_path)
    await state.commands(CREATE, CONFIGURE)
    first = job_of(state).first_ts_id
    await state.commands(submission(training(first)))
    made = result(
        first,
        0,
        timestamps=[FIRST + step * DAY for step in range(_STEPS)],
        predictions=[112.0] * _STEPS,
        quantiles={"0.025": [108.0] * _STEPS, "0.975": [116.0] * _STEPS},
        mase_insample=0.1,
    )
    await results(state, made)
    state.forget()
    return first


async def _alerts(state: Worker, *observations: Observation) -> list[Alert]:
    """What is told of observations that come as one batch."""
    state.forget()
    topics = state.runtime.topics
    await state.consume(topics.observations, *(state.message(topics.observations, KEY, one) for one in observations))
    record = state.sent(topics.dataset_changes)[HOME]
    message = state.message(record.topic, record.key, record.value, partition=HOME)
    await state.consume(record.topic, message)
    found: list[Alert] = state.events(topics.alerts)
    return found


async def test_a_value_outside_its_interval_is_told(state: Worker, ts_id: int) -> None:
    """With what was forecast; one inside is not."""
    assert await _alerts(state, observed(13, 116.0)) == []
    [alert] = await _alerts(state, observed(14, 117.0))

    assert (alert.kind, alert.job_id, alert.ts_id, alert.series_key) == (
        "outside_interval",
        JOB_ID,
        ts_id,
        "Region=west",
    )
    assert (alert.value, alert.expected, alert.low, alert.high) == (117.0, 112.0, 108.0, 116.0)
    assert (alert.at, alert.timestamp, alert.n, alert.step) == (AT_MS, FIRST + DAY, 0, 2)
    assert alert.message == (
        "Region=west: 117 at 2020-08-14 00:00:00 is outside its 95 % interval, 108 to 116, of AdaptiveMaxN"
    )


async def test_nobody_is_told_of_a_shadow(state: Worker, ts_id: int) -> None:
    """Though its forecast is judged as all are: its points are there."""
    element = replace(training(ts_id), refresh=Refresh("hand"))
    beside = StartShadow("shadow", JOB_ID, SeriesConfig(ts_id, "SES"))
    await state.commands(submission(element, command_id="stands"), beside)
    times = [FIRST + step * DAY for step in range(_STEPS)]
    edges = {"0.025": [1.0] * _STEPS, "0.975": [2.0] * _STEPS}
    made = {"timestamps": times, "predictions": [1.5] * _STEPS, "quantiles": edges, "mase_insample": 0.01}
    await results(state, result(ts_id, 2, model_name="SES", side=2, shadow=True, **made))

    assert [await _alerts(state, observed(13 + day, 112.0)) for day in range(2)] == [[], []]
    points = {point.workload_uid for point in state.events(state.runtime.topics.metrics)}
    assert points == {f"fj-{JOB_ID}-{ts_id}-{n}" for n in (0, 2)}

    await state.commands(SwitchShadow("switch", JOB_ID))
    told = await _alerts(state, observed(15, 112.0))
    assert [one.model_name for one in told if one.kind == "outside_interval"] == ["SES"]


async def test_forecasts_that_became_worse_than_their_backtest_are_told(state: Worker, ts_id: int) -> None:
    """Once, by the tenth value."""
    told = [await _alerts(state, observed(13 + day, 115.0)) for day in range(12)]

    [alert] = [it for those in told for it in those if it.kind == "worse_than_backtest"]
    assert (alert.ts_id, alert.model_name, alert.expected, alert.step) == (ts_id, "AdaptiveMaxN", 0.1, 10)
    assert alert.value == pytest.approx(3 / 7)  # a week apart values differ by 7
    assert alert in told[9]


async def test_a_series_that_fell_behind_is_told(state: Worker, ts_id: int) -> None:
    """All those that have no value for three steps, once; whether or not they were forecast."""
    told = [await _alerts(state, observed(13 + day, 112.0)) for day in range(5)]

    assert [[(it.kind, it.series_key, it.step) for it in those] for those in told] == [
        [],
        [],
        [("missing_data", "Region=east", 3), ("missing_data", "Region=north", 3)],
        [],
        [],
    ]


async def test_a_worker_that_starts_comes_to_the_same_alerts(
    state: Worker, ts_id: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash before it had acknowledged an event; though more has come since."""
    await _alerts(state, observed(13, 112.0), observed(14, 112.0))
    told = await _alerts(state, observed(15, 130.0))
    record = state.sent(state.runtime.topics.dataset_changes)[HOME]
    await _alerts(state, observed(16, 112.0))

    following = await restarted(state, settings, monkeypatch)
    message = following.message(record.topic, record.key, record.value, partition=HOME)
    await following.consume(record.topic, message)
    assert following.events(following.runtime.topics.alerts) == told
    assert {it.kind for it in told} == {"outside_interval", "missing_data"}


_ALERT = Alert("a-1", "missing_data", 7, 2, 9, "all", AT_MS, FIRST, "all: there is no value", step=3)


class _Receiver:
    """An address that takes posts, with the statuses that it answers one after the other."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.taken: list[tuple[dict[str, str], bytes]] = []

    async def post(self, request: web.Request) -> web.Response:
        self.taken.append((dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[_Receiver, str]]:
    """It, and its address."""
    made = _Receiver()
    app = web.Application()
    app.router.add_post("/alerts", made.post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/alerts"
    await runner.cleanup()


def _sending(settings: Settings, publisher: FakePublisher, url: str) -> Worker:
    given = settings.model_copy(update={"alerts_webhook": SecretUrl(url), "alerts_webhook_secret": SecretStr("s")})
    return Worker(apps.create_state(given, "127.0.0.1:1"), publisher)


async def _sent(worker: Worker, alert: Any = _ALERT) -> Any:
    topic = worker.runtime.topics.alerts
    message = worker.message(topic, b"7", alert)
    await worker.consume(topic, message)
    return message


async def test_alerts_are_posted_and_signed(
    settings: Settings, publisher: FakePublisher, receiver: tuple[_Receiver, str]
) -> None:
    """As JSON; the signature is that of the very bytes."""
    taking, url = receiver
    worker = _sending(settings, publisher, url)
    message = await _sent(worker)

    [(headers, body)] = taking.taken
    assert json.loads(body)["alert_id"] == "a-1"
    assert headers[SIGNATURE] == signature("s", body)
    assert worker.committed(message)


async def test_what_is_not_taken_is_posted_again(
    settings: Settings, publisher: FakePublisher, receiver: tuple[_Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And given up in the end, so that the log goes on."""
    monkeypatch.setattr(webhook, "PAUSES_S", (0.0, 0.0))
    taking, url = receiver
    worker = _sending(settings, publisher, url)
    taking.statuses = [500, 302, 200, 500, 500, 500]
    first, second, third = [await _sent(worker), await _sent(worker), await _sent(worker)]

    assert len(taking.taken) == 3 + 3 + 1
    assert all(map(worker.committed, (first, second, third)))


@pytest.mark.parametrize("alert", [_ALERT, b"no Avro"])
async def test_without_an_address_nothing_is_sent(state: Worker, alert: Any) -> None:
    """The topic is for whoever reads it."""
    assert state.committed(await _sent(state, alert))


async def test_a_name_that_leads_inside_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless its address is allowed by itself."""

    async def resolve(*_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"hostname": "x", "host": "10.0.0.7", "port": 80, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    hook = Webhook("http://alerts.example/x", "")
    with pytest.raises(WebhookError, match="not public"):
        await hook.post(b"{}")
    await hook.close()
