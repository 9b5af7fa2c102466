"""The program: light to start, helpful, and never with a traceback."""

import errno
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from streams.cli.console.failure import CommandError

entry = import_module("streams.cli.main")  # the package has its function under the module's name

HEAVY = (
    "aiokafka", "asyncio", "confluent_kafka", "fastapi", "fastavro", "faust", "httpx", "importlib.metadata",
    "matplotlib", "numpy", "pandas", "pydantic", "redis", "secrets", "structlog", "tempfile", "urllib.request",
)  # fmt: skip


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tidecast", *arguments])
    with pytest.raises(SystemExit) as end:
        entry.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(entry, "app", app)


def test_the_program_starts_without_what_only_some_commands_need() -> None:
    """`tidecast --help` answers at once."""
    code = f"import sys, streams.cli.main; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert loaded == []


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The one that is installed."""
    status = _run(monkeypatch, "--version")

    assert status == 0
    assert capsys.readouterr().out == f"{version('tidecast')}\n"


_PRINTING = """
from importlib import import_module
main = import_module("streams.cli.main")
main.app = lambda: print("1 \u2026 2")
main.main()
"""
COMMANDS = "up state trainer settings demo forecast job replay deepar dead-letters redis".split()


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    """And where to begin."""
    status = _run(monkeypatch, flag)
    text = capsys.readouterr().out

    assert status == 0
    assert "Start with: tidecast demo" in text
    assert [name for name in COMMANDS if f" {name} " not in text] == []


SUBCOMMANDS = (
    "dead-letters list", "dead-letters show", "dead-letters requeue",
    "deepar train", "deepar forecast", "deepar endpoints", "redis rebuild",
)  # fmt: skip


@pytest.mark.parametrize("command", [*COMMANDS, *SUBCOMMANDS])
def test_every_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """With an example; a flag has no value behind it."""
    status = _run(monkeypatch, *command.split(), "--help")
    text = capsys.readouterr().out

    assert status == 0
    assert "Example" in text or command in ("dead-letters", "deepar", "redis")
    assert "<bool>" not in text


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("tidecast me", "metrics"), ("tidecast metrics e", "export"), ("tidecast job 7 --wa", "--wait")],
)
def test_a_shell_completes_what_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, completed: str
) -> None:
    """Commands, those of groups, and options; bash asks so, by the script that --install-completion puts in place."""
    monkeypatch.setenv("_TIDECAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    with pytest.raises(SystemExit) as end:
        entry.app([], prog_name="tidecast")

    assert (end.value.code, capsys.readouterr().out.split()) == (0, [completed])


def test_the_text_of_help_flows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The docstrings' line ends are not the terminal's."""
    monkeypatch.setenv("COLUMNS", "200")
    _run(monkeypatch, "demo", "--help")

    assert "a service runs there already; stops what it started. Writes forecasts.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["job"], ["job", "x"], ["job", "0"], ["up", "--trainers", "0"], ["forecast", "--x"]]
)
def test_wrong_usage_ends_with_status_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """And how it is used."""
    status = _run(monkeypatch, *arguments)
    captured = capsys.readouterr()

    assert status == 2
    assert "Usage: " in captured.out + captured.err


def test_a_failure_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with its status; what comes from outside cannot move the cursor."""
    _break(monkeypatch, CommandError("no such\x1b[2J thing\nsecond line", status=143))
    status = _run(monkeypatch)

    assert status == 143
    assert capsys.readouterr() == ("", "tidecast: no such\\x1b[2J thing\nsecond line\n")


def test_a_full_disk_is_told_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where it is standard output that fails."""
    monkeypatch.setattr(entry, "_discard_output", lambda: None)
    _break(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "x.csv"))
    status = _run(monkeypatch)

    assert status == 1
    assert capsys.readouterr().err.startswith("tidecast: cannot read or write x.csv: No space left on device")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_standard_output_that_fails_leaves_no_traceback() -> None:
    """Neither at once nor when the program ends."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "streams.cli", "--help"],
            env=buffered, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr == "tidecast: cannot read or write: No space left on device; mend that, or write elsewhere\n"


def test_a_terminal_in_another_encoding_gets_what_it_can_show() -> None:
    """Help has frames, results have dots and dashes."""
    ended = subprocess.run(
        [sys.executable, "-c", _PRINTING],
        env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1 \\u2026 2\n", "")


def test_a_defect_is_told_in_words_and_kept_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whoever mends it gets the traceback, the user does not."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _break(monkeypatch, KeyError("data"))
    status = _run(monkeypatch)
    words = capsys.readouterr().err
    (report,) = tmp_path.iterdir()

    assert status == 1
    assert (
        words == f"tidecast: an error in Tidecast itself (KeyError: 'data'); please report it with the file {report}\n"
    )
    assert report.read_text("utf-8").startswith("Traceback")
