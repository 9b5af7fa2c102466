"""Slow clients, on real connections: heads and bodies that do not come, and those that come slowly but honestly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response

from streams.settings import Settings
from streams.views import serving
from streams.views.doors import doors_of
from streams.views.serving import TimedProtocol
from streams.views.web import limits
from streams.views.web.door import BodyLimit
from streams.views.web.limits import BodyLimits
from streams.views.web.reading import BodyRefusedError

HEAD = b"POST /uploads/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
_Connect = Callable[[], Any]


@asynccontextmanager
async def served(*, header_timeout_s: float = 0.5, **settings: Any) -> AsyncIterator[_Connect]:
    """A server that reads bodies, but those at /unread, and refuses those at /refused; how to connect to it."""
    app = FastAPI()

    @app.exception_handler(HTTPException)
    async def _(_request: Request, error: Any) -> Response:
        return Response(error.detail, error.status_code)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def _(request: Request, path: str) -> Response:
        if path == "refused":
            return Response(b"who asks?", 401)
        try:
            body = b"" if path == "unread" else await request.body()
        except BodyRefusedError as error:
            return Response(error.detail, error.status_code)
        seen = {"x-path": request.scope["path"], "x-raw-path": request.scope["raw_path"].decode()}
        return Response(b"%d" % len(body), headers=seen)

    app.add_middleware(BodyLimits, settings=Settings(**settings), doors=doors_of())
    protocol: Any = type("Protocol", (TimedProtocol,), {"header_timeout_s": header_timeout_s})
    config = uvicorn.Config(app, port=0, http=protocol, ws="none", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign]
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield lambda: asyncio.open_connection("127.0.0.1", port)
    server.should_exit = True
    await task


async def rest_of(reader: asyncio.StreamReader, within: float = 5.0) -> bytes:
    """All that comes until the server closes the connection."""
    async with asyncio.timeout(within):
        return await reader.read()


def _noting(function: Any, sizes: list[int]) -> Any:
    def noting(self: Any, data: bytes) -> None:
        sizes.append(len(data))
        function(self, data)

    return noting


@pytest.mark.parametrize(
    ("sent", "answer"), [(b"", b""), (b"GET / HT", b"408"), (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: 1", b"408")]
)
async def test_connections_whose_head_does_not_come_are_closed(sent: bytes, answer: bytes) -> None:
    """Twenty of them; who has sent a part of it is told."""
    async with served() as connect:
        pairs = [await connect() for _ in range(20)]
        for _, writer in pairs:
            writer.write(sent)
        answers = await asyncio.gather(*(rest_of(reader) for reader, _ in pairs))

        assert all((answer in got) if answer else not got for got in answers)


async def test_a_head_that_comes_byte_by_byte_has_the_same_time() -> None:
    """Each byte does not begin it anew."""
    async with served() as connect:
        reader, writer = await connect()
        reading = asyncio.ensure_future(rest_of(reader))
        begun = asyncio.get_running_loop().time()
        for byte in b"GET /" + 50 * b"x":
            if reading.done():
                break
            writer.write(bytes((byte,)))
            await asyncio.sleep(0.1)

        assert b"408" in await reading
        assert asyncio.get_running_loop().time() - begun < 3


@pytest.mark.parametrize("line", [b"X-Long: %s\r\n" % (b"x" * 4000), b"X-A: b\r\n"], ids=["long", "many"])
async def test_a_head_has_a_largest_size(line: bytes) -> None:
    """Whether it has many lines or long ones; what comes of a smaller one is not counted."""
    async with served(header_timeout_s=20) as connect:
        reader, writer = await connect()
        head = b"GET / HTTP/1.1\r\nHost: a\r\n" + line * (64 * 1024 // len(line) + 1)
        writer.write(head[: 64 * 1024 + 1])  # with the last byte it is too large: the server has then read them all

        assert (await rest_of(reader)).startswith(b"HTTP/1.1 431 ")


async def test_the_sizes_of_heads_and_bodies_are_not_added() -> None:
    """One after the other on a connection, together larger than a head may be."""
    async with served() as connect:
        reader, writer = await connect()
        for _ in range(4):
            writer.write(
                b"POST /x HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\nContent-Length: 50000\r\n\r\n" % (b"x" * 30_000)
            )
            writer.write(b"x" * 50_000)
            answer = await reader.readuntil(b"50000")
            assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabcd",
        b"nonsense\r\n\r\n",
    ],
    ids=["no host", "two hosts", "space", "folded", "two lengths", "length and chunks", "unknown coding", "no head"],
)
async def test_what_two_servers_might_read_differently_is_refused(sent: bytes) -> None:
    """400, and the connection ends."""
    async with served() as connect:
        reader, writer = await connect()
        writer.write(sent)

        assert (await rest_of(reader)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/a/b?c=1", b"/a/b"), (b"http://a/b/%61?c=1", b"/b/a"), (b"http://a", b"/"), (b"HTTP://a?c=1", b"/")],
)
async def test_targets_in_both_forms(target: bytes, path: bytes) -> None:
    """The path is what is answered; the guard sees the host that is named."""
    async with served() as connect:
        reader, writer = await connect()
        writer.write(b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % target)
        head, _, body = (await rest_of(reader)).partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"x-path: %s\r\n" % path in head + b"\r\n"
        assert b"x-raw-path: %s\r\n" % target.partition(b"?")[0] in head + b"\r\n"
        assert body == b"0"


async def test_requests_that_are_sent_ahead_are_answered_in_their_order() -> None:
    """All at once, on one connection."""
    async with served() as connect:
        reader, writer = await connect()
        writer.write(b"".join(HEAD % size + b"x" * size for size in (11, 22, 33)))
        for size in (11, 22, 33):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(2) == b"%d" % size


async def test_the_head_of_a_second_request_has_its_time_too() -> None:
    """On a connection that was of use; and whole requests in time are answered on it."""
    async with served() as connect:
        reader, writer = await connect()
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n0")
            await asyncio.sleep(0.3)
        writer.write(b"GET / HT")

        assert b"408" in await rest_of(reader)


async def test_a_body_that_trickles_is_refused_in_the_end() -> None:
    """Each of its bytes comes in time, but all together do not: 408, and the connection ends."""
    async with served(body_timeout_s=0.5) as connect:
        reader, writer = await connect()
        writer.write(HEAD % 1000)
        begun = asyncio.get_running_loop().time()
        answered = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        while not answered.done() and asyncio.get_running_loop().time() - begun < 5:
            writer.write(b"x")
            await asyncio.sleep(0.1)

        assert b"408" in await answered
        assert asyncio.get_running_loop().time() - begun < 3


async def test_a_body_that_stops_is_refused_and_says_so() -> None:
    """As before."""
    async with served(body_timeout_s=0.3) as connect:
        reader, writer = await connect()
        writer.write((HEAD % 1000) + b"x")

        assert b"no byte of the body came for 0.3 s" in await rest_of(reader, 20)


async def test_a_slow_but_honest_body_is_taken() -> None:
    """It takes several times the time that a small one may take, at more than the least rate."""
    async with served(body_timeout_s=0.4, min_body_rate=10_000) as connect:
        reader, writer = await connect()
        writer.write(HEAD % 40_000)
        for _ in range(20):
            writer.write(b"x" * 2000)
            await asyncio.sleep(0.1)

        assert b"40000" in await reader.readuntil(b"40000")


async def test_only_the_waiting_for_a_body_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what the server does between two parts of it."""
    parts = [{"type": "http.request", "body": b"x", "more_body": True}] * 5
    scope: Any = {"type": "http", "path": "/", "headers": []}

    async def receive() -> Any:
        return parts.pop()

    body = limits.CountedBody(scope, receive, Settings(body_timeout_s=0.2), BodyLimit())
    for _ in range(5):
        await body()
        await asyncio.sleep(0.1)


