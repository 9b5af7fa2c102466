"""The schemas we ship: today's `avro/*.avsc`, and the lock file that gives each version, old ones too, its fixed id.

After changing a schema run `python -m schemas.catalogue`: it appends the new version to the lock file and changes
nothing that is there, for ids already on disk in somebody's log must keep their meaning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

__all__ = ["LockedSchema", "canonical_form", "current_schemas", "locked_schemas", "parse"]

Schema = dict[str, Any]

_HERE = Path(__file__).parent
_LOCK = _HERE / "ids.lock.json"


@dataclass(frozen=True, slots=True)
class LockedSchema:
    """One version of one record type with the id that it has in every installation without a registry."""

    schema_id: int
    name: str
    version: int
    schema: Schema

    @property
    def text(self) -> str:
        """The schema as registries and serialisers exchange it."""
        return json.dumps(self.schema, ensure_ascii=False)


@cache
def current_schemas() -> Mapping[str, Schema]:
    """Today's schema of every record type, by its short name."""
    schemas = (json.loads(path.read_text("utf-8")) for path in sorted((_HERE / "avro").glob("*.avsc")))
    return {schema["name"]: schema for schema in schemas}


@cache
def locked_schemas() -> tuple[LockedSchema, ...]:
    """Every version ever shipped, ascending by id."""
    entries = json.loads(_LOCK.read_text("utf-8")) if _LOCK.exists() else []
    return tuple(
        LockedSchema(entry["id"], entry["schema"]["name"], entry["version"], entry["schema"]) for entry in entries
    )


def parse(schema: Schema, *, plain_times: bool = False) -> Schema:
    """Parse a schema for fastavro; `plain_times` reads timestamps as the integers that they are on the wire."""
    source = _without_logical_types(schema) if plain_times else schema
    return cast("Schema", parse_schema(source, named_schemas={}))


def canonical_form(text: str) -> str:
    """Fingerprint of what a schema means to a reader: equal for schemas that differ in docs or layout only.

    Avro specification, "Parsing Canonical Form". ValueError or a fastavro error where `text` is not an Avro schema.
    """
    return str(fingerprint(to_parsing_canonical_form(parse(json.loads(text))), "SHA-256"))


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_logical_types(value) for key, value in node.items() if key != "logicalType"}
    if isinstance(node, list):
        return [_without_logical_types(item) for item in node]
    return node


def _extend_lock() -> None:
    locked = list(locked_schemas())
    for name, schema in current_schemas().items():
        versions = [entry for entry in locked if entry.name == name]
        if versions and versions[-1].schema == schema:
            continue
        locked.append(LockedSchema(len(locked) + 1, name, len(versions) + 1, schema))
    entries = [{"id": entry.schema_id, "version": entry.version, "schema": entry.schema} for entry in locked]
    _LOCK.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    _extend_lock()
