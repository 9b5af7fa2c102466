"""A Confluent-compatible schema registry as the source of schema ids.

Workers need it once: at their first start. What it said is noted, so that they start again and go on without it.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connectors.objects.layout import INSTALLATION
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from connectors.registry_error import RegistryError
from connectors.shown_urls import shown_url
from schemas.catalogue import current_schemas, locked_schemas
from schemas.coding.codec import Codec

__all__ = ["IdNote", "connect_registry", "read_registry"]

log = structlog.get_logger(__name__)

# Without a time-out the client waits for ever for a registry that takes the connection and says nothing.
_AT_START: Final = {"timeout": 5, "max.retries": 1}  # its first answers may take a second
_AT_WORK: Final = {"timeout": 2, "max.retries": 0}  # the worker's event loop waits as long
_ASK_AGAIN_S: Final = 10.0  # between two such waits, and until an id that was unknown is asked for again
_STAND_IN: Final = 2**32 - 1  # and down: registries number from 1 up, in a signed integer
_KEPT: Final = 1000  # unknown ids; more at a time are somebody's mistake, and are asked for again

_Ids = Mapping[str, int]
"""Schema id by the sum of the schema's text."""


class _AwayError(RuntimeError):
    """The registry does not answer, or only that it cannot."""


@dataclass(frozen=True, slots=True)
class IdNote:
    """Where the ids of an installation's schemas are noted, for starts at which the registry is away."""

    store: ObjectStore
    key: str

    @classmethod
    def of(cls, store: ObjectStore, topic_prefix: str) -> "IdNote":
        """An installation's: beside the note of its topics, and for the same reason, all workers share the store."""
        return cls(store, INSTALLATION.key(f"schema-ids-{topic_prefix}.json"))

    def read(self, url: str) -> _Ids:
        """What was noted of this registry; nothing where there is no note."""
        try:
            noted = json.loads(self.store.read_bytes(self.key))
        except ObjectNotFoundError:
            return {}
        return noted["ids"] if noted["registry"] == _sum(url) else {}

    def write(self, url: str, ids: _Ids) -> None:
        """Note it, unless it is noted already."""
        if self.read(url) != ids:  # the address may hold a password
            self.store.put_bytes(self.key, json.dumps({"registry": _sum(url), "ids": ids}, indent=1).encode())


def connect_registry(url: str, subjects: Mapping[str, Sequence[str]], *, note: IdNote | None = None) -> Codec:
    """Register today's schemas, each under its subjects, and return a codec with the registry's ids.

    Registering again is harmless: the registry answers the id that is there. Where it does not answer, the ids are
    those of the note, if it has them for all of today's schemas. RegistryError where it does not answer and they are
    not noted, or where it refuses a schema as incompatible.
    """
    try:
        ids = _registered(SchemaRegistryClient({"url": url, **_AT_START}), url, subjects)
    except _AwayError as error:
        ids = _noted(note, url, error)
    else:
        if note is not None:
            note.write(url, ids)
    return _codec(url, ids)


def read_registry(url: str, subjects: Mapping[str, Sequence[str]], *, note: IdNote | None = None) -> Codec:
    """A codec with the registry's ids, for readers: nothing is registered or noted.

    A schema of today that the registry has not, because no worker of this version ran with it, gets an id that no
    registry gives: what is encoded with that can be compared, but must not be published. Where the registry does not
    answer, the note is used as in `connect_registry`. RegistryError as there, and where a look-up is refused.
    """
    try:
        ids = _looked_up(SchemaRegistryClient({"url": url, **_AT_START}), url, subjects)
    except _AwayError as error:
        ids = _noted(note, url, error)
    return _codec(url, ids)


def _noted(note: IdNote | None, url: str, away: _AwayError) -> _Ids:
    """The ids of the note; RegistryError where it lacks one of today's schemas."""
    ids = {} if note is None else note.read(url)
    if not {_sum(_text(schema)) for schema in current_schemas().values()} <= ids.keys():
        raise RegistryError(
            f"the schema registry at {shown_url(url)} does not answer ({away}): start it, or correct "
            "TIDECAST_REGISTRY_URL"
        ) from away
    log.warning("schema_registry_away_noted_ids_used", reason=str(away))
    return ids


def _codec(url: str, ids: _Ids) -> Codec:
    older = {ids[key]: it.schema for it in locked_schemas() if (key := _sum(it.text)) in ids}
    lookup = _Lookup(SchemaRegistryClient({"url": url, **_AT_WORK}), older)
    return Codec({name: ids[_sum(_text(schema))] for name, schema in current_schemas().items()}, lookup=lookup)


