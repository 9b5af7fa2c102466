"""`tidecast up` is stopped in order whenever it is asked to; `tidecast settings` tells all and gives nothing away."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.service import commands as service
from streams.settings import Settings
from streams.telemetry import logs
from streams.workers import stack


class FakeStack:
    """Notes what is done to it; is sent a signal at one of its deeds."""

    deeds: list[str]
    signalled_at: str
    url, bootstrap, log_folder = "http://127.0.0.1:1", "127.0.0.1:2", Path("logs")

    def __init__(self, _settings: Settings, *, trainers: int, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self.deeds.append(f"{trainers} trainers")

    def start(self) -> None:
        try:
            self._do("start")
            self._progress("starting the broker")
            self._do("wait")
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        self._do("watch")

    def stop(self) -> None:
        self._progress("stopping the broker")
        self._do("stop")

    def _do(self, deed: str) -> None:
        self.deeds.append(deed)
        if deed == self.signalled_at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of this machine; signals and logs of the other tests stay as they are."""
    for name in [name for name in os.environ if name.startswith("TIDECAST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(logs, "configure_logging", lambda: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    mask = os.umask(0o022)
    yield
    os.umask(mask)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("signalled_at", "deeds"),
    [
        ("start", ["2 trainers", "start", "stop"]),
        ("wait", ["2 trainers", "start", "wait", "stop"]),
        ("watch", ["2 trainers", "start", "wait", "watch", "stop"]),
    ],
)
def test_up_is_stopped_in_order_at_any_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], signalled_at: str, deeds: list[str]
) -> None:
    """In the middle of a start after the step that goes on; each time as a success."""
    monkeypatch.setattr(stack, "Stack", FakeStack)
    monkeypatch.setattr(FakeStack, "deeds", [], raising=False)
    monkeypatch.setattr(FakeStack, "signalled_at", signalled_at, raising=False)
    service.up(trainers=2)

    assert FakeStack.deeds == deeds
    assert capsys.readouterr().out.endswith("stopping the broker\nstopped\n")


def test_settings_tell_value_origin_and_meaning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of every setting; one that is misspelt is told."""
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "8090")
    monkeypatch.setenv("TIDECAST_KAFKA_PROT", "1")
    service.settings()
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    place = lines.index("TIDECAST_HTTP_PORT = 8090  (environment)")

    assert lines[place + 1] == "    Port of the HTTP view; 0 picks a free one."
    assert "TIDECAST_KAFKA_BOOTSTRAP = not set  (default)" in lines
    assert [name for name in Settings.model_fields if f"TIDECAST_{name.upper()} = " not in printed.out] == []
    assert "TIDECAST_KAFKA_PROT is set, but there is no such setting, did you mean TIDECAST_KAFKA_PORT?" in printed.err


@pytest.mark.parametrize(
    ("given", "shown"),
    [("http://user:secret@registry:8081", "http://user:***@registry:8081"), ("http://registry", "http://registry")],
)
def test_settings_hide_passwords(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str, shown: str
) -> None:
    """People paste them into reports."""
    monkeypatch.setenv("TIDECAST_REGISTRY_URL", given)
    service.settings()

    assert f"TIDECAST_REGISTRY_URL = {shown}  (environment)" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("REDIS_URL", "http://:c4n4ry@redis"),
        ("REDIS_URL", "redis://:p/c4n4ry@redis"),
        ("REGISTRY_URL", "http://u:p/c4n4ry@registry"),
        ("OBJECT_STORE", "s3://key:c4n4ry@bucket"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, name: str, given: str) -> None:
    """The variable, what may be shown of it, and what to do."""
    monkeypatch.setenv(f"TIDECAST_{name}", given)
    with pytest.raises(CommandError, match=rf"TIDECAST_{name}=[a-z0-9]+://.*\*\*\*@.* is wrong: .*") as wrong:
        load_settings()

    assert "c4n4ry" not in str(wrong.value)


def test_settings_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One document of all, numbers as such; passwords are hidden in it, too, and what is misspelt is a notice."""
    monkeypatch.setenv("TIDECAST_HTTP_PORT", "8090")
    monkeypatch.setenv("TIDECAST_REGISTRY_URL", "http://user:c4n4ry@registry:8081")
    monkeypatch.setenv("TIDECAST_KAFKA_PROT", "1")
    service.settings(as_json=True)
    printed = capsys.readouterr()
    told = {one["name"]: one for one in json.loads(printed.out)}

    assert told["TIDECAST_HTTP_PORT"] == {
        "name": "TIDECAST_HTTP_PORT",
        "value": 8090,
        "origin": "environment",
        "description": "Port of the HTTP view; 0 picks a free one.",
    }
    assert (told["TIDECAST_KAFKA_BOOTSTRAP"]["value"], told["TIDECAST_KAFKA_BOOTSTRAP"]["origin"]) == (None, "default")
    assert len(told) == len(Settings.model_fields)
    assert "c4n4ry" not in printed.out
    assert "TIDECAST_KAFKA_PROT is set" in printed.err
