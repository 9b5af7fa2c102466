"""What tests of this room are given."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.integration.services import Service, running_service


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"p-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def user_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that runs users' programs."""
    with running_service(
        tmp_path_factory.mktemp("user-code"),
        user_code="process",
        system_metric_interval_s=1.0,
        max_running_versions=2,
        max_project_series=1000,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def data_url(service: Service) -> str:
    """Two short series."""
    lines = [
        json.dumps({"start": "2024-01-01", "target": [float((day * factor) % 7) for day in range(40)]})
        for factor in (1, 3)
    ]
    path = f"/uploads/{uuid.uuid4().hex}/train.jsonl"
    answer = service.api.call("PUT", path, content="\n".join(lines).encode())
    assert answer.status_code == 200, answer.text
    return path
