"""Kafka Connect's REST API: connectors kept as JSON files, applied so that a repeat changes nothing.

What goes over the wire is in functions from status and body to a value or an error; `KafkaConnect` has the socket.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from connectors.kafka_connect.state import ConnectorState, connector_state

__all__ = [
    "SINKS",
    "ConnectError",
    "ConnectUnreachableError",
    "Connector",
    "KafkaConnect",
    "Outcome",
    "current_config",
    "read_connectors",
    "rejections",
]

SINKS: Final = Path(__file__).parent / "sinks"
_TIMEOUT: Final = httpx.Timeout(90.0, connect=5.0)  # a worker gives up a request after 90 s
_PAUSE_S: Final = 0.5
_SETTLED_S: Final = 2.0  # a task whose database is away, or whose settings are wrong, fails within it as a rule
_REBALANCING: Final = 409  # "cannot complete request momentarily": asked again
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class ConnectError(RuntimeError):
    """A connector cannot be read or applied; the text is for the user and names the remedy."""


class ConnectUnreachableError(ConnectError):
    """No Connect worker answers; the text names its address."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as its file describes it."""

    name: str
    config: Mapping[str, str]

    @property
    def plugin(self) -> str:
        """The class that does the work."""
        return self.config["connector.class"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `apply` made of one connector: `change` is created, changed, unchanged or failed."""

    name: str
    change: str
    state: ConnectorState | None = None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it runs as its file says."""
        return self.change != "failed"


def read_connectors(folder: Path) -> Sequence[Connector]:
    """The connectors of `folder/*.json`, each `{"name": …, "config": {…}}`; ConnectError names the file and field."""
    if not folder.is_dir():
        raise ConnectError(f"{folder} is no folder: name one with connectors as *.json files")
    found = [_connector(path) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise ConnectError(f"{folder} holds no *.json file: name a folder with connectors")
    for name in {connector.name for connector in found}:
        if sum(connector.name == name for connector in found) > 1:
            raise ConnectError(f"two files of {folder} are both named {name}: give each connector its own name")
    return found


def rejections(status: int, body: Any) -> Sequence[str]:
    """Why a worker would not take a configuration, from its answer to validate; empty where it would."""
    if status != 200:
        return [_message(status, body)]
    return [
        f"{value['name']}: {error}"
        for value in (config["value"] for config in body["configs"])
        for error in dict.fromkeys(value["errors"])
    ]


def current_config(status: int, body: Any) -> Mapping[str, str] | None:
    """The configuration that a worker has, from its answer; None where it has no such connector."""
    if status == 404:
        return None
    if status != 200:
        raise ConnectError(_message(status, body))
    return {name: value for name, value in body.items() if name != "name"}


class KafkaConnect:
    """One Connect cluster, by the address of any of its workers."""

    def __init__(
        self,
        url: str,
        *,
        patience_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects at the first request; `transport`, `pause` and `clock` are for tests."""
        self.url = url.rstrip("/")
        self._patience_s = patience_s  # a worker that starts or moves its connectors needs some seconds
        self._pause = pause
        self._clock = clock
        proxies = urlsplit(url).hostname not in _LOOPBACK
        self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT, trust_env=proxies, transport=transport)

    def __enter__(self) -> Self:
        """The client."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Close the connections; not after an interrupt, which may leave a lock of theirs taken for good."""
        if kind is None:
            self._http.close()

    def apply(self, connector: Connector) -> Outcome:
        """Make the cluster run the connector as described; every reason against it is in the outcome.

        ConnectUnreachableError where no worker answers.
        """
        path = f"/connectors/{quote(connector.name, safe='')}"
        try:
            # 1. Would it be taken? Nothing is changed otherwise.
            plugin = quote(connector.plugin, safe="")
            body = {"name": connector.name, **connector.config}
            status, answer = self._ask("PUT", f"/connector-plugins/{plugin}/config/validate", body)
            if reasons := rejections(status, answer):
                return Outcome(connector.name, "failed", reason="; ".join(reasons))
            # 2. What is there?
            present = current_config(*self._ask("GET", f"{path}/config"))
            change = "created" if present is None else "unchanged" if present == connector.config else "changed"
            # 3. The change; or, where there is none, another try for tasks that gave up.
            if change != "unchanged":
                status, answer = self._ask("PUT", f"{path}/config", dict(connector.config))
                if status not in (200, 201):
                    return Outcome(connector.name, "failed", reason=_message(status, answer))
            elif (state := self._state(connector.name)) is not None and state.failed:
                self._ask("POST", f"{path}/restart?includeTasks=true&onlyFailed=true")
            # 4. Does it run?
            state = self._settled(connector.name, at_once=change == "unchanged")
        except ConnectUnreachableError:
            raise
        except ConnectError as error:
            return Outcome(connector.name, "failed", reason=str(error))
        if state is not None and state.running:
            return Outcome(connector.name, change, state)
        reason = state.reason if state is not None else ""
        return Outcome(connector.name, "failed", state, reason or f"it does not run after {self._patience_s:g} s")

    def states(self) -> Sequence[ConnectorState]:
        """Every connector of the cluster, by name; errors as `apply` raises them."""
        status, body = self._ask("GET", "/connectors?expand=status")
        if status != 200:
            raise ConnectError(_message(status, body))
        return [connector_state(body[name]["status"]) for name in sorted(body)]

    def _state(self, name: str) -> ConnectorState | None:
        status, body = self._ask("GET", f"/connectors/{quote(name, safe='')}/status")
        if status == 404:
            return None
        if status != 200:
            raise ConnectError(_message(status, body))
        return connector_state(body)

    def _settled(self, name: str, *, at_once: bool) -> ConnectorState | None:
        """The state once it runs, or has failed, and that lasts; or the last one when the time is up.

        The answer may still be that of the tasks before the change, so one look is not enough after one.
        """
        deadline = self._clock() + self._patience_s
        since: dict[str, float] = {}  # when it began to run, or to have failed, in one go
        while True:
            state, now = self._state(name), self._clock()
            seen = "" if state is None else "running" if state.running else "failed" if state.failed else ""
            since = {seen: since.get(seen, now)} if seen else {}
            lasting = seen != "" and now - since[seen] >= _SETTLED_S
            if lasting or (at_once and seen == "running") or now > deadline:
                return state
            self._pause(_PAUSE_S)

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and body of the answer; asks again while the worker starts or rebalances."""
        deadline = self._clock() + self._patience_s
        while True:
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                if self._clock() > deadline:
                    raise ConnectUnreachableError(
                        f"no Kafka Connect worker answers at {self.url} ({error}): start it, or correct --url"
                    ) from error
            else:
                # Until it has joined its group a worker answers 404 without the form of its own errors.
                starting = answer.status_code == 404 and not answer.headers.get("content-type", "").startswith(
                    "application/json"
                )
                if not (starting or answer.status_code in (_REBALANCING, 503)) or self._clock() > deadline:
                    return answer.status_code, _json(answer, self.url)
            self._pause(_PAUSE_S)


def _connector(path: Path) -> Connector:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConnectError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("name"), str) or not content["name"]:
        raise ConnectError(f"{path}: the field name is missing")
    config = content.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("connector.class"), str):
        raise ConnectError(f"{path}: the field config, with a connector.class in it, is missing")
    for field, value in config.items():
        if not isinstance(value, str):
            raise ConnectError(
                f"{path}: config.{field} is not a text: Connect's settings are texts, so put it in quotes"
            )
    return Connector(content["name"], config)


def _message(status: int, body: Any) -> str:
    text = body.get("message") if isinstance(body, dict) else None
    if not isinstance(text, str):
        return f"the Connect worker answered {status}"
    # It lists every plugin that it has, and where; the first part says what is wrong.
    return text.partition(", available connectors are:")[0]


def _json(answer: httpx.Response, url: str) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise ConnectError(f"what answers at {url} is not a Kafka Connect worker: correct --url") from error
