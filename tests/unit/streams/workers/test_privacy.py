"""Files that are their user's alone, and the warning about an address that is open to all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streams.addresses import is_loopback, own_hosts
from streams.settings import Settings
from streams.workers.privacy import private_home, warn_of_open_address


def mode(path: Path) -> int:
    """Who may do what with it."""
    return path.stat().st_mode & 0o777


def test_files_of_a_process_and_its_children_are_private(tmp_path: Path) -> None:
    """Folders too; the broker's are a child's."""
    program = (
        "import subprocess; from pathlib import Path\n"
        "from streams.workers.privacy import private_files; private_files()\n"
        "Path('own').write_text(''); Path('folder').mkdir(); subprocess.run(['/bin/sh', '-c', 'echo > childs'])"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, env={"PYTHONPATH": str(Path.cwd())})

    assert {path.name: mode(path) for path in tmp_path.iterdir()} == {"own": 0o600, "folder": 0o700, "childs": 0o600}


def test_a_new_home_is_private(tmp_path: Path) -> None:
    """Whatever the umask."""
    private_home(tmp_path / "new" / "home")

    assert mode(tmp_path / "new" / "home") == 0o700


@pytest.mark.parametrize("before", [0o755, 0o777, 0o750, 0o700])
def test_a_home_of_an_earlier_release_is_closed(tmp_path: Path, before: int) -> None:
    """Nobody else can reach what lies in it, whatever its own mode."""
    tmp_path.chmod(before)
    private_home(tmp_path)

    assert mode(tmp_path) == 0o700


def test_a_home_that_is_not_ours_is_used_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume, mounted for a group: the log says so."""
    tmp_path.chmod(0o770)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    with capture_logs() as logs:
        private_home(tmp_path)

    assert [entry["event"] for entry in logs] == ["home_is_open_to_others"]


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        *((host, False) for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2", "[::1]")),
        *((host, True) for host in ("0.0.0.0", "::", "", "10.0.0.1", "forecast.example")),
    ],
)
def test_D7_an_address_beyond_this_machine_is_warned_of(host: str, warned: bool) -> None:
    """Decision 7: at each start, in the log."""
    with capture_logs() as logs:
        warn_of_open_address(Settings(http_host=host))

    assert is_loopback(host) is not warned
    told = [(entry["log_level"], entry["address"]) for entry in logs if "address" in entry]  # others log, too
    assert told == [("warning", host)] * warned


def test_the_hosts_of_a_worker() -> None:
    """IPv6 as a Host header has it."""
    settings = Settings(http_host="fe80::5", advertised_url="http://[fe80::7]:8080/")

    assert own_hosts(settings) == {"127.0.0.1", "localhost", "[::1]", "[fe80::5]", "[fe80::7]"}
    assert own_hosts(Settings(http_host="0.0.0.0")) == own_hosts(Settings())


def test_the_umask_of_the_tests_is_their_own() -> None:
    """The other tests here must not have changed it."""
    mask = os.umask(0)
    os.umask(mask)

    assert mask != 0o077
