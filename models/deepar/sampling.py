"""Draws from the distributions that DeepAR's raw parameters stand for, each series from a generator of its own."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_FREEDOM", "Sampler", "sampler"]

MOST_FREEDOM: Final = 200.0
"""Degrees of freedom beyond 2: Student's t is a normal distribution there, and log gammas of more lose their digits."""

_MOST_EVENTS: Final = 1e15  # beyond it a Poisson number is its mean to float32's last digit, and numpy's refuses
_SMALLEST: Final = np.float32(1e-6)  # added to scales, so that a distribution never is a point
_LEAST_SHAPE: Final = np.float32(1e-3)  # added to beta's shapes; below it draws are 0 or 1
_TINY: Final = 1e-12  # added to a mean and a dispersion that are divided by
_FREEDOM: Final = np.float32(MOST_FREEDOM)
_TWO_PI: Final = np.float32(2 * np.pi)

Array = NDArray[np.float32]


class Sampler(Protocol):
    """Draws for all paths of some series, step by step."""

    def draw(self, step: int, raw: Array) -> Array:
        """Values [series, paths], divided by the series' scale, from raw parameters [series, parameters, paths]."""
        ...


def sampler(likelihood: str, seeds: Sequence[int], scales: Array, *, steps: int, samples: int) -> Sampler:
    """The sampler of a likelihood. The same seed gives a series the same draws, whatever the other series are."""
    generators = [np.random.Generator(np.random.SFC64(seed)) for seed in seeds]
    if likelihood == "student-t":
        return _StudentT(generators, steps, samples)
    if likelihood == "gaussian":
        return _Gaussian(generators, steps, samples)
    if likelihood == "negative-binomial":
        return _NegativeBinomial(generators, scales[:, np.newaxis])
    if likelihood == "beta":
        return _Beta(generators)
    return _Deterministic()


def _softplus(values: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), four times as quick as numpy's logaddexp."""
    result: Array = np.abs(values)
    np.negative(result, out=result)
    np.exp(result, out=result)
    np.log1p(result, out=result)
    result += np.maximum(values, np.float32(0))
    return result


class _StudentT:
    """t = sqrt(df (u^(-2/df) - 1)) cos(2 pi v) of two uniforms is Student's t (Bailey 1994, Math. Comp. 62: 779)."""

    def __init__(self, generators: Sequence[np.random.Generator], steps: int, samples: int) -> None:
        # Uniforms in (0, 1], whose logarithm is finite.
        drawn = [1 - generator.random((2, steps, samples), dtype=np.float32) for generator in generators]
        both = np.stack(drawn, axis=2)
        self._minus_two_log = np.log(both[0]) * np.float32(-2)
        self._cosine = np.cos(both[1] * _TWO_PI)

    def draw(self, step: int, raw: Array) -> Array:
        positive = _softplus(raw[:, ::2])
        freedom = np.minimum(positive[:, 0], _FREEDOM)
        freedom += 2
        drawn: Array = self._minus_two_log[step] / freedom  # at most 17, of the smallest uniform, 2 ** -24
        np.expm1(drawn, out=drawn)
        drawn *= freedom
        np.sqrt(drawn, out=drawn)
        drawn *= self._cosine[step]
        scale = positive[:, 1]
        scale += _SMALLEST
        drawn *= scale
        drawn += raw[:, 1]
        return drawn


class _Gaussian:
    def __init__(self, generators: Sequence[np.random.Generator], steps: int, samples: int) -> None:
        drawn = [generator.standard_normal((steps, samples), dtype=np.float32) for generator in generators]
        self._normal = np.stack(drawn, axis=1)

    def draw(self, step: int, raw: Array) -> Array:
        scale = _softplus(raw[:, 1])
        scale += _SMALLEST
        scale *= self._normal[step]
        scale += raw[:, 0]
        return scale


class _NegativeBinomial:
    """A Poisson number whose mean is drawn from a gamma distribution; mean and dispersion as in DeepAR, eq. 2."""

    def __init__(self, generators: Sequence[np.random.Generator], scales: Array) -> None:
        self._generators = generators
        self._scales = scales.astype(np.float64)  # a mean near float32's end must not become infinite

    def draw(self, step: int, raw: Array) -> Array:  # noqa: ARG002 - one stream of draws, in order
        positive = _softplus(raw)
        mean = positive[:, 0] * self._scales + _TINY
        shape = 1 / (positive[:, 1] / np.sqrt(self._scales) + _TINY)
        drawn = np.empty(mean.shape, np.float32)
        for place, generator in enumerate(self._generators):
            rate = generator.standard_gamma(shape[place]) * (mean[place] / shape[place])
            count = generator.poisson(np.minimum(rate, _MOST_EVENTS))
            drawn[place] = np.where(rate > _MOST_EVENTS, rate, count) / self._scales[place]
        return drawn


class _Beta:
    def __init__(self, generators: Sequence[np.random.Generator]) -> None:
        self._generators = generators

    def draw(self, step: int, raw: Array) -> Array:  # noqa: ARG002 - one stream of draws, in order
        shapes = _softplus(raw) + _LEAST_SHAPE
        drawn = np.empty((len(raw), raw.shape[2]), np.float32)
        for place, generator in enumerate(self._generators):
            drawn[place] = generator.beta(shapes[place, 0], shapes[place, 1])
        return drawn


class _Deterministic:
    def draw(self, step: int, raw: Array) -> Array:  # noqa: ARG002 - nothing is drawn
        return raw[:, 0].copy()
