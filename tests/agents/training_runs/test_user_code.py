"""User code at the trainer: a boot file in, a log, points, results and one end out. The programs are real."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from statsmodels.datasets import sunspots

from agents.versions.outcomes import VersionOutcomes
from connectors.user_code.folders import remove_remains
from schemas.training import TrainingStatus
from streams.settings import Settings
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker
from tests.agents.deepar.runs.samples import Agent, consume
from tests.agents.training_runs.runs_samples import DELETE, JOB, NAME, STOP, VERSION, chunks, log_of, points, run, told

_EXAMPLE = Path(__file__).parents[3] / "examples" / "sunspots.py"
PRINTS = """
import json, os, sys
print(sys.argv[1:])
print(sorted(name for name in os.environ if not name.startswith("TIDECAST_") and name not in ("PATH", "LANG")))
for epoch in range(1, 4):
    print(f"Epoch {epoch}/3")
    print(f"10/10 - 0s - loss: {1 / epoch:.4f} - val_loss: {2 / epoch:.4f}")
open(os.environ["TIDECAST_OUTPUT"] + "/model.txt", "w").write("a model")
with open(os.environ["TIDECAST_METRICS_FILE"], "a") as file:
    file.write(json.dumps({"name": "accuracy", "value": 0.75, "step": 3}) + "\\n")
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """An installation where user code is run."""
    yield Settings(home=tmp_path, user_code="process", max_message_bytes=1024 * 1024, system_metric_interval_s=0.5)
    remove_remains(tmp_path)  # pytest's own way fails for every later session, at folders as deep as its stack


@pytest.fixture
async def worker(settings: Settings, publisher: FakePublisher) -> Worker:
    """Its trainer."""
    return Worker(apps.create_trainer(settings, "127.0.0.1:1"), publisher)


def put(worker: Worker, text: str, name: str = "boot.py") -> None:
    """Put code where jobs find it."""
    worker.runtime.store.put_bytes(f"uploads/app/{name}", text.encode())


def program(version_id: int = VERSION, **config: Any) -> Any:
    """A command for a version that runs the boot file."""
    fields = {"app_url": "/uploads/app/", "boot_file_url": "/uploads/app/boot.py", **config}
    return run(version_id, **fields)


