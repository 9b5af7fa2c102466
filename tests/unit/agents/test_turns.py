"""Whose turn it is: what goes in comes out once, and projects come before the number of their jobs."""

import random
from collections.abc import Hashable

import numpy as np
import pytest

from agents.series.heavy import HeavySeries, Waiting
from agents.series.turns import Owner, Turns
from models.batch import SeriesRequest
from models.tuning.search import Dimension, Search

_OWNERS: tuple[Hashable, ...] = (None, 1, Owner("", 1), Owner("a", 1), Owner("a", 2), Owner("b", 1))


def test_what_goes_in_comes_out_once() -> None:
    """By whatever way it does; the counts are right at every step."""
    chance, turns, inside = random.Random(1), Turns[tuple[Hashable, int]](), set[tuple[Hashable, int]]()
    for step in range(5_000):
        match chance.randrange(4):
            case 0:
                owner = chance.choice(_OWNERS)
                new = [(owner, 3 * step + place) for place in range(chance.randint(0, 3))]
                turns.add(owner, new)
                inside.update(new)
                gone = []
            case 1:
                gone = turns.take(chance.randint(1, 5), lambda _: 1)
            case 2 if len(turns):
                owner, first = chance.choice(list(turns.firsts()))
                odd = first[1] % 2
                gone = turns.take_alike(owner, lambda one, odd=odd: one[1] % 2 == odd, chance.randint(1, 4))
                assert gone[0] == first
            case _:
                gone = turns.remove(lambda one: one[1] % 7 == 0)
        assert inside.issuperset(gone)
        inside.difference_update(gone)
        assert sorted(map(repr, turns)) == sorted(map(repr, inside))
        assert (len(turns), turns.owners) == (len(inside), len({owner for owner, _ in inside}))


def test_projects_take_turns_and_within_each_its_jobs() -> None:
    """However many jobs one has."""
    turns = Turns[str]()
    for job in range(4):
        turns.add(Owner("many", job), [f"many {job}", f"many {job} again"])
    turns.add(Owner("few", 9), ["few", "few again"])
    taken = turns.take(7, lambda _: 1)

    assert taken == ["many 0", "few", "many 1", "few again", "many 2", "many 3", "many 0 again"]


@pytest.mark.parametrize(
    "search", [None, Search((Dimension("epochs_used", "int", 100, 150),), 1000, "mse")], ids=["short", "long"]
)
async def test_a_project_with_nothing_under_way_begins_beside_the_many_jobs_of_another(search: Search | None) -> None:
    """Of long work and of short; its second job has its turn as soon as there are places."""
    series = HeavySeries(1)

    def add(project: str, jobs: range) -> None:
        asked = SeriesRequest(np.full(30, 1.0), "DeepAR" if search is None else "Lstm", {}, 1, False, (), search=search)
        series.add(Waiting(asked, Owner(project, job), lambda: True) for job in jobs)

    def begun() -> list[object]:
        return [one.owner for chunk in iter(series.next, None) for one in chunk.waiting]

    add("retail", range(50))
    assert set(begun()) <= {Owner("retail", job) for job in range(50)}
    add("stock", range(1, 3))
    assert begun() == [Owner("stock", 1)]
    for chunk in list(series._running):
        series.done(chunk)
    assert Owner("stock", 2) in begun()[:2]
