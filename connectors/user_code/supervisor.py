"""The process above a user's program: starts it, watches it, and ends all that it left, also when its own parent dies.

Its input has one line of JSON, a `Plan`, and later a line ``stop SECONDS``; the input's end is the end of the worker,
and so of the program. Its output has one line of JSON at the end. Of the standard library alone, with one thread: a
process of each program, so small and quick to start, and the program's whole tree below it.
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from connectors.user_code.folders import sizes_of
from connectors.user_code.linux import end_first_when_memory_ends, hide_from_others, take_in_orphans
from connectors.user_code.ownership import give, let_read
from connectors.user_code.process_tree import (
    Process,
    children_of,
    hidden_files,
    private_memory,
    tasks_of_user,
    tree_below,
)

__all__ = ["Plan", "main"]

_LOOK_S: Final = 0.5  # how often the tree is looked at
_FOLDERS_S: Final = 1.0  # and the folders, or less often where that takes long
_FOLDERS_SHARE: Final = 10  # at most a tenth of a core goes into looking at folders
_GONE_WITHIN_S: Final = 20.0  # after SIGKILL; a process that the kernel does not let go would hold us for ever
_ROUND_S: Final = 0.002
_FOR_OTHERS: Final = 8
_MOST_HANDLES: Final = 4096  # of one process that are looked at
_MIB: Final = 1 << 20
_ANY_NUMBER: Final = 10**9
_NOT_STARTED: Final = 127  # as shells say it
_SIGNALLED: Final = 128  # likewise, of a program that a signal ended
_LAST_SIGNAL: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start and how to hold it."""

    command: Sequence[str]  # the sandbox's, which runs the launcher
    launcher: dict[str, Any]  # what the launcher is told
    log: int  # the descriptor that gets what is printed
    depth: int  # how many processes of the sandbox are above the program's first one
    tells_signals: bool  # whether the sandbox tells a signal as 128 + its number
    counted_with_others: bool  # whether the kernel counts the program's processes with all others of its user
    user: int  # as whom the program runs
    folders: Sequence[str]
    owned: Sequence[str]  # of these, those to be given to the user
    readable: Sequence[str]  # and what the user is to be able to read
    cpu_s: float
    wall_s: float
    memory_mib: int
    processes: int
    total_file_mib: int
    files: int


