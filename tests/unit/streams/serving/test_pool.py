"""A pool serves whatever kind of model it is given; DeepAR's endpoints are one, see tests/unit/streams/inference."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.serving.errors import InferenceClosedError, InferenceError, InferenceUnavailableError, ModelMissingError
from streams.serving.kinds import ServingLimits
from streams.serving.pool import ServingPool
from tests.unit.streams.serving.toy_models import DIES, STAYS, Power, Powers

Pool = ServingPool[Power, list[float], dict[str, Any]]
SQUARE, CUBE = Power("squares", 2), Power("cubes", 3)
LIMITS: dict[str, Any] = {"processes": 1, "memory_bytes": 2**31, "timeout_s": 60.0, "most_waiting": 100}


@asynccontextmanager
async def serving(**changed: Any) -> AsyncIterator[Pool]:
    """A pool of powers."""
    pool: Pool = ServingPool(Powers(), ServingLimits(**LIMITS | changed))
    try:
        yield pool
    finally:
        await pool.close()


async def test_models_of_any_kind_are_served() -> None:
    """Each call has the answer of its model; those of models with one key are computed together, large ones alone."""
    async with serving() as pool:
        await pool.ask(SQUARE, [1.0])  # the process is there
        found = await asyncio.gather(
            pool.ask(SQUARE, [2.0, 3.0]),
            *(pool.ask(CUBE, [float(number)]) for number in range(3)),
            pool.ask(Power("other squares", 2), [4.0]),
            pool.ask(Power("more squares", 2), [5.0]),
            pool.ask(CUBE, [1.0] * 100_000),
        )

    assert [one["powers"] for one in found[:6]] == [[4.0, 9.0], [0.0], [1.0], [8.0], [16.0], [25.0]]
    assert [one["together"] for one in found] == [1, 3, 3, 3, 2, 2, 1]


@pytest.mark.parametrize(
    ("exponent", "limits", "words"),
    [
        (DIES, {}, r"^the process that computed the power ended .*: send fewer rows$"),
        (STAYS, {"timeout_s": 0.5}, r"^no answer within 0\.5 s: send fewer rows at once$"),
    ],
)
async def test_errors_speak_of_the_kind(exponent: int, limits: dict[str, float], words: str) -> None:
    """What it makes, and its own advice."""
    async with serving(**limits) as pool:
        with pytest.raises(InferenceError, match=words):
            await pool.ask(Power("p", exponent), [1.0], patient=True)


async def test_a_crowd_is_told_the_setting_of_the_kind() -> None:
    """Each kind has its own."""
    async with serving(timeout_s=1e-9) as pool:
        with pytest.raises(InferenceError, match="or raise TOY_WORKERS"):
            await pool.ask(SQUARE, [1.0])
    with pytest.raises(InferenceClosedError, match="no more powers are computed"):
        await pool.ask(SQUARE, [1.0])


@pytest.mark.parametrize(
    ("exponent", "expected", "words"),
    [
        (0, ModelMissingError, "gone has been removed"),
        (-1, InferenceUnavailableError, "the object store cannot be read"),
    ],
)
async def test_a_model_that_is_not_there_is_told_apart_from_one_that_cannot_be_read(
    exponent: int, expected: type[Exception], words: str
) -> None:
    """By the class of what the process raised."""
    async with serving() as pool:
        with pytest.raises(expected, match=words):
            await pool.ask(Power("gone", exponent), [1.0], patient=True)
