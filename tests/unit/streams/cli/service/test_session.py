"""Which service a command talks to, and that what it started is stopped."""

import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.console.interrupts import DeferredSignals
from streams.cli.service import session
from streams.cli.service.running import RunningService
from streams.settings import Settings
from streams.workers import stack


class FakeStack:
    """Notes what is done to it."""

    deeds: list[str]
    settings: Settings
    broken: str | None = None
    signalled: signal.Signals | None = None
    signalled_at_stop: signal.Signals | None = None
    url = "http://127.0.0.1:1"

    def __init__(self, settings: Settings, *, progress: Callable[[str], None]) -> None:
        FakeStack.deeds = []
        FakeStack.settings = settings
        self._progress = progress

    def start(self) -> None:
        self.deeds.append("start")
        try:
            if self.signalled:
                os.kill(os.getpid(), self.signalled)
            self.deeds.append("spawn")
            self._progress("starting the broker")
        except BaseException:
            self.stop()
            raise
        if self.broken:
            raise stack.StackError(self.broken)

    def watch(self) -> None:
        self.deeds.append("watch")

    def stop(self) -> None:
        self._progress("stopping")
        if self.signalled_at_stop:
            os.kill(os.getpid(), self.signalled_at_stop)
        self.deeds.append("stop")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of an installation whose ports are fixed."""
    return Settings(home=tmp_path, http_port=8080, kafka_port=9092, http_host="0.0.0.0", kafka_bootstrap=None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeStack]:
    """In the place of the embedded service; nothing changes the logs of the other tests."""
    monkeypatch.setattr(stack, "Stack", FakeStack)
    monkeypatch.setattr(session, "log_warnings_only", lambda: None)
    monkeypatch.setattr(FakeStack, "broken", None)
    monkeypatch.setattr(FakeStack, "signalled", None)
    monkeypatch.setattr(FakeStack, "signalled_at_stop", None)
    return FakeStack


def _console() -> Console:
    return Console(file=io.StringIO())


def test_the_address_given_wins(settings: Settings) -> None:
    """Nothing is looked for."""
    assert session.find_service(settings, "http://other:8080") == "http://other:8080"


def test_the_service_of_the_home_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it answers."""
    monkeypatch.setattr(session, "find_running", lambda _home: RunningService("http://127.0.0.1:5", "b:1"))

    assert session.find_service(settings, None) == "http://127.0.0.1:5"


def test_without_a_service_one_is_to_be_started(settings: Settings) -> None:
    """None says so."""
    assert session.find_service(settings, None) is None


def test_beside_an_external_broker_nothing_is_started(settings: Settings) -> None:
    """A worker of ours would take work from the workers there."""
    external = settings.model_copy(update={"kafka_bootstrap": "b:9092"})
    with pytest.raises(CommandError, match="no service is started here: give the address"):
        session.find_service(external, None)


def test_a_service_that_runs_is_neither_started_nor_stopped(settings: Settings, fake: type[FakeStack]) -> None:
    """It is somebody else's."""
    fake.deeds = []
    with session.open_session(settings, "http://127.0.0.1:1", _console()) as opened:
        opened.watch()

    assert not opened.embedded
    assert fake.deeds == []


def test_an_embedded_service_is_started_watched_and_stopped(settings: Settings, fake: type[FakeStack]) -> None:
    """On free ports and for this machine only, whatever the settings say: they may be another service's."""
    with session.open_session(settings, None, _console()) as opened:
        opened.watch()

    assert opened.embedded
    assert fake.deeds == ["start", "spawn", "watch", "stop"]
    assert (fake.settings.http_host, fake.settings.http_port, fake.settings.kafka_port) == ("127.0.0.1", 0, 0)
    assert fake.settings.home == settings.home


