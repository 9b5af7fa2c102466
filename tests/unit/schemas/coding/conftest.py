"""What the tests of the codec share."""

from typing import Any

import pytest

from schemas.coding.codec import Codec
from tests.unit.schemas.event_samples import EVENTS


@pytest.fixture(scope="module")
def ours() -> Codec:
    """A codec with the ids of the lock file."""
    return Codec()


@pytest.fixture(params=EVENTS, ids=[f"{index}-{type(event).__name__}" for index, event in enumerate(EVENTS)])
def event(request: pytest.FixtureRequest) -> Any:
    """Every example event in turn."""
    return request.param
