"""Bytes that we put together ourselves are those of fastavro, whatever an event holds."""

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import parse
from schemas.coding.avro_writer import value_writer
from schemas.coding.codec import Codec
from schemas.coding.shared_settings import format_of
from schemas.coding.wire import unframe
from schemas.forecasting import CmdStatus, SeriesConfig, SubmitJob
from schemas.series import Asked, Backtest, Beside, Forecast, Options, Search, SeriesResult, TrainSeries
from schemas.workloads import MetricPoint
from tests.unit.schemas.coding.stock import datum_of, schema_of, stock_bytes
from tests.unit.schemas.event_samples import EVENTS as EVERY_KIND
from tests.unit.schemas.event_samples import FULL_CONFIG

CODEC = Codec()

longs = st.integers(-(2**63), 2**63 - 1)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)  # longer and shorter than what is remembered
doubles = st.lists(st.floats(), max_size=5)
moments = st.integers(-(2**52), 2**52)
times = st.lists(moments, max_size=5) | st.builds(lambda at, n: range(at, at + 10 * n, 10), moments, st.integers(0, 70))
configs = st.dictionaries(names, longs | st.floats() | names, max_size=3)
quantiles = st.dictionaries(names, doubles, max_size=2)

offsets = st.lists(st.integers(-1000, 1000), max_size=3).map(tuple)
TRAININGS = st.builds(
    TrainSeries,
    longs,
    longs,
    longs,
    names,
    moments,
    longs,
    doubles.map(np.array),
    item_id=names,
    config=configs,
    eval_metrics=st.lists(names, max_size=3).map(tuple),
    refit=st.booleans(),
    timestamps=times,
    search=st.none() | st.builds(Search, st.just(()), st.integers(1, 9), names),
    feat_dynamic_real=st.lists(doubles, max_size=2),
    allow_negative=st.booleans(),
    freq=names,
    start_micros=st.integers(0, 999),
    options=st.none() | st.builds(Options, st.integers(1, 20), doubles.map(tuple), st.none() | st.floats()),
)
EVENTS = st.one_of(
    st.builds(
        SeriesResult,
        longs,
        longs,
        longs,
        st.integers(1, 9),
        names,
        configs,
        times,
        doubles,
        st.dictionaries(names, st.none() | st.floats(), max_size=3),
        st.none() | st.builds(Backtest, times, doubles, offsets, offsets),
        st.none() | names,
        quantiles,
        st.none() | names,
        st.none() | names,
        offsets,
        offsets,
        st.none() | st.floats(),
        st.integers(1, 20),
        st.none() | st.builds(Asked, st.builds(Beside, st.just((2, 4)), st.just(()), names), st.booleans()),
        st.integers(0, 2),
        st.booleans(),
        st.none() | st.floats(),
        st.none() | names,
        st.none() | moments,
    ),
    st.builds(
        Forecast,
        longs,
        longs,
        longs,
        names,
        names,
        moments,
        times,
        doubles,
        quantiles,
        st.none() | names,
        offsets,
        offsets,
    ),
    st.builds(MetricPoint, names, names, st.none() | st.floats(), moments, st.integers(0, 99), names),
    TRAININGS,
)


OWN_OF_TRAININGS = ("job_id", "ts_id", "n", "attempt", "item_id", "target")
OTHER_SETTINGS: dict[str, Any] = {
    "model_name": "other",
    "start": 5,
    "step": 5,
    "config": {"a": 3},
    "next_k_prediction": 6,
    "eval_metrics": ("mae",),
    "refit": True,
    "timestamps": (1, 2),
    "search": Search((), 1, "mse"),
    "feat_dynamic_real": ((1.0, 2.0),),
    "allow_negative": True,
    "freq": "D",
    "start_micros": 5,
    "project": "p",
    "options": Options(),
    "data_id": 5,
    "group_keys": ("id",),
    "beside": Beside((2,)),
    "side": 2,
    "shadow": True,
    "switches": 3,
}


@given(st.lists(TRAININGS, max_size=4), st.lists(st.tuples(longs, doubles), max_size=4))
def test_many_commands_have_the_bytes_of_each(
    different: list[TrainSeries], alike: list[tuple[int, list[float]]]
) -> None:
    """Those with the same settings too, and any between them."""
    commands = [
        replace(event, ts_id=ts_id, target=np.array(target)) for event in different for ts_id, target in alike
    ] + different

    assert CODEC.encode_all(commands) == [CODEC.encode(command) for command in commands]


def test_commands_that_are_alike_but_not_the_same_are_told_apart() -> None:
    """3 and 3.0 are equal, but not on the wire."""
    first = TrainSeries(1, 2, 3, "m", 0, 1, np.ones(2), config={"a": 3})
    second = replace(first, config={"a": 3.0})

    assert repr(CODEC.decode(CODEC.encode_all([first, second])[1]).config) == "{'a': 3.0}"


