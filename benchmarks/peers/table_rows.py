"""A worker whose table has the rows of its changelog, and gets those of its source topic: Faust's own way, or ours.

It prints, as JSON, after how many seconds its table could be read, and its memory then.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import faust
from faust.contrib.asgi import faust_app_running
from mode.supervisors import CrashingSupervisor
from yarl import URL

from connectors.kafka.publisher import Publisher
from streams.engine.transport import SafeTransport, open_batches
from streams.rows.event_table import EventTable
from streams.rows.recovery import QuickTableManager, RawKeyRouter, install_fast_recovery, is_ready

__all__: list[str] = []

_POLL_S = 0.002


class _Rows(EventTable):
    def put(self, events: Any) -> "asyncio.Future[Any]":
        """As the state's agents do: one write for each partition of the batch."""
        by_partition: dict[int, list[tuple[bytes, bytes | None]]] = {}
        for event in events:
            by_partition.setdefault(event.message.partition, []).append((event.key, event.value))
        return asyncio.gather(*(self._write(partition, rows) for partition, rows in by_partition.items()))

    async def _recovered(self) -> None:
        """Rows are all there is."""


def _stock(app: faust.App, topics: dict[str, Any]) -> None:
    table = app.Table(
        "rows", key_type=bytes, value_type=bytes, partitions=topics["partitions"], changelog_topic=topics["changelog"]
    )

    @app.agent(topics["source"])
    async def update(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] = event.value


def _ours(app: faust.App, topics: dict[str, Any], bootstrap: str) -> None:
    app.transport = SafeTransport(app.conf.broker, app)
    install_fast_recovery(app)
    publisher = Publisher(bootstrap, client_id="bench")
    table = _Rows(app, "rows", topics["name"], partitions=topics["partitions"], publisher=publisher)

    @app.agent(topics["source"], supervisor_strategy=CrashingSupervisor)
    async def update(stream: Any) -> None:
        async for batch in open_batches(app, stream, max_open=8):
            batch.ack_when(table.put(batch.events))


def _app(way: str, bootstrap: str, prefix: str, partitions: int) -> faust.App:
    folder = Path(os.environ["TIDECAST_HOME"])
    folder.mkdir(parents=True, exist_ok=True)
    ours: dict[str, Any] = {
        "store": URL.build(scheme="rocksdb", path=str(folder / "rows")) if way == "rocksdb" else "memory://",
        "TableManager": QuickTableManager,
        "Router": RawKeyRouter,
        "stream_wait_empty": False,
        "stream_buffer_maxsize": 2000,
    }
    app = faust.App(
        f"{prefix}{time.time_ns()}",  # nobody is waited for who was killed
        broker=f"kafka://{bootstrap}",
        datadir=str(folder / "faust"),
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        topic_partitions=partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        **({"store": "memory://"} if way == "stock" else ours),
    )
    name = f"{prefix}changelog"
    topics: dict[str, Any] = {"partitions": partitions, "name": name}
    topics["source"] = app.topic(f"{prefix}source", key_type=bytes, value_type=bytes, internal=True)
    if way == "stock":
        topics["changelog"] = app.topic(
            name, key_type=bytes, value_type=bytes, compacting=True, acks=False, internal=True, allow_empty=True
        )
        _stock(app, topics)
    else:
        _ours(app, topics, bootstrap)
    return app


async def _run(way: str, bootstrap: str, prefix: str, partitions: int) -> None:
    app = _app(way, bootstrap, prefix, partitions)
    begun = time.perf_counter()
    async with faust_app_running(app):
        while not is_ready(app):  # noqa: ASYNC110  # Faust has no event for it
            await asyncio.sleep(_POLL_S)
        seconds = time.perf_counter() - begun
        print(json.dumps({"seconds": seconds, "rows": len(app.tables["rows"].data), "rss": _rss()}), flush=True)
        await app.wait_until_stopped()


def _rss() -> int:
    """Bytes in memory."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    env = os.environ
    asyncio.run(
        _run(
            env["BENCH_WAY"],
            env["TIDECAST_KAFKA_BOOTSTRAP"],
            env["TIDECAST_TOPIC_PREFIX"],
            int(env["BENCH_PARTITIONS"]),
        )
    )
