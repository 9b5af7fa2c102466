"""The trainer: inference requests in, exactly one result each out; with a real model in real processes."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mode.supervisors import CrashingSupervisor

from connectors.kafka.publisher import DeliveryError, MessageTooLargeError
from connectors.objects import endpoints
from schemas.inference import InferenceRequest, InferenceResult, StopTransform
from schemas.series import Forecast
from streams.inference.state import InferenceProcesses
from tests.acceptance.deepar import publish
from tests.agents.bench import CODEC, FakePublisher, Worker, stopped

DAY = 86_400_000
FIFTH = 1_704_412_800_000  # 2024-01-05, the day after the request's last value
NINE = {f"0.{place}" for place in range(1, 10)}
REQUEST = InferenceRequest("r-1", "demo", "2024-01-01", (4.0, None, math.nan, 10.0))


@pytest.fixture
async def worker(trainer: Worker) -> AsyncIterator[Worker]:
    """A trainer, and an endpoint `demo` of daily series with three steps."""
    publish(trainer.runtime.store, "demo")
    yield trainer
    await InferenceProcesses.of(trainer.runtime).pool.close()


async def consume(worker: Worker, *requests: Any) -> list[Any]:
    """Let the agent take the requests; their messages."""
    topic = worker.runtime.topics.inference_requests
    messages = [worker.message(topic, b"k", request) for request in requests]
    await worker.consume(topic, *messages)
    return messages


async def results(worker: Worker, *requests: InferenceRequest) -> list[InferenceResult]:
    """The results of the requests, in the order of the topic."""
    before = len(worker.sent(worker.runtime.topics.inference_results))
    await consume(worker, *requests)
    found: list[InferenceResult] = worker.events(worker.runtime.topics.inference_results)[before:]
    return found


async def test_D010_a_request_is_answered_with_a_forecast(worker: Worker) -> None:
    """Dates begin the day after the last value; mean and nine quantiles where nothing else is asked for."""
    (result,) = await results(worker, REQUEST)

    assert (result.request_id, result.endpoint, result.error) == ("r-1", "demo", None)
    assert list(result.timestamps) == [FIFTH, FIFTH + DAY, FIFTH + 2 * DAY]
    assert len(result.mean or ()) == 3
    assert set(result.quantiles or ()) == NINE
    assert result.samples is None
    assert worker.sent(worker.runtime.topics.inference_results)[0].key == b"r-1"
    assert not worker.events(worker.runtime.topics.forecasts)


async def test_D015_a_request_has_its_own_configuration(worker: Worker) -> None:
    """Paths, kinds of output, quantiles by their names as sent."""
    asked = replace(REQUEST, num_samples=7, output_types=("samples", "quantiles"), quantiles=("0.50", "0.9"), seed=3)
    (result,) = await results(worker, asked)

    assert [len(path) for path in result.samples or ()] == [3] * 7
    assert set(result.quantiles or ()) == {"0.50", "0.9"}
    assert result.mean is None


async def test_a_line_of_a_transform_job_goes_to_the_job(worker: Worker) -> None:
    """Keyed by the job, so that all its results are in one partition, with the line's number."""
    (result,) = await results(worker, replace(REQUEST, request_id="b1:7", transform="b1", line=7))

    assert (result.transform, result.line, result.error) == ("b1", 7, None)
    assert worker.sent(worker.runtime.topics.inference_results)[0].key == b"b1"


async def test_a_request_for_a_series_is_also_its_forecast(worker: Worker) -> None:
    """Under the series' key among the forecasts, with the mean even where only quantiles are asked for."""
    (result,) = await results(worker, replace(REQUEST, ts_id=8797, output_types=("quantiles",), quantiles=("0.5",)))
    (forecast,) = worker.events(worker.runtime.topics.forecasts)

    assert result.mean is None
    assert replace(forecast, mean=()) == Forecast(
        job_id=0,
        ts_id=8797,
        n=0,
        item_id="r-1",
        model_name="demo",
        cutoff=FIFTH - DAY,
        timestamps=list(result.timestamps),
        mean=(),
        quantiles=result.quantiles or {},
    )
    assert len(forecast.mean) == 3
    assert worker.sent(worker.runtime.topics.forecasts)[0].key == b"8797"


