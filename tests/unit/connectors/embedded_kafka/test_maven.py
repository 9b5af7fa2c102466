"""Fetching jars with jgo and with mvn, against a registry on this machine."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.embedded_kafka.maven import Coordinate, FetchError, fetch_with_jgo, fetch_with_mvn

JARS = [Coordinate("org.a", "alpha", "1.0"), Coordinate("org.a.b", "beta", "2.1")]


class Registry(http.server.ThreadingHTTPServer):
    """Serves files by path; drops the connection of the first `drops` requests for each."""

    def __init__(self, files: dict[str, bytes], drops: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.drops = dict.fromkeys(files, drops)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        if self.server.drops.get(self.path, 0):
            self.server.drops[self.path] -= 1
            self.close_connection = True
            return
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry with both jars, which jgo's settings name as the central one."""
    files = {"/org/a/alpha/1.0/alpha-1.0.jar": b"A" * 10_000, "/org/a/b/beta/2.1/beta-2.1.jar": b"B"}
    with Registry(files) as server:
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "jars"
    path.mkdir()
    return path


def test_jgo_puts_exactly_the_jars_into_the_folder(registry: Registry, folder: Path) -> None:
    """Every jar arrives whole under its name, nothing else stays, and each is reported."""
    said: list[str] = []

    fetch_with_jgo(JARS, folder, progress=said.append)

    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {"alpha-1.0.jar": 10_000, "beta-2.1.jar": 1}
    assert said == ["jar 1 of 2", "jar 2 of 2"]


ARCHIVE = Coordinate("org.a", "alpha", "1.0", "tar.gz", "all")


def test_jgo_puts_an_archive_into_the_folder(registry: Registry, folder: Path) -> None:
    """A file of another packaging and with a classifier, under the name that Maven gives it."""
    registry.files["/org/a/alpha/1.0/alpha-1.0-all.tar.gz"] = b"packed"
    registry.drops["/org/a/alpha/1.0/alpha-1.0-all.tar.gz"] = 0

    fetch_with_jgo([ARCHIVE], folder, progress=lambda _: None)

    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("alpha-1.0-all.tar.gz", b"packed")]


@pytest.mark.parametrize("text", ["org.a:alpha:1.0", "org.a:alpha:1.0:pom", "org.a:alpha:1.0:tar.gz:all"])
def test_a_coordinate_is_written_as_it_is_read(text: str) -> None:
    """With packaging and classifier where they are not those of a jar."""
    assert str(Coordinate.parse(text)) == text


@pytest.mark.parametrize("text", ["org.a:alpha", "org.a:alpha:1.0:jar:all:more", "org.a::1.0"])
def test_what_is_no_coordinate_is_refused(text: str) -> None:
    """With the form that it should have."""
    with pytest.raises(ValueError, match="group:artifact:version"):
        Coordinate.parse(text)


def test_jgo_tries_again_after_a_dropped_connection(registry: Registry, folder: Path) -> None:
    """Two dropped connections per jar do not fail the start."""
    registry.drops = dict.fromkeys(registry.files, 2)

    fetch_with_jgo(JARS, folder, progress=lambda _: None)

    assert len(list(folder.iterdir())) == 2


def test_jgo_names_the_jar_that_cannot_be_had(registry: Registry, folder: Path) -> None:
    """A jar that no registry has is named."""
    del registry.files["/org/a/b/beta/2.1/beta-2.1.jar"]

    with pytest.raises(FetchError, match=r"org\.a\.b:beta:2\.1 is in none of the registries"):
        fetch_with_jgo(JARS, folder, progress=lambda _: None)


def test_jgo_without_connection_gives_up(registry: Registry, folder: Path) -> None:
    """Where nothing answers, the error says so and no part of a jar stays."""
    registry.drops = dict.fromkeys(registry.files, 99)

    with pytest.raises(FetchError, match="ConnectionError"):
        fetch_with_jgo(JARS, folder, progress=lambda _: None)

    assert list(folder.iterdir()) == []


def _mvn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make `script` the only program on the search path, as mvn."""
    programs = tmp_path / "programs"
    programs.mkdir()
    if script:
        (programs / "mvn").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))


def test_mvn_is_given_the_jars_without_what_they_depend_on(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mvn gets a project with exactly these dependencies, each excluding all of its own, and the folder to copy to."""
    _mvn(tmp_path, monkeypatch, f'/bin/cp "$4" {tmp_path}/asked.xml; echo "$6" > {tmp_path}/asked.txt')

    fetch_with_mvn(JARS, folder, progress=lambda _: None)

    asked = (tmp_path / "asked.xml").read_text()
    assert asked.count("<dependency>") == asked.count("<artifactId>*</artifactId>") == 2
    assert "<groupId>org.a.b</groupId><artifactId>beta</artifactId><version>2.1</version>" in asked
    assert (tmp_path / "asked.txt").read_text() == f"-DoutputDirectory={folder}\n"
    assert list(folder.iterdir()) == []


def test_mvn_is_asked_for_an_archive_by_its_type_and_classifier(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them it would look for a jar."""
    _mvn(tmp_path, monkeypatch, f'/bin/cp "$4" {tmp_path}/asked.xml')

    fetch_with_mvn([ARCHIVE], folder, progress=lambda _: None)

    assert "<type>tar.gz</type><classifier>all</classifier>" in (tmp_path / "asked.xml").read_text()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", "mvn: not installed"),
        ("echo '[ERROR] '; echo '[ERROR] no such artifact'; exit 1", "mvn: no such artifact"),
        ("exit 3", "mvn: exit status 3"),
    ],
)
def test_mvn_that_fails_says_why(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """An absent or failing mvn is a FetchError with its first own word."""
    _mvn(tmp_path, monkeypatch, script)

    with pytest.raises(FetchError, match=f"^{reason}$"):
        fetch_with_mvn(JARS, folder, progress=lambda _: None)
