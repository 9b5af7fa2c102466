"""What tests of this room are given."""

import json
import uuid

import pytest

from tests.integration.services import Service


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"p-{uuid.uuid4().hex[:12]}"


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
