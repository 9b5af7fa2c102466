"""A request's view is looked for among those of its door alone, and is the one that looking at all would find."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.routing import BaseRoute, Match

from streams.views.doors import doors_of
from streams.views.web.door import DoorRoute
from tests.addresses import OPERATIONS

DOORS = doors_of()
BY_DOOR = DoorRoute(DOORS)
ALL = [route for door in DOORS for route in door.routes]


def scope_of(operation: str) -> dict[str, Any]:
    method, path = operation.split(" ")
    return {"type": "http", "method": method, "path": re.sub(r"\{[^}]*\}", "7", path), "root_path": "", "headers": []}


def found(scope: dict[str, Any], routes: Iterable[BaseRoute]) -> BaseRoute | None:
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_found_by_its_door(operation: str) -> None:
    """All of them: what is left to the routes of all doors takes a hundred times as long."""
    match, more = BY_DOOR.matches(scope_of(operation))

    assert match is Match.FULL
    assert more["tidecast.route"] is found(scope_of(operation), ALL)


@pytest.mark.parametrize("operation", ["GET /nothing", "PUT /healthz", "GET /job/7/no/such/thing"])
def test_what_is_none_is_left_to_all(operation: str) -> None:
    """They say which of 404 and 405 it is."""
    assert BY_DOOR.matches(scope_of(operation)) == (Match.NONE, {})


def test_a_lifespan_is_no_request() -> None:
    """It has no address."""
    assert BY_DOOR.matches({"type": "lifespan"}) == (Match.NONE, {})
