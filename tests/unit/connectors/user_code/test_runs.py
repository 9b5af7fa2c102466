"""A program's life: what is handed on, how it is stopped, and that nothing outlives its worker."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from connectors.user_code import modes
from connectors.user_code.bubblewrap import bubblewraps
from connectors.user_code.folders import remove_remains
from connectors.user_code.modes import Kind, Mode, NoModeError, found_mode
from connectors.user_code.programs import Limit, Limits, Outcome, UserProgram
from connectors.user_code.runs import Run, start
from tests.unit.connectors.user_code.conftest import ROOT, USERS, as_user, need, open_folder
from tests.waiting import longest_pause, until

PYTHON = (sys.executable, "-I", "-S", "-u", "-c")
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: break
        os._exit(0)
while True:
    open("beat", "a").write(".")
    print("ready", flush=True)
    time.sleep(0.02)
"""


@pytest.fixture(scope="module", params=["bwrap", "sandlock", "process-unsafe"])
def mode(request: pytest.FixtureRequest) -> Mode:
    need(USERS[0], request.param)
    return found_mode(request.param)


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder for another user; pytest's own are in one that is closed to others."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def begin(tmp_path: Path, mode: Mode) -> Iterator[Callable[..., tuple[Run, list[bytes]]]]:
    def begin(source: str, **parts: object) -> tuple[Run, list[bytes]]:
        printed: list[bytes] = []
        work = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        program = UserProgram(command=(*PYTHON, source), work_folder=work, **parts)  # type: ignore[arg-type]
        return start(program, mode, printed.append), printed

    yield begin
    remove_remains(tmp_path)  # pytest's own way fails for every later session, at folders as deep as its stack


def tree(run: Run) -> list[psutil.Process]:
    return [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]


async def test_what_it_prints_is_handed_on_and_its_code_is_told(begin) -> None:
    run, printed = begin("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    outcome = await run.wait()

    assert outcome == Outcome(words="ended with code 7", exit_code=7)
    assert not outcome.succeeded
    assert b"".join(printed) == b"out\nerr\n"
    assert run.ended
    assert not psutil.pid_exists(run.pid)


async def test_it_has_the_environment_that_it_is_given_and_a_home_of_its_own(begin) -> None:
    source = "import os; print(os.getcwd() == os.path.dirname(os.environ['HOME']), os.environ['STEPS'], os.listdir())"
    run, printed = begin(source, environment={"STEPS": "5"})
    await run.wait()

    assert b"".join(printed).split(b" ", 2)[:2] == [b"True", b"5"]


async def test_it_reads_what_it_may_read_and_writes_where_it_may_write(begin, tmp_path: Path, mode: Mode) -> None:
    given, out = tmp_path / "given", tmp_path / "out"
    (given / "deep").mkdir(parents=True)
    (given / "deep" / "data.csv").write_text("1,2")
    (given / "deep" / "data.csv").chmod(0o600)
    out.mkdir()
    source = f"""
print(open("{given}/deep/data.csv").read())
open("{out}/result", "w").write("3")
open("own", "w").write("4")
try: open("{given}/new", "w")
except OSError: print("closed")
"""
    run, printed = begin(source, read_folders=[given], write_folders=[out])
    outcome = await run.wait()

    assert b"".join(printed) == (b"1,2\n" if mode.kind is Kind.UNSAFE else b"1,2\nclosed\n")
    assert outcome.succeeded
    assert (out / "result").read_text() == "3"
    assert (given / "new").exists() == (mode.kind is Kind.UNSAFE)


async def test_a_program_that_is_not_there_says_so(begin, tmp_path: Path, mode: Mode) -> None:
    printed: list[bytes] = []
    run = start(UserProgram(command=("/no/such/program",), work_folder=tmp_path), mode, printed.append)
    outcome = await run.wait()

    assert outcome.exit_code == 127
    assert b"/no/such/program cannot be started: No such file" in b"".join(printed)


async def test_stop_asks_first(begin) -> None:
    run, printed = begin(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('saved', flush=True)))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    await until(lambda: bool(printed))
    began = time.monotonic()
    outcome = await run.stop(10)

    assert outcome.stopped
    assert outcome.words == "stopped"
    assert b"".join(printed) == b"ready\nsaved\n"
    assert time.monotonic() - began < 10  # it is asked first, and not killed


async def test_stop_ends_who_does_not_listen(begin) -> None:
    runs = [begin(STUBBORN) for _ in range(3)]
    await until(lambda: all(printed for _, printed in runs))
    trees = [process for run, _ in runs for process in tree(run)]
    began = time.monotonic()
    outcomes = await asyncio.gather(*(run.stop(0.5) for run, _ in runs))
    took = time.monotonic() - began

    assert took < 20  # they would go on for ever
    assert all(outcome.stopped for outcome in outcomes)
    assert not [process for process in trees if process.is_running()]


async def test_stop_of_what_has_ended_tells_its_end(begin) -> None:
    run, _ = begin("")
    await run.wait()

    assert (await run.stop()).exit_code == 0


async def test_it_ends_when_its_time_is_over(begin) -> None:
    run, _ = begin("import time; time.sleep(60)", limits=Limits(wall_s=0.5))
    outcome = await run.wait()

    assert outcome == Outcome(words="ended: it ran longer than 0.5 seconds", limit=Limit.WALL)


