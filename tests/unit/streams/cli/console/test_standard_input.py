"""`-` in the place of a file's name."""

import atexit
import io
import sys
from pathlib import Path

import pytest

from streams.cli.console.standard_input import given_file


def test_what_comes_on_the_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, also where it is packed; and it goes with the process."""
    content = bytes(range(256)) * 1000
    ends: list[tuple[object, Path]] = []
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr(atexit, "register", lambda end, folder, **_: ends.append((end, folder)))

    file = given_file(Path("-"))

    assert file.read_bytes() == content
    assert file.suffix == ".csv"
    [(end, folder)] = ends
    end(folder)  # type: ignore[operator]
    assert not file.exists()


def test_any_other_name_is_that_file() -> None:
    """Nothing is read or made."""
    assert given_file(Path("a.csv")) == Path("a.csv")
