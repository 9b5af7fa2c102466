"""Submissions have a codec of their own: elements with the same settings are coded once."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError, encode_long, frame, unframe
from schemas.forecasting import SeriesConfig, SubmitJob
from schemas.values import HyperParam
from tests.unit.schemas.coding.stock import codec_knowing, datum_of, plain, schema_of, stock_bytes
from tests.unit.schemas.event_samples import FULL_CONFIG

_PARAMETERS = [
    None,
    (),
    (HyperParam("a", "int", val=3),),
    (HyperParam("a", "int", val=3.0),),
    (HyperParam("a", "list", choice=(3, "3", 3.0)),),
]
_ELEMENTS = st.builds(
    SeriesConfig,
    st.integers(1, 2**53),
    model_name=st.sampled_from([None, "LinearFit", "Lstm"]),
    hyper_params=st.sampled_from(_PARAMETERS),
    feature_indexs=st.sampled_from([None, (), (1, 2)]),
    max_eval=st.sampled_from([None, 0, 1, -1]),
    eval_metrics=st.sampled_from([None, ("mse",), ("mse", "rmse")]),
    refit=st.sampled_from([None, 0, 1]),
)


@given(elements=st.lists(_ELEMENTS, max_size=60))
def test_the_bytes_are_those_of_avro_and_come_back(elements: list[SeriesConfig]) -> None:
    """Whatever is shared: what stock Avro writes, in values and types."""
    ours, command = Codec(), SubmitJob("c", 7, tuple(elements), "sales")

    data = ours.encode(command)
    back = ours.decode(data)

    assert bytes(unframe(data)[1]) == stock_bytes(schema_of("SubmitJob"), datum_of(command))
    assert repr(back) == repr(command)  # 3 == 3.0, but they look different


@pytest.mark.parametrize("with_size", [False, True], ids=["count", "count-and-size"])
def test_elements_may_come_in_blocks(ours: Codec, with_size: bool) -> None:
    """Avro allows several blocks, and a block's size behind a negative count: Java's writer sends both."""
    elements = tuple(replace(FULL_CONFIG, ts_id=number, refit=number % 2) for number in range(1, 7))
    command = SubmitJob("c", 7, elements)
    head = bytes(unframe(ours.encode(SubmitJob("c", 7, ())))[1])[:-2]
    end = b"\0\0"  # of the elements, and no project
    payload = head
    for part in (elements[:1], elements[1:]):
        items = bytes(unframe(ours.encode(SubmitJob("c", 7, part)))[1])[len(head) + 1 : -2]
        payload += (encode_long(-len(part)) + encode_long(len(items)) if with_size else encode_long(len(part))) + items
    payload += end

    assert ours.decode(frame(ours.schema_id_of(SubmitJob), payload)) == command


@pytest.mark.parametrize("count", [2, 1000, 2**31, 2**62])
def test_a_count_beyond_the_bytes_is_undecodable(ours: Codec, count: int) -> None:
    """However many elements are announced, reading ends with the bytes."""
    payload = bytes(unframe(ours.encode(SubmitJob("c", 7, (FULL_CONFIG,))))[1])
    head = bytes(unframe(ours.encode(SubmitJob("c", 7, ())))[1])[:-2]
    damaged = head + encode_long(count) + payload[len(head) + 1 :]

    with pytest.raises(UndecodableError):
        ours.decode(frame(ours.schema_id_of(SubmitJob), damaged))


def test_an_older_writer_is_read_field_by_field(ours: Codec) -> None:
    """A schema that is not today's goes the general way."""
    older: dict[str, Any] = schema_of("SubmitJob")
    config = older["fields"][2]["type"]["items"]
    config["fields"] = [field for field in config["fields"] if field["name"] != "refit"]
    reader = codec_knowing(older, 99)
    datum = datum_of(SubmitJob("c", 7, (FULL_CONFIG, replace(FULL_CONFIG, ts_id=2))))
    for element in datum["elements"]:
        del element["refit"]

    back = reader.decode(frame(99, stock_bytes(older, datum)))

    assert plain(back) == plain(SubmitJob("c", 7, tuple(replace(FULL_CONFIG, ts_id=n, refit=None) for n in (8797, 2))))
