"""What versions run on: engines and specifications, as lists of contract 002's clients want them (T-019)."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from connectors.processes.compute_process import cores

__all__ = ["DEFAULT_ENGINE", "SPEC_ID", "engines", "interval_minutes", "specification"]

DEFAULT_ENGINE: Final = 1
"""T-058."""
SPEC_ID: Final = 1
_GIB: Final = 1024**3


@cache
def engines() -> Mapping[int, Mapping[str, Any]]:
    """The engines that run boot files, by engine_id: the Python that this service runs in, and what it has."""
    python = f"python{platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]}"
    found = {}
    for number, (name, package, short) in enumerate((("TensorFlow", "tensorflow", "TF"), ("Python", "", "")), 1):
        try:
            text = f"{short}-{version(package)}-{python}" if package else python
        except PackageNotFoundError:  # a lean installation
            text = python
        found[number] = {"engine_type": number, "engine_name": name, "engine_id": number, "engine_version": text}
    return found


@cache
def specification() -> Mapping[str, Any]:
    """What a version has: this machine; `core` and `cpu` are texts, cores and GiB of memory (T-121)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "core": str(cores()),
        "cpu": str(max(1, round(memory / _GIB))),
        "gpu": False,
        "gpu_num": 0,
        "gpu_type": "",
        "spec_code": "tidecast.cpu",
    }


def interval_minutes(seconds: float) -> float:
    """`interval` of a system_metric_list, which is in minutes (T-126): whole ones without a point."""
    minutes = seconds / 60
    return int(minutes) if minutes == int(minutes) else round(minutes, 4)
