"""Shapley values: what each of several causes adds to an outcome, so that all of them add up to it.

L. S. Shapley, A Value for n-Person Games, 1953; for what features add to a prediction: E. Štrumbelj and I. Kononenko,
Explaining prediction models and individual predictions with feature contributions, 2014.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray

__all__ = ["MOST_EXACT", "Outcomes", "asked_at_most", "shapley"]

MOST_EXACT: Final = 4  # causes; of more, not all groups are asked for
_ORDERS: Final = 8  # in which more causes than that come one after the other; half of them are the others backwards
_SAME: Final = 1e-9  # of the largest outcome: what is closer is rounding
_SEED: Final = 1

Outcomes = Callable[[Sequence[NDArray[np.bool_]]], Sequence[FloatArray]]
"""The outcome [steps] for each group of causes, which is told as one flag for each cause."""


def asked_at_most(causes: int) -> int:
    """How many outcomes `shapley` asks for where causes do not simply add up; else it is two more than causes."""
    return 2**causes if causes <= MOST_EXACT else 2 + _ORDERS * causes


def shapley(outcomes: Outcomes, causes: int) -> tuple[FloatArray, FloatArray]:
    """The outcome [steps] without any cause, and what each adds to it [causes, steps].

    Together they are the outcome with all causes. Where each adds the same whatever the others do, which is seen by
    asking for each alone, that is what it adds. Otherwise all groups are asked for of up to `MOST_EXACT` causes; of
    more it is the mean over some orders in which they come.
    """
    none, everyone = np.zeros(causes, dtype=np.bool_), np.ones(causes, dtype=np.bool_)
    alone = np.eye(causes, dtype=np.bool_)
    first = np.stack([*outcomes([none, everyone, *alone])])
    rest, whole, added = first[0], first[1], first[2:] - first[0]
    scale = max(float(np.abs(first).max()), float(np.finfo(np.float64).tiny))
    if causes == 1 or (np.abs(rest + added.sum(axis=0) - whole) <= _SAME * scale).all():
        return rest, added
    known = {_key(group): outcome for group, outcome in zip((none, everyone, *alone), first, strict=True)}
    wanted = list(_groups(causes) if causes <= MOST_EXACT else _on_the_way(causes))
    missing = list({_key(group): group for group in wanted if _key(group) not in known}.values())
    known |= zip(map(_key, missing), outcomes(missing), strict=True)
    if causes > MOST_EXACT:
        return rest, _along(known, causes, rest.shape)
    return rest, _exact(known, causes, rest.shape)


def _groups(causes: int) -> Iterator[NDArray[np.bool_]]:
    for size in range(causes + 1):
        for members in combinations(range(causes), size):
            yield _group(members, causes)


def _exact(known: dict[bytes, FloatArray], causes: int, shape: tuple[int, ...]) -> FloatArray:
    added = np.zeros((causes, *shape))
    for cause in range(causes):
        others = [other for other in range(causes) if other != cause]
        for size in range(causes):
            weight = factorial(size) * factorial(causes - size - 1) / factorial(causes)
            for members in combinations(others, size):
                with_it, without = _group((*members, cause), causes), _group(members, causes)
                added[cause] += weight * (known[_key(with_it)] - known[_key(without)])
    return added


def _orders(causes: int) -> Iterator[NDArray[np.intp]]:
    """Each followed by itself backwards, so that who came early comes late as often."""
    rng = np.random.default_rng(_SEED)
    for _ in range(_ORDERS // 2):
        order = rng.permutation(causes)
        yield order
        yield order[::-1]


def _on_the_way(causes: int) -> Iterator[NDArray[np.bool_]]:
    for order in _orders(causes):
        for count in range(1, causes):
            yield _group(order[:count].tolist(), causes)


def _along(known: dict[bytes, FloatArray], causes: int, shape: tuple[int, ...]) -> FloatArray:
    added = np.zeros((causes, *shape))
    for order in _orders(causes):
        for count, cause in enumerate(order.tolist()):
            with_it, without = _group(order[: count + 1].tolist(), causes), _group(order[:count].tolist(), causes)
            added[cause] += (known[_key(with_it)] - known[_key(without)]) / _ORDERS
    return added


def _group(members: Sequence[int], causes: int) -> NDArray[np.bool_]:
    group = np.zeros(causes, dtype=np.bool_)
    group[list(members)] = True
    return group


def _key(group: NDArray[np.bool_]) -> bytes:
    return group.tobytes()
