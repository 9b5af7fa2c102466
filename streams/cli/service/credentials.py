"""What a command shows of who asks: a token, a key that it signs with, or the token of `tidecast access login`."""

import hashlib
import json
import os
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from streams.access.signatures import HUAWEI, UNSIGNED, Asked, Signed, signature_of

if TYPE_CHECKING:
    from pydantic import SecretStr

    from streams.settings import Settings

__all__ = ["credentials_of", "forget_login", "keep_login", "logins_file"]

_SIGNED: Final = ("content-type", "host", "idempotency-key", "x-project-id")
_JSON: Final = "application/json"


def credentials_of(settings: "Settings", url: str) -> httpx.Auth | None:
    """For requests to the service at `url`: TIDECAST_TOKEN, TIDECAST_ACCESS_KEY_ID, a login; None: nothing is sent."""
    token = _plain(settings.token)
    if token:
        return _Token(token)
    if settings.access_key_id and settings.access_key_secret is not None:
        return _Key(settings.access_key_id, _plain(settings.access_key_secret))
    kept = _logins().get(_place(url))
    return None if kept is None else _Token(kept)


def keep_login(url: str, token: str) -> Path:
    """Let later commands that ask the service at `url` send this token; the file, which only its user can read."""
    return _keep({**_logins(), _place(url): token})


def forget_login(url: str) -> str | None:
    """Send it no more; the token, where there was one."""
    kept = dict(_logins())
    token = kept.pop(_place(url), None)
    if token is not None:
        _keep(kept)
    return token


def logins_file() -> Path:
    """Where tokens of logins are: a person's own, not the service's home."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "tidecast" / "logins.json"


def _logins() -> Mapping[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads(logins_file().read_text("utf-8"))
        if isinstance(found, dict):
            return {str(name): str(token) for name, token in found.items()}
    return {}


def _keep(logins: Mapping[str, str]) -> Path:
    """Write the file, whole or not at all."""
    file = logins_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(logins, indent=1), "utf-8")
    unfinished.replace(file)
    return file


def _place(url: str) -> str:
    return url.rstrip("/").lower()


def _plain(secret: "SecretStr | None") -> str:
    return "" if secret is None else secret.get_secret_value()


class _Token(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Auth-Token"] = self._token
        yield request


class _Key(httpx.Auth):
    """Signs as Huawei Cloud's SDK does: of a body its digest too where it is JSON, for files are not read twice."""

    def __init__(self, access_key: str, secret: str) -> None:
        self._access_key = access_key
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        kind = request.headers.get("content-type", "")
        digest = hashlib.sha256(b"").hexdigest()
        if kind.startswith(_JSON):
            digest = hashlib.sha256(request.read()).hexdigest()
        elif kind:
            digest = request.headers[HUAWEI.digest] = UNSIGNED
        request.headers[HUAWEI.date] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        told = {name.lower(): value for name, value in request.headers.items()}
        names = tuple(sorted(name for name in told if name in _SIGNED or name.startswith(HUAWEI.service)))
        path, _, query = request.url.raw_path.partition(b"?")
        signed = Signed(HUAWEI, self._access_key, (), names, "")
        signature = signature_of(signed, Asked(request.method, path, query, told), digest, self._secret)
        request.headers["Authorization"] = (
            f"{HUAWEI.algorithm} Access={self._access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        yield request
