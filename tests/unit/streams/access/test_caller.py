"""Who asks, for the time of a request."""

import asyncio
from contextlib import suppress

from streams.access.caller import ANYBODY, Caller, Role, caller, calling


def test_without_access_control_anybody_may_do_everything_in_the_default_project() -> None:
    assert caller() == ANYBODY
    assert (caller().project, caller().role) == ("", Role.ADMIN)


def test_roles_are_ordered() -> None:
    assert Role.VIEWER < Role.OPERATOR < Role.ADMIN


def test_a_caller_is_set_for_a_block_also_where_it_fails() -> None:
    ada = Caller("ada", "p1", Role.OPERATOR)

    with calling(ada):
        assert caller() == ada
    with suppress(KeyError), calling(ada):
        raise KeyError

    assert caller() == ANYBODY


async def test_requests_at_the_same_time_have_their_own_callers() -> None:
    async def request(name: str) -> str:
        with calling(Caller(name, name, Role.VIEWER)):
            await asyncio.sleep(0.001)
            return caller().name

    assert await asyncio.gather(*map(request, "abc")) == ["a", "b", "c"]