@pytest.mark.parametrize("error", [CommandError("x"), KeyboardInterrupt(), RuntimeError("x")])
def test_an_embedded_service_is_stopped_whatever_happens(
    settings: Settings, fake: type[FakeStack], error: BaseException
) -> None:
    """A failure of the command, Ctrl-C, a defect."""
    with pytest.raises(type(error)), session.open_session(settings, None, _console()):
        raise error

    assert fake.deeds == ["start", "spawn", "stop"]


def test_a_service_that_cannot_start_says_why(
    settings: Settings, fake: type[FakeStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own words."""
    monkeypatch.setattr(fake, "broken", "no room: make some")
    with pytest.raises(CommandError, match="no room: make some"), session.open_session(settings, None, _console()):
        pass


def test_a_service_that_breaks_down_meanwhile_says_why(settings: Settings, fake: type[FakeStack]) -> None:
    """And is stopped."""
    with pytest.raises(CommandError, match="broke"), session.open_session(settings, None, _console()):
        raise stack.StackError("broke")

    assert fake.deeds == ["start", "spawn", "stop"]


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:1"])
def test_sigterm_ends_the_command_in_order(settings: Settings, fake: type[FakeStack], url: str | None) -> None:
    """With the status that shells give it; a second one does not disturb the stopping; afterwards it is as before."""
    before: Any = signal.getsignal(signal.SIGTERM)
    undisturbed = []

    def terminated_twice() -> None:
        with session.open_session(settings, url, _console()):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                undisturbed.append(True)

    with pytest.raises(CommandError) as failure:
        terminated_twice()

    assert failure.value.status == 143
    assert str(failure.value) == "ended by SIGTERM"
    assert undisturbed
    assert signal.getsignal(signal.SIGTERM) == before
    assert url is not None or fake.deeds == ["start", "spawn", "stop"]


def test_sigterm_is_not_taken_for_a_failure_of_the_step_it_comes_in(settings: Settings, fake: type[FakeStack]) -> None:
    """`Thread.start` forgets a thread whose start fails, and one that runs already dies of that with a traceback."""
    taken = []

    def terminated() -> None:
        with session.open_session(settings, "http://127.0.0.1:1", _console()):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except Exception as error:  # noqa: BLE001  # as the standard library does it
                taken.append(error)

    with pytest.raises(CommandError, match="ended by SIGTERM"):
        terminated()

    assert taken == []


def test_a_log_has_every_step_of_the_start(settings: Settings, fake: type[FakeStack]) -> None:
    """Where no spinner can be drawn."""
    console = _console()
    with session.open_session(settings, None, console):
        pass

    lines = console.file.getvalue().splitlines()
    assert [line.strip() for line in lines if line.strip()] == [
        "no service runs: starting one for this command, which takes some seconds",
        "starting the broker",
        "stopping",
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_start_waits_for_the_end_of_the_step(
    settings: Settings, fake: type[FakeStack], monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int
) -> None:
    """In the middle of one, a child could be left that nobody knows of; what has started is stopped."""
    monkeypatch.setattr(fake, "signalled", number)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(CommandError) as failure, session.open_session(settings, None, _console()):
        pass

    assert fake.deeds == ["start", "spawn", "stop"]
    assert (failure.value.status, str(failure.value)) == (status, f"ended by {number.name}")
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_sigterm_while_stopping_changes_nothing(
    settings: Settings, fake: type[FakeStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command has done its work, and what it started is being stopped already."""
    monkeypatch.setattr(fake, "signalled_at_stop", signal.SIGTERM)
    with session.open_session(settings, None, _console()):
        pass

    assert fake.deeds == ["start", "spawn", "stop"]


def test_a_second_ctrl_c_is_obeyed_at_once() -> None:
    """Who presses it twice does not want to wait."""

    def pressed_twice() -> None:
        with DeferredSignals():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        pressed_twice()


def test_a_second_sigterm_changes_nothing() -> None:
    """Process managers repeat it; the check raises once, so that stopping goes on."""
    with DeferredSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(CommandError, match="ended by SIGTERM"):
            signals.check()
        signals.check()
