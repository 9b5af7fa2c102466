"""The recorded class archive of a broker: a file from which Java starts Kafka in half the time.

Optional by construction: Java ignores an archive that does not fit, and a broker that dies with one is started without.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.java import Java

__all__ = ["ClassArchive"]

_JAVA_WITH_AOT_CACHE: Final = 25  # records in one run, and needs no base archive, which the JRE from pip does not have
# Java 25 also stores machine code in the archive, and takes some of it for other code when it comes back (it warns, and
# makes that code anew): classes alone are what saves the time.
_AOT_OPTIONS: Final = ("-XX:+UnlockDiagnosticVMOptions", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:-AOTAdapterCaching")


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """The archive for one set of jars and one Java, whether it exists yet or not."""

    path: Path
    java: Java

    @classmethod
    def of(cls, jars: Path, java: Java) -> "ClassArchive":
        """The place of the archive, beside the folder of jars."""
        launcher = java.path.resolve()
        try:
            build = (launcher.parent.parent / "release").read_bytes()
        except OSError:
            build = b""
        digest = hashlib.sha256(str(launcher).encode() + b"\0" + build).hexdigest()[:12]
        return cls(jars.with_name(f"{jars.name}-java{java.version}-{digest}.archive"), java)

    @property
    def usable(self) -> bool:
        """Whether there is an archive to start from."""
        return self.path.is_file()

    @property
    def wanted(self) -> bool:
        """Whether it is worth recording: neither there nor found to fail."""
        return not self.usable and not self._failed.exists()

    @property
    def use_options(self) -> list[str]:
        """Java options that start from the archive."""
        return [*_AOT_OPTIONS, f"-XX:AOTCache={self.path}"] if self._aot else [f"-XX:SharedArchiveFile={self.path}"]

    def record_options(self, draft: Path) -> list[str]:
        """Java options that write the file `draft` when the process ends in order; it is then to be moved to `path`."""
        return [*_AOT_OPTIONS, f"-XX:AOTCacheOutput={draft}"] if self._aot else [f"-XX:ArchiveClassesAtExit={draft}"]

    def give_up(self) -> None:
        """Never use nor record it again, until the cache is deleted."""
        with suppress(OSError):  # a cache that is only read keeps what it has
            self.path.unlink(missing_ok=True)
            self._failed.touch()

    @property
    def _failed(self) -> Path:
        return self.path.with_suffix(".failed")

    @property
    def _aot(self) -> bool:
        return self.java.version >= _JAVA_WITH_AOT_CACHE