@pytest.mark.parametrize(
    ("time_freq", "start", "expected"),
    [
        ("M", "2024-01-15", ["2024-02-15", "2024-03-15", "2024-04-15", "2024-05-15"]),
        ("M", "2024-01-31", ["2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
        ("M", "2024-01-30", ["2024-02-29", "2024-03-30", "2024-04-30", "2024-05-30"]),
        ("W", "2024-01-07", ["2024-01-14", "2024-01-21", "2024-01-28", "2024-02-04"]),
        ("W-SUN", "2024-01-07", ["2024-01-14", "2024-01-21", "2024-01-28", "2024-02-04"]),
        ("QS-MAR", "2024-03-01", ["2024-06-01", "2024-09-01", "2024-12-01", "2025-03-01"]),
        ("Y", "2024-07-01", ["2025-07-01", "2026-07-01", "2027-07-01", "2028-07-01"]),
        ("B", "2024-01-04", ["2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]),
        ("D", "2024-01-04 06:00:00", [f"2024-01-0{day}T06:00" for day in (5, 6, 7, 8)]),
    ],
)
async def test_dates_go_on_from_the_start(worker: Worker, time_freq: str, start: str, expected: list[str]) -> None:
    """On its weekday, its day of the month, at its time of day (decision 16), also what is before the forecast."""
    publish(worker.runtime.store, "dated", time_freq=time_freq)
    await consume(worker, replace(REQUEST, endpoint="dated", start=start, target=(1.0, 2.0), ts_id=1))
    (forecast,) = worker.events(worker.runtime.topics.forecasts)
    (result,) = worker.events(worker.runtime.topics.inference_results)
    cutoff, *steps = (int(np.datetime64(time, "ms").astype(int)) for time in expected)

    assert forecast.cutoff == cutoff
    assert list(forecast.timestamps) == list(result.timestamps) == steps


async def test_a_repeat_gives_the_same_bytes(worker: Worker) -> None:
    """Without a seed too: a crash between answer and acknowledgement must not be seen by readers."""
    await consume(worker, REQUEST, replace(REQUEST, request_id="r-2"))
    await consume(worker, REQUEST)
    first, second, again = (record.value for record in worker.sent(worker.runtime.topics.inference_results))

    assert again == first
    assert CODEC.decode(second).mean != CODEC.decode(first).mean


async def test_each_of_many_requests_has_one_answer_whatever_is_wrong_with_some(worker: Worker) -> None:
    """Good and bad ones, of several endpoints, in one batch."""
    publish(worker.runtime.store, "other", prediction_length=2)
    requests = []
    for place in range(100):
        request = replace(REQUEST, request_id=f"r-{place}", endpoint=["demo", "other", "no-such"][place % 3])
        requests.append(replace(request, start="soon") if place % 10 == 0 else request)
    found = await results(worker, *requests)
    by_id = {result.request_id: result for result in found}

    assert len(found) == len(by_id) == 100
    assert [len(by_id[f"r-{place}"].mean or ()) for place in (1, 3)] == [2, 3]
    assert "no endpoint 'no-such'" in (by_id["r-2"].error or "")
    assert "start" in (by_id["r-30"].error or "")
    assert sum(result.error is None for result in found) == 60


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cat": (1,)}, "cat"),
        ({"dynamic_feat": ((1.0, 2.0),)}, "dynamic_feat"),
        ({"num_samples": 0}, "num_samples"),
        ({"output_types": ()}, "output_types"),
        ({"output_types": ("median",)}, "median"),
        ({"quantiles": ("1.5",)}, "1.5"),
        ({"seed": -1}, "seed"),
        ({"target": (math.inf,)}, "target"),
    ],
)
async def test_D081_a_wrong_request_is_answered_with_what_is_wrong(
    worker: Worker, change: dict[str, Any], text: str
) -> None:
    """The same rules as over HTTP."""
    (result,) = await results(worker, replace(REQUEST, **change))

    assert text in (result.error or "")
    assert (result.timestamps, result.mean, result.quantiles, result.samples) == ([], None, None, None)


async def test_what_cannot_be_read_is_a_dead_letter(worker: Worker) -> None:
    """And holds up nothing."""
    messages = await consume(worker, b"\x00\x00", StopTransform("c", "b1"), None, REQUEST)

    assert len(worker.dead()) == 3
    assert len(worker.events(worker.runtime.topics.inference_results)) == 1
    assert worker.committed(messages[-1])


async def test_an_answer_that_is_too_large_says_so(worker: Worker) -> None:
    """No record, however large the answer, stops the agent: it is an error with the remedy."""
    large = replace(REQUEST, num_samples=10_000, output_types=("samples", "mean"), ts_id=5)
    publish(worker.runtime.store, "long", prediction_length=30)
    (result,) = await results(worker, replace(large, endpoint="long"))

    assert "ask for fewer samples" in (result.error or "")
    assert result.samples is None
    assert not worker.events(worker.runtime.topics.forecasts)


async def test_an_endpoint_that_changed_is_asked_anew(worker: Worker) -> None:
    """A new version removes the model of the old one; the next answer is the new one's."""
    await consume(worker, REQUEST)
    publish(worker.runtime.store, "demo", version="2", prediction_length=4)
    await asyncio.sleep(1.1)  # an endpoint is known for a second
    (result,) = await results(worker, REQUEST)

    assert len(result.mean or ()) == 4


async def test_a_model_that_vanished_is_looked_up_again(worker: Worker) -> None:
    """Within the second in which the old version is still known, by a process that has not loaded it."""
    await InferenceProcesses.of(worker.runtime).endpoints.get("demo")
    publish(worker.runtime.store, "demo", version="2", prediction_length=4)
    (result,) = await results(worker, REQUEST)

    assert len(result.mean or ()) == 4


async def test_an_endpoint_that_was_deleted_is_no_reason_to_stop(worker: Worker) -> None:
    """Its requests are answered with an error, also while it is still known here."""
    await InferenceProcesses.of(worker.runtime).endpoints.get("demo")
    endpoints.delete(worker.runtime.store, "demo")
    (result,) = await results(worker, REQUEST)

    assert "there is no endpoint 'demo'" in (result.error or "")


async def test_a_file_that_is_no_model_is_an_error_result(worker: Worker) -> None:
    """It would be none at the next try either."""
    worker.runtime.store.put_bytes("endpoints/demo/1/model.npz", b"no model")
    (result,) = await results(worker, REQUEST)

    assert result.error == "the model failed on this request; the service's log says why"


async def test_trouble_with_the_store_stops_the_agent(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is acknowledged: the requests come again when the store does."""

    def unreadable(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(endpoints, "load", unreadable)
    topic = worker.runtime.topics.inference_requests
    message = worker.message(topic, b"k", REQUEST)
    with pytest.raises(OSError, match="the disk is gone"):
        await worker.consume(topic, message)

    assert not worker.committed(message)
    assert not worker.events(worker.runtime.topics.inference_results)


async def test_a_request_is_acknowledged_when_the_broker_has_its_answer(
    worker: Worker, publisher: FakePublisher
) -> None:
    """Not a moment before."""
    publisher.held = []
    topic = worker.runtime.topics.inference_requests
    message = worker.message(topic, b"k", REQUEST)
    task = worker.start(topic, message)
    async with asyncio.timeout(20):
        while not publisher.held:
            await asyncio.sleep(0.01)
    early = worker.committed(message)
    publisher.release()
    await worker.settled(task)
    await stopped(task)

    assert not early
    assert worker.committed(message)


@pytest.mark.parametrize("error", [DeliveryError, MessageTooLargeError])
async def test_what_the_broker_does_not_take_is_not_acknowledged(
    worker: Worker, publisher: FakePublisher, error: type[Exception]
) -> None:
    """The agent ends, and with it the process."""
    if error is DeliveryError:
        publisher.failing.add(worker.runtime.topics.inference_results)
    else:
        publisher.max_message_bytes = 10
    topic = worker.runtime.topics.inference_requests
    message = worker.message(topic, b"k", REQUEST)
    with pytest.raises(error):
        await worker.consume(topic, message)

    assert not worker.committed(message)


async def test_the_agent_takes_the_process_down_with_it(trainer: Worker) -> None:
    """Only a new process reads again what was not acknowledged."""
    agent = trainer.runtime.app.agents["answer_requests"]

    assert agent.supervisor_strategy is CrashingSupervisor
