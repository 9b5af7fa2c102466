"""What a tree of processes takes of the machine, measured from outside."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

__all__ = ["Sampler", "SystemSample"]

_GPU_ANSWERS_WITHIN_S: Final = 5.0
_GPU_QUESTION: Final = ("--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSample:
    """Percent are of the whole machine; rates in bytes a second since the sample before."""

    cpu_percent: float = 0.0
    memory_percent: float = 0.0
    memory_bytes: int = 0
    gpu_percent: float = 0.0  # of this machine, 0 without one
    gpu_memory_percent: float = 0.0
    disk_read: float = 0.0  # from disks, not from memory
    disk_write: float = 0.0
    received: float = 0.0  # 0 where a program has no network
    sent: float = 0.0


@dataclass(frozen=True, slots=True)
class _Totals:
    at: float
    cpu_s: float = 0.0
    disk_read: int = 0
    disk_write: int = 0
    received: int = 0
    sent: int = 0


class Sampler:
    """Samples of the processes below one; `network` says whether they have the machine's.

    With `with_root` also of this one, which may have run for long: its first sample has no rates.
    """

    def __init__(self, root: int, *, network: bool, with_root: bool = False) -> None:
        self._root = root
        self._with_root = with_root
        self._primed = not with_root
        self._network = network
        self._last = _Totals(time.monotonic())

    def sample(self) -> SystemSample:
        """What they took since the last time; some 20 ms of work, so rather in a thread."""
        try:
            root = psutil.Process(self._root)
            tree = root.children(recursive=True)
            cpu_s = _cpu_s(root)
            if not self._with_root:
                cpu_s -= sum(root.cpu_times()[:2])  # what its ended children took is left
        except psutil.Error:  # it has ended
            return SystemSample()
        memory, seen = 0, bool(tree) or self._with_root
        read = written = 0
        for process in (root, *tree):
            with suppress(psutil.Error):
                if process is not root:
                    cpu_s += _cpu_s(process)
                if process is not root or self._with_root:
                    memory += process.memory_info().rss
                counters = process.io_counters()
                read, written = read + counters.read_bytes, written + counters.write_bytes
        received, sent = _network_bytes((root, *tree)[-1].pid) if seen and self._network else (0, 0)
        totals = _Totals(time.monotonic(), cpu_s, read, written, received, sent)
        before, self._last = self._last if self._primed else totals, totals
        self._primed = True
        gpu, gpu_memory = _gpu()
        # A first look at the machine's own counters tells of the time since it was started.
        fresh = before.received == before.sent == 0
        return SystemSample(
            cpu_percent=min(100.0, 100 * _rate(before, totals, "cpu_s") / len(os.sched_getaffinity(0))),
            memory_percent=min(100.0, 100 * memory / psutil.virtual_memory().total),
            memory_bytes=memory,
            gpu_percent=gpu,
            gpu_memory_percent=gpu_memory,
            disk_read=_rate(before, totals, "disk_read"),
            disk_write=_rate(before, totals, "disk_write"),
            received=0.0 if fresh else _rate(before, totals, "received"),
            sent=0.0 if fresh else _rate(before, totals, "sent"),
        )


def _rate(before: _Totals, now: _Totals, name: str) -> float:
    return max(0.0, float(getattr(now, name) - getattr(before, name)) / max(1e-3, now.at - before.at))


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _network_bytes(pid: int) -> tuple[int, int]:
    """What came in and went out of the network that a process sees, without its talk with itself."""
    received = sent = 0
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/net/dev").read_text("ascii").splitlines()[2:]:
            name, _, counters = line.partition(":")
            if name.strip() != "lo":
                fields = counters.split()
                received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


def _gpu() -> tuple[float, float]:
    """How busy GPUs are on average, and how full; zeros where the driver's program is not there or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0.0, 0.0
    try:
        told = subprocess.run(
            [program, *_GPU_QUESTION], capture_output=True, text=True, timeout=_GPU_ANSWERS_WITHIN_S, check=True
        )
        rows = [[float(field) for field in line.split(",")] for line in told.stdout.splitlines() if line.strip()]
        busy = sum(row[0] for row in rows) / len(rows)
        return busy, 100 * sum(row[1] for row in rows) / sum(row[2] for row in rows)
    except (OSError, subprocess.SubprocessError, ValueError, ZeroDivisionError, IndexError):
        return 0.0, 0.0
