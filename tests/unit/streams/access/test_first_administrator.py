"""The note of the first administrator: told once."""

import json
from pathlib import Path

import pytest

from streams.access.first_administrator import FILE, taken_note
from streams.cli.service import commands
from streams.settings import Settings


def test_a_note_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing of it where access control is off."""
    told = {"user": "admin", "command_id": "c", "password_hash": "$argon2id$", "password": "pw", "access_key": "AK"}
    (tmp_path / FILE).write_text(json.dumps(told), "utf-8")
    commands._tell_first_administrator(Settings(home=tmp_path))
    assert capsys.readouterr().out == ""

    commands._tell_first_administrator(Settings(home=tmp_path, auth="token"))
    shown = capsys.readouterr().out
    assert shown.split() == "First administrator, told this once: user admin password pw access key AK".split()
    commands._tell_first_administrator(Settings(home=tmp_path, auth="token"))
    assert capsys.readouterr().out == ""
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("broken", ["", "{"])
def test_half_a_note_is_none(tmp_path: Path, broken: str) -> None:
    (tmp_path / FILE).write_text(broken, "utf-8")

    assert taken_note(tmp_path) is None
