"""What state workers tell one another of what projects use: of several that want the last place one finds it free."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from schemas.access import ProjectUsage
from streams.quotas.ledger import Ledger


class Log:
    """A topic that workers append to, and read in one order, each when it comes to it."""

    def __init__(self) -> None:
        self.records: list[ProjectUsage] = []
        self.readers: list[Ledger] = []

    def worker(self) -> Ledger:
        """One more that reads it from its beginning."""
        made = Ledger(self._append)
        made.read(self.records)
        self.readers.append(made)
        return made

    def _append(self, record: ProjectUsage) -> "asyncio.Future[Any]":
        self.records.append(record)
        return asyncio.ensure_future(self._delivered())

    async def _delivered(self) -> None:
        await asyncio.sleep(0)


async def read_at_random(log: Log, chance: random.Random) -> None:
    """Every worker reads on, one some records ahead of the other."""
    done = dict.fromkeys(range(len(log.readers)), 0)
    while True:
        which = chance.randrange(len(log.readers))
        upto = chance.randint(done[which], len(log.records))
        log.readers[which].read(log.records[done[which] : upto])
        done[which] = upto
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(20))
async def test_a_limit_is_never_passed_and_always_reached(seed: int) -> None:
    """Four workers, of a partition each, that all make what they can at once."""
    chance, log, limit = random.Random(seed), Log(), 13
    workers, have, pending = [log.worker() for _ in range(4)], Counter[int](), Counter[int]()

    async def make(place: int) -> None:
        for _ in range(8):
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            pending[place] += 1
            here = {"jobs": have[place] + pending[place]}
            used = here["jobs"] + (await workers[place].elsewhere(place, "p1", here, {place}))["jobs"]
            pending[place] -= 1
            if used <= limit:
                have[place] += 1
                assert have.total() <= limit
            await workers[place].settle({(place, "p1"): {"jobs": have[place]}} if have[place] else {}, {place})

    reading = asyncio.create_task(read_at_random(log, chance))
    await asyncio.gather(*(make(place) for place in range(4)))
    reading.cancel()

    assert have.total() == limit


async def test_one_that_joins_knows_what_the_others_have() -> None:
    """It reads from the beginning; what somebody else wrote of its own partition is written anew."""
    log = Log()
    first = log.worker()
    await first.settle({(0, "p1"): {"jobs": 2}, (1, "p1"): {"jobs": 3}}, {0, 1})
    second = log.worker()
    await second.settle({(1, "p1"): {"jobs": 4}}, {1})
    asking = asyncio.create_task(second.elsewhere(1, "p1", {"jobs": 5}, {1}))
    while len(log.records) < 4:
        await asyncio.sleep(0)
    second.read(log.records[2:])

    assert (await asking)["jobs"] == 2
    assert [(record.partition, record.used["jobs"]) for record in log.records] == [(0, 2), (1, 3), (1, 4), (1, 5)]


async def test_what_is_no_more_is_told_too() -> None:
    """And nothing is told twice."""
    log = Log()
    worker = log.worker()
    await worker.settle({(0, "p1"): {"jobs": 1}}, {0})
    worker.read(log.records)
    await worker.settle({(0, "p1"): {"jobs": 1}}, {0})
    await worker.settle({}, {0})
    worker.read(log.records[1:])
    await worker.settle({}, {0})

    assert [dict(record.used) for record in log.records] == [{"jobs": 1}, {}]
