"""Tokens: signed texts that say who asks, in which project, and until when. Nothing is kept of a valid one."""

import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

__all__ = ["Claims", "Tokens"]

_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "tidecast"
_LONGEST: Final = 2048  # characters: ours have about 250
_KNOWN: Final = 4096
_LEEWAY_S: Final = 60.0  # that another worker's clock may be ahead


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says; times in seconds of the epoch."""

    token_id: str
    user: str
    project: str
    issued: float
    expires: float


class Tokens:
    """Issues tokens and reads them. One that has been read is remembered: requests carry the same again and again."""

    def __init__(self, key: bytes, lifetime_s: float) -> None:
        self._key = OctKey.import_key(key)
        self._lifetime_s = lifetime_s
        self._read: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, user: str, project: str, now: float, until: float = math.inf) -> tuple[str, Claims]:
        """A new token for a user, good for the lifetime of tokens, but not beyond `until`."""
        made = Claims(secrets.token_hex(16), user, project, now, min(now + self._lifetime_s, until))
        claims: dict[str, Any] = {
            "aud": _AUDIENCE,
            "sub": made.user,
            "project": made.project,
            "iat": made.issued,
            "exp": made.expires,
            "jti": made.token_id,
        }
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM]), made

    def read(self, token: str, now: float) -> Claims | None:
        """What a token of ours says; None for one that has expired, and for what is none.

        Whether it was revoked is not known here.
        """
        known = self._read.get(token)
        if known is None:
            known = self._verified(token, now)
            if known is None:
                return None
            self._read[token] = known
            if len(self._read) > _KNOWN:
                self._read.popitem(last=False)
        return known if now < known.expires else None

    def _verified(self, token: str, now: float) -> Claims | None:
        if len(token) > _LONGEST:
            return None
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        found = Claims(*(claims.get(name) for name in ("jti", "sub", "project", "iat", "exp")))  # type: ignore[arg-type]
        of_ours = claims.get("aud") == _AUDIENCE and all(
            isinstance(one, str) for one in (found.token_id, found.user, found.project)
        )
        of_time = all(isinstance(one, int | float) for one in (found.issued, found.expires))
        return found if of_ours and of_time and found.issued <= now + _LEEWAY_S else None
