"""What a process keeps is its user's alone, and who else could reach it is told to the log."""

import os
import stat
from pathlib import Path

import structlog

from streams.addresses import is_loopback
from streams.settings import Settings

__all__ = ["OPEN", "private_files", "private_home", "warn_of_open_address"]

log = structlog.get_logger(__name__)

OPEN = "anybody who reaches this address can use it: TIDECAST_AUTH is off"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_files() -> None:
    """Let what this process and its children write from now on be read by nobody else: data, logs, the broker's too."""
    os.umask(_OTHERS)


def private_home(home: Path) -> None:
    """Make the folder if need be, and close it to others, who could read what an earlier release wrote in it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = home.stat().st_mode
    if not mode & _OTHERS:
        return
    try:
        home.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except PermissionError:  # another user's, such as a volume that is mounted for a group
        log.warning("home_is_open_to_others", home=str(home), mode=oct(stat.S_IMODE(mode)))


def warn_of_open_address(settings: Settings) -> None:
    """Say at each start, in the log, that another address than this machine's own is open to all (decision 7)."""
    if not settings.auth_ways and not is_loopback(settings.http_host):
        log.warning("no_authentication", address=settings.http_host, meaning=OPEN)
