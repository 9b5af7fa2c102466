"""Inference as events: requests on a topic are answered as over HTTP (decision 12; contract 001, sections 1 and 5)."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import instance, invoke, publish
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, Tail, until

PLAIN, FULL = "events-plain", "events-full"
DAY = 86_400_000
FIFTH = 1_704_412_800_000  # 2024-01-05, the day after the last of four values


@pytest.fixture(scope="module", autouse=True)
def store(service: Service) -> ObjectStore:
    """The service's object store, with an endpoint of plain series and one with categories and a feature."""
    store = ObjectStore(service.settings.object_store_url)
    publish(store, PLAIN)
    publish(store, FULL, cardinality=(3, 4), num_dynamic_feat=1)
    return store


@pytest.fixture(scope="module")
def ask(service: Service, stock: StockClient) -> Iterator[Callable[..., Any]]:
    """Post a request as a stock producer does, and wait for its result."""
    tail: Tail = service.tail(service.topics.inference_results)

    def answer(endpoint: str = PLAIN, **fields: Any) -> Any:
        request_id = uuid.uuid4().hex
        given = {"start": "2024-01-01", "target": [1.0, 2.0, 3.0, 2.0], **fields}
        topic = service.topics.inference_requests
        stock.command(topic, request_id, "InferenceRequest", request_id=request_id, endpoint=endpoint, **given)
        found = until(
            lambda: [message for message in tail.poll() if message.key() == request_id.encode()],
            why=f"the result of {request_id}",
        )
        result = service.codec.decode(found[0].value())
        assert (result.request_id, result.endpoint) == (request_id, endpoint)
        return result

    yield answer
    tail.close()


@pytest.mark.parametrize("likelihood", ["student-t", "negative-binomial"])
def test_an_event_has_the_numbers_of_a_request_with_the_same_seed(
    http: httpx.Client, store: ObjectStore, ask: Callable[..., Any], likelihood: str
) -> None:
    """Bit by bit, samples and all."""
    name = f"events-{likelihood}"
    publish(store, name, likelihood=likelihood)
    asked = {"num_samples": 30, "output_types": ["samples", "mean", "quantiles"], "quantiles": ["0.50", "0.9"]}
    (online,) = invoke(http, name, instance(), seed=77, **asked)
    result = ask(name, seed=77, **asked)

    for event, answer in (
        (result.samples, online["samples"]),
        (result.mean, online["mean"]),
        (result.quantiles["0.50"], online["quantiles"]["0.50"]),
        (result.quantiles["0.9"], online["quantiles"]["0.9"]),
    ):
        assert np.array(event, np.float32).tolist() == np.array(answer, np.float32).tolist()


def test_D038_an_event_has_the_times_of_its_steps(ask: Callable[..., Any]) -> None:
    """The first follows the last value; missing values count as steps."""
    result = ask(target=[1.0, None, float("nan"), 2.0])

    assert list(result.timestamps) == [FIFTH, FIFTH + DAY, FIFTH + 2 * DAY]
    assert set(result.quantiles) == {f"0.{place}" for place in range(1, 10)}
    assert len(result.mean) == 3


def test_D021_an_event_has_categories_and_features(ask: Callable[..., Any]) -> None:
    """By the rules of HTTP; what is wrong is told in the same words."""
    good = ask(FULL, cat=[2, 3], dynamic_feat=[[0.5] * 7])
    bad = ask(FULL, cat=[2, 4], dynamic_feat=[[0.5] * 7])
    short = ask(FULL, cat=[2, 3], dynamic_feat=[[0.5] * 4])

    assert good.error is None
    assert bad.error == "cat[1] is 4, expected a whole number from 0 to 3"
    assert short.error == "dynamic_feat[0]: expected 7 values (4 target + 3 prediction_length), found 4"
    assert (bad.mean, bad.quantiles, bad.samples, list(bad.timestamps)) == (None, None, None, [])


def test_a_request_for_a_series_is_on_the_topic_of_forecasts_too(service: Service, ask: Callable[..., Any]) -> None:
    """Under the series' key, with mean and quantiles; so readers of forecasts need no other topic."""
    ts_id = uuid.uuid4().int % 2**53
    result = ask(ts_id=ts_id, quantiles=["0.1", "0.9"], output_types=["quantiles"])
    key = b"%d" % ts_id

    def find() -> list[Any]:
        return [message for message in service.read_all(service.topics.forecasts) if message.key() == key]

    (message,) = until(find, why="the forecast is there")
    forecast = service.codec.decode(message.value())

    assert (forecast.ts_id, forecast.model_name, forecast.item_id) == (ts_id, PLAIN, result.request_id)
    assert forecast.cutoff == FIFTH - DAY
    assert list(forecast.timestamps) == list(result.timestamps)
    assert dict(forecast.quantiles) == dict(result.quantiles)
    assert len(forecast.mean) == 3
    assert result.mean is None


def test_D082_an_unknown_endpoint_is_an_error_result(ask: Callable[..., Any]) -> None:
    """Not a dead letter: the producer is told."""
    assert "there is no endpoint 'nobodys'" in ask("nobodys").error


@pytest.mark.parametrize("value", [b"", None, b"hello, broker", b"\x00\x00\x0f\x42\x3f\x02"])
def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nothing(
    service: Service, stock: StockClient, ask: Callable[..., Any], value: bytes | None
) -> None:
    """With the bytes as they came."""
    place = stock.raw(service.topics.inference_requests, b"k", value)

    assert stock.dead_letter(service.topics.inference_requests, *place).value() == value
    assert ask().error is None
