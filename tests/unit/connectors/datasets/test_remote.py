"""Files of other hosts: what may be asked, and what comes of it (case 63 of ecosystem.md)."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors.datasets.remote import AllowedHosts, ForbiddenAddressError, RemoteFileError, fetch


class _Host(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/in.csv":
            self.send_response(200)
            self.send_header("Content-Length", "8")
            self.end_headers()
            self.wfile.write(b"x,y\n1,2\n")
            return
        moved = {"/moved": "/in.csv", "/away": "http://localhost.example/in.csv", "/round": "/round"}.get(self.path)
        self.send_response(404 if moved is None else 302)
        if moved is not None:
            self.send_header("Location", moved)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A host with one file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TestAllowed:
    """Which addresses may be asked."""

    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("data.example", "https://data.example/a.csv"),
            ("data.example", "http://DATA.example:81/a.csv"),
            ("x, data.example:8443", "https://data.example:8443/a.csv"),
            ("10.0.0.0/8", "http://10.1.2.3/a.csv"),
            ("127.0.0.1", "http://127.0.0.1:9/a.csv"),
        ],
    )
    def test_those_that_are_listed(self, given: str, url: str) -> None:
        AllowedHosts(given).check(url)

    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("", "https://data.example/a.csv"),
            ("data.example", "https://other.example/a.csv"),
            ("data.example", "https://data.example.evil/a.csv"),
            ("data.example:8443", "https://data.example/a.csv"),
            ("data.example", "ftp://data.example/a.csv"),
            ("data.example", "file:///etc/passwd"),
            ("data.example", "https://me:secret@data.example/a.csv"),
            ("data.example", "https://data.example:99999/a.csv"),
            ("data.example", "data.example/a.csv"),
            ("10.0.0.0/8", "http://11.1.2.3/a.csv"),
        ],
    )
    def test_no_others(self, given: str, url: str) -> None:
        with pytest.raises(ForbiddenAddressError) as refused:
            AllowedHosts(given).check(url)

        assert "secret" not in str(refused.value)

    def test_a_name_stands_for_its_public_addresses(self) -> None:
        """Those of the service's own network must be listed as well."""
        hosts = AllowedHosts("data.example, 10.0.0.0/8, localhost")

        assert hosts.address("data.example", "93.184.216.34")
        assert hosts.address("data.example", "10.9.9.9")
        assert hosts.address("localhost", "127.0.0.1")
        for private in ("127.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:192.168.0.1"):
            assert not hosts.address("data.example", private), private

    @pytest.mark.parametrize(
        "wrapped",
        ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::7f00:1", "fec0::1", "64:ff9b:1::1", "::ffff:127.0.0.1"],
    )
    def test_what_stands_for_a_private_address_is_none_of_its_public_ones(self, wrapped: str) -> None:
        """By a gateway from IPv6 the service's own network would be reached."""
        assert not AllowedHosts("data.example").address("data.example", wrapped)
        assert AllowedHosts("data.example").address("data.example", "64:ff9b::808:808")
        assert AllowedHosts("data.example").address("data.example", "2606:4700::1111")


class TestFetching:
    """From a host on this machine."""

    async def test_a_file_comes(self, host: str, tmp_path: Path) -> None:
        for path in ("in.csv", "moved"):
            target = tmp_path / path
            size = await fetch(f"http://{host}/{path}", target, AllowedHosts("127.0.0.1"), most_bytes=100, within_s=10)

            assert (size, target.read_bytes()) == (8, b"x,y\n1,2\n")

    async def test_no_more_than_may_come(self, host: str, tmp_path: Path) -> None:
        """One byte more tells that it is too large."""
        size = await fetch(
            f"http://{host}/in.csv", tmp_path / "a", AllowedHosts("127.0.0.1"), most_bytes=4, within_s=10
        )

        assert size > 4

    @pytest.mark.parametrize(
        ("path", "kind", "words"),
        [
            ("away", ForbiddenAddressError, "another host"),
            ("none", RemoteFileError, "answers 404"),
            ("round", RemoteFileError, "redirects"),
        ],
    )
    async def test_why_none_comes(
        self, host: str, tmp_path: Path, path: str, kind: type[Exception], words: str
    ) -> None:
        with pytest.raises(kind, match=words):
            await fetch(f"http://{host}/{path}", tmp_path / "a", AllowedHosts("127.0.0.1"), most_bytes=100, within_s=10)

    async def test_a_name_that_leads_into_the_network(self, host: str, tmp_path: Path) -> None:
        """Allowed by name alone, it is not asked."""
        port = host.rpartition(":")[2]
        hosts = AllowedHosts("localhost.localdomain")
        hosts.check(f"http://localhost.localdomain:{port}/in.csv")

        with pytest.raises(RemoteFileError):
            await fetch(
                f"http://localhost.localdomain:{port}/in.csv", tmp_path / "a", hosts, most_bytes=100, within_s=10
            )
