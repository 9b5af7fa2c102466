"""Who is let in, without a server: what a stream is told when its token has become void, and tokens in headers."""

import asyncio
import base64
import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.types import Message

from schemas.access import AccessRecord
from streams.access.authenticator import Authenticator
from streams.access.caller import Caller, Role
from streams.access.directory import Directory, row_key
from streams.access.failures import Failures
from streams.access.passwords import Passwords, hash_password
from streams.access.tokens import Tokens
from streams.access.vault import Vault
from streams.errors import RejectedError, UnauthenticatedError
from streams.settings import Settings
from streams.views.web.admission import authentication
from streams.views.web.admission.authentication import Authentication, sent_token
from streams.views.web.admission.buckets import Rates
from streams.views.web.admission.signed_requests import SignedRequests
from streams.views.web.door import Doors


class Fading:
    """What somebody came in by, good for some looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


def scope(method: str = "GET", *headers: tuple[bytes, bytes]) -> Any:
    return {"type": "http", "method": method, "headers": headers or [(b"x-auth-token", b"t")]}


async def never() -> Any:
    await asyncio.Event().wait()


async def test_a_stream_whose_token_is_void_is_told_that_its_client_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_LOOK_S", 0.01)
    token = Fading(3)
    async with asyncio.timeout(5):
        message = await authentication._while_good(token, scope(), never)()

    assert message == {"type": "http.disconnect"}
    assert token.looks == -1


async def test_what_comes_from_the_client_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and its error too."""
    monkeypatch.setattr(authentication, "_LOOK_S", 10)
    good = Fading(100)

    async def sent() -> Any:
        return {"type": "http.request", "body": b"a"}

    async def broken() -> Any:
        raise OSError

    assert await authentication._while_good(good, scope(), sent)() == {"type": "http.request", "body": b"a"}
    with pytest.raises(OSError):  # noqa: PT011
        await authentication._while_good(good, scope(), broken)()
    assert authentication._while_good(good, scope("POST"), sent) is sent


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({b"x-auth-token": b"t"}, "t"),
        ({b"authorization": b"Bearer t"}, "t"),
        ({b"authorization": b"bearer  t "}, "t"),
        ({b"authorization": b"Basic dDp0"}, None),
        ({b"cookie": b"a=b; tidecast_session=t; c=d"}, "t"),
        ({b"cookie": b"a=b"}, None),
        ({b"cookie": b"\xff;=;;"}, None),
        ({b"x-auth-token": b"t", b"authorization": b"Bearer u"}, "t"),
        ({b"authorization": b"Basic dDp0", b"cookie": b"tidecast_session=t"}, None),
    ],
)
def test_where_a_token_is(headers: dict[bytes, bytes], token: str | None) -> None:
    assert sent_token(headers) == token


_SECRET = "s" * 40
_PASSWORD = "correct horse battery"


def row(kind: str, name: str, **fields: str) -> AccessRecord:
    made: Any = {"kind": kind, "name": name, "command_id": "c", "created": 0, **fields}
    return AccessRecord(**made)


class Door:
    """What lets in a user with a password and a key, and their rows."""

    def __init__(self) -> None:
        self.rows = Directory()
        vault = Vault(b"v" * 32)
        self.user = row("user", "kim", project="retail", role="viewer", secret=hash_password(_PASSWORD))
        self.key = row("key", "AK1", user="kim", secret=vault.encrypted(_SECRET))
        for one in (self.user, self.key, row("project", "retail")):
            self.rows.told(row_key(one.kind, one.name), one)
        self.authenticator = Authenticator(self.rows, vault, Tokens(vault.token_key, 60.0), Passwords())
        made: Any = object.__new__(Authentication)
        made._ways, made._failures, made._settings = ["token", "ak-sk"], Failures(), Settings()
        made._signed, made._refusals = SignedRequests(self.authenticator), None
        self._made = made

    async def opened(self, authorization: str, **headers: str) -> Any:
        """Who asks so, and whether that still holds."""
        sent = {"authorization": authorization, "host": "tidecast.example", **headers}
        asked = scope("GET", *((name.encode(), value.encode()) for name, value in sent.items()))
        asked |= {"path": "/watch", "raw_path": b"/watch", "query_string": b"path=job"}
        who, _, by_now = await self._made._found(self.authenticator, asked, never, None)
        who = authentication._in_asked_project(self.authenticator, who, asked)
        return who, lambda: authentication._is_still(who, by_now(), self.authenticator, asked)


