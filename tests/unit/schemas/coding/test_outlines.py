"""What is read of a record without its floating-point numbers."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from schemas.catalogue import current_schemas
from schemas.coding.codec import Codec
from schemas.coding.outlines import OutlineReader, double_places, has_doubles
from schemas.coding.shared_settings import format_of
from schemas.coding.wire import UndecodableError, frame, unframe
from schemas.series import Backtest, Forecast, SeriesResult
from tests.unit.schemas.coding.stock import codec_knowing, datum_of, plain, schema_of, stock_bytes
from tests.unit.schemas.event_samples import EVENTS, NOON

CODEC = Codec()
TIMES = range(NOON, NOON + 50, 10)
RESULT = SeriesResult(
    9_000_000_000_000,
    7,
    1,
    1,
    "LinearFit",
    {"latest_n": 5, "add_std_factor": 0.1},
    TIMES,
    [1.0, 2.0, 3.0, 4.0, 5.0],
    {"mse": 0.5, "mae": None},
    Backtest(TIMES, [5.0, 4.0, 3.0, 2.0, math.nan]),
    note="as it is",
)
FORECAST = Forecast(1, 2, 3, "one", "LinearFit", NOON, TIMES, [1.0, 2.0, 3.0, 4.0, 5.0], {"0.5": [1.0] * 5})
WITHOUT_DOUBLES = {
    SeriesResult: {"job_id", "ts_id", "n", "attempt", "model_name", "timestamps", "error", "answered_by", "model_path"}
    | {"note", "answered_at", "micros", "utc_offsets", "backtest_windows", "side", "shadow"},
    Forecast: {"job_id", "ts_id", "n", "item_id", "model_name", "cutoff", "timestamps", "answered_by"}
    | {"micros", "utc_offsets", "project", "groups", "series_key", "data_id", "switches"},
}
ALIKE = [
    pytest.param(
        RESULT,
        replace(
            RESULT, ts_id=8, n=2, predictions=[math.inf, -0.0, 1e300, 5e-324, 7.0], metrics={"mse": 9.0, "mae": None}
        ),
        id="result",
    ),
    pytest.param(FORECAST, replace(FORECAST, ts_id=300, item_id="another", mean=[0.1] * 5), id="forecast"),
    pytest.param(
        replace(FORECAST, groups={"Origin": "EWR"}, series_key="Origin=EWR", data_id=5),
        replace(FORECAST, ts_id=300, mean=[0.1] * 5, groups={"Origin": "LaGuardia"}, series_key="Origin=LaGuardia"),
        id="forecasts-of-series-with-names",
    ),
]


class Counted:
    """Reads in full, and counts how often."""

    def __init__(self, kind: type) -> None:
        self.times = 0
        self._read = format_of(kind).reader(current_schemas()[kind.__name__])

    def __call__(self, payload: memoryview) -> dict[str, Any]:
        self.times += 1
        return self._read(payload)


def outline(event: Any) -> dict[str, Any]:
    """What is to be read of it."""
    return {name: plain(getattr(event, name)) for name in WITHOUT_DOUBLES[type(event)]}


def payload_of(event: Any) -> memoryview:
    """Its bytes behind the header."""
    return unframe(CODEC.encode(event))[1]


@pytest.mark.parametrize("event", [event for event in EVENTS if type(event) in WITHOUT_DOUBLES])
def test_it_says_what_the_event_says(event: Any) -> None:
    """At the first time and at the second, when its shape is known."""
    codec = Codec()
    for _ in range(2):
        assert plain(codec.outline_of(codec.encode(event), type(event))) == outline(event)


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_a_record_of_a_known_shape_is_not_read_again(first: Any, second: Any) -> None:
    """Only its ids and texts at the front."""
    read_all = Counted(type(first))
    reader = OutlineReader(current_schemas()[type(first).__name__], read_all)

    outlines = [reader.read(payload_of(event)) for event in (first, second)]

    assert [plain(found) for found in outlines] == [outline(first), outline(second)]
    assert read_all.times == 1


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_damage_is_seen_as_it_is_by_who_reads_all(first: Any, second: Any) -> None:
    """With a known shape and without: a bit of any byte flipped, anything cut off, anything behind the end."""
    kind = type(first)
    good = bytes(payload_of(second))
    damaged = [good[:length] for length in range(len(good))] + [good + b"\0"]
    damaged += [good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :] for place in range(len(good))]
    read_all, schema, known = Counted(kind), current_schemas()[kind.__name__], payload_of(first)
    for payload in damaged:
        reader = OutlineReader(schema, read_all)
        reader.read(known)
        try:
            expected: Any = {
                name: value for name, value in read_all(memoryview(payload)).items() if name in WITHOUT_DOUBLES[kind]
            }
        except Exception:  # noqa: BLE001 - fastavro raises whatever its reader trips over
            expected = None
        try:
            found: Any = reader.read(memoryview(payload))
        except Exception:  # noqa: BLE001 - as above
            found = None
        assert found == expected


def test_many_shapes_cost_no_more_than_reading() -> None:
    """Where each record has a shape of its own, shapes are hardly learnt any more, and the answers stay right."""
    read_all = Counted(SeriesResult)
    reader = OutlineReader(current_schemas()["SeriesResult"], read_all)
    events = [replace(RESULT, note=f"number {number}") for number in range(200)]

    assert [reader.read(payload_of(event))["note"] for event in events] == [event.note for event in events]
    assert read_all.times == len(events)
    assert [reader.read(payload_of(event))["note"] for event in events[-60:]] == [e.note for e in events[-60:]]
    assert read_all.times >= len(events) + 50  # the last shapes that were learnt are among the first 192


def test_an_older_programs_event_is_read_too() -> None:
    """It lacks a field, which then has its default."""
    old = schema_of("SeriesResult")
    old["fields"] = [field for field in old["fields"] if field["name"] != "answered_at"]
    codec = codec_knowing(old)

    found = codec.outline_of(frame(99, stock_bytes(old, datum_of(RESULT))), SeriesResult)

    assert plain(found) == outline(RESULT)


def test_another_event_is_refused() -> None:
    """By name."""
    codec = Codec()
    with pytest.raises(UndecodableError, match="a Forecast, not a SeriesResult"):
        codec.outline_of(codec.encode(FORECAST), SeriesResult)


@pytest.mark.parametrize("event", EVENTS)
def test_the_doubles_of_every_record_are_found(event: Any) -> None:
    """Their number is that of the floats in the event, and each has its bytes there."""
    payload = payload_of(event)
    schema = format_of(type(event)).schema

    places = double_places(schema, payload)

    assert all(later - earlier >= 8 for earlier, later in pairwise(places))
    assert bool(places) <= has_doubles(schema)
    blank = bytearray(payload)
    for place in places:
        blank[place : place + 8] = bytes(8)
    read = format_of(type(event)).reader(current_schemas()[type(event).__name__])
    assert _floats(read(memoryview(bytes(blank)))) == [0.0] * len(places)


def _floats(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in _floats(item)]
    return [value] if isinstance(value, float) else []
