"""Fixtures of the tests against a real broker."""

from typing import Any

import pytest

from tests.integration.workers import Cluster


@pytest.fixture
def cluster(broker: Any, topic_prefix: str) -> Cluster:
    """The session's broker, with names of this test's own."""
    return Cluster(broker.bootstrap, topic_prefix)
