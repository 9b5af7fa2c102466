"""Clients that ask one address again and again, each when it has the answer to what it asked before.

`python http_load.py HOST PORT PATH CLIENTS SECONDS < BODY` prints, as JSON, the seconds of each request. One thread and
bare sockets, so that the server has the cores; an answer that is not 200 ends it.
"""

import json
import selectors
import socket
import sys
import time

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


def main(host: str, port: int, path: str, clients: int, seconds: float) -> None:
    """Ask, then print."""
    body = sys.stdin.buffer.read()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    waiting = selectors.DefaultSelector()
    begun: dict[socket.socket, float] = {}
    parts: dict[socket.socket, bytes] = {}
    for _ in range(clients):
        one = socket.create_connection((host, port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(one, selectors.EVENT_READ)
        parts[one], begun[one] = b"", time.perf_counter()
        one.sendall(request)
    started = time.perf_counter()
    taken: list[float] = []
    while time.perf_counter() - started < seconds:
        for key, _ in waiting.select():
            one = key.fileobj
            assert isinstance(one, socket.socket)
            parts[one] += one.recv(65536)
            if not _complete(parts[one]):
                continue
            now = time.perf_counter()
            taken.append(now - begun[one])
            parts[one], begun[one] = b"", now
            one.sendall(request)
    json.dump({"seconds": taken, "wall": time.perf_counter() - started}, sys.stdout)


def _complete(answer: bytes) -> bool:
    """Whether all of it is there."""
    head, end, body = answer.partition(_END)
    if not end:
        if not answer:
            raise SystemExit("the server has closed the connection")
        return False
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(answer.decode(errors="replace"))
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
    return len(body) >= int(length[len(_LENGTH) :])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
