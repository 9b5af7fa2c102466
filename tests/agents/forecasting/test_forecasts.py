"""The agent of the latest forecasts: forecasts in, rows and notes for the online store out."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.kafka.publisher import DeliveryError, partition_for
from schemas.forecasting import CmdStatus, JobStatus
from schemas.series import Forecast
from streams.forecasting.state import ForecastingState
from streams.settings import SecretUrl, Settings
from streams.workers import apps
from tests.agents.bench import CODEC, FakePublisher, Worker, headers

FORECAST = Forecast(7, 17, 3, "()", "LinearFit", 1_599_480_000_000, [1_599_480_060_000], [1.5])
HOME = partition_for(b"17", 4)


class Notes:
    """The online store's side: what it is told, and whether it is running."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, list[bytes], int, int]] = []
        self.ended = False

    def changed(self, generation: int, partition: int, keys: Iterable[bytes], *, first: int, last: int) -> None:
        self.told.append((generation, partition, list(keys), first, last))

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.ended = True


def _read_back(state: Worker, record: Any) -> Any:
    """The message of a record that was published."""
    message = state.message(record.topic, record.key, record.value, partition=record.partition)
    message.headers = list(record.headers)
    return message


@pytest.fixture
def topic(state: Worker) -> str:
    """The topic of forecasts."""
    name: str = state.runtime.topics.forecasts
    return name


class TestRows:
    """What the table holds afterwards."""

    async def test_a_forecast_becomes_the_row_of_its_series(self, state: Worker, topic: str) -> None:
        """And its offset may be committed."""
        message = state.message(topic, b"17", FORECAST)
        await state.consume(topic, message)

        assert ForecastingState.of(state.runtime).forecasts.get(b"17") == FORECAST
        assert state.committed(message)

    async def test_rows_are_acknowledged_with_their_changelog(self, state: Worker, topic: str) -> None:
        """A row that the broker does not have must be read again."""
        state.publisher.failing.add(state.runtime.topics.forecasts_changelog)
        message = state.message(topic, b"17", FORECAST)
        with pytest.raises(DeliveryError):
            await state.consume(topic, message)

        assert not state.committed(message)

    async def test_an_empty_record_removes_the_row(self, state: Worker, topic: str) -> None:
        """As compaction will do on the topic itself."""
        await state.consume(topic, state.message(topic, b"17", FORECAST))
        await state.consume(topic, state.message(topic, b"17", None))

        assert ForecastingState.of(state.runtime).forecasts.get(b"17") is None
        assert state.sent(state.runtime.topics.forecasts_changelog)[-1].value is None

    async def test_the_topic_ends_with_the_row_that_stays(self, state: Worker, topic: str) -> None:
        """An earlier submission's forecast came later: nobody who reads the topic by key needs a rule."""
        older = replace(FORECAST, n=1)
        await state.consume(topic, state.message(topic, b"17", FORECAST), state.message(topic, b"17", older))
        [repeat] = state.sent(topic)
        await state.consume(topic, _read_back(state, repeat))

        assert (repeat.key, repeat.value, repeat.partition) == (b"17", CODEC.encode(FORECAST), HOME)
        assert ForecastingState.of(state.runtime).forecasts.get(b"17") == FORECAST
        assert state.sent(topic) == [repeat]

    async def test_who_answers_no_more_changes_nothing(self, state: Worker, topic: str) -> None:
        """However late its forecast; who answers now may have made its own long before."""
        forecasts = [FORECAST, replace(FORECAST, n=1, switches=1), replace(FORECAST, n=9)]
        for forecast in forecasts:
            await state.consume(topic, state.message(topic, b"17", forecast))

        assert ForecastingState.of(state.runtime).forecasts.get(b"17") == forecasts[1]
        assert [CODEC.decode(record.value) for record in state.sent(topic)] == [forecasts[1]]

    async def test_forecasts_in_their_order_are_not_repeated(self, state: Worker, topic: str) -> None:
        """Nor is one that comes twice."""
        for forecast in (replace(FORECAST, n=1), FORECAST, FORECAST, replace(FORECAST, job_id=8, n=0)):
            await state.consume(topic, state.message(topic, b"17", forecast))

        assert state.sent(topic) == []

    async def test_a_repeat_does_not_outlive_a_deletion(self, state: Worker, topic: str) -> None:
        """The job was deleted between the reading and the repeat: the topic ends with a deletion again."""
        await state.consume(topic, state.message(topic, b"17", FORECAST))
        await state.consume(topic, state.message(topic, b"17", replace(FORECAST, n=1)))
        [repeat] = state.sent(topic)
        await state.consume(topic, state.message(topic, b"17", None))
        await state.consume(topic, _read_back(state, repeat))

        assert state.sent(topic)[-1].value is None
        assert ForecastingState.of(state.runtime).forecasts.get(b"17") is None

    async def test_a_forecast_in_another_partition_than_its_keys_is_moved(self, state: Worker, topic: str) -> None:
        """Where a producer with another partitioner put it; requests look for it where its key belongs."""
        other = (HOME + 1) % 4
        await state.consume(topic, state.message(topic, b"17", FORECAST, partition=other))
        [moved] = state.sent(topic)

        assert ForecastingState.of(state.runtime).forecasts.get(b"17") is None
        assert (moved.key, moved.value, moved.partition) == (b"17", CODEC.encode(FORECAST), HOME)


