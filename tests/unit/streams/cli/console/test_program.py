"""Advice names the program the way it was called."""

import sys
from pathlib import Path

import pytest

from streams.cli.console.program import command_line, program


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in .venv/bin of the current folder, which is not on the path."""
    path = tmp_path / ".venv" / "bin" / "tidecast"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    return path


@pytest.mark.parametrize("absolute", [False, True])
def test_a_program_that_is_not_on_the_path_is_named_with_its_folder(
    installed: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    """As a newcomer has it after `make demo`."""
    monkeypatch.setattr(sys, "argv", [str(installed) if absolute else ".venv/bin/tidecast"])

    assert command_line("job 123") == "`.venv/bin/tidecast job 123`"


def test_a_program_on_the_path_has_its_bare_name(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an activated environment the shell starts it by its full path."""
    monkeypatch.setattr(sys, "argv", [str(installed)])
    monkeypatch.setenv("PATH", str(installed.parent))

    assert command_line("up") == "`tidecast up`"


def test_another_program_of_the_name_on_the_path_does_not_count(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bare name would start that one."""
    other = tmp_path / "other" / "tidecast"
    other.parent.mkdir()
    other.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "argv", [str(installed)])

    assert program() == ".venv/bin/tidecast"


def test_a_program_elsewhere_is_named_in_full_and_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blank in a folder's name must not end the word."""
    monkeypatch.setattr(sys, "argv", ["/opt/my tools/tidecast"])
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)

    assert program() == "'/opt/my tools/tidecast'"


def test_a_program_in_the_current_folder_needs_a_dot(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell does not look there."""
    monkeypatch.chdir(installed.parent)
    monkeypatch.setattr(sys, "argv", ["./tidecast"])

    assert program() == "./tidecast"


def test_as_a_module_it_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m streams.cli`."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/streams/cli/__main__.py", "up"])
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "streams.cli", "up"])

    assert command_line("up") == "`python3 -m streams.cli up`"
