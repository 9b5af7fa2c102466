"""Quantiles at the levels that are asked for: from those that a model has, or from how wrong it was before.

The latter is split conformal prediction (Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005): the
errors of forecasts of values that the model had not seen say how far the next ones will be off.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from models.arrays.columns import FloatArray
from models.arrays.published_values import ValueKinds, publishable

__all__ = ["at_levels", "chosen_levels", "conformal"]

_FEWEST = 5  # errors; fewer say nothing about how far an error may reach


def chosen_levels(
    mean: FloatArray,
    quantiles: Mapping[str, FloatArray],
    errors: FloatArray,
    levels: Sequence[float],
    kinds: ValueKinds,
) -> dict[str, FloatArray]:
    """The quantiles that are published, by their names: those that the model has, unless others are asked for.

    Where the model has none, they are made of its errors before.
    """
    if not levels:
        return dict(quantiles)
    made = conformal(mean, errors, levels)
    if quantiles:
        own = at_levels(mean, {float(name): values for name, values in quantiles.items()}, levels)
        made = [np.where(np.isnan(values), others, values) for values, others in zip(own, made, strict=True)]
    return {f"{level:.6g}": publishable(values, kinds) for level, values in zip(levels, made, strict=True)}


def at_levels(mean: FloatArray, quantiles: Mapping[float, FloatArray], levels: Sequence[float]) -> list[FloatArray]:
    """The quantiles [N, horizon] at these levels, from those that are known, by level.

    Between two known ones, and beyond them, as normal errors would have it: straight lines over the normal deviate. So
    of a model with normal errors they are exact. `mean` stands for the median where no level of 0.5 is known.
    """
    known = {0.5: mean, **quantiles}
    places = sorted(known)
    deviates = ndtri(np.array(places))
    found = []
    for level in levels:
        at = float(ndtri(level))
        right = int(np.clip(np.searchsorted(deviates, at), 1, len(places) - 1))
        left = right - 1
        share = (at - deviates[left]) / (deviates[right] - deviates[left])
        found.append(known[places[left]] * (1 - share) + known[places[right]] * share)
    return found


def conformal(mean: FloatArray, errors: FloatArray, levels: Sequence[float]) -> list[FloatArray]:
    """The quantiles [N, horizon] at these levels around a forecast whose kind was wrong by `errors` [N, n] before.

    NaN errors do not count. Of n errors the size that is exceeded with probability a is the ceil((n + 1)(1 - a))-th
    smallest, or where n is too small for that the largest. Rows with fewer than five errors have no quantiles: NaN.
    """
    if errors.shape[1] == 0:  # no series was long enough for a window
        return [np.full(mean.shape, np.nan) for _ in levels]
    sizes = np.sort(np.abs(errors), axis=1)  # NaN comes last
    counts = np.count_nonzero(np.isfinite(errors), axis=1)
    found = []
    for level in levels:
        inside = abs(2 * level - 1)
        rank = np.ceil((counts + 1) * inside).astype(np.intp)
        place = np.clip(rank, 1, np.maximum(counts, 1)) - 1
        size = np.take_along_axis(sizes, place[:, np.newaxis], axis=1) * np.sign(level - 0.5)
        found.append(np.where(counts[:, np.newaxis] >= _FEWEST, mean + size, np.nan))
    return found
