"""Dataclasses and schemas say the same."""

import dataclasses
from typing import Any

import pytest

from schemas.catalogue import current_schemas
from schemas.coding.codec import EVENT_TYPES
from schemas.forecasting import (
    Aggregate,
    CmdStatus,
    Columns,
    FutureFeature,
    Planned,
    Refresh,
    SeriesConfig,
    Shadow,
    Standing,
    Submission,
)
from schemas.scoring import ModelInput, ModelOutput
from schemas.series import Asked, Backtest, Beside, Options, Search
from schemas.values import HyperParam
from tests.unit.schemas.coding.stock import branches, plain

RECORDS = {
    kind.__name__: kind
    for kind in (
        *EVENT_TYPES,
        SeriesConfig,
        HyperParam,
        FutureFeature,
        Aggregate,
        Options,
        Search,
        Asked,
        Backtest,
        Beside,
        Columns,
        Planned,
        Refresh,
        Shadow,
        Standing,
        Submission,
        ModelInput,
        ModelOutput,
    )
}
SCHEMAS = [
    schema for source in current_schemas().values() for schema in branches(source) if schema.get("type") == "record"
]


class TestDataclassesAndSchemas:
    """A dataclass and its .avsc say the same."""

    def test_every_schema_has_a_dataclass_and_the_other_way_round(self) -> None:
        """No event without schema, no schema without event."""
        assert set(current_schemas()) == {kind.__name__ for kind in EVENT_TYPES}
        assert {schema["name"] for schema in SCHEMAS} == set(RECORDS)

    @pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
    def test_names_and_order_of_fields(self, schema: dict[str, Any]) -> None:
        """In the dataclass's order, save that TrainSeries gives defaults to fields before its last ones."""
        ours = [field.name for field in dataclasses.fields(RECORDS[schema["name"]])]
        theirs = [field["name"] for field in schema["fields"]]

        assert sorted(ours) == sorted(theirs)
        if schema["name"] != "TrainSeries":
            assert ours == theirs

    @pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["name"])
    def test_defaults(self, schema: dict[str, Any]) -> None:
        """What a producer may leave out in Avro may be left out in Python, and means the same.

        JobRecord is written by us alone: its dataclass has defaults where its schema needs none.
        """
        kind = RECORDS[schema["name"]]
        defaults = {}
        for field in dataclasses.fields(kind):
            if field.default is not dataclasses.MISSING:
                defaults[field.name] = plain(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                defaults[field.name] = plain(field.default_factory())

        theirs = {field["name"]: plain(field["default"]) for field in schema["fields"] if "default" in field}
        if schema["name"] == "JobRecord":
            defaults = {name: defaults[name] for name in theirs}

        assert defaults == theirs

    def test_the_status_numbers_are_the_symbols_places(self) -> None:
        """CmdStatus 0 to 4 in the order of the enum in Avro."""
        enums = [s for source in current_schemas().values() for s in branches(source) if s.get("type") == "enum"]

        assert len(enums) == 2
        for schema in enums:
            assert schema["symbols"] == [CmdStatus(number).name for number in range(len(CmdStatus))]

    def test_history_is_the_last_field_of_train_series(self) -> None:
        """The fast path for doubles reads to the end of the record."""
        assert current_schemas()["TrainSeries"]["fields"][-1]["name"] == "target"

    @pytest.mark.parametrize("source", current_schemas().values(), ids=lambda source: source["name"])
    def test_every_record_and_field_is_documented(self, source: dict[str, Any]) -> None:
        """The .avsc files are what a producer in another language reads."""
        records = [schema for schema in branches(source) if schema.get("type") == "record"]

        assert source["namespace"] == "tidecast"
        assert all(schema["doc"] and all(field["doc"] for field in schema["fields"]) for schema in records)
