"""Tokens over HTTP: who comes in, and who does not (T-018 … T-028; acceptance tests 1, 2, 7, 8, 10 of security.md)."""

import contextlib
import re
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from streams.settings import Settings
from tests.acceptance.access.conftest import PASSWORD, People
from tests.acceptance.workloads.workloads_clients import point, send
from tests.integration.services import Service

_OPEN: Final = {
    "GET /healthz",
    "GET /readyz",
    "GET /ping",
    "GET /v3",
    "POST /v3/auth/tokens",
    "POST /access/session",
    "DELETE /access/session",
}


def operations(people: People) -> Iterator[tuple[str, str]]:
    """Method and path, with plain values, of every route of the API document, which anybody may read."""
    document = httpx.get(f"{people.url}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            if f"{method.upper()} {path}" not in _OPEN:
                yield method.upper(), re.sub(r"\{[^}]+\}", "7", path)


def test_T028_nobody_comes_in_without_a_credential(people: People) -> None:
    """401 at every route, in the words of its contract, for HEAD too; the rest answers."""
    nobody = people.client()
    asked = list(operations(people))
    assert len(asked) > 100
    for method, path in asked:
        answer = nobody.request(method, path)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        body = answer.json()
        if path.startswith("/v1/"):
            assert body["is_success"] is False
        if method == "GET":
            assert nobody.head(path).status_code == 401, path
    for path in ("/healthz", "/readyz", "/ping", "/docs", "/openapi.json", "/", "/v3"):
        assert nobody.get(path).status_code == 200, path


def test_a_body_of_nobody_is_not_read(people: People) -> None:
    """401 before any of it has come."""
    url = httpx.URL(people.url)
    with socket.create_connection((url.host, url.port), timeout=20) as line:
        line.sendall(b"POST /data/ HTTP/1.1\r\nHost: %b\r\nContent-Length: 500000000\r\n\r\n" % url.netloc)
        assert line.recv(100).startswith(b"HTTP/1.1 401")


def test_T018_a_token_is_that_of_keystone(people: People) -> None:
    """In the header; user, project, roles and times in the body."""
    answer = people.login("ada", scope={"project": {"id": "default"}})
    token = answer.json()["token"]

    assert answer.status_code == 201
    assert (token["user"]["name"], token["project"]["id"], token["roles"][0]["name"]) == ("ada", "default", "operator")
    assert token["issued_at"] < token["expires_at"]
    shown = people.ada.get("/v3/auth/tokens", headers={"X-Subject-Token": answer.headers["X-Subject-Token"]})
    assert shown.json()["token"]["audit_ids"] == token["audit_ids"]


def test_T018_a_token_for_a_token_ends_when_that_does(people: People) -> None:
    """Or one that was found once would be good for ever. Keystone's address is known with a slash at its end too."""
    first = people.login("ada")
    identity = {"methods": ["token"], "token": {"id": first.headers["X-Subject-Token"]}}
    second = people.client().post("/v3/auth/tokens", json={"auth": {"identity": identity}})

    assert second.status_code == 201
    assert second.json()["token"]["expires_at"] == first.json()["token"]["expires_at"]
    assert people.client().get("/v3/").json() == people.client().get("/v3").json()


def test_a_refused_password_is_not_repeated(people: People) -> None:
    """Wherever it is wrong: too short, no text, a text where an object belongs. A quota that is no number is none."""
    answers = [
        people.client().post(
            "/v3/auth/tokens", json={"auth": {"identity": {"methods": ["password"], "password": password}}}
        )
        for password in ("canary", {"user": {"name": "ada", "password": 730012}})
    ]
    answers.append(people.admin.put("/access/users/short", json={"password": "canary"}))
    answers.append(people.client().post("/access/session", json={"user": "ada", "password": 730014}))

    assert [it.status_code for it in answers] == [400] * 4
    assert not [it.text for it in answers if "canary" in it.text or "73001" in it.text]
    assert people.admin.put("/access/projects/p1/quotas", json={"jobs": True}).status_code == 400


@pytest.mark.parametrize("header", ["X-Auth-Token", "Authorization", "Basic", "Cookie"])
def test_T023_a_token_comes_as_clients_send_it(people: People, header: str) -> None:
    """OpenStack's header, Bearer, Basic's password, and a browser's cookie."""
    token = people.token("ada")
    nobody = people.client()
    sent: dict[str, Any] = {
        "X-Auth-Token": {"headers": {"X-Auth-Token": token}},
        "Authorization": {"headers": {"Authorization": f"Bearer {token}"}},
        "Basic": {"auth": ("anything", token)},
        "Cookie": {"headers": {"Cookie": f"a=b; tidecast_session={token}"}},
    }[header]

    assert nobody.get("/access/me", **sent).json() == {
        "name": "ada",
        "project": "default",
        "role": "operator",
        "auth": "token,ak-sk",
    }


def test_clients_that_know_nothing_but_basic_come_in(people: People) -> None:
    """Prometheus by user and password, others by a key and its secret, W&B's by the secret alone."""
    key = people.keys["ada"]
    for auth in (("ada", PASSWORD), (key["access_key"], key["secret"]), ("api", key["secret"])):
        assert people.client().get("/access/me", auth=auth).json()["name"] == "ada", auth
    for auth in (("ada", "wrong"), (key["access_key"], "wrong"), ("api", "x" * 40), ("", ""), ("api", "")):
        assert people.client().get("/access/me", auth=auth).status_code == 401, auth


def test_a_token_in_the_address_is_none(people: People) -> None:
    token = people.token("ada")

    assert people.client().get("/access/me", params={"token": token, "X-Auth-Token": token}).status_code == 401


def test_wrong_expired_and_revoked_tokens_are_refused_in_the_same_words(people: People) -> None:
    """And in the same time: they take turns, so that a machine that is slow for a while is so for each."""
    revoked, good = people.token("ada"), people.token("ada")
    assert people.ada.delete("/v3/auth/tokens", headers={"X-Subject-Token": revoked}).status_code == 204
    changed = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
    clients = [people.client(token) for token in (revoked, changed, "nonsense")]
    bodies: set[str] = set()
    times: list[list[float]] = [[] for _ in clients]
    for _ in range(150):
        for client, taken in zip(clients, times, strict=True):
            begun = time.perf_counter()
            answer = client.get("/job/")
            taken.append(time.perf_counter() - begun)
            assert answer.status_code == 401
            bodies.add(answer.text)
    medians = [statistics.median(taken) for taken in times]

    assert len(bodies) == 1
    assert max(medians) < 2 * min(medians)
    assert people.client(good).get("/job/").status_code == 200


def test_a_user_that_is_revoked_is_out_at_once(people: People) -> None:
    """With tokens and keys, also when somebody of the same name comes later."""
    people.made("PUT", "/access/users/eve", {"password": PASSWORD, "project": "default", "role": "viewer"})
    eve = people.client(people.token("eve"))
    assert eve.get("/access/me").status_code == 200
    assert people.admin.delete("/access/users/eve").status_code == 204
    assert eve.get("/access/me").status_code == 401
    people.made("PUT", "/access/users/eve", {"password": PASSWORD, "project": "default", "role": "viewer"})
    assert eve.get("/access/me").status_code == 401
    assert people.admin.delete("/access/users/eve").status_code == 204


def test_another_password_makes_tokens_void(people: People) -> None:
    people.made("PUT", "/access/users/eva", {"password": PASSWORD})
    eva = people.client(people.token("eva"))
    assert people.admin.put("/access/users/eva", json={"password": "another password"}).status_code == 200

    assert eva.get("/access/me").status_code == 401
    assert people.login("eva").status_code == 401
    assert people.login("eva", "another password").status_code == 201
    assert people.admin.delete("/access/users/eva").status_code == 204


def test_a_stream_ends_with_its_token(people: People) -> None:
    """Within seconds: what comes after the log-out is for nobody."""
    token = people.token("ada")
    with people.client(token) as client:
        send(client, "streamed", [point(1)])
        with client.stream("GET", "/api/v1/workloads/streamed/metrics/stream", timeout=30) as stream:
            assert stream.status_code == 200
            people.ada.delete("/v3/auth/tokens", headers={"X-Subject-Token": token})
            begun = time.monotonic()
            with contextlib.suppress(httpx.RemoteProtocolError):
                for _ in stream.iter_lines():
                    pass
    assert time.monotonic() - begun < 10


def test_roles_are_held_to(people: People) -> None:
    """403 in the door's words: viewers read, operators write, administrators look after users and figures."""
    assert people.vic.get("/job/").status_code == 200
    for client, method, path in (
        (people.vic, "POST", "/job/"),
        (people.vic, "DELETE", "/uploads/a"),
        (people.vic, "GET", "/metrics"),
        (people.ada, "GET", "/metrics"),
        (people.ada, "GET", "/access/users"),
        (people.ada, "PUT", "/access/users/ada"),
        (people.vic, "POST", "/v1/default/training-jobs"),
    ):
        answer = client.request(method, path, json={})
        assert answer.status_code == 403, (method, path, answer.text)
    assert people.vic.post("/v1/default/training-jobs", json={}).json()["is_success"] is False
    assert people.admin.get("/metrics").status_code == 200


def test_T022_another_project_than_ones_own_is_refused(people: People) -> None:
    """An administrator may work in every one."""
    assert people.ada.get("/access/me", headers={"X-Project-Id": "default"}).status_code == 200
    assert people.ada.get("/access/me", headers={"X-Project-Id": "p2"}).status_code == 403
    assert people.ada.get("/access/me", headers={"X-Project-Id": "nothing"}).status_code == 403
    assert people.admin.get("/access/me", headers={"X-Project-Id": "p2"}).json()["project"] == "p2"
    assert people.login("ada", scope={"project": {"id": "p2"}}).status_code == 401


def test_wrong_passwords_are_counted(people: People) -> None:
    """The eleventh in a minute is 429, and says when to come again."""
    answers = [people.login("vic", "wrong password") for _ in range(11)]

    assert [it.status_code for it in answers] == [401] * 10 + [429]
    assert 30 < int(answers[-1].headers["Retry-After"]) <= 60
    assert 30 < int(people.client().get("/access/me", auth=("vic", "wrong password")).headers["Retry-After"]) <= 60
    assert len({it.text for it in answers[:10]} | {people.login("who", "wrong password").text}) == 1


def test_foreign_pages_and_names_are_refused_before_anything_else(people: People) -> None:
    """Also with a good token: 421 and 403."""
    assert people.ada.get("/job/", headers={"Host": "evil.example"}).status_code == 421
    foreign = {"Origin": "http://evil.example"}
    for path in ("/data/", "/job/7/stop", "/endpoints/a/invocations"):
        assert people.ada.post(path, headers=foreign).status_code == 403, path


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/metrics%2f",
        "/./metrics",
        "/metrics%0A",
        "/metrics%0D%0A",
        "/metrics%00",
        "/access/users%0a",
    ],
)
def test_an_address_written_otherwise_needs_no_less(people: People, path: str) -> None:
    """Never an answer that the plain one would not get."""
    target = httpx.URL(people.url).copy_with(raw_path=path.encode())

    assert people.vic.get(target).status_code in (400, 403, 404)
    assert people.client().get(target).status_code in (400, 401, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_no_role_is_left_out_by_a_line_end_behind_an_address(people: People, method: str) -> None:
    """Routes are found in spite of it, and doors are not: a viewer made a key of an administrator."""
    for path in ("/access/keys%0A", "/access/users/vic%0A", "/operate-model%0A", "/job/%0A", "/access/keys%0A/"):
        target = httpx.URL(people.url).copy_with(raw_path=path.encode())
        answer = people.vic.request(method, target, json={"user": "admin"})

        assert answer.status_code == 400, path
        assert "no address has a line end" in answer.text, path


def test_a_browser_has_its_token_in_a_cookie(people: People) -> None:
    """Which no script reads and no other page sends; it is void after the log-out."""
    browser = people.client()
    answer = browser.post("/access/session", json={"user": "ada", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"].lower()
    token = browser.cookies["tidecast_session"]

    assert answer.status_code == 204
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert browser.get("/access/me").json()["name"] == "ada"
    assert browser.delete("/access/session").status_code == 204
    assert people.client(token).get("/access/me").status_code == 401
    assert browser.get("/access/me").status_code == 401


@pytest.mark.parametrize("hop", ["1", "v1:1:a:admin::3:00", "v1"])
def test_nobody_elses_word_is_taken_for_another_workers(people: People, hop: str) -> None:
    """`x-tidecast-forwarded` from outside is as good as absent."""
    assert people.client().get("/job/", headers={"x-tidecast-forwarded": hop}).status_code == 401
    assert people.ada.get("/access/me", headers={"x-tidecast-forwarded": hop}).json()["name"] == "ada"


def test_a_verified_request_costs_little(people: People) -> None:
    """Beside a door that is open, in turns; a password costs some twenty times as much (docs/access.md)."""
    doors = [(people.client(), "/healthz"), (people.client(people.token("ada")), "/access/me")]
    times: list[list[float]] = [[], []]
    for _ in range(200):
        for (client, path), taken in zip(doors, times, strict=True):
            begun = time.perf_counter()
            assert client.get(path).status_code == 200
            taken.append(time.perf_counter() - begun)
    opened, verified = map(statistics.median, times)

    assert verified < 4 * opened


def test_secrets_are_in_no_file_but_their_own(guarded: Service, people: People) -> None:
    """Logs, the broker's log segments, objects: no token, password or secret of a key."""
    token = people.token("ada")
    people.client(token).get("/job/")
    people.client(token + "x").get("/job/")
    canaries = [
        token.encode(),
        PASSWORD.encode(),
        people.keys["ada"]["secret"].encode(),
        people.told["secret"].encode(),
    ]

    def found() -> list[str]:
        return [
            str(path)
            for path in guarded.settings.home.rglob("*")
            if path.is_file() and path.name != "first-administrator.json"
            if any(canary in path.read_bytes() for canary in canaries)
        ]

    assert not found()
    assert people.mode == 0o600
    assert (guarded.settings.home / "access.key").stat().st_mode & 0o777 == 0o600


def test_without_access_control_everybody_is_the_administrator(service: Service) -> None:
    """So that the dashboard knows; there are no users then."""
    with httpx.Client(base_url=service.stack.url, timeout=30) as anybody:
        me = anybody.get("/access/me").json()
        assert me == {"name": "", "project": "default", "role": "admin", "auth": "off"}
        assert anybody.get("/access/users").json()["code"] == "access_off"
        assert anybody.post("/v3/auth/tokens", json={"auth": {"identity": {"methods": ["token"]}}}).status_code == 409
    assert Settings().auth == "off"
