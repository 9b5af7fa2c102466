"""Ends a worker whose topics are not what they were: what it goes on with would be an empty log, or another placing.

Where the broker has come back without its data, and where a topic has got partitions: producers then place keys anew,
and a key's records would be read by a worker that has not its rows.
"""

import asyncio
from datetime import timedelta
from typing import Any

from mode import Service

from connectors.kafka.admin import (
    TopicMismatchError,
    TopicsLostError,
    lost_topics,
    repartitioned_topics,
    topics_now,
)
from streams.settings import Settings
from streams.workers.known_topics import known_topics, remedy

__all__ = ["TopicWatch"]

_EVERY_S = 5.0  # one small request; sooner than a user has looked twice for the jobs that are gone
_TIMEOUT = timedelta(seconds=2)
_SURE = 2  # looks in a row: of several brokers, one that has just started may not know all topics yet


class TopicWatch(Service):
    """Part of an app: it crashes the app, so that the process ends, and says why; the next start refuses in words."""

    def __init__(self, settings: Settings, bootstrap: str, **service: Any) -> None:
        super().__init__(**service)
        self._settings = settings
        self._bootstrap = bootstrap

    @Service.task
    async def _watch(self) -> None:
        known = await asyncio.to_thread(known_topics, self._settings)
        looks = 0
        while not self.should_stop:
            now = await asyncio.to_thread(topics_now, self._bootstrap, known, _TIMEOUT)
            lost = lost_topics(now, known)
            looks = looks + 1 if lost else 0
            if looks == _SURE:
                raise TopicsLostError(
                    f"the Kafka broker at {self._bootstrap} has lost {len(lost)} topics, {lost[0]} among them, and "
                    f"with them the jobs: {remedy(self._settings)}"
                )
            declared = self._settings.partitions
            if altered := repartitioned_topics(now, declared):
                name, number = next(iter(altered.items()))
                raise TopicMismatchError(
                    f"topic {name} was given {number} partitions while this worker ran, {declared} are declared: keys "
                    "would be looked for elsewhere than their records are. Kafka cannot take partitions away: copy "
                    "the topic's records to one with the declared number, or begin anew with another "
                    "TIDECAST_TOPIC_PREFIX"
                )
            await self.sleep(_EVERY_S)
