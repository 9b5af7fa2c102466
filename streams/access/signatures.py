"""Signed requests: Huawei Cloud's SDK-HMAC-SHA256 and Amazon's Signature Version 4, the mathematics of both.

They differ in four places: the key, the lines above the digest that is signed, the names of two headers, and how a path
is written. Everything else is one canonical request: method, path, sorted query, signed headers, digest of the body.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

__all__ = ["AWS", "HUAWEI", "UNSIGNED", "Asked", "Scheme", "Signed", "dated", "is_signed", "parsed", "signature_of"]

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""In the place of a body's digest: whoever signed says nothing of the body."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way of signing."""

    algorithm: str
    date: str
    """The header with the time."""
    digest: str
    """The header with the body's digest, which may be left out."""
    service: str
    """Beginning of the names of the headers that mean something to it."""


HUAWEI: Final = Scheme("SDK-HMAC-SHA256", "x-sdk-date", "x-sdk-content-sha256", "x-sdk-")
AWS: Final = Scheme("AWS4-HMAC-SHA256", "x-amz-date", "x-amz-content-sha256", "x-amz-")
_SCHEMES: Final = {it.algorithm.lower(): it for it in (HUAWEI, AWS)}
_FIELDS: Final = re.compile(r"([A-Za-z]+)=([^,\s]*)\s*(?:,\s*|$)")
_END: Final = "aws4_request"
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_DATE: Final = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_LONGEST: Final = 4096  # characters of the header


@dataclass(frozen=True, slots=True)
class Signed:
    """What the header Authorization says."""

    scheme: Scheme
    access_key: str
    scope: tuple[str, ...]
    """Day, region, service and end of Amazon's; empty in Huawei's."""
    headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: its path and query undecoded, headers by small names (bytes beyond UTF-8 as surrogates)."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]


def is_signed(authorization: str) -> bool:
    """Whether the header is one of a signed request, be it right or wrong."""
    return authorization.partition(" ")[0].lower() in _SCHEMES


def parsed(authorization: str) -> Signed | None:
    """What the header says; None where it is not whole."""
    algorithm, _, rest = authorization[:_LONGEST].partition(" ")
    scheme = _SCHEMES.get(algorithm.lower())
    fields: dict[str, str] = dict(_FIELDS.findall(rest))
    headers = tuple(fields.get("SignedHeaders", "").lower().split(";"))
    signature = fields.get("Signature", "")
    access_key, *scope = fields.get("Credential", fields.get("Access", "")).split("/")
    if scheme is None or not access_key or not _SIGNATURE.fullmatch(signature):
        return None
    if list(headers) != sorted(set(headers)) or not {"host", scheme.date} <= set(headers):
        return None
    if scheme is AWS and (len(scope) != 4 or scope[-1] != _END):
        return None
    return Signed(scheme, access_key, tuple(scope), headers, signature)


def dated(signed: Signed, headers: Mapping[str, str]) -> float | None:
    """When it was signed, in seconds of the epoch; None where that is not told as it must be."""
    text = headers.get(signed.scheme.date, "")
    if not _DATE.fullmatch(text) or (signed.scheme is AWS and signed.scope[0] != text[:8]):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def signature_of(signed: Signed, asked: Asked, body_digest: str, secret: str) -> str:
    """The signature that the request has, where it comes from who knows the secret and nothing was changed."""
    canonical = "\n".join(
        (
            asked.method,
            _path(signed.scheme, asked.path),
            _query(signed.scheme, asked.query),
            *(f"{name}:{_value(signed.scheme, asked.headers.get(name, ''))}" for name in signed.headers),
            "",
            ";".join(signed.headers),
            body_digest,
        )
    )
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    date = asked.headers.get(signed.scheme.date, "")
    lines: Sequence[str] = (signed.scheme.algorithm, date, digest)
    key = secret.encode()
    if signed.scheme is AWS:
        lines = (signed.scheme.algorithm, date, "/".join(signed.scope), digest)
        key = b"AWS4" + key
        for part in signed.scope:
            key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.digest(key, "\n".join(lines).encode(), hashlib.sha256).hex()


def _value(scheme: Scheme, text: str) -> str:
    return " ".join(text.split()) if scheme is AWS else text.strip()


def _path(scheme: Scheme, raw: bytes) -> str:
    """Huawei's: decoded, encoded again, a slash at the end. Amazon's: what was sent, encoded once more."""
    if scheme is AWS:
        return quote(_without_dots(raw) or "/", safe="/~")
    path = quote(unquote_to_bytes(raw), safe="/~")
    return path if path.endswith("/") else f"{path}/"


def _without_dots(raw: bytes) -> bytes:
    """Amazon's signers leave out empty parts and dots, but for a slash at the end."""
    kept: list[bytes] = []
    for part in raw.split(b"/"):
        if part == b"..":
            del kept[-1:]
        elif part not in (b"", b"."):
            kept.append(part)
    return b"/" + b"/".join(kept) + (b"/" if kept and raw.endswith(b"/") else b"")


def _query(scheme: Scheme, raw: bytes) -> str:
    """Its pairs, sorted: Huawei's as they are meant, Amazon's as they are written. A space may have come as + too."""
    pairs = []
    for part in raw.replace(b"+", b"%20").split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    if scheme is HUAWEI:
        pairs.sort()
    written = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in (sorted(written) if scheme is AWS else written))