def alive(mark: str) -> list[int]:
    """Processes whose command line has this."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


async def until_logged(agent: Agent, worker: Worker, words: str) -> None:
    """Wait for a line of the log."""
    await agent.until(lambda: any(words in line for line in log_of(worker)))


async def test_a_program_runs_to_its_end(worker: Worker) -> None:
    """Arguments, environment, log, points, results, what it took of the machine."""
    put(worker, PRINTS)
    worker.runtime.store.put_bytes("uploads/data/a.csv", b"1\n")
    parameters = [{"label": "learning_rate", "value": 0.5}, {"label": "name", "value": "; rm -rf /\n"}]
    places = {"data_url": "/uploads/data/", "train_url": "/usr/train/"}
    (message,) = await consume(worker, program(parameter=parameters, **places))
    (end,) = told(worker)
    lines = log_of(worker)

    assert (end.status, end.message, end.log_files) == (10, None, 1)
    assert lines[-1] == "completed"
    arguments = next(line for line in lines if line.startswith("['--data_url="))
    assert "'--learning_rate=0.5', '--name=; rm -rf /\\n'" in arguments
    assert "MASTER_PORT" in next(line for line in lines if line.startswith("['HOME'"))
    found = {(point.metric_name, point.iteration, point.value, point.data_source) for point in points(worker)}
    assert {("loss", 3, 0.3333, "log"), ("val_loss", 1, 2.0, "log"), ("accuracy", 3, 0.75, "log")} <= found
    assert {point.workload_uid for point in points(worker)} == {f"tj-{JOB}-{VERSION}"}
    assert worker.runtime.store.read_bytes("usr/train/model.txt") == b"a model"
    assert (end.loss, end.validation_loss, end.epoch) == (0.3333, 0.6667, 3)
    assert json.loads(end.model_metrics)["total_metric"]["total_metric_values"]["accuracy"] == 0.75
    assert "".join(chunk.text for chunk in chunks(worker)).splitlines() == lines
    assert not list((worker.runtime.settings.home / "runs" / "1").iterdir())
    assert worker.committed(message)


async def test_the_script_among_the_examples_learns(worker: Worker) -> None:
    """Each epoch is a point of two curves, and the model is kept."""
    put(worker, _EXAMPLE.read_text("utf-8"))
    table = sunspots.load_pandas().data.to_csv(index=False)
    worker.runtime.store.put_bytes("uploads/data.csv", table.encode())
    places = {"data_url": "/uploads/data.csv", "train_url": "/usr/train/"}
    await consume(worker, program(parameter=[{"label": "epochs", "value": 5}], **places))
    (end,) = told(worker)
    curves = {
        name: [point.value or 0.0 for point in points(worker) if point.metric_name == name]
        for name in ("loss", "val_loss")
    }

    assert (end.status, end.message, end.epoch) == (10, None, 5)
    assert curves["loss"] == sorted(curves["loss"], reverse=True)
    assert [len(curve) for curve in curves.values()] == [5, 5]
    assert len(json.loads(worker.runtime.store.read_bytes("usr/train/model.json"))["weights"]) == 11


async def test_T125_what_it_takes_of_the_machine_is_measured(worker: Worker) -> None:
    """In intervals, while it runs; a busy program is seen to be."""
    put(worker, "import time\nend = time.time() + 1.7\nwhile time.time() < end: pass")
    await consume(worker, program())
    (end,) = told(worker)
    measured = json.loads(end.system_metrics)

    assert set(measured) == {
        "cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage", "diskReadRate", "diskWriteRate", "recvBytesRate",
        "sendBytesRate", "interval",
    }  # fmt: skip
    assert {len(measured[name]) for name in measured if name != "interval"} <= {2, 3, 4}
    assert max(map(float, measured["cpuUsage"])) > 5
    assert measured["interval"] == round(0.5 / 60, 4)


async def test_T127_a_short_run_has_a_sample(worker: Worker) -> None:
    """However short."""
    put(worker, "")
    await consume(worker, program())
    (end,) = told(worker)

    assert len(json.loads(end.system_metrics)["cpuUsage"]) >= 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit(3)", "the program ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "the program ended by signal 9"),
        ("1 / 0", "the program ended with code 1"),
    ],
)
async def test_what_fails(worker: Worker, text: str, words: str) -> None:
    """Status 11, and the log has what the program said of it."""
    put(worker, text)
    await consume(worker, program())
    (end,) = told(worker)

    assert (end.status, end.message) == (11, end.message)
    assert words in (end.message or "")
    assert log_of(worker)[-1] == f"failed: {end.message}"
    if text == "1 / 0":
        assert "ZeroDivisionError: division by zero" in log_of(worker)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"data_url": "/uploads/none/"}, "data_url: there is nothing at /uploads/none"),
        ({"dataset_id": "38277e62", "dataset_version_id": "1"}, "dataset_id: there is no data set '38277e62'"),
        ({"boot_file_url": "/uploads/app/other.py"}, "boot_file_url: there is nothing at /uploads/app/other.py"),
        ({"app_url": "/uploads/ap/"}, "boot_file_url: found '/uploads/app/boot.py', expected a Python file inside"),
        ({"app_url": "/../etc/", "boot_file_url": "/../etc/a.py"}, "app_url: found '/../etc/'"),
        ({"app_url": "/datasets/1", "boot_file_url": "/datasets/1/a.py"}, "app_url: found '/datasets/1', which is the"),
        ({"train_url": "/models/x/"}, "train_url: found '/models/x/', which is the service's own"),
        ({"worker_server_num": 99}, "worker_server_num: found 99, at most 8"),
    ],
)
async def test_T071_T193_what_cannot_be_run(worker: Worker, config: dict[str, Any], words: str) -> None:
    """Status 5, and nothing is started."""
    put(worker, "print('begun')")
    await consume(worker, program(**config))
    (end,) = told(worker)

    assert end.status == 5
    assert words in (end.message or "")
    assert "begun" not in log_of(worker)


async def test_user_code_is_off_unless_it_is_switched_on(trainer: Worker) -> None:
    """T-074: with a line that says how."""
    put(trainer, "print('begun')")
    trainer.runtime.parts.clear()
    worker = Worker(apps.create_trainer(Settings(home=trainer.runtime.settings.home), "127.0.0.1:1"), trainer.publisher)
    await consume(worker, program())
    (end,) = told(worker)

    assert end.status == 5
    assert "TIDECAST_USER_CODE=process" in (end.message or "")


async def test_T135_a_stop_ends_the_whole_tree(worker: Worker) -> None:
    """Soon, whatever it has started and however it takes a signal; no word of it comes afterwards."""
    mark = f"mark-{time.monotonic_ns()}"
    put(
        worker,
        f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "{mark}"], start_new_session=True)
open(os.environ["TIDECAST_OUTPUT"] + "/half.txt", "w").write("half")
step = 0
print("begun")
while True:
    step += 1
    print(f"Epoch {{step}}/900 - loss: 0.5")
    time.sleep(0.05)
""",
    )
    async with Agent(worker) as agent:
        agent.command(program(train_url="/usr/train/"))
        await until_logged(agent, worker, "begun")
        await agent.until(lambda: len(alive(mark)) == 3)
        begun = time.monotonic()
        agent.command(STOP)
        await agent.until(lambda: told(worker))
        took = time.monotonic() - begun
        left, seen = alive(mark), len(points(worker))
        await agent.settled()
        await asyncio.sleep(1.0)

    assert left == []
    assert took < 20  # it would go on for ever
    assert [status.status for status in told(worker)] == [12]
    assert log_of(worker)[-1] == "stopped"
    assert len(points(worker)) == seen
    assert worker.runtime.store.read_bytes("usr/train/half.txt") == b"half"


