"""How points are read from the log: bursts are gathered unless somebody waits, and who publishes can read them then."""

import asyncio
from typing import Any

import pytest

from schemas.coding.point_writer import PointBatch
from schemas.workloads import MetricPoint
from streams.workloads import keeper as module
from streams.workloads import points, state
from tests.acceptance.workloads.workloads_clients import AT
from tests.agents.workloads.conftest import Keeping


class Bursts:
    """A reader that has so many records each time it is asked."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    def read(self, most: int, within_s: float, more_s: float) -> list[Any]:
        """The next ones."""
        return [None] * min(most, self.counts.pop(0))


async def test_who_keeps_points_waits_until_they_can_be_read(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only until the broker has them."""

    async def publish(*call: Any) -> int:
        await points.publish(*call)
        return 0  # where a broker has put the first record of a partition

    monkeypatch.setattr(state, "publish", publish)
    point = MetricPoint("run-1", "loss", 1.0, AT, 1, "log")
    kept = asyncio.ensure_future(keeping.part.keep(PointBatch.of("run-1", [point])))
    async with asyncio.timeout(30):
        while not keeping.keeper.audience:
            await asyncio.sleep(0)
    assert not kept.done()

    keeping.keep()

    await asyncio.wait_for(kept, 30)


def test_a_burst_is_gathered(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few records, and very many, are taken in at once."""
    monkeypatch.setattr(module, "_MANY_S", 0.001)

    assert len(keeping.keeper._read(Bursts(module._MANY, 900))) == module._MANY + 900  # type: ignore[arg-type]
    for at_once in (1, module._MANY - 1, module._MOST + 1):
        assert len(keeping.keeper._read(Bursts(at_once, 900))) == at_once  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["reading back", "following", "ending", "rebuilding"])
async def test_nobody_waits_for_a_burst_to_end(keeping: Keeping, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Who waits for a point, or follows a workload, has it as soon as it is there."""
    monkeypatch.setattr(module, "_MANY_S", 3600.0)
    keeper = keeping.keeper
    if reason == "reading back":
        keeper.audience._waiting.append((0, 1, asyncio.get_running_loop().create_future()))
    elif reason == "following":
        keeper.audience._listeners["w"] = {asyncio.Event()}
    elif reason == "ending":
        keeper._end.set()
    else:
        keeper._wiping = True

    async with asyncio.timeout(30):
        assert len(await asyncio.to_thread(keeper._read, Bursts(module._MANY, 0))) == module._MANY  # type: ignore[arg-type]
