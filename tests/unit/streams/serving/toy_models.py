"""A kind of model that is none of ours: each raises numbers to a power of its own, as ONNX and PMML models might."""

import os
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from connectors.objects.store import ObjectNotFoundError
from streams.serving.errors import ModelUnreadableError
from streams.serving.kinds import Words

__all__ = ["DIES", "STAYS", "Power", "Powers", "compute"]

DIES, STAYS = 98, 99  # exponents at which the process ends, and never does


@dataclass(frozen=True, slots=True)
class Power:
    """A model: its service, and the version of it."""

    service: str
    exponent: int


@dataclass(frozen=True, slots=True)
class Powers:
    """Their kind."""

    entry: str = f"{__name__}:compute"
    preload: Sequence[str] = ()
    words: Words = Words(  # noqa: RUF009 - it cannot be changed
        answer="power",
        ask_for_less="send fewer rows",
        ask_for_less_at_once="send fewer rows at once",
        more_processes="TOY_WORKERS",
    )

    def name(self, model: Power) -> str:
        """The service's."""
        return model.service

    def key(self, model: Power) -> Hashable:
        """Of two services with the same exponent the calls are answered together."""
        return model.exponent

    def weight_bytes(self, model: Power) -> int:
        """Nothing."""
        return 0

    def size(self, call: Sequence[float]) -> int:
        """Eight bytes a number."""
        return 8 * len(call)

    def message(
        self, model: Power, calls: Sequence[Sequence[float]], times_left_s: Sequence[float]
    ) -> tuple[int, list[Sequence[float]], float]:
        """The exponent, the rows, and the least time that is left."""
        return model.exponent, list(calls), min(times_left_s)


def compute(
    asked: tuple[int, list[Sequence[float]], float], report: Callable[[object], None]
) -> list[dict[str, object]]:
    """The powers of each row, with how many rows were computed together."""
    exponent, rows, _ = asked
    if exponent == DIES:
        os._exit(1)
    if exponent == STAYS:
        time.sleep(600)
    if exponent == 0:
        raise ObjectNotFoundError("scoring/models/0")
    if exponent < 0:
        raise ModelUnreadableError("the object store cannot be read: ConnectionError")
    return [{"powers": [number**exponent for number in row], "together": len(rows)} for row in rows]