async def test_the_wait_may_be_given_up(begin) -> None:
    run, _ = begin("import time; time.sleep(60)")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run.wait(), 0.1)

    assert (await run.stop(0)).stopped


async def test_the_loop_goes_on_while_it_prints_without_end(begin) -> None:
    run, printed = begin("import os\nwhile True: os.write(1, b'x' * 65536)", limits=Limits(wall_s=2))

    async def forget() -> None:
        while not run.ended:
            printed.clear()
            await asyncio.sleep(0.01)

    pause, _ = await longest_pause(forget())

    assert pause < 0.5


async def test_the_supervisors_end_is_the_programs_end(begin) -> None:
    run, printed = begin(STUBBORN)
    await until(lambda: bool(printed))
    below = tree(run)[1:]
    os.kill(run.pid, 9)
    outcome = await run.wait()
    await until(lambda: not any(process.is_running() and process.status() != "zombie" for process in below), 2)

    assert not outcome.succeeded
    assert "supervisor" in outcome.words


async def test_a_sample_tells_what_the_tree_takes(begin) -> None:
    run, printed = begin(
        "import os\nkept = bytearray(64 << 20)\nprint('ready', flush=True)\n"
        "with open('file', 'wb') as file:\n"
        "    while True: file.seek(0); file.write(kept[:1 << 20]); file.flush(); os.fsync(file.fileno())"
    )
    await until(lambda: bool(printed))
    run.sample()
    await asyncio.sleep(1)
    sample = await asyncio.to_thread(run.sample)
    await run.stop(0)

    assert 0 < sample.cpu_percent <= 100
    assert sample.memory_bytes > 64 << 20
    assert 0 < sample.memory_percent < 100
    assert sample.disk_write > 1 << 20
    assert sample.received == sample.sent == 0
    assert run.sample().cpu_percent == 0


@pytest.mark.parametrize("asked", ["bwrap", "sandlock", "process-unsafe"])
@pytest.mark.slow
async def test_nothing_outlives_a_worker_that_is_killed(asked: str, anybodys: Path) -> None:
    need("user", asked)
    worker = f"""
import asyncio, os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from connectors.user_code import modes
from connectors.user_code.bubblewrap import bubblewraps
from connectors.user_code.modes import found_mode
from connectors.user_code.programs import UserProgram
from connectors.user_code.folders import remove_remains
from connectors.user_code.runs import start
async def main():
    mode = found_mode({asked!r})
    program = UserProgram(command={PYTHON!r} + ({STUBBORN!r},), work_folder=Path({str(anybodys)!r}))
    run = start(program, mode, lambda block: os.kill(os.getpid(), 9))
    await run.wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(*as_user("user"), sys.executable, "-c", worker, cwd="/")
    await asyncio.wait_for(process.wait(), 60)
    beat = anybodys / "beat"
    await asyncio.sleep(2)
    before = beat.stat().st_size
    await asyncio.sleep(0.3)

    assert before > 0
    assert beat.stat().st_size == before


async def test_what_is_left_can_be_removed_however_deep_it_is_and_closed(begin, tmp_path: Path) -> None:
    source = """
import os
os.mkdir("closed"); os.mkdir("closed/inner"); os.chmod("closed", 0)
for _ in range(3000):
    os.mkdir("d"); os.chdir("d")
"""
    run, _ = begin(source, limits=Limits(files=10_000))
    outcome = await run.wait()  # at the end, or sooner: wherever it was looked at
    assert outcome.limit is Limit.FILES
    remove_remains(tmp_path)

    assert not await asyncio.to_thread(tmp_path.exists)


def test_python_may_lie_below_tmp() -> None:
    """Which is another folder for programs: whoever tries this service in a temporary folder has it there."""
    need(USERS[0], "bwrap")
    with open_folder() as folder:
        folder.chmod(0o700)
        made = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
        tried = subprocess.run(
            [str(made / "bin" / "python"), str(Path(__file__).with_name("find.py")), "bwrap"],
            env={"PYTHONPATH": str(ROOT), "PATH": f"{Path(bubblewraps()[0]).parent}:{os.defpath}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (tried.returncode, tried.stderr) == (0, "")


def test_what_is_asked_for_has_a_name() -> None:
    with pytest.raises(NoModeError, match="one of process, bwrap, sandlock, process-unsafe"):
        found_mode("docker")


def test_where_nothing_works_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "bubblewraps", lambda: ["/bin/false"])
    with pytest.raises(NoModeError, match=r"Tried: /bin/false: .*Allow user namespaces.*leave user code off"):
        found_mode("bwrap")


def test_where_namespaces_are_forbidden_sandlock_is_taken() -> None:
    """As in most containers."""
    need("user", "bwrap")
    need("user", "sandlock")
    confined = [bubblewraps()[0], "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--uid", "1000", "--"]
    script = "from connectors.user_code import modes; print(modes.found_mode('process').kind)"
    command = [*confined, sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout == "sandlock\n"


def test_nobody_becomes_root() -> None:
    if os.getuid():
        pytest.skip("only root could")
    with pytest.raises(NoModeError, match="never run as root"):
        found_mode("process", user=0)
