"""`--json`: every command has it, and what it prints is one document."""

import io
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import check_no_files, print_answer
from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs

main = import_module("streams.cli.main")  # the package has its function under the module's name

WITHOUT: Final = {
    "up": "runs until it is stopped",
    "state": "runs until it is stopped",
    "trainer": "runs until it is stopped",
    "demo": "shows people around, and runs until it is stopped",
    "data export": "its output is the data set, as CSV",
    "runs result": "its output is the rows with their results, as CSV",
    "jobs logs": "its output is the log, line by line, while it grows",
    "services call": "its output is the service's answer as JSON in any case",
}


def leaves(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its whole name."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from leaves(below, *path, name)
    else:
        yield " ".join(path), command


def test_every_command_can_answer_programs() -> None:
    """By --json; the others are named above, with the reason."""
    commands = dict(leaves(typer.main.get_command(program())))
    without = {
        name for name, command in commands.items() if not any("--json" in option.opts for option in command.params)
    }

    assert len(commands) > 60
    assert without == set(WITHOUT)


@pytest.mark.parametrize(
    ("as_json", "printed"), [(True, '{"deleted": "\\u001b[2Jä"}\n'), (False, "\\x1b[2Jä is removed\n")]
)
def test_what_was_done_is_a_document_or_a_sentence(
    capsys: pytest.CaptureFixture[str], as_json: bool, printed: str
) -> None:
    """What comes from outside moves no cursor in either."""
    print_answer({"deleted": "\x1b[2Jä"}, "\x1b[2Jä is removed", as_json=as_json)

    assert capsys.readouterr() == (printed, "")


def test_a_document_goes_to_the_output_alone() -> None:
    """A file that is asked for beside it is wrong usage, which names the options."""
    check_no_files(as_json=True, out=None)
    check_no_files(as_json=False, out=Path("x.csv"))
    with pytest.raises(CommandError, match="leave --out and --plot out, or --json") as wrong:
        check_no_files(as_json=True, out=Path("x.csv"), plot=Path("x.png"))

    assert wrong.value.status == 2


def test_a_document_is_one_line_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """So that `read` and `jq` take it."""
    print_answer({"text": "two\nlines", "none": None}, "", as_json=True)
    out = capsys.readouterr().out

    assert out.count("\n") == 1
    assert json.loads(out) == {"text": "two\nlines", "none": None}


ASKED: Final = (
    "forecast x.csv -t day -y sold",
    "job 5",
    "data upload x.csv",
    "data append 5 x.csv",
    "data delete 5",
    "deepar train x.csv -t day -y sold",
    "deepar forecast x.csv -e sales",
    "deepar endpoints",
    "jobs run spots x.json",
    "jobs stop spots",
    "jobs delete spots",
    "metrics export w",
    "metrics rebuild",
    "metrics import x.csv --source-form csv",
    "metrics follow x.csv --source-form csv --until-idle 9",
    "models upload x.csv",
    "models delete iris",
    "services deploy iris flowers",
    "services pause flowers-0",
    "services start flowers-0",
    "services scale flowers 2",
    "services delete flowers",
    "runs start nightly",
    "runs stop nightly-1",
    "runs pause nightly-1",
    "runs continue nightly-1",
    "runs delete nightly-1",
    "access login ada --password-stdin",
    "access user add ada",
    "access user change ada --role viewer",
    "access user revoke ada",
    "access key revoke KEY",
    "access project add retail",
    "access project quota retail jobs=1",
    "access project revoke retail",
)


@pytest.mark.parametrize("words", ASKED)
def test_a_refusal_is_no_document(
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    service_is: ServiceIs,
) -> None:
    """It goes to standard error, in words and with the status 1; nothing goes to standard output."""
    rows = "".join(f"2020-01-{day:02},{day},{day}\n" for day in range(1, 29))
    (tmp_path / "x.csv").write_text(f"day,sold,step\n{rows}")
    (tmp_path / "x.json").write_text('{"config": {"model_id": 1}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("a password\n"))
    service_is(lambda _: httpx.Response(404, json={"code": "NotFoundError", "message": "no such thing"}))
    monkeypatch.setattr("sys.argv", ["tidecast", *words.split(), "--json", "--url", "http://127.0.0.1:1"])
    with pytest.raises(SystemExit) as end:
        main.main()
    told = capsys.readouterr()

    assert end.value.code == 1
    assert told.out == ""
    assert "tidecast: no such thing at http://127.0.0.1:1" in told.err
