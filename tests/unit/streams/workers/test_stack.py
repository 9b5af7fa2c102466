"""The supervisor of `tidecast up`, without a broker: ports, locks, leftovers, restarts, and what it says."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.embedded_kafka.errors import BrokerStartError, DataRefusedError, PortInUseError
from connectors.kafka.admin import BrokerUnreachableError
from streams.settings import Settings
from streams.workers import stack as module
from streams.workers.stack import Stack, StackError


class Process:
    """A worker that ends when the test says so."""

    def __init__(self, command: list[str], *, cwd: Path, env: dict[str, str], output: Path) -> None:
        self.command, self.env, self.output = command, env, output
        self.pid = 1000 + len(Process.all)
        self.status: int | None = None
        self.stopped: timedelta | None = None
        output.write_text("")
        Process.all.append(self)

    all: list["Process"] = []  # noqa: RUF012  # emptied for each test

    def poll(self) -> int | None:
        return self.status

    def stop(self, timeout: timedelta) -> int:
        self.stopped, self.status = timeout, 0
        return 0


class World:
    """What the stack sees of the outside."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ready: Callable[[str], bool] = lambda _: True
        self.declared: list[str] = []

    @property
    def processes(self) -> list[Process]:
        return Process.all

    def answers(self, url: str) -> bool:
        return self.ready(url)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """No real process, no broker, and a clock that the test moves."""
    world = World()
    monkeypatch.setattr(Process, "all", [])
    monkeypatch.setattr(module, "GuardedProcess", Process)
    monkeypatch.setattr(module, "declare_topics", lambda _settings, _topics, at: world.declared.append(at))
    monkeypatch.setattr(module, "_answers", world.answers)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: world.now, sleep=world.sleep))
    return world


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation on an external cluster that nobody connects to."""
    return Settings(home=tmp_path / "home", http_port=0, kafka_bootstrap="broker:9092", worker_id="9")


@pytest.fixture
def said() -> list[str]:
    """What the user is told."""
    return []


@pytest.fixture
def stack(settings: Settings, world: World, said: list[str]) -> Iterator[Stack]:
    """A started stack of one state worker and two trainers."""
    with Stack(settings, trainers=2, progress=said.append) as stack:
        yield stack


class TestStart:
    """From nothing to answering requests."""

    def test_the_workers_are_started_and_told_what_they_need(self, stack: Stack, world: World) -> None:
        """Role, address, broker, and a name of their own each."""
        roles = [process.command[-1] for process in world.processes]
        names = [process.env["TIDECAST_WORKER_ID"] for process in world.processes]

        assert (roles, names) == (["state", "trainer", "trainer"], ["1", "1", "2"])
        for process in world.processes:
            assert process.command[0] == sys.executable
            assert process.env["TIDECAST_KAFKA_BOOTSTRAP"] == "broker:9092"
            assert f"http://127.0.0.1:{process.env['TIDECAST_HTTP_PORT']}" == stack.url

    def test_each_trainer_has_a_port_of_its_own_for_its_figures(self, settings: Settings, world: World) -> None:
        """The second would not get the first one's."""
        given = settings.model_copy(update={"metrics_port": 9400})
        with Stack(given, trainers=2, progress=str):
            ports = [process.env.get("TIDECAST_METRICS_PORT") for process in world.processes]

        assert ports[1:] == ["9400", "9401"]

    def test_every_setting_reaches_the_workers(self, stack: Stack, world: World, settings: Settings) -> None:
        """Read back from their environment they are the ones asked for, but for what the stack decides."""
        own = {"kafka_bootstrap", "http_port", "worker_id"}
        environment = world.processes[1].env
        given = {field: environment[f"TIDECAST_{field.upper()}"] for field in settings.model_dump(exclude_none=True)}

        assert Settings(**given).model_dump(exclude=own) == settings.model_dump(exclude=own)

    def test_topics_are_declared_before_the_workers_start(
        self, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker would find none."""
        running: list[int] = []
        monkeypatch.setattr(module, "declare_topics", lambda *_: running.append(len(world.processes)))
        with Stack(settings, progress=str):
            pass

        assert running == [0]

    def test_a_broker_that_came_back_is_asked_for_its_topics(self, stack: Stack, world: World) -> None:
        """It may have come back without them; TopicsLostError then ends `tidecast up` in words."""
        happened: list[str] = []
        stack._broker = SimpleNamespace(  # type: ignore[assignment]
            alive=False,
            bootstrap="broker:9092",
            start=lambda: happened.append("started"),
            wait_ready=lambda: happened.append(f"ready, {len(world.declared)} declared"),
            stop=lambda: None,
        )
        stack.watch()

        assert happened == ["started", "ready, 1 declared"]
        assert world.declared == ["broker:9092", "broker:9092"]

    def test_a_broker_that_ends_again_is_started_again(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        """While it is asked for its topics, nobody answers: no reason for the service to end."""
        starts: list[str] = []
        stack._broker = SimpleNamespace(  # type: ignore[assignment]
            alive=False, bootstrap="", start=lambda: starts.append("start"), wait_ready=lambda: None, stop=lambda: None
        )

        def nobody(*_: object) -> None:
            raise BrokerUnreachableError("no Kafka broker answers")

        monkeypatch.setattr(module, "declare_topics", nobody)
        stack.watch()
        stack.watch()

        assert starts == ["start", "start"]

    @pytest.mark.parametrize(("error", "starts"), [(BrokerStartError, 3), (DataRefusedError, 1), (PortInUseError, 1)])
    def test_a_broker_that_does_not_come_back(self, stack: Stack, error: type[BrokerStartError], starts: int) -> None:
        """What may be a mishap is tried three times; then, or where it cannot help, the service ends and says why."""
        tried: list[str] = []

        def start() -> None:
            tried.append("start")
            raise error("it did not start")

        stack._broker = SimpleNamespace(alive=False, bootstrap="", start=start, stop=lambda: None)  # type: ignore[assignment]
        for _ in range(starts - 1):
            stack.watch()
        with pytest.raises(error):
            stack.watch()

        assert len(tried) == starts

    def test_it_returns_when_requests_are_answered(self, settings: Settings, world: World) -> None:
        """Not when the processes run."""
        answers = iter([False, False, True])
        world.ready = lambda url: url.endswith("/readyz") and next(answers)
        with Stack(settings, progress=str):
            assert next(answers, None) is None

    def test_the_service_is_written_down(self, stack: Stack, settings: Settings) -> None:
        """For the other commands of the same home."""
        written = json.loads((settings.home / "service.json").read_text())

        assert written == {"url": stack.url, "bootstrap": "broker:9092", "pid": os.getpid()}

    def test_a_worker_that_dies_while_starting_is_named(self, settings: Settings, world: World) -> None:
        """With its last words; everything else is stopped again."""

        def dying(_: str) -> bool:
            world.processes[0].status = 3
            world.processes[0].output.write_text("first\nthe port is taken\n")
            return False

        world.ready = dying
        with pytest.raises(StackError, match=r"state ended with status 3 while starting; see .*: the port is taken$"):
            Stack(settings, progress=str).start()

        assert world.processes[1].stopped is not None
        assert not (settings.home / "service.json").exists()

    def test_it_does_not_wait_for_ever(self, settings: Settings, world: World) -> None:
        """And says where the logs are."""
        world.ready = lambda _: False
        with pytest.raises(StackError, match=r"was not ready after 60 s; see .*logs"):
            Stack(settings, progress=str).start()

        assert all(process.stopped for process in world.processes)

    def test_the_same_port_is_chosen_again(self, settings: Settings, world: World) -> None:
        """Clients find it, and the worker keeps its partitions."""
        urls = []
        for _ in range(2):
            with Stack(settings, progress=str) as stack:
                urls.append(stack.url)

        assert urls[0] == urls[1]

    def test_a_port_in_use_is_said_before_anything_starts(self, settings: Settings, world: World) -> None:
        """With the setting that mends it."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            taken = settings.model_copy(update={"http_port": port})
            with pytest.raises(StackError, match=f"127.0.0.1:{port} cannot be opened .*TIDECAST_HTTP_PORT"):
                Stack(taken, progress=str).start()

        assert world.processes == []

    def test_a_rubbish_port_file_is_no_hindrance(self, settings: Settings, world: World) -> None:
        """Another port is chosen."""
        settings.home.mkdir()
        (settings.home / "http.port").write_text("rubbish")
        with Stack(settings, progress=str) as stack:
            assert (settings.home / "http.port").read_text() == stack.url.rpartition(":")[2]


class TestHome:
    """One service per home."""

    def test_a_second_service_is_refused(self, stack: Stack, settings: Settings) -> None:
        """In words; the first goes on."""
        with pytest.raises(StackError, match=r"a Tidecast service runs already on .*TIDECAST_HOME"):
            Stack(settings, progress=str).start()

        assert (settings.home / "service.json").exists()
        assert len(json.loads((settings.home / "workers.json").read_text())) == 3

    def test_a_stopped_service_leaves_its_home(self, settings: Settings, world: World) -> None:
        """The next can start; what it kept stays."""
        for _ in range(2):
            with Stack(settings, progress=str):
                pass

        assert not (settings.home / "service.json").exists()
        assert not (settings.home / "workers.json").exists()

    def test_a_home_that_cannot_be_used_is_said(self, settings: Settings, tmp_path: Path) -> None:
        """Before anything starts."""
        (tmp_path / "file").write_text("")
        with pytest.raises(StackError, match=r"cannot be used: .*set TIDECAST_HOME"):
            Stack(settings.model_copy(update={"home": tmp_path / "file"}), progress=str).start()

    def test_leftover_workers_are_ended_first(
        self, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Those of a service that was killed hold its port."""
        settings.home.mkdir()
        (settings.home / "workers.json").write_text('{"state": 4711, "trainer-1": 4712}')
        ended = []
        monkeypatch.setattr(
            module, "end_leftover", lambda pid, mark, _: ended.append((pid, mark, len(world.processes)))
        )
        with Stack(settings, progress=str):
            pass

        mark = f"-Xtidecast-home={settings.home}"
        assert ended == [(4711, mark, 0), (4712, mark, 0)]
        assert all(mark in process.command for process in world.processes)

    @pytest.mark.parametrize("error", [TimeoutError("it hangs"), PermissionError("not yours")])
    def test_a_leftover_that_cannot_be_ended_is_named(
        self, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        """The user has to."""
        settings.home.mkdir()
        (settings.home / "workers.json").write_text('{"state": 4711}')

        def refuse(*_: Any) -> bool:
            raise error

        monkeypatch.setattr(module, "end_leftover", refuse)
        with pytest.raises(StackError, match=rf"the state worker .*\(process 4711\) .*\({error}\)"):
            Stack(settings, progress=str).start()

        assert world.processes == []

    @pytest.mark.parametrize("text", ["", "rubbish", "{"])
    def test_a_damaged_list_of_workers_is_no_hindrance(self, settings: Settings, world: World, text: str) -> None:
        """A power cut may have left it."""
        settings.home.mkdir()
        (settings.home / "workers.json").write_text(text)
        with Stack(settings, progress=str) as stack:
            assert stack.pid("state") == 1000


class TestWatch:
    """Workers that end by themselves."""

    def test_an_ended_worker_is_started_again(self, stack: Stack, world: World, settings: Settings) -> None:
        """After a pause, under its name; the others are left alone."""
        world.processes[1].status = 1
        stack.watch()
        assert len(world.processes) == 3
        world.now += 0.2
        stack.watch()

        assert [process.command[-1] for process in world.processes] == ["state", "trainer", "trainer", "trainer"]
        assert world.processes[3].env["TIDECAST_WORKER_ID"] == "1"
        assert stack.pid("trainer-1") == 1003
        assert json.loads((settings.home / "workers.json").read_text())["trainer-1"] == 1003

    def test_a_running_worker_is_left_alone(self, stack: Stack, world: World) -> None:
        """However often one looks."""
        for _ in range(10):
            world.now += 100
            stack.watch()

        assert len(world.processes) == 3

    def test_one_that_keeps_crashing_is_started_less_and_less_often(self, stack: Stack, world: World) -> None:
        """The pause doubles up to ten seconds."""
        pauses = []
        for _ in range(8):
            latest = world.processes[-1]
            latest.status = 1
            begun = world.now
            while world.processes[-1] is latest:
                stack.watch()
                world.now += 0.1
            pauses.append(round(world.now - begun, 1))

        assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], abs=0.25)

    def test_one_that_ran_well_for_long_is_started_at_once(self, stack: Stack, world: World) -> None:
        """Earlier crashes are forgotten after a minute."""
        for _ in range(5):
            world.processes[-1].status = 1
            stack.watch()
            world.now += 20
            stack.watch()
        world.now += 61
        world.processes[-1].status = 1
        stack.watch()
        count = len(world.processes)
        world.now += 0.2
        stack.watch()

        assert len(world.processes) == count + 1

    def test_the_last_words_of_the_process_before_are_kept(self, stack: Stack, world: World) -> None:
        """Its log would be overwritten by the new one."""
        world.processes[0].output.write_text("why I died")
        world.processes[0].status = 1
        stack.watch()
        world.now += 1
        stack.watch()

        assert (stack.log_folder / "state.log.1").read_text() == "why I died"

    def test_several_may_end_at_once(self, stack: Stack, world: World) -> None:
        """Each is started again."""
        for process in list(world.processes):
            process.status = 1
        stack.watch()
        world.now += 1
        stack.watch()

        assert [process.command[-1] for process in world.processes[3:]] == ["state", "trainer", "trainer"]


class TestStop:
    """The end."""

    def test_all_workers_are_asked_to_end(self, stack: Stack, world: World, said: list[str]) -> None:
        """With time to hand back their work."""
        said.clear()
        stack.stop()

        assert [process.stopped for process in world.processes] == [timedelta(seconds=30)] * 3
        assert said == ["stopping state, trainer-1, trainer-2"]

    def test_stopping_twice_is_no_error(self, stack: Stack, world: World) -> None:
        """Nothing is left to stop."""
        stack.stop()
        stack.stop()

        assert len(world.processes) == 3

    def test_a_worker_waiting_to_be_started_again_stays_ended(self, stack: Stack, world: World) -> None:
        """Its pause ends with the stack."""
        world.processes[0].status = 1
        stack.watch()
        stack.stop()
        world.now += 60
        stack.watch()

        assert len(world.processes) == 3


def test_the_mark_of_the_home_has_no_effect_on_python(tmp_path: Path) -> None:
    """It only tells whose process it is."""
    ran = subprocess.run(
        [sys.executable, f"-Xtidecast-home={tmp_path}", "-c", "print(1)"], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1\n", "")
