"""Tokens: what is good, and all that is not (case 62 of ecosystem.md)."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from streams.access.tokens import Tokens

KEY = b"k" * 32
NOW = 1_700_000_000.0


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEY, 3600)


def made(key: bytes = KEY, algorithm: str = "HS256", **changed: Any) -> str:
    claims = {"aud": "tidecast", "sub": "ada", "project": "", "iat": NOW, "exp": NOW + 60, "jti": "0a"} | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def test_a_token_says_who_asks_where_and_until_when(tokens: Tokens) -> None:
    token, claims = tokens.issue("ada", "p1", NOW)

    assert tokens.read(token, NOW) == tokens.read(token, NOW + 1) == claims
    assert (claims.user, claims.project, claims.expires) == ("ada", "p1", NOW + 3600)


def test_a_token_ends(tokens: Tokens) -> None:
    """Also one that was read before."""
    token, _ = tokens.issue("ada", "", NOW)

    assert tokens.read(token, NOW + 3599) is not None
    assert tokens.read(token, NOW + 3600) is None


def test_a_token_that_is_shown_a_token_ends_with_it(tokens: Tokens) -> None:
    """Never later than others do."""
    assert tokens.issue("ada", "", NOW, NOW + 60)[1].expires == NOW + 60
    assert tokens.issue("ada", "", NOW, NOW + 9999)[1].expires == NOW + 3600


def unsigned() -> str:
    parts = [
        {"alg": "none"},
        {"aud": "tidecast", "sub": "ada", "project": "", "iat": NOW, "exp": NOW + 60, "jti": "0a"},
    ]
    return ".".join(base64.urlsafe_b64encode(json.dumps(it).encode()).decode().rstrip("=") for it in parts) + "."


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "ä.ö.ü",
        "a" * 5000,
        unsigned(),
        made(b"x" * 32),
        made(algorithm="HS512"),
        made(aud="another"),
        made(aud=None),
        made(exp=None),
        made(exp=NOW - 1),
        made(exp="never"),
        made(sub=None),
        made(sub=7),
        made(jti=None),
        made(iat=NOW + 3600),
    ],
)
def test_what_is_none_of_ours_is_not_good(tokens: Tokens, token: str) -> None:
    assert tokens.read(made(), NOW) is not None
    assert tokens.read(token, NOW) is None


def test_a_changed_byte_is_found(tokens: Tokens) -> None:
    token, _ = tokens.issue("ada", "", NOW)

    assert tokens.read(token, NOW) is not None
    assert tokens.read(token[:-3] + ("A" if token[-3] != "A" else "B") + token[-2:], NOW) is None
