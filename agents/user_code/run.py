"""User code: a boot file of a user's, run by one or several workers, each held and limited, watched, ended whole."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from agents.user_code.folders import RunFolder
from agents.user_code.workers import Workers
from agents.user_code.written_metrics import EventFiles, MetricsFile
from agents.versions.config import RunConfig
from agents.versions.log import VersionLog
from agents.versions.outcomes import VersionOutcomes
from agents.versions.places import Places
from agents.versions.report import RunReport
from agents.versions.run import RunFailedError, VersionRun, finished, to_its_end
from agents.versions.system_watch import SystemWatch
from agents.versions.telling import now
from agents.versions.version import Version
from connectors.metric_sources import log_lines, tensorboard
from connectors.metric_sources.log_lines import LogMetrics
from connectors.user_code.log_lines import LogLines
from connectors.user_code.modes import Mode
from connectors.user_code.programs import UserProgram
from schemas.training import TrainingStatus
from streams.runtime import TrainerRuntime
from streams.settings import Settings
from streams.training.jobs import TrainingState
from streams.training.user_code import limits_of

__all__ = ["UserCodeRun"]

_MOST_ATTEMPTS: Final = 2  # a program may be what ends its trainer
_LOOK_S: Final = 1.0  # at files that it writes
_KEEP_S: Final = 5.0  # copies of what it has written
_ON_THIS_MACHINE: Final = "127.0.0.1"
_LOST: Final = (
    "the trainer ended while the version ran, {} times: it is not run again. A program that takes too much memory may"
    " be the reason: see TIDECAST_USER_CODE_MEMORY_MIB"
)


class UserCodeRun(VersionRun):
    """Runs the boot file from its beginning; what was printed, measured and written is kept while it runs."""

    what = "user code"

    def __init__(
        self,
        runtime: TrainerRuntime,
        mode: Mode,
        places: Places,
        version: Version,
        config: RunConfig,
        log: VersionLog,
        is_ours: Callable[[], bool],
    ) -> None:
        super().__init__(version, log)
        self._runtime = runtime
        self._mode = mode
        self._turn = places
        self._config = config
        self._logs = [log, *(VersionLog(runtime, version, worker, is_ours) for worker in range(1, config.workers))]
        self._outcomes = VersionOutcomes(runtime.store)
        self._report = RunReport(runtime, version, is_ours, log_files=len(self._logs))
        self._folder = RunFolder(runtime.settings, runtime.store, version, config)
        self._lines = [LogLines(runtime.settings.max_log_bytes) for _ in self._logs]
        self._metrics = LogMetrics()
        self._file = MetricsFile(self._folder.metrics_of(0))
        self._events = EventFiles(self._folder.output, self._folder.logs)
        self._bad_names = 0
        self._port = 0

    @property
    def begun(self) -> bool:
        """Whether a worker was started."""
        return self._report.begun

    @property
    def logs(self) -> Sequence[VersionLog]:
        """One for each worker."""
        return self._logs

    async def work(self) -> None:
        """Run it to its end. RunFailedError."""
        async with self._turn.place(self.version.owner):
            number = await asyncio.to_thread(self._attempt)
            try:
                await to_its_end(self._folder.prepare)
                await self._run(number)
            except asyncio.CancelledError:
                if self.for_good:
                    await to_its_end(self._folder.keep)
                else:  # the trainer ends in good order, or has lost the version: that is no death to count
                    await to_its_end(self._note, number - 1)
                raise
            finally:
                await to_its_end(self._folder.remove)

    async def finish(self) -> None:
        """Send what is not sent yet; ends when the broker has all."""
        await self._report.finish()

    def publish(self) -> TrainingStatus | None:
        """What it came to."""
        return self.status(TrainingState.COMPLETED, at=now())

    def status(self, number: int, *, at: int, message: str | None = None) -> TrainingStatus:
        """The version as it is now, with this status."""
        return self._report.status(number, at=at, message=message)

    def close(self) -> None:
        """Send nothing more."""
        self._report.close()

    def _attempt(self) -> int:
        """Which try this is; RunFailedError where there were enough. Blocks."""
        of = self.version.project_id, self.version.version_id
        before = self._outcomes.attempts(*of)
        if before >= _MOST_ATTEMPTS:
            raise RunFailedError(_LOST.format(before), TrainingState.LOST)
        self._note(before + 1)
        return before + 1

    def _note(self, number: int) -> None:
        self._outcomes.note_attempts(self.version.project_id, self.version.version_id, number)

    async def _run(self, number: int) -> None:
        config, settings = self._config, self._runtime.settings
        if number > 1:
            self.log.say(f"the trainer ended while the version ran: it is run again from the start (attempt {number})")
        self.log.say(f"{config.boot_file_url} begins: {config.workers} worker(s), held by {self._mode.kind}")
        if config.workers > 1 and not settings.user_code_network:
            self.log.say("workers do not reach one another: TIDECAST_USER_CODE_NETWORK is off")
        self._port = _free_port()
        programs = [self._program(worker) for worker in range(config.workers)]
        try:
            workers = Workers(programs, self._mode, self._printed)
        except OSError as error:
            raise RunFailedError(f"the program cannot be started: {error}") from None
        try:
            await self._report.begin()
            with self._watched(workers):
                failed = await workers.wait()
        finally:
            await finished(workers.stop())
            for worker, lines in enumerate(self._lines):
                self._take(worker, lines.end())
        await self._look_at_files()
        await self._keep()
        if failed is not None:
            worker, outcome = failed
            who = "the program" if config.workers == 1 else f"worker {worker}"
            raise RunFailedError(f"{who} {outcome.words}")

    def _program(self, worker: int) -> UserProgram:
        folder = self._folder
        return UserProgram(
            command=folder.command_of(worker, self._arguments()),
            work_folder=folder.work_of(worker),
            read_folders=folder.data,
            write_folders=(folder.output, folder.logs),
            environment=self._environment(worker),
            limits=limits_of(self._runtime.settings),
        )

    def _places(self) -> dict[str, str]:
        """The paths of the config as the program sees them."""
        config, folder = self._config, self._folder
        given = {
            "data_url": ",".join(map(str, folder.data)),
            "train_url": str(folder.output) if config.train_url else "",
            "log_url": str(folder.logs) if config.log_url else "",
        }
        return {name: path for name, path in given.items() if path}

    def _arguments(self) -> list[str]:
        """As --label=value; never through a shell, so a value is a value."""
        given = {**self._places(), **self._config.parameters}
        return [f"--{label}={_shown(value)}" for label, value in given.items()]

    def _environment(self, worker: int) -> dict[str, str]:
        """All that the program knows of its surroundings: nothing of the service's own, no secrets."""
        version, config, settings = self.version, self._config, self._runtime.settings
        places = {f"TIDECAST_{name.upper()}": path for name, path in self._places().items()}
        metrics_url = {"TIDECAST_METRICS_URL": _metrics_url(settings, version)} if settings.user_code_network else {}
        return {
            **places,
            **metrics_url,
            "TIDECAST_OUTPUT": str(self._folder.output),
            "TIDECAST_METRICS_FILE": str(self._folder.metrics_of(worker)),
            "TIDECAST_PROJECT_ID": version.project_id,
            "TIDECAST_JOB_ID": str(version.job_id),
            "TIDECAST_JOB_NAME": version.job_name,
            "TIDECAST_VERSION_ID": str(version.version_id),
            "TIDECAST_VERSION_NAME": version.version_name,
            "TIDECAST_WORKLOAD_UID": version.workload_uid,
            "RANK": str(worker),
            "LOCAL_RANK": str(worker),
            "WORLD_SIZE": str(config.workers),
            "LOCAL_WORLD_SIZE": str(config.workers),
            "MASTER_ADDR": _ON_THIS_MACHINE,
            "MASTER_PORT": str(self._port),
        }

    @contextmanager
    def _watched(self, workers: Workers) -> Iterator[None]:
        system = SystemWatch(workers.sample, self._report.take)
        tasks = [
            asyncio.create_task(one)
            for one in (
                _again_and_again(self._look_at_files, _LOOK_S),
                _again_and_again(self._keep, _KEEP_S),
            )
        ]
        try:
            yield
        finally:
            system.close()
            for task in tasks:
                task.cancel()

    def _printed(self, worker: int, block: bytes) -> None:
        self._take(worker, self._lines[worker].feed(block))

    def _take(self, worker: int, lines: list[str]) -> None:
        if not lines:
            return
        self._logs[worker].write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        if worker == 0:  # the others mostly print the same
            at = now()
            found = [point for line in lines for point in self._metrics.points_of(line)]
            self._report.add([(name, value, step, at) for name, value, step in found], log_lines.SOURCE)

    async def _look_at_files(self) -> None:
        """Take metrics out of files, as many at a time as are sent."""
        self._report.add(await asyncio.to_thread(self._file.read_new), log_lines.SOURCE)
        batches = self._events.read_new()
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            self._report.add(batch, tensorboard.SOURCE)
            await self._report.send_points()

    async def _keep(self) -> None:
        bad_names = await to_its_end(self._folder.keep)
        for name in bad_names[self._bad_names :]:
            self.log.say(f"{name!r} is not kept: use letters, digits and . _ = - in names of files")
        self._bad_names = len(bad_names)


async def _again_and_again(look: Callable[[], Awaitable[None]], pause_s: float) -> None:
    while True:
        await asyncio.sleep(pause_s)
        await look()


def _shown(value: object) -> str:
    """A parameter as a text: whole numbers as such, truth as JSON has it."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _free_port() -> int:
    """Where workers may meet; another program may take it meanwhile, as with every such number."""
    with socket.socket() as probe:
        probe.bind((_ON_THIS_MACHINE, 0))
        return int(probe.getsockname()[1])


def _metrics_url(settings: Settings, version: Version) -> str:
    """Where metrics of the version may be POSTed (contract M-060)."""
    address = settings.advertised_url or f"http://{settings.http_host}:{settings.http_port}"
    return f"{address}/api/v1/workloads/{version.workload_uid}/metrics"
