"""The service that runs on a home is found by the note it left there, if it answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from connectors.embedded_kafka.ports import free_port
from streams.cli.service.running import RunningService, find_running
from streams.workers.home_lock import take


@contextmanager
def _listening(status: int) -> Iterator[str]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _note(home: Path, text: str) -> None:
    (home / "service.json").write_text(text, "utf-8")


def test_a_service_that_answers_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directly, whatever proxy is set."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with _listening(200) as url:
        _note(tmp_path, json.dumps({"url": url, "bootstrap": "b:9092", "pid": 1}))

        assert find_running(tmp_path) == RunningService(url, "b:9092")


def test_a_service_that_is_not_well_is_not_found(tmp_path: Path) -> None:
    """Any status but 200."""
    with _listening(503) as url:
        _note(tmp_path, json.dumps({"url": url, "bootstrap": "b:9092"}))

        assert find_running(tmp_path) is None


def test_the_note_of_a_service_that_was_killed_does_not_count(tmp_path: Path) -> None:
    """Nothing answers there any more."""
    _note(tmp_path, json.dumps({"url": f"http://127.0.0.1:{free_port()}", "bootstrap": "b:9092"}))

    assert find_running(tmp_path) is None


def test_a_service_that_starts_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has the home's lock from its first moment on, and leaves its note when it answers."""
    lock = take(tmp_path)
    assert lock is not None
    with _listening(200) as url, lock:
        ready = threading.Timer(0.3, _note, (tmp_path, json.dumps({"url": url, "bootstrap": "b:9092"})))
        ready.start()

        assert find_running(tmp_path) == RunningService(url, "b:9092")
        ready.join()
    assert "is starting or stopping" in capsys.readouterr().err


def test_of_a_service_that_stops_nothing_is_found(tmp_path: Path) -> None:
    """As soon as it lets go of the lock, another may be started."""
    lock = take(tmp_path)
    assert lock is not None
    stopped = threading.Timer(0.3, lock.close)
    stopped.start()

    assert find_running(tmp_path) is None
    stopped.join()
    assert take(tmp_path) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"url": "x", "bootstrap": "y"}', '{"url": 1}'])
def test_a_note_that_is_none_does_not_count(tmp_path: Path, text: str) -> None:
    """Half written, of another version, damaged."""
    _note(tmp_path, text)

    assert find_running(tmp_path) is None


def test_without_a_note_there_is_no_service(tmp_path: Path) -> None:
    """A home that never was used need not exist."""
    assert find_running(tmp_path / "missing") is None