class _Supervisor:
    def __init__(self, plan: Plan, told: bytes) -> None:
        self._plan = plan
        self._input = told
        self._me = os.getpid()
        self._parent = os.getppid()
        self._status: int | None = None
        self._limit: tuple[str, str] | None = None
        self._stopped = False
        self._kill_at: float | None = None
        self._cpu_of_ended = 0.0

    def run(self) -> dict[str, Any]:
        """From start to end."""
        plan = self._plan
        try:
            before = sizes_of(plan.folders, _ANY_NUMBER)
            self._child = self._start()
        except OSError as error:
            return _result(_NOT_STARTED, words=f"it cannot be started: {error}")
        self._started = time.monotonic()
        ended = os.pidfd_open(self._child.pid)
        self._obey()  # what came with the plan
        next_look = next_folders = self._started + _LOOK_S
        while self._status is None:
            now = time.monotonic()
            wakes = [next_look, self._started + plan.wall_s, *([self._kill_at] if self._kill_at else [])]
            ready, _, _ = select.select([0, ended], [], [], max(0.0, min(wakes) - now))
            self._reap()
            if self._status is not None or (0 in ready and not self._told()):
                break
            now = time.monotonic()
            if now >= self._started + plan.wall_s:
                self._limit = "wall", f"it ran longer than {plan.wall_s:g} seconds"
            if now >= next_look:
                self._look_at_tree()
                next_look = time.monotonic() + _LOOK_S
            if now >= next_folders and self._limit is None:
                self._look_at_folders(before.files, before.disk)
                took = time.monotonic() - now
                next_folders = now + max(_FOLDERS_S, took * _FOLDERS_SHARE)
            if self._limit is not None or (self._kill_at is not None and now >= self._kill_at):
                break
        gone = self._end_all()
        if self._limit is None and not self._stopped:
            self._look_at_folders(before.files, before.disk)  # a quick program may have been quicker than all looks
        if not gone:
            self._limit = self._limit or ("processes", "")
            self._limit = self._limit[0], "a process of it cannot be ended, for the kernel does not let it go"
        return self._result()

    def _start(self) -> "subprocess.Popen[bytes]":
        plan = self._plan
        for place in plan.owned:
            give(place, plan.user)
        for place in plan.readable:
            let_read(place, plan.user)
        launcher = dict(plan.launcher)
        if plan.counted_with_others:
            # Other programs of that user come and go; what is too many of this one is seen at the next look.
            launcher["limits"]["RLIMIT_NPROC"] = tasks_of_user(plan.user) + _FOR_OTHERS * plan.processes
        child = subprocess.Popen(
            plan.command, stdin=subprocess.PIPE, stdout=plan.log, stderr=plan.log, cwd="/", env={"PATH": os.defpath}
        )
        os.close(plan.log)
        assert child.stdin is not None
        with suppress(BrokenPipeError), child.stdin as told:
            told.write(json.dumps(launcher).encode())
        return child

    def _told(self) -> bool:
        """Read what the worker says; False where it says no more, for it is gone."""
        block = os.read(0, 4096)
        if not block or os.getppid() != self._parent:
            return False
        self._input += block
        self._obey()
        return True

    def _obey(self) -> None:
        """Do what the worker said."""
        while b"\n" in self._input:
            line, _, self._input = self._input.partition(b"\n")
            if line.startswith(b"stop "):
                self._stopped = True
                self._kill_at = time.monotonic() + float(line.removeprefix(b"stop "))
                self._ask_to_end()

    def _ask_to_end(self) -> None:
        """SIGTERM for the program's first process, which may tell the others."""
        tree = tree_below(self._me)
        sandbox = self._sandbox(tree)
        firsts = [process.pid for process in tree if process.parent in sandbox and process.pid not in sandbox]
        for pid in firsts if sandbox else [self._child.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _sandbox(self, tree: Sequence[Process]) -> set[int]:
        """The processes above the program's first one."""
        level, found = {self._child.pid}, set[int]()
        for _ in range(self._plan.depth):
            found |= level
            level = {process.pid for process in tree if process.parent in level}
        return found

    def _look_at_tree(self) -> None:
        plan = self._plan
        tree = tree_below(self._me)
        cpu_s = self._cpu_of_ended + sum(process.cpu_s for process in tree)
        sandbox = self._sandbox(tree)
        own = [process for process in tree if process.pid not in sandbox]
        tasks = sum(process.tasks for process in own)
        memory = sum(process.rss for process in own)
        if memory > plan.memory_mib * _MIB:  # which counts again and again what forked processes share
            memory = sum(private_memory(process) for process in own)
        if memory > plan.memory_mib * _MIB:
            self._limit = "memory", f"it used {memory // _MIB} MiB of memory, {plan.memory_mib} MiB is the most"
        elif tasks > plan.processes:
            self._limit = "processes", f"it had {tasks} processes and threads, {plan.processes} is the most"
        elif cpu_s > plan.cpu_s:
            self._limit = "cpu", f"it used {cpu_s:.0f} seconds of CPU time, {plan.cpu_s:g} is the most"

    def _look_at_folders(self, files: int, disk: int) -> None:
        plan = self._plan
        sizes = sizes_of(plan.folders, files + plan.files)
        unnamed: dict[tuple[int, int], int] = {}
        for process in tree_below(self._me):
            unnamed |= hidden_files(process, _MOST_HANDLES)
        taken = sizes.disk - disk + sum(unnamed.values())
        if sizes.too_deep:
            self._limit = "files", "its folders lie too deep in one another"
        elif sizes.files > files + plan.files:
            self._limit = "files", f"it wrote more than {plan.files} files"
        elif taken > plan.total_file_mib * _MIB:
            self._limit = "total_file", f"its files take {taken // _MIB} MiB, {plan.total_file_mib} MiB is the most"

    def _reap(self) -> None:
        """Take note of what has ended."""
        with suppress(ChildProcessError):
            while True:
                pid, status, used = os.wait3(os.WNOHANG)
                if pid == 0:
                    return
                self._cpu_of_ended += used.ru_utime + used.ru_stime
                if pid == self._child.pid:
                    self._status = status

    def _end_all(self) -> bool:
        """Kill until nobody is left: orphans become our children, so that none can get away, however it forks."""
        patience = time.monotonic() + _GONE_WITHIN_S
        while time.monotonic() < patience:
            self._reap()
            children = children_of(self._me)
            if not children:
                return True
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_ROUND_S)
        return False

    def _result(self) -> dict[str, Any]:
        code: int | None = None
        by_signal: int | None = None
        if self._status is not None:
            told = os.waitstatus_to_exitcode(self._status)
            if self._plan.tells_signals and _SIGNALLED < told <= _SIGNALLED + _LAST_SIGNAL:
                told = _SIGNALLED - told
            code, by_signal = (told, None) if told >= 0 else (None, -told)
        limit, words = self._limit or (None, "")
        return _result(code, by_signal, limit=limit, words=words, stopped=self._stopped)


def _result(
    exit_code: int | None,
    by_signal: int | None = None,
    *,
    limit: str | None = None,
    words: str = "",
    stopped: bool = False,
) -> dict[str, Any]:
    """The arguments of `programs.outcome_of`."""
    return {"exit_code": exit_code, "by_signal": by_signal, "limit": limit, "words": words, "stopped": stopped}


def main() -> None:
    """Hold the program that the input's first line tells."""
    for number in (signal.SIGINT, signal.SIGTERM):  # for the worker, whose end is ours; not ignored, which is inherited
        signal.signal(number, lambda *_: None)
    os.umask(0o022)  # for what the sandbox makes; the program gets one of its own
    end_first_when_memory_ends()
    take_in_orphans()
    hide_from_others()
    told = b""
    while b"\n" not in told:
        block = os.read(0, 65536)
        if not block:
            return
        told += block
    line, _, told = told.partition(b"\n")
    result = _Supervisor(Plan(**json.loads(line)), told).run()
    with suppress(BrokenPipeError):  # the worker is gone
        os.write(1, json.dumps(result).encode() + b"\n")
