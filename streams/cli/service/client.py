"""The HTTP API as the commands use it; whatever goes wrong is a CommandError in words."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import httpx

from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import notices, one_line
from streams.cli.service.addresses import host_of
from streams.cli.service.refusals import ServiceAwayError, is_soon_ready, refusal_of, unreachable, words_of

__all__ = ["ServiceClient"]

_PATIENCE_S: Final = 60.0  # how long 503 and a restarting worker are waited for; a restart takes seconds
_FIRST_PAUSE_S: Final = 0.5
_SILENT_S: Final = 1.0  # after longer pauses the user is told why nothing happens: a restart is over by then
_LONGEST_PAUSE_S: Final = 10.0  # whatever Retry-After says
_TIMEOUT: Final = httpx.Timeout(120.0, connect=10.0)  # a large file is checked before it is answered
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ELEMENTS_PER_REQUEST: Final = 20_000  # about 4 MB of JSON, far below the service's limits


class ServiceClient:
    """One service. Answers 503 are tried again for a minute; writes carry an Idempotency-Key, so that this is safe."""

    def __init__(
        self,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        patience_s: float = _PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connects at the first request. `auth` shows who asks; `transport` and `pause` are for tests."""
        self.url = url.rstrip("/")
        host = host_of(url)
        self._patience_s = patience_s
        self._pause = pause
        self.warnings: list[str] = []
        """What the service has told of the files sent and the columns chosen."""
        self._interrupted = False
        self._seen = False  # whether it has answered before: then silence is a restart, not a wrong address
        proxies = host not in _LOOPBACK
        self._http = httpx.Client(
            base_url=self.url, timeout=_TIMEOUT, trust_env=proxies, transport=transport, auth=auth
        )

    def __enter__(self) -> Self:
        """The client."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Close the connections, where nothing went wrong; else the process, which ends, closes them.

        An interrupt in the middle of a request may leave a lock of httpcore's taken, for which closing would wait for
        ever.
        """
        if kind is None and not self._interrupted:
            self._http.close()

    def log_in(self, user: str, password: str, project: str | None) -> tuple[str, Mapping[str, Any]]:
        """A token, and what it is good for."""
        asked: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": {"name": user, "password": password}}}
        }
        if project is not None:
            asked["scope"] = {"project": {"id": project}}
        answer = self._answer(lambda: self._http.post("/v3/auth/tokens", json={"auth": asked}))
        told: Mapping[str, Any] = self._json(answer)["token"]
        return answer.headers["X-Subject-Token"], told

    def log_out(self, token: str) -> None:
        """Let a token be void."""
        self._answer(lambda: self._http.delete("/v3/auth/tokens", headers={"X-Subject-Token": token}))

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
        calendar: Mapping[str, Any] | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """The series that the columns make: ts_id, groupby_val, groupby_key, points, freq of each.

        `calendar` may have freq, time_zone and aggregate.
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

    def streamed(
        self,
        path: str,
        parameters: Mapping[str, Any],
        until: ExitStack,
        *,
        patience_s: float | None = None,
        **given: Any,
    ) -> httpx.Response:
        """The answer at a path, which is still to be read, and is closed by the stack.

        ServiceAwayError where there was none within the patience, by default this client's.
        """

        def send() -> httpx.Response:
            answer = until.enter_context(self._http.stream("GET", path, params=parameters, **given))
            if not answer.is_success:
                answer.read()
            return answer

        return self._answer(send, patience_s)

    def put_file(self, path: str, file: Path) -> None:
        """Store a file as it is; a large one is read bit by bit."""

        def send() -> httpx.Response:
            with file.open("rb") as opened:
                return self._http.put(path, content=opened, headers={"Content-Type": "application/octet-stream"})

        self._answer(send)

    def delete(self, path: str) -> None:
        """Remove what is at a path, which is answered without a word."""
        self._answer(lambda: self._http.delete(path))

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

    def _answer(self, send: Callable[[], httpx.Response], patience_s: float | None = None) -> httpx.Response:
        """A success; asks again while the service says that it is not ready."""
        short = patience_s is not None  # then silence is as good as 503
        patience_s = self._patience_s if patience_s is None else patience_s
        deadline, pause, told = time.monotonic() + patience_s, _FIRST_PAUSE_S, False
        while True:
            asked = 0.0
            try:
                response = send()
            except KeyboardInterrupt:
                self._interrupted = True
                raise
            except httpx.TransportError as error:
                connected = self._seen or (
                    short and isinstance(error, httpx.ReadTimeout)
                )  # else the address may be wrong
                if not connected or time.monotonic() >= deadline:
                    raise (ServiceAwayError if self._seen else CommandError)(unreachable(self.url, error)) from error
                why = "it does not answer"
            else:
                self._seen = True
                if response.is_success:
                    return response
                if not is_soon_ready(response) or time.monotonic() >= deadline:
                    raise refusal_of(self.url, response, patience_s)
                asked, why = _retry_after(response), words_of(response)
            if pause > _SILENT_S and not (short or told):
                told = True
                text = f"waiting for the service at {self.url}, {patience_s:.0f} s at most: {one_line(why)}"
                notices().print(text, soft_wrap=True)
            self._pause(max(0.0, min(max(pause, asked), deadline - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise CommandError(f"what answers at {self.url} is not a Tidecast service: correct --url") from error


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the service asks us to wait."""
    text = response.headers.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE_S) if text.isdigit() else 0.0
