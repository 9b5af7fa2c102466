"""What a job's records say, compared output by output: as they are in the log, and as they are computed now."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from schemas.coding.codec import Codec
from schemas.coding.wire import unframe
from schemas.series import Forecast, SeriesResult
from schemas.workloads import MetricPoint

__all__ = ["KINDS", "Compared", "Comparison", "Difference", "Output", "Verdict", "output_of"]

KINDS: Final = (Forecast, MetricPoint, SeriesResult)
_SIDES: Final = ("logged", "computed")
Verdict = Literal["identical", "different", "missing", "compacted", "no command"]


class Output(NamedTuple):
    """What a record is about; repeats of a record have the same."""

    kind: str
    submission: str
    """ts_id and number; of the losses of a model for many series, `together` and the first number."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, and by how much relative to the larger value where both are numbers."""

    field: str
    old: str
    new: str
    relative: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An output in the log and computed now, by its hashes; None where there is none."""

    output: Output
    verdict: Verdict
    logged: str | None
    computed: str | None
    differences: tuple[Difference, ...] = ()


def output_of(event: Forecast | MetricPoint | SeriesResult) -> Output:
    """What the event is about."""
    kind = type(event).__name__
    if isinstance(event, MetricPoint):  # fj-<job_id>-<ts_id>-<n>
        submission = event.workload_uid.split("-", 2)[-1].replace("-", ":")
        return Output(
            kind, submission, f"{event.metric_name} {event.iteration}" if event.iteration else event.metric_name
        )
    return Output(kind, f"{event.ts_id}:{event.n}")


class Comparison:
    """Takes what is computed, then what is in the log, record by record."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._computed: dict[Output, dict[str, bytes]] = {}  # by hash: a repeated command has other times
        self._found: dict[Output, Compared] = {}
        self._forecasts: dict[str, int] = {}  # series → the latest of its submissions with a forecast in the log
        self.older = 0  # records of the log that were written with an older schema

    def add_computed(self, event: Any, value: bytes) -> None:
        """What would be published now."""
        self._computed.setdefault(output_of(event), {})[_hash(value)] = value

    def add_logged(self, event: Any, value: bytes) -> None:
        """What was published. One of several repeats that differs makes the output different."""
        output = output_of(event)
        if isinstance(event, Forecast):
            series = output.submission.partition(":")[0]
            self._forecasts[series] = max(event.n, self._forecasts.get(series, -1))
        if unframe(value)[0] != self._codec.schema_id_of(type(event)):  # its meaning is what counts
            self.older += 1
            value = self._codec.encode(event)
        known = self._found.get(output)
        if known is not None and known.verdict == "different":
            return
        logged, candidates = _hash(value), self._computed.get(output)
        if candidates is None:
            self._found[output] = Compared(output, "no command", logged, None)
        elif logged in candidates:
            self._found[output] = Compared(output, "identical", logged, logged)
        else:
            computed, new = next(reversed(candidates.items()))
            differences = tuple(_differences(self._codec.decode(value), self._codec.decode(new)))
            self._found[output] = Compared(output, "different", logged, computed, differences)

    def outputs(self) -> list[Compared]:
        """Everything that was taken, in order."""
        lacking = [self._lacking(output) for output in self._computed.keys() - self._found.keys()]
        return sorted((*self._found.values(), *lacking), key=lambda compared: compared.output)

    def counts(self) -> Mapping[str, Counter[Verdict]]:
        """How many outputs of each kind there are of each verdict."""
        counted: dict[str, Counter[Verdict]] = {kind.__name__: Counter() for kind in KINDS}
        for compared in self.outputs():
            counted[compared.output.kind][compared.verdict] += 1
        return counted

    def hashes(self) -> tuple[str, str]:
        """One hash over all outputs that could be compared: as they are in the log, and as they are computed."""
        both = [one for one in self.outputs() if one.logged is not None and one.computed is not None]
        lines = ["".join(f"{' '.join(one.output)} {getattr(one, side)}\n" for one in both) for side in _SIDES]
        return _hash(lines[0].encode()), _hash(lines[1].encode())

    def _lacking(self, output: Output) -> Compared:
        """A forecast goes from the compacted topic when the series has a later one."""
        series, _, n = output.submission.partition(":")
        later = output.kind == Forecast.__name__ and self._forecasts.get(series, -1) > int(n)
        computed = next(reversed(self._computed[output]))
        return Compared(output, "compacted" if later else "missing", None, computed)


def _hash(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _differences(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """The fields that differ, inner ones by their path."""
    if is_dataclass(old) and type(old) is type(new):
        for field in fields(old):
            name = f"{path}.{field.name}" if path else field.name
            yield from _differences(getattr(old, field.name), getattr(new, field.name), name)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in (*old, *(key for key in new if key not in old)):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}")
    elif _are_numbers(old) and _are_numbers(new) and len(old) == len(new):
        yield from _of_numbers(np.asarray(old, float), np.asarray(new, float), path)
    elif not _same(old, new):
        numbers = isinstance(old, int | float) and isinstance(new, int | float)
        yield Difference(path, _shown(old), _shown(new), _relative(float(old), float(new)) if numbers else None)


def _of_numbers(old: Any, new: Any, path: str) -> Iterator[Difference]:
    """The largest difference of two sequences, with its place."""
    differ = ~((old == new) | (np.isnan(old) & np.isnan(new)))
    if differ.any():
        relative = [_relative(*pair) if differs else -1.0 for *pair, differs in zip(old, new, differ, strict=True)]
        place = max(range(len(relative)), key=lambda index: -1.0 if (by := relative[index]) is None else by)
        if not differ[place]:
            place = int(np.argmax(differ))
        yield Difference(f"{path}[{place}]", _shown(float(old[place])), _shown(float(new[place])), relative[place])


def _are_numbers(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str | bytes)
        and len(value) > 0
        and all(isinstance(item, int | float) for item in value)
    )


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float) and math.isnan(old) and math.isnan(new):
        return True
    return type(old) is type(new) and bool(old == new)


def _relative(old: float, new: float) -> float | None:
    """By the larger of the two, so at most 2; None where one is no finite number."""
    if not (math.isfinite(old) and math.isfinite(new)):
        return None
    return abs(new - old) / max(abs(old), abs(new)) if old != new else 0.0


def _shown(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"{len(value)} values"
    return "none" if value is None else str(value)
