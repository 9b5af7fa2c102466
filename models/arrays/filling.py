"""Missing observations filled in by the rule that was asked for, before any model sees them.

What is filled in was not observed: no forecast is judged by it, and none sees what was made of later values. Zeros
are as good as observed, where no row means that nothing happened.
"""

import numpy as np

from models.arrays.columns import FloatArray

__all__ = ["filled", "with_zeros"]


def with_zeros(history: FloatArray, rule: str) -> FloatArray:
    """The rows [N, L] with what the rule says was observed: zeros in the gaps, or nothing but what is there."""
    return filled(history, rule) if rule == "zero" else history


def filled(history: FloatArray, rule: str) -> FloatArray:
    """The rows [N, L] with their gaps filled from the first observed value on; itself where the rule is "none".

    "zero" fills with 0, "previous" with the value before, "interpolate" with the straight line to the next value; after
    the last value that one is repeated. What comes before the first value is padding and stays missing.
    """
    if rule == "none":
        return history
    seen = ~np.isnan(history)
    steps = np.arange(history.shape[1])
    latest = np.maximum.accumulate(np.where(seen, steps, -1), axis=1)
    inside = ~seen & (latest >= 0)
    if not inside.any():
        return history
    if rule == "zero":
        return np.where(inside, 0.0, history)
    before = np.take_along_axis(history, np.maximum(latest, 0), axis=1)
    if rule == "previous":
        return np.where(inside, before, history)
    following = np.minimum.accumulate(np.where(seen, steps, history.shape[1])[:, ::-1], axis=1)[:, ::-1]
    last = following == history.shape[1]
    after = np.take_along_axis(history, np.where(last, 0, following), axis=1)
    share = (steps - latest) / np.where(last | seen, 1, following - latest)
    return np.where(inside, np.where(last, before, before * (1 - share) + after * share), history)