async def test_what_nobody_reads_does_not_hold_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is answered before its body came: who goes on sending is cut off after a while."""
    monkeypatch.setattr("streams.views.serving._LINGER_S", 0.5)
    async with served() as connect:
        reader, writer = await connect()
        writer.write(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        reading = asyncio.ensure_future(rest_of(reader))
        for _ in range(50):
            if reading.done():
                break
            writer.write(b"x")
            await asyncio.sleep(0.1)

        assert b"200 OK" in await reading


@pytest.mark.parametrize("length", [b"Content-Length: 8388608", b"Transfer-Encoding: chunked"])
async def test_a_large_body_that_is_refused_is_the_last(length: bytes) -> None:
    """Its client is told so at once, and where it sends all before it reads it has its answer nevertheless."""
    async with served() as connect:
        reader, writer = await connect()
        writer.write(b"POST /refused HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n" % length)
        told = (await rest_of(reader)).lower()
        assert b"401 unauthorized" in told
        assert b"connection: close" in told
        assert told.endswith(b"who asks?")
        for _ in range(8):
            writer.write(b"100000\r\n" + bytes(2**20) + b"\r\n" if b"chunked" in length else bytes(2**20))
            await writer.drain()
        writer.close()
        await writer.wait_closed()


async def test_more_of_a_refused_body_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is what is sent behind it; the connection ends when the client does."""
    parsed = []
    monkeypatch.setattr(TimedProtocol, "data_received", _noting(TimedProtocol.data_received, parsed))
    async with served() as connect:
        reader, writer = await connect()
        writer.write(HEAD.replace(b"uploads/x", b"refused") % 2**20)
        await rest_of(reader)
        before = sum(parsed)
        writer.write(bytes(2**20) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await writer.drain()
        writer.write_eof()

        assert await rest_of(reader) == b""
        assert sum(parsed) == before


async def test_a_connection_goes_on_behind_a_small_body_that_is_refused() -> None:
    """To read it costs less than another connection; and a large one that was read is none that is left."""
    async with served() as connect:
        reader, writer = await connect()
        for path, size, status in ((b"refused", 60_000, b"401"), (b"uploads/x", 200_000, b"200"), (b"", 0, b"200")):
            writer.write(HEAD.replace(b"uploads/x", path) % size + bytes(size))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split()[1] == status
            assert b"connection: close" not in head.lower()
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.rpartition(b" ")[2]))
        writer.close()