async def test_T137_a_delete_ends_it_without_a_word(worker: Worker) -> None:
    """And without a log."""
    put(worker, "import time; print('begun'); time.sleep(60)")
    async with Agent(worker) as agent:
        agent.command(program())
        await until_logged(agent, worker, "begun")
        agent.command(DELETE)
        await agent.settled()

    assert told(worker) == []
    assert log_of(worker) == []


async def test_T054_several_workers(worker: Worker) -> None:
    """Each knows its number and has a log of its own."""
    put(worker, "import os; print('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])")
    await consume(worker, program(worker_server_num=3))
    (end,) = told(worker)

    assert (end.status, end.log_files) == (10, 3)
    assert [[line for line in log_of(worker, number) if "rank" in line] for number in range(3)] == [
        ["rank 0 of 3"], ["rank 1 of 3"], ["rank 2 of 3"],
    ]  # fmt: skip
    assert {chunk.file_name for chunk in chunks(worker)} == {f"{NAME}.0", f"{NAME}.1", f"{NAME}.2"}


def kept_log(worker: Worker, key: str) -> list[str]:
    """The lines of a log that was put where the config says."""
    return worker.runtime.store.read_bytes(key).decode().splitlines()


async def test_T066_the_logs_are_put_where_the_config_says(worker: Worker) -> None:
    """With their last lines, before the end is told; beside what the program writes there itself."""
    put(
        worker,
        "import os, sys; open(sys.argv[1].split('=')[1] + '/own.txt', 'w').write('own'); print(os.environ['RANK'])",
    )
    await consume(worker, program(worker_server_num=2, log_url="/usr/log/"))

    for number in range(2):
        assert kept_log(worker, f"usr/log/{NAME}.{number}") == log_of(worker, number)
    assert log_of(worker)[-1] == "completed"
    assert worker.runtime.store.read_bytes("usr/log/own.txt") == b"own"


async def test_T066_also_those_of_what_is_stopped_or_cannot_be_run(worker: Worker) -> None:
    """Whatever kind of run it is."""
    put(worker, "import time; print('begun', flush=True); time.sleep(60)")
    async with Agent(worker) as agent:
        agent.command(program(log_url="/usr/log/stopped/"))
        await until_logged(agent, worker, "begun")
        agent.command(STOP)
        await agent.until(lambda: told(worker))
    await consume(worker, run(13, model_id=1, dataset_id="7", log_url="/usr/log/refused/"))

    assert kept_log(worker, f"usr/log/stopped/{NAME}.0")[-1] == "stopped"
    assert kept_log(worker, f"usr/log/refused/{NAME}.0")[-1].startswith("cannot be run: dataset_id")


async def test_one_worker_that_fails_ends_the_version(worker: Worker) -> None:
    """The others would wait for it for ever."""
    put(worker, "import os, sys, time; sys.exit(4) if os.environ['RANK'] == '1' else time.sleep(60)")
    begun = time.monotonic()
    await consume(worker, program(worker_server_num=2))
    (end,) = told(worker)

    assert (end.status, end.message) == (11, "worker 1 ended with code 4")
    assert time.monotonic() - begun < 15


class TestAttempts:
    """A trainer that dies while user code runs."""

    async def test_it_is_run_again_once(self, worker: Worker) -> None:
        """After that its trainer's second death is taken for its doing: status 14."""
        put(worker, "print('done')")
        outcomes = VersionOutcomes(worker.runtime.store)
        outcomes.note_attempts("p1", VERSION, 1)
        outcomes.note_attempts("p1", 13, 2)
        await consume(worker, program())
        await consume(worker, program(13))
        again, lost = told(worker)

        assert (again.status, lost.status) == (10, 14)
        assert any("run again from the start (attempt 2)" in line for line in log_of(worker))
        assert "the trainer ended while the version ran, 2 times" in (lost.message or "")

    async def test_a_trainer_that_stops_in_good_order_counts_as_none(self, worker: Worker) -> None:
        """The next one runs it from the start."""
        put(worker, "import time; print('begun', flush=True); time.sleep(30)")
        for _ in range(3):
            async with Agent(worker) as agent:
                agent.command(program())
                await until_logged(agent, worker, "begun")

        statuses: list[TrainingStatus] = told(worker)
        assert statuses == []
        assert worker.runtime.store.read_bytes(worker.runtime.store.keys("checkpoints")[0]) == b"0"


async def test_folders_deeper_than_pythons_stack_end_the_program_and_no_more(
    worker: Worker, settings: Settings
) -> None:
    """Walking and removing them goes no deeper than it can."""
    put(
        worker,
        """
import os, time
os.chdir(os.environ["TIDECAST_OUTPUT"])
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
time.sleep(20)
""",
    )
    await consume(worker, program(train_url="/usr/train/"))
    end = told(worker)[-1]

    assert (end.status, end.message) == (11, "the program ended: its folders lie too deep in one another")
    assert list((settings.home / "runs").rglob("*d*")) == []
