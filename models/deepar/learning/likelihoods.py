"""The distributions as training sees them: how unlikely values are under the network's raw parameters."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import tensorflow as tf

from models.deepar.sampling import MOST_FREEDOM

__all__ = ["NEGATIVE_LOG_LIKELIHOODS"]

Tensor = Any

_SMALLEST: Final = 1e-6  # as in `models.deepar.sampling`
_LEAST_SHAPE: Final = 1e-3  # likewise
_TINY: Final = 1e-12  # likewise
_EDGE: Final = 1e-4  # beta's density ends at 0 and 1; values there are taken this far inside


def _student_t(raw: Tensor, value: Tensor, scale: Tensor) -> Tensor:
    freedom = 2.0 + tf.minimum(tf.nn.softplus(raw[..., 0]), MOST_FREEDOM)
    width = tf.nn.softplus(raw[..., 2]) + _SMALLEST
    distance = (value / scale - raw[..., 1]) / width
    half = 0.5 * (freedom + 1.0)
    return (
        half * tf.math.log1p(distance * distance / freedom)
        + tf.math.log(width)
        + 0.5 * tf.math.log(freedom * math.pi)
        + tf.math.lgamma(0.5 * freedom)
        - tf.math.lgamma(half)
    )


def _gaussian(raw: Tensor, value: Tensor, scale: Tensor) -> Tensor:
    width = tf.nn.softplus(raw[..., 1]) + _SMALLEST
    distance = (value / scale - raw[..., 0]) / width
    return 0.5 * distance * distance + tf.math.log(width) + 0.5 * math.log(2.0 * math.pi)


def _negative_binomial(raw: Tensor, value: Tensor, scale: Tensor) -> Tensor:
    """DeepAR, eq. 2, with r = 1 / alpha: mean and dispersion both of the value itself.

    In double precision: large log gammas all but cancel where counts are large, and where they hardly disperse.
    """
    raw, value, scale = (tf.cast(part, tf.float64) for part in (raw, value, scale))
    mean = tf.nn.softplus(raw[..., 0]) * scale + _TINY
    dispersion = tf.nn.softplus(raw[..., 1]) / tf.sqrt(scale) + _TINY
    count = 1.0 / dispersion
    product = dispersion * mean
    loss = (
        tf.math.lgamma(value + 1.0)
        + tf.math.lgamma(count)
        - tf.math.lgamma(value + count)
        + (count + value) * tf.math.log1p(product)
        - value * tf.math.log(product)
    )
    return tf.cast(loss, tf.float32)


def _beta(raw: Tensor, value: Tensor, _scale: Tensor) -> Tensor:
    first = tf.nn.softplus(raw[..., 0]) + _LEAST_SHAPE
    second = tf.nn.softplus(raw[..., 1]) + _LEAST_SHAPE
    inside = tf.clip_by_value(value, _EDGE, 1.0 - _EDGE)
    return (
        tf.math.lgamma(first)
        + tf.math.lgamma(second)
        - tf.math.lgamma(first + second)
        - (first - 1.0) * tf.math.log(inside)
        - (second - 1.0) * tf.math.log1p(-inside)
    )


def _deterministic(raw: Tensor, value: Tensor, scale: Tensor) -> Tensor:
    return tf.abs(value / scale - raw[..., 0])


NEGATIVE_LOG_LIKELIHOODS: Final[Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "student-t": _student_t,
    "gaussian": _gaussian,
    "negative-binomial": _negative_binomial,
    "beta": _beta,
    "deterministic-l1": _deterministic,
}
"""From raw parameters [..., parameters], values [...] and scales to losses [...].

Student-t, gaussian and deterministic-l1 are those of the value divided by the scale.
"""
