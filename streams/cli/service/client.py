"""The HTTP API as the commands use it; whatever goes wrong is a CommandError in words."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line

__all__ = ["ServiceClient", "ServiceRefusalError"]

_PATIENCE_S: Final = 60.0  # how long 503 and a restarting worker are waited for; a restart takes seconds
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0  # whatever Retry-After says
_TIMEOUT: Final = httpx.Timeout(120.0, connect=10.0)  # a large file is checked before it is answered
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ELEMENTS_PER_REQUEST: Final = 20_000  # about 4 MB of JSON, far below the service's limits


class ServiceRefusalError(CommandError):
    """What the service answers to a request that it does not fulfil: the HTTP status, and the fields of the answer."""

    def __init__(self, message: str, http_status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.answer = answer


class ServiceClient:
    """One service. Answers 503 are tried again for a minute; writes carry an Idempotency-Key, so that this is safe."""

    def __init__(
        self,
        url: str,
        *,
        patience_s: float = _PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connects at the first request; `transport` and `pause` are for tests."""
        self.url = url.rstrip("/")
        host = _host(url)
        self._patience_s = patience_s
        self._pause = pause
        self.warnings: list[str] = []
        """What the service has told of the files sent and the columns chosen."""
        self._seen = False  # whether it has answered before: then silence is a restart, not a wrong address
        proxies = host not in _LOOPBACK
        self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT, trust_env=proxies, transport=transport)

    def __enter__(self) -> Self:
        """The client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def models(self) -> Mapping[str, Sequence[str]]:
        """Every model with the names of its hyper-parameters."""
        names = self.get("/model/")["data"]
        return {name: [item["label"] for item in self.get(f"/model/{name}/")["data"]] for name in names}

    def upload(self, file: Path, dialect: Mapping[str, str] | None = None) -> int:
        """Send a CSV file, and what is to be said of how it is written; the id of the data set."""
        answer = self.write("POST", "/data/", file=file, form=dialect)
        self.warnings += answer.get("warnings", ())
        return int(answer["data"]["id"])

    def create_job(self, data_id: int) -> int:
        """The id of a new job on a data set."""
        return int(self.write("POST", "/job/", body={"data_id": data_id})["job_id"])

    def choose_columns(
        self,
        job_id: int,
        *,
        timestamp: int,
        target: int,
        group_by: Sequence[int],
        calendar: Mapping[str, str] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """The series that the columns make: ts_id, groupby_val, groupby_key, points, freq of each.

        `calendar` may have freq and time_zone.
        """
        columns: dict[str, Any] = {
            "timestamp_indexs": [timestamp],
            "target_indexs": [target],
            "groupby_indexs": [*group_by],
        }
        columns |= calendar or {}
        answer = self.write("PUT", f"/job/{job_id}/", body=columns)
        self.warnings += answer.get("warnings", ())
        details: Sequence[Mapping[str, Any]] = answer["ts_details"]
        return details

    def submit(self, job_id: int, elements: Sequence[Mapping[str, Any]]) -> None:
        """Ask for training, in as many requests as the elements need."""
        for start in range(0, len(elements), _ELEMENTS_PER_REQUEST):
            self.write("PATCH", f"/job/{job_id}/", body=elements[start : start + _ELEMENTS_PER_REQUEST])

    def job(self, job_id: int) -> Mapping[str, Any]:
        """Status, submitted, finished, failed and message of a job, and the status of its series."""
        job: Mapping[str, Any] = self.get(f"/job/{job_id}/")
        return job

    def stop(self, job_id: int) -> None:
        """Stop the training of a job; nothing changes where nothing is trained."""
        self.write("POST", f"/job/{job_id}/stop")

    def series(self, job_id: int) -> Sequence[Mapping[str, Any]]:
        """The series of a job, as `choose_columns` returns them."""
        details: Sequence[Mapping[str, Any]] = self.get(f"/job/{job_id}/ts_details/")["ts_details"]
        return details

    def timestamp_format(self, job_id: int) -> str:
        """How the timestamps of a job's histories are written, where they do not show it themselves."""
        return str(self.get(f"/job/{job_id}/ts_details/").get("timestamp_format", ""))

    def results(
        self, job_id: int, *, ts_id: int | None = None, history: bool = False, as_of: int | None = None
    ) -> Mapping[str, Any]:
        """`{"status": n}` of an unfinished job, else with `results`, of one series and with history if asked.

        `as_of` asks for an earlier time, in milliseconds.
        """
        asked = {"history": int(history)}
        asked |= {name: value for name, value in (("ts_id", ts_id), ("as_of", as_of)) if value is not None}
        found: Mapping[str, Any] = self.get(f"/job/{job_id}/job_results/", asked)
        return found

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path."""
        return self._json(self._answer(lambda: self._http.get(path, params=parameters)))

    def get_file(self, path: str) -> bytes:
        """The bytes at a path."""
        return self._answer(lambda: self._http.get(path)).content

    def streamed(self, path: str, parameters: Mapping[str, Any], until: ExitStack, **given: Any) -> httpx.Response:
        """The answer at a path, which is still to be read, and is closed by the stack."""

        def send() -> httpx.Response:
            answer = until.enter_context(self._http.stream("GET", path, params=parameters, **given))
            if not answer.is_success:
                answer.read()
            return answer

        return self._answer(send)

    def put_file(self, path: str, file: Path) -> None:
        """Store a file as it is; a large one is read bit by bit."""

        def send() -> httpx.Response:
            with file.open("rb") as opened:
                return self._http.put(path, content=opened, headers={"Content-Type": "application/octet-stream"})

        self._answer(send)

    def write(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        file: Path | None = None,
        form: Mapping[str, str] | None = None,
        part: str = "upload",
    ) -> Any:
        """The JSON that answers a JSON body, or a form with a file (its `part`) and further fields."""
        key = str(uuid.uuid4())

        def send() -> httpx.Response:
            with ExitStack() as opened:
                files = None if file is None else {part: (file.name, opened.enter_context(file.open("rb")))}
                return self._http.request(
                    method, path, json=body, files=files, data=form, headers={"Idempotency-Key": key}
                )

        return self._json(self._answer(send))

    def _answer(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """A success; asks again while the service says that it is not ready."""
        pauses = self._pauses()
        while True:
            try:
                response = send()
            except httpx.TransportError as error:
                pause = next(pauses, None) if self._seen else None
                if pause is None:
                    raise CommandError(self._unreachable(error)) from error
            else:
                self._seen = True
                if response.is_success:
                    return response
                pause = next(pauses, None) if response.status_code == 503 else None
                if pause is None:
                    raise self._refusal(response)
                pause = max(pause, _retry_after(response))
            self._pause(pause)

    def _pauses(self) -> Iterator[float]:
        deadline = time.monotonic() + self._patience_s
        pause = _FIRST_PAUSE_S
        while time.monotonic() < deadline:
            yield pause
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise CommandError(f"what answers at {self.url} is not a Tidecast service: correct --url") from error

    def _refusal(self, response: httpx.Response) -> CommandError:
        try:
            body = response.json()
            message = body["error_message"] if "error_message" in body else body["message"]  # contract T-031
        except (ValueError, KeyError, TypeError):
            return CommandError(
                f"{self.url} answered {response.status_code} {response.reason_phrase}, not in the form of a "
                "Tidecast service: correct --url"
            )
        text = str(message)
        if response.status_code == 503:
            text = f"the service at {self.url} is not ready, also not after {self._patience_s:.0f} s: {message}"
        if response.status_code == 404:
            text = f"{message} at {self.url}: look at the number, or name another service by --url or TIDECAST_HOME"
        return ServiceRefusalError(text, response.status_code, body)

    def _unreachable(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.TimeoutException):
            return f"the service at {self.url} does not answer in time: try again, or look at its logs"
        return (
            f"no Tidecast service answers at {self.url} ({error}): start one with {command_line('up')}, correct "
            "--url, or leave --url out"
        )


def _host(url: str) -> str:
    """The host that a service's address names."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        wrong = parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.port == 0
    except ValueError:  # a port that is no number, or an address in brackets that is none
        host, wrong = None, True
    if wrong or not host:
        raise CommandError(f"--url {url}: write it as http://host:port")
    return host


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the service asks us to wait."""
    text = response.headers.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE_S) if text.isdigit() else 0.0
