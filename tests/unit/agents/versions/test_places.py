"""Places of long trainings: never more than there are, each given back once, and projects in turn."""

import asyncio
import random

from agents.series.turns import Owner
from agents.versions.places import Places


async def test_never_more_than_there_are_whatever_is_cancelled() -> None:
    """And afterwards all are free again."""
    chance, places, held, most_held = random.Random(1), Places(3), 0, 0

    async def train(owner: Owner) -> None:
        nonlocal held, most_held
        async with places.place(owner):
            held += 1
            most_held = max(most_held, held)
            try:
                await asyncio.sleep(0)
            finally:
                held -= 1

    tasks = [asyncio.create_task(train(Owner(chance.choice("ab"), number % 5))) for number in range(200)]
    while not all(task.done() for task in tasks):
        chance.choice(tasks).cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*(train(Owner("a", 1)) for _ in range(3)))

    assert most_held == 3
    assert (places.waiting, held) == (0, 0)


async def test_who_has_fewest_is_next() -> None:
    """A project that has all places gets none before another has as many."""
    places, begun, gate = Places(4), list[str](), asyncio.Semaphore(0)

    async def train(project: str, job: int) -> None:
        async with places.place(Owner(project, job)):
            begun.append(project)
            await gate.acquire()

    tasks = [asyncio.create_task(train("many", job)) for job in range(20)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(train("few", job)) for job in range(5)]
    for number in range(len(tasks)):
        gate.release()
        while len(begun) < min(4 + number, len(tasks)):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert begun[:4] == ["many"] * 4
    assert begun[4:9].count("few") >= 3, begun
