"""Commands of all kinds against a service with access control on: with a token, and with a key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.access.conftest import People
from tests.integration.services import Service, csv_of
from tests.iris_models import model_file


@pytest.mark.parametrize("by", ["token", "key"])
def test_the_command_line_works(guarded: Service, people: People, tmp_path: Path, by: str) -> None:
    """A forecast from a file, a model, a training job's list: forms, JSON, files and queries."""
    (tmp_path / "sales.csv").write_bytes(csv_of(2, 40))
    (tmp_path / "iris.onnx").write_bytes(model_file("iris_logistic.onnx"))
    key = people.keys["ada"]
    shown = {
        "token": {"TIDECAST_TOKEN": people.token("ada")},
        "key": {"TIDECAST_ACCESS_KEY_ID": key["access_key"], "TIDECAST_ACCESS_KEY_SECRET": key["secret"]},
    }[by]
    own = {"TIDECAST_HOME": str(guarded.settings.home), "XDG_CONFIG_HOME": str(tmp_path), "TIDECAST_AUTH": "off"}

    def run(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "streams.cli", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=os.environ | own | given, capture_output=True, text=True, check=False
        )

    root = str(Path(__file__).parents[3])
    shown["PYTHONPATH"] = root
    for words in (
        ("forecast", "sales.csv", "-t", "day", "-y", "value", "-g", "group", "--model", "SES"),
        ("models", "upload", "iris.onnx", "--name", f"iris-{by}"),
        ("models", "test", f"iris-{by}", '{"X": [[5.1, 3.5, 1.4, 0.2]]}'),
        ("models", "delete", f"iris-{by}"),
        ("access", "whoami"),
    ):
        ran = run(*words, **shown)
        assert ran.returncode == 0, (words, ran.stdout, ran.stderr)
    refused = run("models", "list", PYTHONPATH=root)
    assert refused.returncode == 1
    assert "access login" in refused.stderr
