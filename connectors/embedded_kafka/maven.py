"""Fetches jars and other files by their Maven coordinates with the Maven client there is: `jgo` from pip, or `mvn`.

Neither says here where the registry is: each reads the machine's own settings (jgo.conf, settings.xml, proxies).
"""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from jgo.maven import MavenContext

__all__ = ["Coordinate", "FetchError", "fetch_with_jgo", "fetch_with_mvn", "resolve_with_jgo"]

_PARALLEL: Final = 6  # jars fetched at a time: latency, not bandwidth, is what 46 small files cost
_TRIES: Final = 3  # per jar: one dropped connection among a hundred requests must not fail the first start
_MVN_TIMEOUT_S: Final = 900.0  # a first mvn run also fetches its own plugins


class FetchError(RuntimeError):
    """The jars could not be fetched; the text is the client's own reason."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One file of a Maven registry: a jar, unless `packaging` and `classifier` say otherwise."""

    group: str
    artifact: str
    version: str
    packaging: str = "jar"
    classifier: str = ""

    @classmethod
    def parse(cls, text: str) -> "Coordinate":
        """From `group:artifact:version[:packaging[:classifier]]`; ValueError where it has other parts."""
        parts = text.split(":")
        if not 3 <= len(parts) <= 5 or not all(parts):
            raise ValueError(f"{text!r} is not group:artifact:version[:packaging[:classifier]]")
        return cls(*parts)

    def __str__(self) -> str:
        text = f"{self.group}:{self.artifact}:{self.version}"
        if self.classifier:
            return f"{text}:{self.packaging}:{self.classifier}"
        return text if self.packaging == "jar" else f"{text}:{self.packaging}"

    @property
    def file_name(self) -> str:
        """The file's name, as Maven and jgo write it."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.{self.packaging}"


def fetch_with_jgo(jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None:
    """Put exactly these jars into `folder`, without their dependencies; FetchError where one cannot be had."""
    context = _jgo_context(folder / ".jgo")
    pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="fetch-jars")
    try:
        downloads = [pool.submit(_download, context, jar, folder) for jar in jars]
        for count, download in enumerate(as_completed(downloads), start=1):
            download.result()
            progress(f"jar {count} of {len(jars)}")
    finally:
        pool.shutdown(cancel_futures=True)  # after a failure the rest is not even tried
        shutil.rmtree(folder / ".jgo", ignore_errors=True)


def resolve_with_jgo(root: Coordinate) -> list[Coordinate]:
    """A jar and everything it needs to run, by its published dependency lists; FetchError where they cannot be had."""
    try:
        from jgo import resolve  # noqa: PLC0415 - 0.3 s of imports that only the first start of a user needs

        return [Coordinate(found.groupId, found.artifactId, found.version) for found in resolve(str(root))]
    except (ImportError, OSError, RuntimeError) as error:
        raise FetchError(f"jgo: {error}") from error


def fetch_with_mvn(jars: Sequence[Coordinate], folder: Path, *, progress: Callable[[str], None]) -> None:
    """Put exactly these jars into `folder`, without their dependencies; FetchError where mvn is absent or fails."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise FetchError("mvn: not installed")
    progress("asking mvn")
    project = folder / "pom.xml"
    project.write_text(_project(jars), encoding="utf-8")
    command = [
        mvn,
        "-B",
        "-q",
        "-f",
        str(project),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={folder.resolve()}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MVN_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"mvn: {error}") from error
    finally:
        project.unlink()
    if done.returncode != 0:
        lines = [line.partition("[ERROR]")[2].strip() for line in done.stdout.splitlines()]
        raise FetchError(f"mvn: {next(filter(None, lines), f'exit status {done.returncode}')}")


def _jgo_context(cache: Path) -> "MavenContext":
    """A jgo context that reads the machine's jgo settings but stores in `cache`.

    A folder of its own, since jgo writes a download under its final name: one cut short in the user's Maven repository
    would be taken for the jar by every later run.
    """
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 - as above
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
        from jgo.maven import MavenContext  # noqa: PLC0415
    except ImportError as error:
        raise FetchError(f"jgo: {error}") from error
    registries = {**GlobalSettings.load().repositories}
    registries.setdefault("central", MAVEN_CENTRAL_URL)
    return MavenContext(repo_cache=cache, remote_repos=registries)


def _download(context: "MavenContext", jar: Coordinate, folder: Path) -> None:
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    artifact = component.artifact(classifier=jar.classifier, packaging=jar.packaging)
    for attempt in range(1, _TRIES + 1):
        try:
            fetched = artifact.resolve()
        except RuntimeError as error:
            raise FetchError(f"jgo: {jar} is in none of the registries") from error
        except OSError as error:  # also the base of every error of requests, jgo's HTTP client
            if partial := artifact.cached_path:
                partial.unlink(missing_ok=True)
            if attempt == _TRIES:
                raise FetchError(f"jgo: {jar}: {type(error).__name__}") from error
        else:
            shutil.move(fetched, folder / jar.file_name)
            return


def _project(jars: Sequence[Coordinate]) -> str:
    """A Maven project that depends on these jars and on nothing of theirs."""
    wanted = "".join(
        f"<dependency><groupId>{escape(jar.group)}</groupId><artifactId>{escape(jar.artifact)}</artifactId>"
        f"<version>{escape(jar.version)}</version><type>{escape(jar.packaging)}</type>"
        f"{f'<classifier>{escape(jar.classifier)}</classifier>' if jar.classifier else ''}"
        "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
        for jar in jars
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>tidecast</groupId>'
        f"<artifactId>jars</artifactId><version>1</version><dependencies>{wanted}</dependencies></project>\n"
    )
