"""The read side of a schema registry for our own schemas, so that stock (de)serialisers work with nothing else running.

It is a catalogue, not a registry: what it holds comes with the release and cannot be changed.
"""

from collections.abc import Sequence
from typing import Any

from schemas.catalogue import LockedSchema, canonical_form, locked_schemas
from streams.errors import RejectedError
from streams.topics import Topics

__all__ = ["CatalogueError", "SchemaCatalogue"]

_LONGEST_NUMBER = 9  # digits of a version; no subject has a billion


class CatalogueError(RejectedError):
    """A request that a Confluent registry would answer with `status` and this `error_code`."""

    def __init__(self, status: int, error_code: int, message: str) -> None:
        super().__init__(str(error_code), message)
        self.status = status
        self.error_code = error_code


class SchemaCatalogue:
    """Subjects and their versions.

    Every record type has its full name as subject (RecordNameStrategy), and every topic has `<topic>-value`, the
    default of stock serialisers (TopicNameStrategy), which for a command topic lists all its record types.
    """

    def __init__(self, topics: Topics) -> None:
        locked = locked_schemas()
        self._by_id = {entry.schema_id: entry for entry in locked}
        self._subjects: dict[str, list[LockedSchema]] = {}
        for entry in locked:
            self._subjects.setdefault(f"tidecast.{entry.name}", []).append(entry)
        for spec in topics.all:
            carried = [entry for entry in locked if entry.name in spec.records]
            if carried:
                self._subjects[f"{spec.name}-value"] = carried

    def subjects(self) -> Sequence[str]:
        """All subjects."""
        return list(self._subjects)

    def schema(self, schema_id: int) -> dict[str, Any]:
        """Answer of GET /schemas/ids/{id}."""
        entry = self._by_id.get(schema_id)
        if entry is None:
            raise CatalogueError(404, 40403, f"Schema {schema_id} not found")
        return {"schema": entry.text}

    def versions(self, subject: str) -> Sequence[int]:
        """Answer of GET /subjects/{subject}/versions."""
        return list(range(1, len(self._entries(subject)) + 1))

    def version(self, subject: str, version: str) -> dict[str, Any]:
        """Answer of GET /subjects/{subject}/versions/{version}; `latest` is the last one."""
        entries = self._entries(subject)
        # Python refuses to read numbers of over 4300 digits
        written = version if version.isdecimal() and len(version) <= _LONGEST_NUMBER else "0"
        number = len(entries) if version == "latest" else int(written)
        if not 1 <= number <= len(entries):
            raise CatalogueError(404, 40402, f"Version {version[:20]} of subject {subject} not found")
        return self._shown(subject, number)

    def find(self, subject: str, body: Any) -> dict[str, Any]:
        """Answer of POST /subjects/{subject}: the version with the schema of `body`."""
        number = self._matching(subject, body)
        if number is None:
            raise CatalogueError(404, 40403, f"Subject {subject} has no such schema")
        return self._shown(subject, number)

    def register(self, subject: str, body: Any) -> dict[str, Any]:
        """Answer of POST /subjects/{subject}/versions: the id of a schema we have, 409 for any other."""
        number = self._matching(subject, body)
        if number is None:
            raise CatalogueError(
                409,
                409,
                f"Subject {subject} takes no other schemas: this is the service's own catalogue; "
                "set TIDECAST_REGISTRY_URL to use a registry",
            )
        return {"id": self._entries(subject)[number - 1].schema_id}

    def _entries(self, subject: str) -> list[LockedSchema]:
        entries = self._subjects.get(subject)
        if entries is None:
            raise CatalogueError(404, 40401, f"Subject {subject[:200]} not found")
        return entries

    def _matching(self, subject: str, body: Any) -> int | None:
        entries = self._entries(subject)
        text = body.get("schema") if isinstance(body, dict) else None
        if not isinstance(text, str):
            raise CatalogueError(422, 42201, 'Expected {"schema": "<an Avro schema as text>"}')
        try:
            wanted = canonical_form(text)
        except Exception as error:  # fastavro has no common class for what its parser refuses
            raise CatalogueError(422, 42201, f"Invalid Avro schema: {error}") from error
        for number, entry in reversed(list(enumerate(entries, 1))):
            if canonical_form(entry.text) == wanted:
                return number
        return None

    def _shown(self, subject: str, number: int) -> dict[str, Any]:
        entry = self._entries(subject)[number - 1]
        return {"subject": subject, "version": number, "id": entry.schema_id, "schema": entry.text}
