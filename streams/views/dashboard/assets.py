"""The files of the dashboard in memory: packed once, named by the digest of all, listed for the page to preload."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = ["Asset", "Bundle", "bundle"]

_STATIC: Final = Path(__file__).parent / "static"
_KINDS: Final = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }
)
_PAGE: Final = "index.html"
_LATER: Final = ("pages/", "theme.js", "ui/chart.js", "vendor/uplot/")  # not needed for the first paint, or no module
_BASE: Final = "{{base}}"
_PRELOADS: Final = "{{preloads}}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    kind: str
    plain: bytes
    packed: bytes
    tag: str
    """Of the plain form; the packed one's ends otherwise."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """All files, by the path that the page names them with, and the page itself."""

    digest: str
    page: Asset
    files: MappingProxyType[str, Asset]


@cache
def bundle() -> Bundle:
    """Read and packed the first time: some hundred kilobytes, which takes about 50 ms."""
    found = {
        path.relative_to(_STATIC).as_posix(): path.read_bytes()
        for path in sorted(_STATIC.rglob("*"))
        if path.suffix in _KINDS
    }
    digest = hashlib.sha256(b"".join(name.encode() + body for name, body in found.items())).hexdigest()[:16]
    page = found.pop(_PAGE).decode()
    modules = (name for name in found if name.endswith(".js") and not name.startswith(_LATER))
    preloads = "\n".join(f'<link rel="modulepreload" href="{_BASE}/{name}">' for name in modules)
    page = page.replace(_PRELOADS, preloads).replace(_BASE, f"/dashboard/{digest}")
    files = MappingProxyType({name: _asset(name, body) for name, body in found.items()})
    return Bundle(digest, _asset(_PAGE, page.encode()), files)


def _asset(name: str, body: bytes) -> Asset:
    tag = hashlib.sha256(body).hexdigest()[:16]
    return Asset(_KINDS[Path(name).suffix], body, gzip.compress(body, 9, mtime=0), tag)
