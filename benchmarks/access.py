"""What it costs that somebody has to show who asks: the same small requests of an open service and of a guarded one."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np

from benchmarks.end_to_end import service
from benchmarks.report import show
from streams.cli.service.client import ServiceClient
from streams.cli.service.credentials import credentials_of
from streams.settings import Settings

__all__ = ["run"]

_WARM, _MEASURED = 200, 2_000
_TYPED = {"Content-Type": "text/plain"}  # without one the command line's signer takes a body for none
_READ, _WRITE = "GET /model/", "PUT /uploads/a.txt"


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        with service(Path(folder) / "open") as url, httpx.Client(base_url=url) as client:
            base = {what: _p50(client, what) for what in (_READ, _WRITE)}
        rows = [("open", *(f"{1e3 * seconds:.2f} ms" for seconds in base.values()))]
        home = Path(folder) / "guarded"
        with service(home, auth="token,ak-sk") as url:
            rows += [
                (way, *(_beside(client, what, base[what]) for what in base)) for way, client in _clients(home, url)
            ]
    show(
        "One client, p50 of an answer; what it takes more than with an open service", ("who asks", _READ, _WRITE), rows
    )


def _clients(home: Path, url: str) -> Iterator[tuple[str, httpx.Client]]:
    """By a token and by a key, of the first administrator."""
    note = home / "first-administrator.json"
    while not note.exists():  # it is made when requests are answered already
        time.sleep(0.1)
    told = json.loads(note.read_text("utf-8"))
    with ServiceClient(url) as asking:
        token, _ = asking.log_in("admin", told["password"], None)
    ways = {
        "token": Settings(token=token),
        "key (SDK-HMAC-SHA256)": Settings(access_key_id=told["access_key"], access_key_secret=told["secret"]),
    }
    for way, settings in ways.items():
        with httpx.Client(base_url=url, auth=credentials_of(settings, url)) as client:
            yield way, client


def _beside(client: httpx.Client, what: str, base: float) -> str:
    seconds = _p50(client, what)
    return f"{1e3 * seconds:.2f} ms, +{1e3 * (seconds - base):.2f}"


def _p50(client: httpx.Client, what: str) -> float:
    method, path = what.split(" ")
    content = b"abc" if method == "PUT" else None
    seconds = []
    for number in range(_WARM + _MEASURED):
        # The same write within a second would have the same signature, and be refused as a replay.
        asked = path if content is None else path.replace(".", f"{number}.")
        begun = time.perf_counter()
        client.request(method, asked, content=content, headers=_TYPED if content else {}).raise_for_status()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[_WARM:]))
