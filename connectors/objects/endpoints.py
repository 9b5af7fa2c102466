"""Model endpoints in the object store: ``endpoints/<name>/<version>/model.npz`` and above it ``endpoint.json``.

The manifest is written last and removed first, so an endpoint exists exactly when its manifest does, and the model that
it names is whole.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final

from connectors.objects.layout import ENDPOINTS
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = [
    "BadEndpointNameError",
    "DamagedEndpointError",
    "Endpoint",
    "UnknownEndpointError",
    "check_name",
    "delete",
    "delete_of_job",
    "list_all",
    "load",
    "model_key",
    "of_job",
    "owner",
    "publish",
]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # the names that a training job may have
_KEPT: Final = re.compile(r"(?:[A-Za-z0-9_-]{1,64}=)?[A-Za-z0-9_-]{1,64}")
"""The same, in a project other than the default one below its id; see `streams.access.names`."""
_MANIFEST: Final = "endpoint.json"


class UnknownEndpointError(LookupError):
    """No endpoint has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no endpoint {_as_written(name)[:80]!r}; GET /endpoints lists those there are")
        self.name = name


class DamagedEndpointError(UnknownEndpointError):
    """An endpoint's manifest cannot be read: nobody can ask it until its model is trained, or published, again."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        text = "is damaged, or of another version of Tidecast: train its model again"
        self.args = (f"the endpoint {_as_written(name)!r} {text}",)


class BadEndpointNameError(ValueError):
    """A name that no endpoint can have."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A trained model that can be asked, and what callers need to build correct requests (contract D-072).

    ``version`` is that of the training job, ``model_key`` the object with the model, ``created`` in epoch milliseconds.
    ``cardinality`` is None for a model without categories. ``environment`` holds what the model was created with, such
    as DEEPAR_INFERENCE_CONFIG.
    """

    name: str
    version: str
    model_key: str
    project_id: str
    job_id: int
    time_freq: str
    prediction_length: int
    context_length: int
    cardinality: tuple[int, ...] | None
    num_dynamic_feat: int
    likelihood: str
    num_cells: int
    num_layers: int
    created: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def weight_bytes(self) -> int:
        """Roughly how many bytes the model's weights have: four matrices for input and for memory in each layer."""
        return self.num_layers * 8 * self.num_cells**2 * 4


def check_name(name: str) -> None:
    """Refuse a name that no endpoint can have with BadEndpointNameError."""
    if not _NAME.fullmatch(name):
        raise BadEndpointNameError(
            f"name: {name[:80]!r} cannot be an endpoint's; use 1 to 64 of A-Z, a-z, 0-9, _ and -"
        )


def model_key(name: str, version: str) -> str:
    """Where the model of an endpoint's version lies."""
    return ENDPOINTS.key(name, version, "model.npz")


def publish(store: ObjectStore, endpoint: Endpoint, model: bytes) -> None:
    """Serve the model under the endpoint's name from now on, in place of an earlier version.

    1. the model, 2. the manifest, 3. earlier versions are removed; a repeat after a crash comes to the same.
    """
    if not _KEPT.fullmatch(endpoint.name):
        check_name(endpoint.name)
    store.put_bytes(endpoint.model_key, model)
    manifest = _manifest(endpoint.name)
    store.put_bytes(manifest, json.dumps(asdict(endpoint), ensure_ascii=False).encode())
    for key in store.keys(ENDPOINTS.key(endpoint.name)):
        if key not in (manifest, endpoint.model_key):
            store.delete(key.rpartition("/")[0])  # the version's folder


def load(store: ObjectStore, name: str) -> Endpoint:
    """The endpoint of this name; UnknownEndpointError if there is none."""
    if not _KEPT.fullmatch(name):
        raise UnknownEndpointError(name)
    try:
        fields = json.loads(store.read_bytes(_manifest(name)))
        cardinality = fields["cardinality"]
        return Endpoint(**{**fields, "cardinality": None if cardinality is None else tuple(cardinality)})
    except ObjectNotFoundError as error:
        raise UnknownEndpointError(name) from error
    except (ValueError, TypeError, KeyError) as error:
        raise DamagedEndpointError(name) from error


def list_all(store: ObjectStore) -> list[Endpoint]:
    """All endpoints by name, without damaged ones; one that is deleted meanwhile may be missing."""
    names = (re.fullmatch(_manifest("([^/]+)"), key) for key in store.keys(ENDPOINTS.name))
    found = []
    for match in names:
        try:
            found += [load(store, match[1])] if match else []
        except UnknownEndpointError:
            continue
    return sorted(found, key=lambda endpoint: endpoint.name)


def owner(store: ObjectStore, name: str) -> str | None:
    """The project whose endpoint has this name, which all projects share; None where it is free."""
    try:
        return load(store, name).project_id
    except UnknownEndpointError:
        return None


def of_job(store: ObjectStore, project_id: str, job_id: int, name: str | None = None) -> list[Endpoint]:
    """The endpoints that a training job has made: with a `name` the one of that name, if it is the job's."""
    try:
        found = list_all(store) if name is None else [load(store, name)]
    except UnknownEndpointError:
        return []
    return [one for one in found if (one.project_id, one.job_id) == (project_id, job_id)]


def delete_of_job(store: ObjectStore, project_id: str, job_id: int, name: str | None = None) -> None:
    """Remove what `of_job` finds; another job's stays."""
    for endpoint in of_job(store, project_id, job_id, name):
        with suppress(UnknownEndpointError):  # somebody else has removed it just now
            delete(store, endpoint.name)


def delete(store: ObjectStore, name: str) -> None:
    """Remove the endpoint and its model; UnknownEndpointError if there is none."""
    if not _KEPT.fullmatch(name) or not store.exists(_manifest(name)):
        raise UnknownEndpointError(name)
    store.delete(_manifest(name))
    store.delete(ENDPOINTS.key(name))


def _manifest(name: str) -> str:
    return ENDPOINTS.key(name, _MANIFEST)


def _as_written(name: str) -> str:
    """Without the project that a kept name may begin with."""
    return name.partition("=")[2] or name
