"""Observations go through deaths of the worker that keeps them: none is lost, none is counted twice."""

import asyncio
import signal
from pathlib import Path
from typing import Final

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.observations import Observation
from tests.integration.services import running_service, until

_SHOPS: Final = ("a", "b", "c")
_HOURS: Final = 3000  # of each shop
_TOGETHER: Final = 300  # observations that are sent at once
_KILLED_AFTER: Final = (5, 12, 20)  # parts
_FILE: Final = "".join(("shop,hour,sold\n", *(f"{shop},2020-01-01 00:00:00,0\n" for shop in _SHOPS))).encode()


def _hour(number: int) -> str:
    return f"{2020 + number // 8064}-{number // 672 % 12 + 1:02}-{number // 24 % 28 + 1:02} {number % 24:02}:00:00"


async def test_no_observation_is_lost_or_counted_twice(tmp_path: Path) -> None:
    """The worker is killed three times while 18,000 come, each first with a wrong value and then with the right one."""
    codec = Codec()
    with running_service(tmp_path / "home") as service:
        api = service.api
        data_id = api.add_dataset(_FILE)
        api.job_on(data_id)
        events = [
            Observation(data_id, _hour(number), {"sold": float(value)}, {"shop": shop})
            for number in range(_HOURS)
            for shop in _SHOPS
            for value in (-1, number)
        ]
        records = [Record("tidecast.observations", b"%d" % data_id, codec.encode(event)) for event in events]
        publisher = Publisher(service.bootstrap, client_id="test")
        try:
            for part, begin in enumerate(range(0, len(records), _TOGETHER)):
                await publisher.send(records[begin : begin + _TOGETHER])
                if part in _KILLED_AFTER:
                    service.signal("state", signal.SIGKILL)
                    await asyncio.to_thread(until, service.is_ready, why="the worker is there again")
        finally:
            await publisher.close()

        expected = sorted(f"{shop},{_hour(number)},{number}" for number in range(_HOURS) for shop in _SHOPS)

        def complete() -> bool:
            lines: list[str] = api.call("GET", f"/data/{data_id}/rows").text.splitlines()
            return sorted(lines[1:]) == expected

        await asyncio.to_thread(until, complete, why="the rows are not those that were sent")
        assert service.read_all("tidecast.dead-letters") == []
