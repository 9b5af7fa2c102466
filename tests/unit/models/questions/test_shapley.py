"""What each cause adds, by games whose values are known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.questions.shapley import MOST_EXACT, Outcomes, asked_at_most, shapley

Game = Callable[[NDArray[np.bool_]], float]


def _asked(game: Game, steps: int = 1) -> tuple[Outcomes, list[bytes]]:
    """The game in each step, as many times as the step's number; and the groups that were asked for."""
    seen: list[bytes] = []

    def outcomes(groups: Sequence[NDArray[np.bool_]]) -> list[NDArray[np.float64]]:
        seen.extend(group.tobytes() for group in groups)
        return [game(group) * np.arange(1.0, steps + 1) for group in groups]

    return outcomes, seen


@pytest.mark.parametrize("causes", [1, 3, 9])
def test_what_adds_up_is_asked_for_alone(causes: int) -> None:
    """Nobody is asked for but each one, none and all."""
    worth = np.arange(1.0, causes + 1) * np.where(np.arange(causes) % 2, -1, 1)
    outcomes, seen = _asked(lambda group: 10 + float(worth[group].sum()), steps=2)

    rest, added = shapley(outcomes, causes)

    assert rest.tolist() == [10, 20]
    np.testing.assert_allclose(added, np.outer(worth, [1, 2]))
    assert len(seen) == causes + 2


def test_what_two_do_together_is_shared_by_both() -> None:
    """The gloves of Shapley's market: two left ones, one right one, a pair is worth 1."""
    outcomes, seen = _asked(lambda group: float(group[2] and (group[0] or group[1])))

    rest, added = shapley(outcomes, 3)

    assert rest.tolist() == [0]
    np.testing.assert_allclose(added[:, 0], [1 / 6, 1 / 6, 2 / 3])
    assert len(seen) == len(set(seen)) == asked_at_most(3)


def test_many_are_asked_for_in_some_orders() -> None:
    """What they add is all that there is, equals add alike within the spread of the orders, and idlers nothing."""
    causes = 2 * MOST_EXACT
    outcomes, seen = _asked(lambda group: float(group[:6].sum() ** 2))

    rest, added = shapley(outcomes, causes)

    assert rest.tolist() == [0]
    assert added.sum() == pytest.approx(36)
    np.testing.assert_allclose(added[6:, 0], 0, atol=1e-9)
    np.testing.assert_allclose(added[:6, 0], 6, atol=1e-9)  # orders and their backwards: exact where pairs meet
    assert len(seen) <= asked_at_most(causes)


def test_it_is_the_same_each_time() -> None:
    """The orders are drawn with one seed."""
    first, second = (
        shapley(_asked(lambda group: float(np.prod(1 + group * np.arange(1, 7))))[0], 6)[1] for _ in range(2)
    )

    assert first.tobytes() == second.tobytes()
