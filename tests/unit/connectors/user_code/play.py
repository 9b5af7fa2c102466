"""Runs programs by name in one mode, several at once, and prints as JSON what became of them; for the tests' users."""

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from connectors.user_code.modes import found_mode
from connectors.user_code.programs import Limits, UserProgram
from connectors.user_code.runs import start
from tests.unit.connectors.user_code.attacks import ATTACKS, LIMITS


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def _outside(place: Path) -> list[Path]:
    folders = (place, Path("/var/tmp"), Path("/usr"), Path("/etc"), Path("/"), Path("/dev"), Path(sys.prefix))
    return [folder for folder in folders if (folder / place.name).exists()]


async def _play(name: str, place: Path, mode: Any, open_port: int) -> dict[str, Any]:
    source, limits = ATTACKS[name]
    folder = place / name.replace(" ", "-")
    folder.mkdir()
    port = _free_port()
    pids = f"{os.getpid()},{os.getppid()}"
    command = [sys.executable, "-I", "-S", "-c", source, str(port), str(open_port), pids, str(place / "secret")]
    printed: list[bytes] = []
    run = start(
        UserProgram(command=command, work_folder=folder, limits=Limits(**{**LIMITS, **limits})), mode, printed.append
    )
    began = time.monotonic()
    reached = False
    if name == "network":
        while not run.ended and not reached:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                reached = True
            except OSError:
                await asyncio.sleep(0.1)
    outcome = await run.wait()
    took = time.monotonic() - began
    beat = folder / "beat"
    size = beat.stat().st_size if beat.exists() else 0
    await asyncio.sleep(0.3)
    log = b"".join(printed)
    return {
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        "limit": outcome.limit,
        "words": outcome.words,
        "took": took,
        "log": log.replace(b"\0", b"").decode(),
        "bytes": len(log),
        "reached": reached,
        "written_outside": sorted(map(str, _outside(place))),
        "files": sorted(one.name for one in folder.iterdir()),
        "beats": size,
        "beats_after": beat.stat().st_size - size if beat.exists() else 0,
    }


async def main() -> None:
    asked, place, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3].split(",")
    mode = found_mode(asked)
    (place / "secret").write_text("hush")
    few = asyncio.Semaphore(6)
    with (
        socket.create_server(("127.0.0.1", 0)) as door,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as letters,
    ):
        letters.bind(("127.0.0.1", door.getsockname()[1]))
        letters.setblocking(False)

        async def one(name: str) -> dict[str, Any]:
            async with few:
                return await _play(name, place, mode, door.getsockname()[1])

        results = dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
        if "network" in results:
            try:
                results["network"]["letter"] = letters.recv(10).decode()
            except BlockingIOError:
                results["network"]["letter"] = ""
    sys.stdout.write(json.dumps(results))


asyncio.run(main())