class _Lookup:
    """Asks the registry for schemas that are not today's, briefly and not again and again."""

    def __init__(self, client: SchemaRegistryClient, older: Mapping[int, dict[str, Any]]) -> None:
        self._client = client
        self._older = older
        self._away_until = 0.0
        self._unknown: dict[int, tuple[float, str]] = {}

    def __call__(self, schema_id: int) -> dict[str, Any]:
        """The schema; LookupError where there is none, or nobody says."""
        if schema_id in self._older:
            return self._older[schema_id]
        now = time.monotonic()
        until, reason = self._unknown.get(schema_id, (0.0, ""))
        if now < until:
            raise LookupError(reason)
        if now < self._away_until:
            raise LookupError("the schema registry did not answer")
        try:
            text = _asked(lambda: self._client.get_schema(schema_id)).schema_str
        except _AwayError as error:
            self._away_until = time.monotonic() + _ASK_AGAIN_S
            log.warning("schema_registry_away", schema_id=schema_id, reason=str(error))
            raise LookupError(f"the schema registry does not answer ({error})") from error
        except SchemaRegistryError as error:
            reason = f"the schema registry says {error.error_code}: {error.error_message}"
            if len(self._unknown) >= _KEPT:
                self._unknown.clear()
            self._unknown[schema_id] = now + _ASK_AGAIN_S, reason
            raise LookupError(reason) from error
        schema: dict[str, Any] = json.loads(text or "{}")
        return schema


def _registered(client: SchemaRegistryClient, url: str, subjects: Mapping[str, Sequence[str]]) -> _Ids:
    """The ids of today's schemas, registered where they are not, and of those older ones that the registry has."""
    ids: dict[str, int] = {}
    for name, text in _older_texts():
        for subject in subjects[name]:
            with suppress(SchemaRegistryError):  # it has never seen this version
                ids[_sum(text)] = _id_of(client, subject, text)
    for name, schema in current_schemas().items():
        for subject in subjects[name]:
            try:
                number = _asked(lambda: client.register_schema(subject, Schema(_text(schema), "AVRO")))  # noqa: B023
            except SchemaRegistryError as error:
                raise RegistryError(
                    f"the schema registry at {shown_url(url)} refuses subject {subject}: {error.error_message}; "
                    "compare the versions registered there with schemas/avro, or use another registry"
                ) from error
            ids[_sum(_text(schema))] = int(number)
    return ids


def _looked_up(client: SchemaRegistryClient, url: str, subjects: Mapping[str, Sequence[str]]) -> _Ids:
    """The ids of today's schemas, stand-ins where the registry has none, and of those older ones that it has."""
    today = [(name, _text(schema)) for name, schema in current_schemas().items()]
    ids = {_sum(text): _STAND_IN - place for place, (_, text) in enumerate(today)}
    for name, text in (*_older_texts(), *today):
        for subject in subjects[name]:
            try:
                ids[_sum(text)] = _id_of(client, subject, text)
            except SchemaRegistryError as error:
                if error.http_status_code != 404:
                    raise RegistryError(
                        f"the schema registry at {shown_url(url)} refuses to look up subject {subject}: "
                        f"{error.error_message}; correct TIDECAST_REGISTRY_URL, or what its user may do there"
                    ) from error
    return ids


def _older_texts() -> Iterator[tuple[str, str]]:
    """Record type and text of every version of a schema that is not today's."""
    today = {_sum(_text(schema)) for schema in current_schemas().values()}
    return ((locked.name, locked.text) for locked in locked_schemas() if _sum(locked.text) not in today)


def _id_of(client: SchemaRegistryClient, subject: str, text: str) -> int:
    """The id under which the subject has the schema; SchemaRegistryError, status 404, where it has not."""
    return int(_asked(lambda: client.lookup_schema(subject, Schema(text, "AVRO"))).schema_id)


def _asked(call: Any) -> Any:
    """The registry's answer; SchemaRegistryError is one too, unless it says that it cannot answer."""
    try:
        return call()
    except SchemaRegistryError as error:
        if error.http_status_code >= 500:
            raise _AwayError(f"status {error.http_status_code}") from error
        raise
    except Exception as error:  # the client lets its HTTP library's errors through
        raise _AwayError(type(error).__name__) from error


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