def test_a_wrong_value_is_refused_among_many_too() -> None:
    """As fastavro refuses it."""
    good = TrainSeries(1, 2, 3, "m", 0, 1, np.ones(2))

    with pytest.raises(TypeError):
        CODEC.encode_all([good, replace(good, ts_id="2")])


@given(EVENTS)
def test_the_bytes_are_those_of_fastavro(event: Any) -> None:
    """All kinds of values, the absent ones too."""
    schema = parse(schema_of(type(event).__name__), plain_times=True)

    assert bytes(unframe(CODEC.encode(event))[1]) == stock_bytes(schema, datum_of(event, schema))


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: type(event).__name__)
def test_an_event_as_it_should_be_is_not_left_to_fastavro(event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words for what is wrong take ten times as long as writing what is right."""
    event_format = format_of(type(event))
    monkeypatch.setattr(event_format, "_to_fields", None)  # what fastavro would get

    assert event_format.encode(event) == unframe(CODEC.encode(event))[1]


@pytest.mark.parametrize("name", [field.name for field in fields(SeriesConfig)][1:])
@pytest.mark.parametrize("project", ["", "p", "team"])
def test_elements_that_differ_in_one_setting_alone_keep_it(name: str, project: str) -> None:
    """Those with the same settings are coded once; what is the same is said by all of them."""
    without = replace(FULL_CONFIG, **{name: None})
    command = SubmitJob("c", 1, (FULL_CONFIG, without, FULL_CONFIG), project)

    assert getattr(FULL_CONFIG, name) is not None
    assert CODEC.decode(CODEC.encode(command)) == command


@pytest.mark.parametrize("name", [field.name for field in fields(TrainSeries) if field.name not in OWN_OF_TRAININGS])
def test_trainings_that_differ_in_one_setting_alone_keep_it(name: str) -> None:
    """A new setting needs a line in `OTHER_SETTINGS`."""
    one = TrainSeries(1, 2, 3, "m", 0, 1, np.ones(2))
    other = replace(one, **{name: OTHER_SETTINGS[name]})

    assert CODEC.encode_all([one, other, one]) == [CODEC.encode(event) for event in (one, other, one)]
    assert CODEC.encode(one) != CODEC.encode(other)


@pytest.mark.parametrize("said", [{}, {"data_id": 9}, {"project": "p"}, {"micros": []}, {"utc_offsets": np.array([])}])
def test_last_fields_as_usual_are_written_at_once_and_others_as_they_are(said: dict[str, Any]) -> None:
    """With or without what few events have, the bytes are fastavro's."""
    event = replace(Forecast(1, 2, 3, "i", "m", 0, (1,), [1.5], {}), **said)
    schema = parse(schema_of("Forecast"), plain_times=True)

    assert bytes(unframe(CODEC.encode(event))[1]) == stock_bytes(schema, datum_of(event, schema))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("long", 1.0),  # equal to 1, which has been written before
        ("long", "1"),
        ("long", 2**63),
        ("long", -(2**63) - 1),
        ("int", 2**31),
        ("int", -(2**31) - 1),
        ("int", 1.0),
        ("int", "1"),
        ("string", b"text"),
        ("string", None),
        ("double", "1"),
        (["long", "double", "string"], None),
        (["long", "double", "string"], True),
        ({"type": "array", "items": "double"}, ["1"]),
        ({"type": "array", "items": "double"}, np.zeros((2, 2))),
        ({"type": "array", "items": "string"}, "text"),
    ],
)
def test_what_is_not_of_the_type_is_left_to_fastavro(schema: Any, value: Any) -> None:
    """It knows more types than we do, and has the words for what is wrong."""
    write = value_writer(schema)
    assert write is not None
    write_one = value_writer("long")
    assert write_one is not None
    assert write_one(1) == b"\2"
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, `Format.encode` asks fastavro then
        write(value)


@pytest.mark.parametrize("kind", ["int", "long"])
def test_a_named_number_is_a_number(kind: str) -> None:
    """Statuses are IntEnum."""
    write = value_writer(kind)
    assert write is not None
    assert write(CmdStatus.DONE) == write(3) == b"\6"


def test_numpys_numbers_are_written_too() -> None:
    """By fastavro."""
    given_by_numpy = SeriesResult(
        1, 2, 3, 1, "m", {"a": np.float64(0.5)}, (), (np.float64(1.5),), {"mse": np.float64(math.pi)}
    )

    back = CODEC.decode(CODEC.encode(given_by_numpy))

    assert (back.config, back.predictions, back.metrics) == ({"a": 0.5}, [1.5], {"mse": math.pi})