class TestWrongEvents:
    """They become dead letters, and the agent goes on."""

    @pytest.mark.parametrize(
        ("key", "event", "reason"),
        [
            (b"17", b"no Avro", ""),
            (b"17", JobStatus(7, CmdStatus.DONE, 1, 1, 1, 1, 0), "JobStatus"),
            (b"18", FORECAST, "the ts_id, 17"),
            (None, FORECAST, "it has none"),
            (b"17", replace(FORECAST, item_id="x" * 1024 * 1024), "bytes cannot be kept"),
        ],
        ids=["bytes", "another event", "another key", "no key", "too large"],
    )
    async def test_a_wrong_event_is_kept_as_a_dead_letter(
        self, state: Worker, topic: str, key: bytes | None, event: Any, reason: str
    ) -> None:
        """What came before and after it in the same batch is applied."""
        good = [state.message(topic, b"17", replace(FORECAST, n=n)) for n in (1, 2)]
        await state.consume(topic, good[0], state.message(topic, key, event), good[1])
        [letter] = state.sent(state.runtime.topics.dead_letters)

        assert ForecastingState.of(state.runtime).forecasts.get(b"17").n == 2
        assert reason in headers(letter)["error"]

    async def test_a_dead_letter_is_logged_and_counted(self, state: Worker, topic: str) -> None:
        """With its place in the log, so that it can be found there."""
        with capture_logs() as lines:
            await state.consume(topic, state.message(topic, b"17", FORECAST), state.message(topic, b"17", b"poison"))
        [line] = [line for line in lines if line["event"] == "dead_letter"]

        assert (line["topic"], line["partition"], line["offset"]) == (topic, HOME, 1)
        assert line["error_class"] == "UndecodableError"
        registry = state.runtime.metrics.registry
        assert registry.get_sample_value("tidecast_dead_letters_total", {"topic": topic}) == 1


class TestOnlineStore:
    """What it is told, where one is used."""

    @pytest.fixture
    def notes(self) -> Notes:
        """In the online store's place."""
        return Notes()

    @pytest.fixture
    async def state(
        self, settings: Settings, publisher: FakePublisher, notes: Notes, monkeypatch: pytest.MonkeyPatch
    ) -> Worker:
        """A state worker with Redis."""
        monkeypatch.setattr("streams.forecasting.online_forecasts.OnlineForecasts", lambda *_, **__: notes)
        given = settings.model_copy(update={"redis_url": SecretUrl("redis://127.0.0.1:1")})
        return Worker(apps.create_state(given, "127.0.0.1:1"), publisher)

    async def test_it_is_told_keys_and_offsets(self, state: Worker, topic: str, notes: Notes) -> None:
        """Of every record of the partition, also of those that changed nothing: they may be a replay."""
        messages = [state.message(topic, b"17", event) for event in (FORECAST, b"poison", FORECAST, None)]
        await state.consume(topic, *messages)
        [(generation, partition, keys, first, last)] = notes.told

        assert generation == messages[0].generation_id
        assert (partition, keys, first, last) == (HOME, [b"17", b"17", b"17"], 0, 3)

    async def test_it_ends_with_the_agent(self, state: Worker, topic: str, notes: Notes) -> None:
        """Its connections are closed."""
        await state.consume(topic, state.message(topic, b"17", FORECAST))

        assert notes.ended


async def test_without_redis_there_is_no_online_store(state: Worker) -> None:
    """Nothing of it runs."""
    assert ForecastingState.of(state.runtime).online is None
