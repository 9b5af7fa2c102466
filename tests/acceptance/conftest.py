"""One running service for all acceptance tests, and its clients."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.stock import StockClient
from tests.integration.services import Api, Service, running_service

LIMITS: Final[dict[str, Any]] = {  # small enough to be passed in a test, large enough for all the others
    "max_upload_bytes": 100_000,
    "max_body_bytes": 200_000,
    "max_model_bytes": 150_000,
    "max_series_per_job": 40,
    "max_elements": 50,
    "max_next_k_prediction": 60,
    "max_max_eval": 500,
}


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`tidecast up` with small limits; after the last test each of its processes must still be the first one."""
    with running_service(tmp_path_factory.mktemp("acceptance"), **LIMITS) as running:
        names = ("broker", "state", "trainer-1")
        begun = {name: running.pid(name) for name in names}
        yield running
        assert {name: running.pid(name) for name in names} == begun, "a process of the service ended during the tests"


@pytest.fixture(scope="module")
def stock(service: Service) -> Iterator[StockClient]:
    """One producer and consumer for the module, as somebody writes it who has Kafka's own clients alone."""
    client = StockClient(service)
    yield client
    client.close()


@pytest.fixture
def api(service: Service) -> Api:
    """The patient client: it waits through 503."""
    return service.api


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    """A plain client that follows no redirects."""
    with httpx.Client(base_url=service.stack.url, timeout=30) as client:
        yield client
