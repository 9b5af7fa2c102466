"""An HTTP server of aiohttp that does nothing: `python -m benchmarks.peers.empty_aiohttp PORT`."""

import sys

from aiohttp import web

__all__ = ["main"]


async def _empty(_: web.Request) -> web.Response:
    return web.Response()


def main(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_get("/", _empty)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