def basic(name: str, word: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{word}'.encode()).decode()}"


def by_amazon() -> dict[str, str]:
    request = AWSRequest("GET", "http://tidecast.example/watch?path=job")
    SigV4Auth(Credentials("AK1", _SECRET), "sagemaker", "any").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("way", ["signed", "basic-key", "basic-secret", "basic-password", "basic-token", "token"])
async def test_whatever_a_stream_was_opened_by_it_ends_with_that(way: str) -> None:
    """The key is revoked, or the user; nothing else of theirs has to change."""
    door = Door()
    token, _ = door.authenticator.token_for(Caller("kim", "retail", Role.VIEWER))
    headers = {
        "basic-key": basic("AK1", _SECRET),
        "basic-secret": basic("api", _SECRET),
        "basic-password": basic("kim", _PASSWORD),
        "basic-token": basic("any", token),
        "token": f"Bearer {token}",
    }
    shown = by_amazon() if way == "signed" else {"authorization": headers[way]}
    who, is_good = await door.opened(shown.pop("authorization"), **shown)
    before = is_good()
    by_key = way in ("signed", "basic-key", "basic-secret")
    gone = door.key if by_key else door.user
    door.rows.told(row_key(gone.kind, gone.name), None)

    assert (who.name, who.project, before, is_good()) == ("kim", "retail", True, False)


@pytest.mark.parametrize("changed", [{"project": ""}, {"role": "operator"}])
@pytest.mark.parametrize("way", ["signed", "basic-key", "basic-secret", "basic-password"])
async def test_a_stream_ends_once_its_user_works_elsewhere(way: str, changed: dict[str, str]) -> None:
    """It would go on in the project and with the rights of before."""
    door = Door()
    headers = {"basic-key": ("AK1", _SECRET), "basic-secret": ("api", _SECRET), "basic-password": ("kim", _PASSWORD)}
    shown = by_amazon() if way == "signed" else {"authorization": basic(*headers[way])}
    _, is_good = await door.opened(shown.pop("authorization"), **shown)
    before = is_good()
    door.rows.told(row_key("user", "kim"), replace(door.user, **changed))

    assert (before, is_good()) == (True, False)


async def test_an_administrators_stream_in_a_project_ends_with_the_role() -> None:
    """Asked for by X-Project-Id, where nobody else may look."""
    door = Door()
    door.rows.told(row_key("user", "kim"), replace(door.user, project="", role="admin"))
    who, is_good = await door.opened(basic("AK1", _SECRET), **{"x-project-id": "retail"})
    before = is_good()
    door.rows.told(row_key("user", "kim"), replace(door.user, project="", role="viewer"))

    assert (who.project, before, is_good()) == ("retail", True, False)


async def test_security_9_who_does_not_show_a_name_is_counted_too() -> None:
    """By address, where requests are; passwords are not even tried then, and whoever has a name is not held up."""
    door, statuses = Door(), list[int]()
    door._made._refusals, door._made._doors = Rates(0.001, 3), Doors([])

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    async def asked(authorization: str) -> int:
        asking = scope("GET", (b"authorization", authorization.encode())) | {"path": "/job/", "client": ("10.0.0.1", 7)}
        await door._made._admit(door.authenticator, asking, never, send)
        return next(filter(None, reversed(statuses)))

    assert [await asked("Bearer nothing") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert await asked(basic("kim", "a guess")) == 429
    assert (await door.opened(basic("AK1", _SECRET)))[0].name == "kim"
    door._made._refusals = None
    await door.opened(basic("kim", _PASSWORD))
    door._made._refusals = Rates(0.001, 1)
    door._made._refusals.wait_s("", time.monotonic())
    assert (await door.opened(basic("kim", _PASSWORD)))[0].name == "kim"


@pytest.mark.parametrize("name", ["authorization", "x-auth-token", "x-project-id"])
async def test_what_shows_who_asks_is_sent_once(name: str) -> None:
    """What stands before this service may look at the other one."""
    door = Door()
    asked = scope(
        "GET", (b"authorization", basic("AK1", _SECRET).encode()), (name.encode(), b"a"), (name.encode(), b"b")
    )

    with pytest.raises(RejectedError, match="more than once"):
        await door._made._found(door.authenticator, asked | {"path": "/job/"}, never, None)


async def test_a_password_that_is_known_is_taken_while_others_guess() -> None:
    """From the same address, which may be a proxy's; one that is not known yet is not."""
    door = Door()
    await door.opened(basic("kim", _PASSWORD))
    for _ in range(10):
        door._made._failures.note("", "kim", time.monotonic())

    assert (await door.opened(basic("kim", _PASSWORD)))[0].name == "kim"
    with pytest.raises(RejectedError, match="too many"):
        await door.opened(basic("kim", "another"))


async def test_a_stream_by_password_ends_with_the_password() -> None:
    door = Door()
    _, is_good = await door.opened(basic("kim", _PASSWORD))
    door.rows.told(row_key("user", "kim"), replace(door.user, secret="another"))

    assert not is_good()


async def test_what_a_signed_stream_watches_is_asked_as_its_owner() -> None:
    """Its signature is of another address; nobody but this process can say so of a request."""
    door, owner = Door(), Caller("kim", "retail", Role.VIEWER)
    shown = by_amazon()
    asked = scope("GET", (b"authorization", shown["authorization"].encode()), (b"host", b"tidecast.example"))
    asked |= {"path": "/job/", "raw_path": b"/job/", "query_string": b""}
    with pytest.raises(UnauthenticatedError):
        await door._made._found(door.authenticator, asked, never, None)
    who, _, _ = await door._made._found(door.authenticator, asked | {authentication.WATCHER: owner}, never, None)

    assert who is owner
