"""Events written with another version of their schema."""

import math
from typing import Any

import numpy as np
import pytest

from schemas import catalogue
from schemas.catalogue import current_schemas, locked_schemas
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError, frame
from schemas.series import Forecast, TrainSeries
from schemas.workloads import MetricPoint
from tests.unit.schemas.coding.stock import codec_knowing, datum_of, plain, schema_of, stock_bytes
from tests.unit.schemas.event_samples import EVENTS, NOON


class TestOlderWriters:
    """Events written with another version of their schema."""

    @pytest.mark.parametrize(
        ("kind", "absent"),
        [
            (schema["name"], field["name"])
            for schema in current_schemas().values()
            for field in schema["fields"]
            if "default" in field
        ],
    )
    def test_a_defaulted_field_that_the_writer_lacks_has_its_default(self, kind: str, absent: str) -> None:
        """An event from before the field existed still decodes."""
        event = next(item for item in EVENTS if type(item).__name__ == kind)
        old = schema_of(kind)
        old["fields"] = [field for field in old["fields"] if field["name"] != absent]
        default = next(field["default"] for field in schema_of(kind)["fields"] if field["name"] == absent)
        data = frame(99, stock_bytes(old, datum_of(event)))

        back = codec_knowing(old).decode(data)

        assert plain(back) == {**plain(event), absent: plain(default)}

    def test_an_older_history_is_a_read_only_array_too(self) -> None:
        """The general path for TrainSeries promises what the fast one does."""
        old = schema_of("TrainSeries")
        old["fields"] = [field for field in old["fields"] if field["name"] != "refit"]
        event = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=[1.0, math.nan])

        target = codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event)))).target

        assert target.dtype == np.float64
        assert not target.flags.writeable
        np.testing.assert_array_equal(target, [1.0, math.nan])

    @pytest.mark.parametrize("event", EVENTS, ids=[type(event).__name__ for event in EVENTS])
    def test_a_field_that_we_do_not_know_is_skipped(self, event: Any) -> None:
        """An event of a newer release decodes without what it added, wherever that stands."""
        new = schema_of(type(event).__name__)
        addition = {"name": "added", "type": {"type": "array", "items": "string"}}
        new["fields"] = [addition, *new["fields"], {**addition, "name": "added_too"}]
        data = frame(99, stock_bytes(new, {**datum_of(event), "added": ["a", "b"], "added_too": ["c"]}))

        assert plain(codec_knowing(new).decode(data)) == plain(event)

    def test_fields_in_another_order_find_their_places(self) -> None:
        """Avro resolves fields by name."""
        old = schema_of("MetricPoint")
        old["fields"].reverse()
        event = MetricPoint("w", "mse", 1.5, NOON, 2, "log")

        assert codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event)))) == event

    def test_a_narrower_type_is_widened(self) -> None:
        """Int to long and float to double, as Avro's resolution says."""
        old = schema_of("Forecast")
        old["fields"][2]["type"] = "int"
        mean = next(field for field in old["fields"] if field["name"] == "mean")
        mean["type"] = {"type": "array", "items": "float"}
        event = Forecast(1, 2, 3, "", "m", NOON, (NOON,), (1.5,))

        assert plain(codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event))))) == plain(event)

    def test_other_documentation_changes_nothing(self) -> None:
        """A schema that differs in its texts alone is the same schema."""
        old = schema_of("TrainSeries")
        old["doc"] = old["fields"][0]["doc"] = "Other words."
        event = next(item for item in EVENTS if isinstance(item, TrainSeries))

        assert plain(codec_knowing(old).decode(frame(99, stock_bytes(old, datum_of(event))))) == plain(event)

    def test_a_missing_field_without_default_is_undecodable(self) -> None:
        """There is nothing to put in its place."""
        old = schema_of("DeleteJob")
        old["fields"] = old["fields"][:1]

        with pytest.raises(UndecodableError, match="schema 99"):
            codec_knowing(old).decode(frame(99, stock_bytes(old, {"command_id": "c"})))

    def test_damage_to_an_older_history_is_undecodable(self) -> None:
        """The general path for TrainSeries refuses every truncation and what follows the end."""
        old = schema_of("TrainSeries")
        old["fields"] = [field for field in old["fields"] if field["name"] != "refit"]
        event = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=[1.0, 2.0])
        data = frame(99, stock_bytes(old, datum_of(event)))
        theirs = codec_knowing(old)

        for damaged in (*(data[:length] for length in range(len(data))), data + b"\0"):
            with pytest.raises(UndecodableError):
                theirs.decode(damaged)

    @pytest.mark.parametrize("locked", locked_schemas(), ids=lambda locked: f"{locked.schema_id}-{locked.name}")
    def test_every_locked_version_decodes(self, locked: catalogue.LockedSchema) -> None:
        """Today's code reads each version ever shipped, by its own id: an event with nothing but defaults and zeros."""
        data = frame(locked.schema_id, stock_bytes(locked.schema, smallest(locked.schema)))

        back = Codec().decode(data)

        assert type(back).__name__ == locked.name


def smallest(schema: Any) -> Any:
    """A datum of any schema: zeros, empty texts, empty collections, first symbols and branches."""
    if isinstance(schema, list):
        return smallest(schema[0])
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return {field["name"]: smallest(field["type"]) for field in schema["fields"]}
    if isinstance(kind, dict):
        return smallest(kind)
    if kind == "enum":
        return schema["symbols"][0]
    return {
        "null": None, "boolean": False, "int": 0, "long": 0, "float": 0.0, "double": 0.0, "string": "",
        "bytes": b"", "array": [], "map": {},
    }[kind]  # fmt: skip
