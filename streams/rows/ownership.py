"""Which state worker owns what: the tables, agents and waiting senders of a partition are all in one worker.

All topics that the state workers read have the same number of partitions and the same readers, so Faust gives partition
p of each to the same worker: who owns a key's row in `jobs` also applies the commands with that key, on any topic.
"""

from collections.abc import Mapping

from faust.exceptions import NotReady
from faust.types import AppT
from yarl import URL

from streams.rows.recovery import is_ready

__all__ = ["other_workers", "owned_offsets", "owned_partitions", "owner_elsewhere"]


def owner_elsewhere(app: AppT, key: bytes) -> URL | None:
    """Address of the other worker that owns the key; None where it is this one, or not settled yet."""
    try:
        url = app.router.key_store("jobs", key)
    except (KeyError, NotReady):  # the assignment names none yet, or there is none: our own table answers 404 at worst
        return None
    return None if _is_own(app, url) else url


def other_workers(app: AppT) -> list[URL]:
    """Addresses of the other workers that own something."""
    return [url for url, owned in _partitions(app).items() if owned and not _is_own(app, url)]


def owned_partitions(app: AppT) -> int:
    """How many partitions this worker owns; none where there are more workers than partitions."""
    return sum(owned for url, owned in _partitions(app).items() if _is_own(app, url))


def owned_offsets(app: AppT, topic: str) -> tuple[int, Mapping[int, int | None]] | None:
    """The generation of the assignment, and this worker's partitions of a topic with their committed offsets.

    An offset is None where nothing is committed yet; all is None while tables are recovered or partitions move.
    """
    if not is_ready(app):
        return None
    consumer = app.consumer
    committed = consumer._committed_offset  # Faust asks the broker only when it seeks
    owned = {tp.partition: committed[tp] for tp in consumer.assignment() if tp.topic == topic}
    return app.consumer_generation_id, owned


def _partitions(app: AppT) -> Mapping[URL, int]:
    """How many partitions of the tables each worker has."""
    workers = app.router.tables_metadata().items()
    return {URL(url): max(map(len, topics.values()), default=0) for url, topics in workers}


def _is_own(app: AppT, url: URL) -> bool:
    own = app.conf.canonical_url
    return (url.host, url.port) == (own.host, own.port)
