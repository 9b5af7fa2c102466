"""Finds out who asks, by a token, a password or a key; what each is good for is looked up at every request."""

import hashlib
import hmac
import math
import time
from functools import lru_cache
from typing import Final

from schemas.access import AccessRecord
from streams.access.caller import DEFAULT_PROJECT, Caller, Role
from streams.access.directory import Directory
from streams.access.keys import SECRET_LENGTH
from streams.access.passwords import Passwords
from streams.access.tokens import Claims, Tokens
from streams.access.vault import Vault

__all__ = ["AK_SK", "TOKEN", "Authenticator", "project_named"]

TOKEN: Final = "token"  # noqa: S105 - a word of TIDECAST_AUTH
AK_SK: Final = "ak-sk"
_MOST_SECRETS: Final = 4096


def project_named(shown: str) -> str:
    """The project that people call so."""
    return "" if shown == DEFAULT_PROJECT else shown


class Authenticator:
    """Knows callers by what they send. Every method answers None for whatever is not, or no longer, good."""

    def __init__(self, directory: Directory, vault: Vault, tokens: Tokens, passwords: Passwords) -> None:
        self._directory = directory
        self._tokens = tokens
        self._passwords = passwords
        self._decrypted = lru_cache(_MOST_SECRETS)(vault.decrypted)  # a key signs again and again

    def claims_of(self, token: str) -> Claims | None:
        """What a token says, while it is good."""
        claims = self._tokens.read(token, time.time())
        if claims is None or self._directory.get("token", claims.token_id) is not None:
            return None
        user = self._directory.get("user", claims.user)
        return None if user is None or claims.issued * 1000 < user.valid_from else claims

    def by_token(self, token: str) -> Caller | None:
        """Whose token it is, in the project that it was made for."""
        claims = self.claims_of(token)
        user = None if claims is None else self._directory.get("user", claims.user)
        return None if claims is None or user is None else self.in_project(_caller(user), claims.project)

    def named(self, name: str) -> Caller | None:
        """Who has this name."""
        user = self._directory.get("user", name)
        return None if user is None else _caller(user)

    def remembered(self, name: str, password: str) -> Caller | None:
        """Who has this name and password, where that was found out lately."""
        user = self._directory.get("user", name)
        return None if user is None or not self._passwords.remembers(password, user.secret) else _caller(user)

    async def by_password(self, name: str, password: str, address: str) -> Caller | None:
        """Who has this name and password; TooManyTriesError where there is no time to find out for this address."""
        user = self._directory.get("user", name)
        fits = await self._passwords.fits(password, None if user is None else user.secret, address)
        return _caller(user) if fits and user is not None else None

    def stamp_of(self, name: str) -> tuple[str, int] | None:
        """What changes when a user gets another password; None where there is no such user."""
        user = self._directory.get("user", name)
        return None if user is None else (user.secret, user.valid_from)

    def by_key(self, access_key: str) -> tuple[Caller, str] | None:
        """Whose key it is, and its secret."""
        key = self._directory.get("key", access_key)
        user = None if key is None else self._directory.get("user", key.user)
        secret = None if key is None else self._decrypted(key.secret)
        return None if user is None or secret is None else (_caller(user), secret)

    def by_secret(self, name: str, secret: str) -> Caller | None:
        """Whose key has this secret: the key of that name, else, for clients that send a name of their own, any."""
        found = self.by_key(name)
        if found is not None:
            return found[0] if hmac.compare_digest(found[1].encode(), secret.encode("utf-8", "surrogatepass")) else None
        if len(secret) != SECRET_LENGTH:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        for key in self._directory.all("key"):
            known = self._decrypted(key.secret)
            if known is not None and hashlib.sha256(known.encode()).digest() == digest:
                found = self.by_key(key.name)
                return None if found is None else found[0]
        return None

    def in_project(self, who: Caller, project: str) -> Caller | None:
        """The caller in another project, where an administrator is at home in all that there are."""
        if project == who.project:
            return who
        there = not project or self._directory.get("project", project) is not None
        return Caller(who.name, project, who.role) if there and who.role is Role.ADMIN else None

    def token_for(self, who: Caller, shown_by: Claims | None = None) -> tuple[str, Claims]:
        """A new token for somebody who has shown who it is, good no longer than the token by which that was shown.

        Else whoever found a token once could go on for ever.
        """
        user = self._directory.get("user", who.name)
        since = 0.0 if user is None else user.valid_from / 1000  # as another worker's clock may be ahead
        until = math.inf if shown_by is None else shown_by.expires
        return self._tokens.issue(who.name, who.project, max(time.time(), since), until)


def _caller(user: AccessRecord) -> Caller:
    return Caller(user.name, user.project, Role[user.role.upper()])
