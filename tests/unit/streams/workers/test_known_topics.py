"""The note of an installation's topics, and the watch that ends a worker whose topics are gone."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.kafka.admin import TopicMismatchError, TopicNow, TopicsLostError
from streams.settings import Settings
from streams.topics import Topics
from streams.workers import apps, topic_watch
from streams.workers.known_topics import known_topics, note_topics, remedy
from streams.workers.topic_watch import TopicWatch

IDS = {"t.jobs": "AAAA", "t.results": "BBBB"}


async def _end_of_watch(settings: Settings) -> BaseException | None:
    """What it ends for."""
    watch = TopicWatch(settings, "broker:9092")
    await watch.start()
    async with asyncio.timeout(10):
        await watch.wait_until_stopped()
    await watch.stop()
    return watch.crash_reason


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own."""
    return Settings(home=tmp_path, topic_prefix="t.")


def test_a_new_installation_knows_none(settings: Settings) -> None:
    """So its topics may be made."""
    assert known_topics(settings) == {}


def test_what_was_noted_is_known(settings: Settings) -> None:
    """To every worker with the same store and prefix, and to no other."""
    note_topics(settings, IDS)

    assert known_topics(settings) == IDS
    assert known_topics(settings.model_copy(update={"topic_prefix": "u."})) == {}


def test_the_remedy_names_the_object_that_is_there(settings: Settings) -> None:
    """Removing it is what lets the service begin anew."""
    note_topics(settings, IDS)
    [key] = [word for word in remedy(settings).split() if word.startswith("installation/")]

    assert (settings.home / "objects" / key).is_file()
    assert settings.object_store_url in remedy(settings)


def test_topics_are_declared_against_what_is_known(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is there then is what is known from then on."""
    asked = []

    def ensure(_bootstrap: str, _topics: object, *, known: dict[str, str]) -> dict[str, str]:
        asked.append(dict(known))
        return IDS

    monkeypatch.setattr(apps, "ensure_topics", ensure)
    for _ in range(2):
        apps.declare_topics(settings, Topics(settings), "broker:9092")

    assert asked == [{}, IDS]


def test_lost_topics_are_reported_with_the_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And stay known: the next start refuses too."""
    note_topics(settings, IDS)

    def ensure(*_: object, **__: object) -> None:
        raise TopicsLostError("the Kafka broker has lost the topics t.jobs")

    monkeypatch.setattr(apps, "ensure_topics", ensure)
    with pytest.raises(TopicsLostError, match=r"lost the topics t\.jobs, and with them .* begin anew by"):
        apps.declare_topics(settings, Topics(settings), "broker:9092")

    assert known_topics(settings) == IDS


class TestWatch:
    """While a worker runs."""

    async def test_two_looks_make_sure(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        """A broker that has just started may not know all topics yet."""
        note_topics(settings, IDS)
        there = {name: TopicNow(topic_id, settings.partitions) for name, topic_id in IDS.items()}
        gone = {name: topic for name, topic in there.items() if name != "t.jobs"}
        looks = iter([there, gone, None, gone, gone, there])
        seen = []

        def look(bootstrap: str, names: Collection[str], _timeout: timedelta) -> dict[str, TopicNow] | None:
            seen.append((bootstrap, set(names)))
            return next(looks)

        monkeypatch.setattr(topic_watch, "topics_now", look)
        monkeypatch.setattr(topic_watch, "_EVERY_S", 0.001)
        reason = await _end_of_watch(settings)

        assert isinstance(reason, TopicsLostError)
        assert "lost 1 topics, t.jobs among them" in str(reason)
        assert seen == [("broker:9092", set(IDS))] * 5

    async def test_more_partitions_than_declared_end_it(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before keys move: producers ask for the number every few minutes."""
        note_topics(settings, IDS)
        now = {name: TopicNow(topic_id, settings.partitions) for name, topic_id in IDS.items()}
        now["t.jobs"] = TopicNow(IDS["t.jobs"], 12)
        monkeypatch.setattr(topic_watch, "topics_now", lambda *_: now)
        reason = await _end_of_watch(settings)

        assert isinstance(reason, TopicMismatchError)
        assert "topic t.jobs was given 12 partitions" in str(reason)
