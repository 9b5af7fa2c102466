"""What tests of this room are given."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.inference import transform_output
from connectors.objects import endpoints
from tests.agents.bench import Worker
from tests.agents.inference.transforms_samples import ENDPOINT


@pytest.fixture
async def state(state: Worker) -> Worker:
    """A state worker with one endpoint."""
    endpoints.publish(state.runtime.store, ENDPOINT, b"model")
    return state


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The results that are in the log, as the output's writer reads them."""
    log: list[Any] = []

    def read(bootstrap: str, topic: str, partition: int, first_offset: int) -> Iterator[Any]:
        assert topic.endswith("inference-results")
        yield from (message for message in log if message.partition == partition and message.offset >= first_offset)

    monkeypatch.setattr(transform_output, "read_partition", read)
    return log
