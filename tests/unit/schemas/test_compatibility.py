"""Schemas against those of every release: what was written then is read now, and what is written now was readable then.

`schemas/released/<version>/` holds the schemas as that release had them, and is never changed. The judge is Apache
Avro's own checker, not the library that reads our events.
"""

import copy
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from schemas import catalogue
from schemas.catalogue import Schema, current_schemas, locked_schemas

RELEASES = sorted(path for path in (Path(catalogue.__file__).parent / "released").iterdir() if path.is_dir())
SHIPPED = [(release.name, path.stem) for release in RELEASES for path in sorted(release.glob("*.avsc"))]

# Reason by record type and release, for what only new programs can read. Public events must never be listed here.
NEW_READERS_ONLY: Mapping[tuple[str, str], str] = {}
PUBLIC = {"Forecast", "MetricPoint", "JobStatus", "TrainingStatus", "InferenceResult"}


def problems(*, reader: Schema, writer: Schema) -> list[str]:
    """Why a program with the schema `reader` could not read what one with `writer` wrote; empty where it can."""
    checked = ReaderWriterCompatibilityChecker().get_compatibility(parse(json.dumps(reader)), parse(json.dumps(writer)))
    if checked.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = ", ".join(sorted(kind.value for kind in checked.incompatibilities))
    return [f"{kinds}: {text}" for text in sorted(checked.messages)]


def released(version: str, stem: str) -> Schema:
    """A schema as it was released."""
    schema: Schema = json.loads((RELEASES[0].parent / version / f"{stem}.avsc").read_text("utf-8"))
    return schema


def changed(record: str, field: str, **changes: Any) -> Schema:
    """Today's schema of a record type with one field made different."""
    schema = copy.deepcopy(dict(current_schemas()[record]))
    next(item for item in schema["fields"] if item["name"] == field).update(changes)
    return schema


class TestAgainstTheReleases:
    """Both directions, for every record type of every release: the log keeps what the first one wrote."""

    @pytest.mark.parametrize(("version", "stem"), SHIPPED, ids=lambda value: value)
    def test_what_a_release_wrote_can_be_read(self, version: str, stem: str) -> None:
        """BACKWARD: events and table rows of before outlive an upgrade."""
        schema = released(version, stem)

        assert schema["name"] in current_schemas(), "a record type in somebody's log cannot be dropped"
        assert problems(reader=current_schemas()[schema["name"]], writer=schema) == []

    @pytest.mark.parametrize(("version", "stem"), SHIPPED, ids=lambda value: value)
    def test_a_release_can_read_what_is_written_now(self, version: str, stem: str) -> None:
        """FORWARD: consumers of a public topic, and workers during a rolling upgrade, need not be first."""
        schema = released(version, stem)
        expected = (version, schema["name"]) in NEW_READERS_ONLY

        assert bool(problems(reader=schema, writer=current_schemas()[schema["name"]])) == expected

    @pytest.mark.parametrize("entry", locked_schemas(), ids=lambda entry: f"{entry.name}-{entry.version}")
    def test_every_locked_version_can_be_read(self, entry: catalogue.LockedSchema) -> None:
        """The lock file's ids are those in the log, also of versions between two releases."""
        assert problems(reader=current_schemas()[entry.name], writer=entry.schema) == []

    @pytest.mark.parametrize(("version", "stem"), SHIPPED, ids=lambda value: value)
    def test_what_was_released_is_in_the_lock_file(self, version: str, stem: str) -> None:
        """Its events carry an id, which must be that schema's for ever."""
        schema = released(version, stem)

        assert schema in [entry.schema for entry in locked_schemas() if entry.name == schema["name"]]

    def test_this_release_has_its_schemas(self) -> None:
        """As the version of the package says: what comes after it is judged by them."""
        project = tomllib.loads((RELEASES[0].parents[2] / "pyproject.toml").read_text("utf-8"))["project"]

        assert project["version"] in {release.name for release in RELEASES}

    def test_public_events_have_no_exception(self) -> None:
        """Programs of others read them."""
        assert not {name for _, name in NEW_READERS_ONLY} & PUBLIC


class TestTheCheckItself:
    """It says no where it must."""

    def test_a_new_field_without_a_default_is_caught(self) -> None:
        """Events of before do not have it."""
        writer = current_schemas()["Forecast"]
        reader = {**writer, "fields": [*writer["fields"], {"name": "region", "type": "string"}]}

        assert problems(reader=reader, writer=writer) == ["reader_field_missing_default_value: region"]

    def test_a_new_field_with_a_default_passes_both_ways(self) -> None:
        """The way to change a schema."""
        before = current_schemas()["Forecast"]
        after = {**before, "fields": [*before["fields"], {"name": "region", "type": "string", "default": ""}]}

        assert problems(reader=after, writer=before) == problems(reader=before, writer=after) == []

    @pytest.mark.parametrize(
        ("record", "field", "changes", "kind"),
        [
            ("Forecast", "ts_id", {"type": "string"}, "type_mismatch"),
            ("Forecast", "n", {"type": "int"}, "type_mismatch"),
            ("Forecast", "mean", {"type": {"type": "array", "items": "long"}}, "type_mismatch"),
            ("Forecast", "item_id", {"name": "series_name"}, "reader_field_missing_default_value"),
            ("MetricPoint", "value", {"type": "double"}, "type_mismatch"),
        ],
    )
    def test_another_type_or_name_is_caught(self, record: str, field: str, changes: dict[str, Any], kind: str) -> None:
        """Also where it is only narrower, or no longer null."""
        found = problems(reader=changed(record, field, **changes), writer=current_schemas()[record])

        assert [text.partition(":")[0] for text in found] == [kind]

    def test_a_wider_type_is_backward_only(self) -> None:
        """New programs read old integers as doubles; old ones cannot read doubles."""
        wider = changed("MetricPoint", "iteration", type="double")
        before = current_schemas()["MetricPoint"]

        assert problems(reader=wider, writer=before) == []
        assert problems(reader=before, writer=wider) != []

    def test_a_status_that_old_readers_do_not_know_is_caught(self) -> None:
        """An enum without a default cannot be extended."""
        text = json.dumps(current_schemas()["JobStatus"])
        after = json.loads(text.replace('"EXCEPTION"', '"EXCEPTION", "PAUSED"'))

        assert problems(reader=after, writer=current_schemas()["JobStatus"]) == []
        assert [found.partition(":")[0] for found in problems(reader=current_schemas()["JobStatus"], writer=after)] == [
            "missing_enum_symbols"
        ]
