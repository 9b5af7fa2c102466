"""What rows count for, by partition and project: right after any comings and goings, and while it is counted first."""

import asyncio
import random
from collections import Counter
from typing import Any

from streams.rows.tally import Measured, Tally


def measured(record: Any) -> Measured | None:
    return None if record is None else Measured(record[0], {"jobs": 1, "series": record[1]})


def totals(tally: Tally) -> dict[tuple[str, int], dict[str, int]]:
    return {
        (project, place): {name: count for name, count in amounts.items() if count}
        for project in tally.projects
        for place, amounts in tally.of(project).items()
    }


async def test_it_is_right_whatever_comes_and_goes_meanwhile() -> None:
    """Rows are put and removed while those from before are counted in turns."""
    chance, rows = random.Random(2), dict[bytes, tuple[int, tuple[str, int]]]()
    tally = Tally(measured)

    def change() -> None:
        key = b"%d" % chance.randrange(300)
        partition = int(key) % 4
        if chance.random() < 0.5:
            rows[key] = partition, (chance.choice("abc"), chance.randrange(5))
            tally.put(partition, key, rows[key][1])
        elif rows.pop(key, None) is not None:
            tally.delete(key)

    for _ in range(500):
        change()

    async def come_and_go() -> None:
        for _ in range(20):
            change()
            await asyncio.sleep(0)

    def known() -> list[tuple[int, bytes]]:
        return [(home, key) for key, (home, _) in rows.items()]

    await asyncio.gather(tally.counted(known, lambda key: rows.get(key, (0, None))[1]), come_and_go())
    for _ in range(500):
        change()

    expected: dict[tuple[str, int], Counter[str]] = {}
    for partition, (project, series) in rows.values():
        expected.setdefault((project, partition), Counter()).update({"jobs": 1, "series": series})
    assert totals(tally) == {place: {n: c for n, c in found.items() if c} for place, found in expected.items()}


async def test_nothing_is_kept_before_somebody_asks() -> None:
    """Nor after the rows were read anew."""
    tally = Tally(measured)
    tally.put(0, b"1", ("a", 1))
    assert totals(tally) == {}

    await tally.counted(lambda: [(0, b"1")], lambda _: ("a", 1))
    assert totals(tally) == {("a", 0): {"jobs": 1, "series": 1}}
    tally.forget()
    assert totals(tally) == {}


async def test_rows_that_are_read_anew_while_they_are_counted_are_counted_anew() -> None:
    """Whoever waits for the count never finds less than there is: others would be told so."""
    tally, rows = Tally(measured), {b"%d" % number: ("a", 1) for number in range(200)}

    async def rebalance() -> None:
        tally.forget()

    counting = tally.counted(lambda: [(0, key) for key in rows], rows.get)
    await asyncio.gather(counting, rebalance())

    assert totals(tally) == {("a", 0): {"jobs": 200, "series": 200}}
