"""The doors of the HTTP view: those that the systems of an installation declare, and those of its operation."""

from collections.abc import Iterable

from streams.systems import SYSTEMS, System, named
from streams.views.operation import asyncapi, cluster, dead_letters, figures, health, registry, watch
from streams.views.web.door import Doors

__all__ = ["doors_of"]


def doors_of(systems: Iterable[System] = SYSTEMS) -> Doors:
    """In the order in which the API document shows them."""
    views = [named(module) for system in systems for module in system.views]
    views += [registry, asyncapi, health, figures, watch, cluster, dead_letters]
    return Doors(view.DOOR for view in views)
