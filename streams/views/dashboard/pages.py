"""The dashboard's page and files: the same for everybody, kept by browsers, and allowed to load nothing from elsewhere.

What the page shows it reads by the public API, with the rights of who looks at it.
"""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from streams.errors import Code, NotFoundError
from streams.views.dashboard.assets import Asset, bundle
from streams.views.web.door import OPERATION, Door
from streams.views.web.reading import ForgivingRoute

__all__ = ["DOOR"]

_FOR_EVER: Final = "public, max-age=31536000, immutable"  # the address has the digest of what is there
_ASK: Final = "no-cache"  # keep it, and ask each time whether it is still so
_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/dashboard", "/", "/favicon.ico"),
    tag=OPERATION,
    open=("GET /", "GET /favicon.ico", "GET /dashboard/*"),
)


@router.get("/", include_in_schema=False)
async def get_page(request: Request) -> Response:
    """The page; what is shown is behind the `#` of the address."""
    files = await asyncio.to_thread(bundle)
    return _sent(request, files.page, _ASK)


@router.get("/favicon.ico", include_in_schema=False)
async def get_icon(request: Request) -> Response:
    """What browsers ask for by themselves, on the API page too."""
    files = await asyncio.to_thread(bundle)
    return _sent(request, files.files["icon.svg"], _ASK)


@router.get("/dashboard/{digest}/{path:path}", include_in_schema=False)
async def get_file(request: Request, digest: str, path: str) -> Response:
    """A file. Where the digest is another version's, whose page somebody has open still, it is ours, and not kept."""
    files = await asyncio.to_thread(bundle)
    asset = files.files.get(path)
    if asset is None:
        raise NotFoundError(Code.NOT_FOUND, f"the dashboard has no file {path[:60]!r}: open / again")
    return _sent(request, asset, _FOR_EVER if digest == files.digest else _ASK)


def _sent(request: Request, asset: Asset, keep: str) -> Response:
    """The file, packed where the browser takes that, or that it is still what the browser has."""
    packed = _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{asset.tag}-gzip"' if packed else f'"{asset.tag}"'
    headers = {**_HEADERS, "ETag": tag, "Cache-Control": keep}
    known = (each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(","))
    if tag in known:
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.packed if packed else asset.plain, media_type=asset.kind, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is among them, and not at zero."""
    for each in accepted.lower().split(","):
        name, _, rest = each.partition(";")
        if name.strip() == "gzip":
            return rest.replace(" ", "").rstrip("0").rstrip(".") != "q="
    return False
