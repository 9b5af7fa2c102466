"""What tests of this room are given."""

import pytest

from tests.unit.streams.forecasting.online_forecasts_samples import A, B, C, World


@pytest.fixture
async def world() -> World:
    """A worker that has read nothing yet, and an empty store."""
    return World()


@pytest.fixture
async def settled(world: World) -> World:
    """A worker whose store has three forecasts of four records; the fourth record came again in between."""
    await world.online.step()
    for offset, (key, row) in enumerate([(A, b"a0"), (B, b"b0"), (A, b"a1"), (C, b"c0")]):
        world.apply(offset, key, row)
    await world.online.step()
    world.store.written.clear()
    return world
