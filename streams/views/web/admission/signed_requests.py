"""Checks signed requests: time, headers, body, signature, and that a write comes once."""

import hmac
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope

from streams.access.authenticator import Authenticator
from streams.access.caller import Caller
from streams.access.once import Once
from streams.access.signatures import HUAWEI, UNSIGNED, Asked, Signed, dated, parsed, signature_of
from streams.codes.access import AccessCode
from streams.errors import UnauthenticatedError
from streams.views.web.admission.bodies import CheckedBody, KeptBody
from streams.views.web.limits import CountedBody

__all__ = ["Admitted", "SignedRequests"]

_SKEW_S: Final = 900.0
_WINDOW_S: Final = 1900.0  # a signature is good from 15 minutes before until 15 minutes after its date; some to spare
_MOST_SIGNATURES: Final = 200_000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of no bytes
_MUST: Final = ("content-type", "idempotency-key")
_OF_PROXIES: Final = (  # what they add on the way, which nobody here reads
    "x-amzn-trace-id",
    "x-b3-",
    "x-client-",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded",
    "x-original-",
    "x-real-ip",
    "x-request-id",
)
_JSON: Final = ("application/json", "application/bson")  # Huawei's signers sign bodies of these alone
_WRONG: Final = "Authorization: the key or the signature is not valid"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may go on: who asks, by which key, where its body is received, what is to be closed."""

    caller: Caller
    receive: Receive
    kept: KeptBody | None
    signature: str
    access_key: str


class SignedRequests:
    """UnauthenticatedError for whatever is wrong; BodyRefusedError for a body that cannot be read."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self.replays = Once(_WINDOW_S, _MOST_SIGNATURES)
        """Writes that were let in."""

    async def admitted(self, scope: Scope, body: CountedBody, authorization: str, *, once: bool) -> Admitted:
        """1. what is signed, and when, 2. the key, 3. the signature, over the body too, 4. whether it has come before.

        Bodies are read after the key is known: nobody else may send much. So an unknown key is told a little sooner
        than a wrong signature; keys have 100 random bits.
        """
        signed = parsed(authorization)
        if signed is None:
            raise _refused("Authorization: is not a whole signature of SDK-HMAC-SHA256 or AWS4-HMAC-SHA256")
        asked = _asked(scope, signed)
        at, now = dated(signed, asked.headers), time.time()
        if at is None or abs(now - at) > _SKEW_S:
            text = f"{signed.scheme.date}: expected the present time, YYYYMMDD'T'HHMMSS'Z' in UTC, within 15 minutes"
            raise _refused(text)
        found = self._authenticator.by_key(signed.access_key)
        if found is None:
            raise _refused(_WRONG)
        caller, secret = found
        receive, kept, digest = await _digested(signed, asked, body)
        wanted = signature_of(signed, asked, digest, secret)
        if not hmac.compare_digest(wanted, signed.signature):
            if kept is not None:
                kept.close()
            raise _refused(_WRONG)
        if once and not self.replays.note(signed.signature, now):
            if kept is not None:
                kept.close()
            raise _refused("Authorization: this signed request has come before: sign it again, with the present time")
        return Admitted(caller, receive, kept, signed.signature, signed.access_key)


def _asked(scope: Scope, signed: Signed) -> Asked:
    """The request with its headers; UnauthenticatedError where one that matters is not signed, or comes twice."""
    headers = [(key.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for key, value in scope["headers"]]
    counts = Counter(name for name, _ in headers)
    for name in counts:
        matters = name in _MUST or (name.startswith("x-") and not name.startswith(_OF_PROXIES))
        if matters and name not in signed.headers:
            raise _refused(f"SignedHeaders: {name[:80]} is sent and not signed: sign it, or leave it out")
    for name in signed.headers:
        if counts[name] != 1:
            found = "not sent" if not counts[name] else "sent more than once"
            raise _refused(f"SignedHeaders: {name[:80]} is signed and {found}")
    raw = scope.get("raw_path") or scope["path"].encode()
    return Asked(scope["method"], raw, scope["query_string"], dict(headers))


async def _digested(signed: Signed, asked: Asked, body: CountedBody) -> tuple[Receive, KeptBody | None, str]:
    """Where the body comes from now on, and the digest that was signed with the rest.

    One that is told is checked as the body passes; else the body is read to its end here.
    """
    sizes = asked.headers.get("content-length", "0"), asked.headers.get("transfer-encoding", "")
    if sizes == ("0", ""):
        return body, None, _EMPTY
    told = asked.headers.get(signed.scheme.digest, "")
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if signed.scheme is HUAWEI and told == UNSIGNED and kind and kind not in _JSON and not kind.endswith("+json"):
        return body, None, UNSIGNED
    if _DIGEST.fullmatch(told):
        return CheckedBody(body, told), None, told
    if told not in ("", UNSIGNED):  # such as one that is signed in pieces
        raise _refused(f"{signed.scheme.digest}: expected the SHA-256 of the body, as 64 digits of 0-9 a-f")
    kept = KeptBody(body)
    try:
        return kept, kept, await kept.digest()
    except BaseException:
        kept.close()
        raise


def _refused(text: str) -> UnauthenticatedError:
    return UnauthenticatedError(AccessCode.UNAUTHENTICATED, text)
