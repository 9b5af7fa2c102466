"""What tests of this room are given."""

from pathlib import Path

import pytest

from tests.unit.connectors.datasets.datasets_samples import SEED


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """The seed's sample as an uploaded file."""
    path = tmp_path / "incoming"
    path.write_bytes(SEED)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's file goes."""
    return tmp_path / "data.csv"
