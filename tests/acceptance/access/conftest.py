"""One service with access control on for all tests of this folder, and clients of a few people."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.integration.services import Service, running_service, until

PASSWORD: Final = "correct horse battery"


class People:
    """Who may ask the service."""

    def __init__(self, service: Service) -> None:
        note: Path = service.settings.home / "first-administrator.json"
        until(note.exists, why="the first administrator is told")
        self.told: dict[str, str] = json.loads(note.read_text("utf-8"))
        self.mode = note.stat().st_mode & 0o777
        self.url = service.stack.url
        self._clients: list[httpx.Client] = []
        self.admin = self.client(self.token("admin", self.told["password"]))
        for project in ("p1", "p2"):
            self.made("PUT", f"/access/projects/{project}", {"title": f"Project {project}"})
        for name, project, role in (
            ("ada", "default", "operator"),
            ("vic", "default", "viewer"),
            ("bob", "p2", "operator"),
        ):
            self.made("PUT", f"/access/users/{name}", {"password": PASSWORD, "project": project, "role": role})
        self.keys = {name: self.made("POST", "/access/keys", {"user": name}) for name in ("ada", "vic")}
        self.ada, self.vic, self.bob = (self.client(self.token(name)) for name in ("ada", "vic", "bob"))

    def made(self, method: str, path: str, body: Any) -> Any:
        """What the administrator has made."""
        answer = self.admin.request(method, path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def login(self, user: str, password: str = PASSWORD, **scope: Any) -> httpx.Response:
        """The answer to a log-in."""
        who = {"name": user, "password": password, "domain": {"name": "Default"}}
        auth = {"identity": {"methods": ["password"], "password": {"user": who}}, **scope}
        return httpx.post(f"{self.url}/v3/auth/tokens", json={"auth": auth}, timeout=30)

    def token(self, user: str, password: str = PASSWORD) -> str:
        """A new token."""
        answer = self.login(user, password)
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    def client(self, token: str | None = None) -> httpx.Client:
        """A client with this token, or without any."""
        headers = {} if token is None else {"X-Auth-Token": token}
        made = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(scope="package")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`tidecast up` with both ways to show who asks."""
    with running_service(tmp_path_factory.mktemp("access"), auth="token,ak-sk") as running:
        yield running


@pytest.fixture(scope="package")
def people(guarded: Service) -> Iterator[People]:
    """Three people and the administrator."""
    made = People(guarded)
    yield made
    made.close()