async def test_who_does_not_notice_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten seconds, here sooner."""
    monkeypatch.setattr(serving, "_LINGER_S", 0.2)
    async with served() as connect:
        reader, writer = await connect()
        writer.write(HEAD.replace(b"uploads/x", b"refused") % 2**30)
        await rest_of(reader)

        async def go_on() -> None:
            while True:
                writer.write(bytes(1000))
                await writer.drain()
                await asyncio.sleep(0.01)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(go_on(), 30)


async def test_waiting_for_the_answer_has_no_limit() -> None:
    """Once the body has ended, `receive` only tells that the client has gone, which may take as long as it will."""
    came = asyncio.Event()

    async def receive() -> Any:
        if not came.is_set():
            came.set()
            return {"type": "http.request", "body": b"x", "more_body": False}
        await asyncio.sleep(0.5)
        return {"type": "http.disconnect"}

    body = limits.CountedBody(
        {"type": "http", "path": "/", "headers": []}, receive, Settings(body_timeout_s=0.1), BodyLimit()
    )

    assert [(await body())["type"], (await body())["type"]] == ["http.request", "http.disconnect"]


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", '"raw_unicode_escape"', "utf-16", "idna", "x"])
async def test_a_form_in_another_charset_is_415(charset: str) -> None:
    """The client would choose among all codecs of Python."""
    with pytest.raises(BodyRefusedError) as refused:
        await form(charset)

    assert (refused.value.status_code, refused.value.code) == (415, "unsupported_charset")


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"', "utf8", "us-ascii"])
async def test_a_form_in_utf_8_is_taken(charset: str) -> None:
    """Whether it says so or not."""
    await form(charset)


async def form(charset: str) -> None:
    """Receive a form that says to be written so."""

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    kind = f"Multipart/form-data; boundary=x; CharSet={charset}".encode()
    scope: Any = {"type": "http", "path": "/data/", "headers": [(b"content-type", kind)]}
    await limits.CountedBody(scope, receive, Settings(), BodyLimit())()
