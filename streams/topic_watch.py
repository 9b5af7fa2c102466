"""Ends a worker whose broker has come back without its data: what it goes on with would be an empty log."""

import asyncio
from datetime import timedelta
from typing import Any

from mode import Service

from connectors.kafka_admin import TopicsLostError, lost_topics
from streams.known_topics import known_topics, remedy
from streams.settings import Settings

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
            lost = await asyncio.to_thread(lost_topics, self._bootstrap, known, _TIMEOUT)
            looks = looks + 1 if lost else 0
            if looks == _SURE:
                raise TopicsLostError(
                    f"the Kafka broker at {self._bootstrap} has lost {len(lost)} topics, {lost[0]} among them, and "
                    f"with them the jobs: {remedy(self._settings)}"
                )
            await self.sleep(_EVERY_S)
