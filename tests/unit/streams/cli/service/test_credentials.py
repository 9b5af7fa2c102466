"""What commands send of who asks."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.access.signatures import Asked, parsed, signature_of
from streams.cli.service.credentials import credentials_of, forget_login, keep_login, logins_file
from streams.settings import Settings

URL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is logged in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def sent(request: httpx.Request, **given: Any) -> httpx.Request:
    auth = credentials_of(Settings(**given), URL)
    assert auth is not None
    return next(auth.auth_flow(request))


def test_nothing_is_sent_where_nothing_is_known() -> None:
    assert credentials_of(Settings(), URL) is None


def test_a_token_is_sent_before_all_else() -> None:
    keep_login(URL, "kept")
    request = sent(httpx.Request("GET", URL), token="given", access_key_id="A", access_key_secret="s")

    assert request.headers["X-Auth-Token"] == "given"
    assert "Authorization" not in request.headers


def test_a_login_is_kept_for_its_service_and_its_user_alone() -> None:
    file = keep_login(f"{URL}/", "kept")
    keep_login("http://other:1", "another")

    assert file == logins_file()
    assert file.stat().st_mode & 0o777 == 0o600
    assert sent(httpx.Request("GET", URL)).headers["X-Auth-Token"] == "kept"
    assert forget_login(URL) == "kept"
    assert forget_login(URL) is None
    assert credentials_of(Settings(), URL) is None
    assert forget_login("http://other:1") == "another"


@pytest.mark.parametrize("broken", ["", "[]", "{"])
def test_a_broken_file_is_as_good_as_none(broken: str) -> None:
    keep_login(URL, "kept")
    logins_file().write_text(broken, "utf-8")

    assert credentials_of(Settings(), URL) is None
    keep_login(URL, "new")
    assert sent(httpx.Request("GET", URL)).headers["X-Auth-Token"] == "new"


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        ({}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ({"json": {}}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        ({"files": {"upload": b"a"}}, "UNSIGNED-PAYLOAD"),
    ],
)
def test_a_key_signs_each_request(given: Any, digest: str) -> None:
    """Of JSON the body too; files are not read twice."""
    made = httpx.Request("POST", f"{URL}/job/?a=b%20c", headers={"Idempotency-Key": "k"}, **given)
    request = sent(made, access_key_id="AKAKAKAKAKAKAKAKAKAK", access_key_secret="a secret")
    signed = parsed(request.headers["Authorization"])

    assert signed is not None
    assert {"host", "idempotency-key", "x-sdk-date"} <= set(signed.headers)
    path, _, query = request.url.raw_path.partition(b"?")
    told = {name.lower(): value for name, value in request.headers.items()}
    assert signature_of(signed, Asked("POST", path, query, told), digest, "a secret") == signed.signature
