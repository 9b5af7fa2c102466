"""What a program has written, counted while it writes on, closes folders and removes them."""

from pathlib import Path
from typing import Any

import pytest

from connectors.user_code import folders
from connectors.user_code.folders import Sizes, sizes_of


class _Entry:
    """A file whose folder is closed, or gone, when it is looked at."""

    def __init__(self, path: Path, *errors: OSError) -> None:
        self.path = str(path)
        self._errors = list(errors)

    def stat(self, *, follow_symlinks: bool) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return Path(self.path).stat(follow_symlinks=follow_symlinks)


def test_a_folder_that_is_closed_between_two_looks_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its files count, and their disk."""
    file = tmp_path / "a"
    file.write_bytes(b"x" * 10_000)
    tmp_path.chmod(0)
    entry = _Entry(file, PermissionError())
    monkeypatch.setattr(folders, "_entries", lambda folder, most: [entry])

    assert sizes_of([str(tmp_path)], 10) == Sizes(1, file.stat().st_blocks * 512)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("error", [FileNotFoundError(), NotADirectoryError(), OSError(36, "name too long")])
def test_what_goes_meanwhile_counts_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """It was there, so that a program that makes and removes files all the time meets its limit."""
    monkeypatch.setattr(folders, "_entries", lambda folder, most: [_Entry(tmp_path / "gone", error)])

    assert sizes_of([str(tmp_path)], 10) == Sizes(1, 0)


def test_a_folder_that_stays_closed_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files count; their disk is not known."""
    entry = _Entry(tmp_path / "a", PermissionError(), PermissionError())
    monkeypatch.setattr(folders, "_entries", lambda folder, most: [entry])

    assert sizes_of([str(tmp_path)], 10) == Sizes(1, 0)
