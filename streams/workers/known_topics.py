"""Which topics an installation's log consists of: noted in the object store, beside the data that the log speaks of.

A broker that comes back with an empty disk looks like a new one, and its empty topics like those of a new installation:
without this note, all jobs would silently be gone. The store has it, not the home, because all workers share the store,
and it is the half of an installation that then is still there.
"""

import json
from collections.abc import Mapping

from connectors.objects.layout import INSTALLATION
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from streams.settings import Settings

__all__ = ["known_topics", "note_topics", "remedy"]


def known_topics(settings: Settings) -> Mapping[str, str]:
    """Id by name of each topic that was there before; empty for a new installation."""
    try:
        found: dict[str, str] = json.loads(ObjectStore(settings.object_store_url).read_bytes(_key(settings)))
    except ObjectNotFoundError:
        return {}
    return found


def note_topics(settings: Settings, ids: Mapping[str, str]) -> None:
    """Remember these, whole or not at all."""
    ObjectStore(settings.object_store_url).put_bytes(_key(settings), json.dumps(dict(ids), indent=1).encode())


def remedy(settings: Settings) -> str:
    """What the user can do about lost topics."""
    return (
        "give the broker its data back; or, if all jobs and results may go, begin anew by removing the object "
        f"{_key(settings)} from {settings.shown_object_store}"
    )


def _key(settings: Settings) -> str:
    return INSTALLATION.key(f"topics-{settings.topic_prefix}.json")
