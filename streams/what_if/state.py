"""What a state worker has for questions: processes that forecast."""

from dataclasses import dataclass, field

from streams.runtime import Part, StateRuntime
from streams.what_if.asking import Asking

__all__ = ["WhatIfState", "open_state"]


@dataclass(frozen=True)
class WhatIfState(Part):
    """Its processes."""

    asking: Asking = field(default_factory=Asking)

    async def close(self) -> None:
        """End them."""
        await self.asking.close()


def open_state(_: StateRuntime) -> Part:
    """The state's part."""
    return WhatIfState()
