"""Two ways to forecast the same series, judged by the same values: forecast by forecast, step by step.

Compared are forecasts of a series that begin at the same time, at the steps for which both have one and a value came:
so both had the same history, and neither is asked for more than the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.accuracy.comparing import SIGNIFICANT, Comparison, Difference, compared
from streams.accuracy.judging import Judged
from streams.accuracy.sums import Errors

__all__ = ["Paired", "paired"]


@dataclass(frozen=True, eq=False)
class Paired:
    """What was judged of both sides, forecast by forecast in one order: cut to the same values, with one scale."""

    first: Sequence[Judged]
    second: Sequence[Judged]

    def overall(self) -> dict[str, Any]:
        """Both sides over all series, and which is better."""
        return self._sums([0] * len(self.first), 1)[0] | told(compared(_differences(self.first, self.second)))

    def series(self) -> list[dict[str, Any]]:
        """The same of each series; first those in which the second loses most."""
        places: dict[int, list[int]] = {}
        for place, one in enumerate(self.first):
            places.setdefault(one.ts_id, []).append(place)
        order = {ts_id: number for number, ts_id in enumerate(places)}
        sums = self._sums([order[one.ts_id] for one in self.first], len(order))
        found = [
            {"ts_id": ts_id, **one, **told(compared(_differences(*self._at(those))))}
            for (ts_id, those), one in zip(places.items(), sums, strict=True)
        ]
        return sorted(found, key=_loses_most)

    def _at(self, places: Iterable[int]) -> tuple[list[Judged], list[Judged]]:
        some = list(places)
        return [self.first[place] for place in some], [self.second[place] for place in some]

    def _sums(self, codes: Sequence[int], groups: int) -> list[dict[str, Any]]:
        first, second = _summed(self.first, codes, groups), _summed(self.second, codes, groups)
        return [
            {"judged": one.pop("judged"), "first": one, "second": {name: other[name] for name in one}}
            for one, other in zip(first, second, strict=True)
        ]


def paired(first: Iterable[Judged], second: Iterable[Judged]) -> Paired:
    """Of two forecasts of a side that begin at the same time the newer counts."""
    by_origin = [{(one.ts_id, one.origin): one for one in sorted(side, key=_number)} for side in (first, second)]
    found = [pair for key, one in by_origin[0].items() if key in by_origin[1] for pair in _cut(one, by_origin[1][key])]
    return Paired([one for one, _ in found], [other for _, other in found])


def _cut(first: Judged, second: Judged) -> Iterator[tuple[Judged, Judged]]:
    _, of_first, of_second = np.intersect1d(first.steps, second.steps, assume_unique=True, return_indices=True)
    if len(of_first):
        yield _at_places(first, of_first, first.scale), _at_places(second, of_second, first.scale)


def _at_places(one: Judged, places: NDArray[np.intp], scale: float) -> Judged:
    return replace(
        one,
        scale=scale,
        steps=one.steps[places],
        times=one.times[places],
        actual=one.actual[places],
        predicted=one.predicted[places],
        inside={level: flags[places] for level, flags in one.inside.items()},
        edges={},
        offsets=[one.offsets[place] for place in places.tolist()],
    )


def _differences(first: Iterable[Judged], second: Iterable[Judged]) -> Iterator[Difference]:
    for one, other in zip(first, second, strict=True):
        more = (np.abs(other.errors) - np.abs(one.errors)) / one.scale
        for time, step, value in zip(one.times.tolist(), one.steps.tolist(), more.tolist(), strict=True):
            yield Difference(one.ts_id, time, step, value)


def _summed(side: Sequence[Judged], codes: Sequence[int], groups: int) -> list[dict[str, Any]]:
    errors = Errors(side)
    return errors.summed(np.array(codes, dtype=np.int64)[errors.of], groups)


def told(found: Comparison) -> dict[str, Any]:
    """A comparison as it is answered."""
    return {
        "better": found.better,
        "significant": found.p_value is not None and found.p_value < SIGNIFICANT,
        "p_value": found.p_value,
        "statistic": found.statistic,
        "times": found.times,
        "times_needed": found.needed,
    }


def _loses_most(one: Mapping[str, Any]) -> tuple[bool, float, int]:
    first, second = one["first"]["mase"], one["second"]["mase"]
    if first is None or second is None:
        return True, one["first"]["mae"] - one["second"]["mae"], one["ts_id"]
    return False, first - second, one["ts_id"]


def _number(one: Judged) -> int:
    return one.n
