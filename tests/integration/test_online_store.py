"""Forecasts in a real Redis: written, read, flushed, killed, away at the start and in between; never a wrong answer."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio.client import Pipeline

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.ports import kept_or_free
from connectors.kafka.publisher import Publisher, Record, partition_for
from connectors.online_store import OnlineStore, StoreAwayError, new_rebuild
from schemas.coding.codec import Codec
from schemas.series import Forecast
from streams.forecasting.forecast_table import forecast_json
from streams.forecasting.online_forecasts import OnlineForecasts
from tests.integration.processes import WorkerProcess
from tests.integration.program import Home
from tests.integration.redis_server import RedisServer
from tests.integration.services import Service, csv_of, running_service, until
from tests.integration.test_two_states import _workers

CODEC = Codec()
NOON = 1_599_480_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that runs."""
    made = RedisServer(tmp_path)
    made.start()
    yield made
    made.kill()


class TestStore:
    """The connector alone."""

    @pytest.fixture
    async def store(self, server: RedisServer) -> Any:
        """Connected to it."""
        made = OnlineStore(server.url, timeout_s=0.3)
        yield made
        await made.close()

    async def test_forecasts_and_their_offset_are_written_together(
        self, store: OnlineStore, server: RedisServer
    ) -> None:
        """Under the names that others read."""
        assert await store.write(2, [(b"17", b"{}"), (b"18", b"[]")], expected=None, mark=5)

        assert server.client.mget("forecast:17", "forecast:18", "forecast-offset:2") == [b"{}", b"[]", b"5"]
        assert await store.read(2, b"17") == (b"{}", 5)
        assert await store.read(2, b"19") == (None, 5)
        assert await store.offsets([1, 2]) == [None, 5]

    async def test_nothing_is_written_where_the_offset_is_another(self, store: OnlineStore) -> None:
        """Whoever wrote it: the caller must look again."""
        assert await store.write(2, [(b"17", b"old")], expected=None, mark=5)
        assert not await store.write(2, [(b"17", b"new")], expected=4, mark=6)
        assert not await store.write(2, [(b"17", b"new")], expected=None, mark=6)

        assert await store.read(2, b"17") == (b"old", 5)

    async def test_a_writer_in_the_middle_of_a_transaction_is_seen(
        self, store: OnlineStore, server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the look at the offset and the writing."""
        execute = Pipeline.execute

        async def overtaken(pipe: Any, *args: Any, **kwargs: Any) -> Any:
            server.client.set("forecast-offset:2", 9)
            return await execute(pipe, *args, **kwargs)

        monkeypatch.setattr(Pipeline, "execute", overtaken)

        assert not await store.write(2, [(b"17", b"new")], expected=None, mark=6)
        assert await store.read(2, b"17") == (None, 9)

    async def test_a_forecast_can_be_removed(self, store: OnlineStore) -> None:
        """With an offset, as ever."""
        await store.write(2, [(b"17", b"{}")], expected=None, mark=5)
        assert await store.write(2, [(b"17", None)], expected=5, mark=6)

        assert await store.read(2, b"17") == (None, 6)

    async def test_a_rebuild_is_no_offset_and_the_only_one_of_its_name(self, store: OnlineStore) -> None:
        """For readers the store is not complete; of two that rebuild, the one that came last goes on."""
        names = new_rebuild(), new_rebuild()
        assert await store.write(2, [(b"17", b"{}")], expected=None, mark=5)
        assert await store.write(2, [], expected=5, mark=names[0])
        assert await store.write(2, [], expected=None, mark=names[1])
        assert not await store.write(2, [(b"17", None)], expected=names[0], mark=names[0])
        assert (await store.read(2, b"17"), await store.offsets([2])) == ((b"{}", None), [None])
        assert await store.write(2, [(b"18", b"[]")], expected=names[1], mark=names[1])
        assert await store.write(2, [], expected=names[1], mark=6)
        assert not await store.write(2, [(b"17", None)], expected=names[1], mark=7)

        assert await store.read(2, b"17") == (b"{}", 6)

    async def test_the_keys_are_those_of_forecasts_only(self, store: OnlineStore, server: RedisServer) -> None:
        """More than one step of a scan."""
        server.client.mset(
            {f"forecast:{number}": "x" for number in range(3000)} | {"mine": "y", "forecast-offset:1": 7}
        )

        found = [key async for page in store.pages() for key in page]

        assert sorted(set(found), key=int) == [b"%d" % number for number in range(3000)]

    async def test_offsets_can_be_forgotten(self, store: OnlineStore) -> None:
        """What `tidecast redis rebuild` does."""
        await store.write(2, [(b"17", b"{}")], expected=None, mark=5)
        await store.forget_offsets([1, 2, 3])

        assert await store.read(2, b"17") == (b"{}", None)

    async def test_an_offset_that_is_no_number_is_none(self, store: OnlineStore, server: RedisServer) -> None:
        """Somebody else's value: the store is written anew."""
        server.client.set("forecast-offset:2", "soon")

        assert await store.offsets([2]) == [None]
        assert await store.write(2, [], expected=None, mark=5)

    async def test_a_store_that_is_down_is_an_error_and_works_again_later(
        self, store: OnlineStore, server: RedisServer
    ) -> None:
        """The same object; nobody has to connect it again."""
        await store.offsets([1])
        server.kill()
        with pytest.raises(StoreAwayError):
            await store.read(1, b"17")
        server.start()

        assert await store.write(1, [(b"17", b"{}")], expected=None, mark=1)

    async def test_a_store_that_hangs_is_given_up(self, store: OnlineStore, server: RedisServer) -> None:
        """In its time, not in Redis'."""
        await store.offsets([1])
        server.stall()
        begun = time.monotonic()
        with pytest.raises(StoreAwayError):
            await store.read(1, b"17")
        assert time.monotonic() - begun < 5
        server.go_on()

        assert await store.offsets([1]) == [None]

    async def test_an_error_of_the_server_is_said(self, store: OnlineStore, server: RedisServer) -> None:
        """Such as a full memory."""
        server.client.config_set("maxmemory", 1)
        with pytest.raises(StoreAwayError, match="maxmemory"):
            await store.write(2, [(b"17", b"{}")], expected=None, mark=5)


class OwnRows:
    """A worker's table of one partition that it has or not; a body is the row."""

    def __init__(self, rows: dict[bytes, bytes], *, owned: bool) -> None:
        self.rows = rows
        self.owned = owned

    def bodies(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes | None]]:
        return [(key, self.rows.get(key)) for key in keys]

    def keys(self, partition: int) -> list[bytes]:
        return list(self.rows)

    def __contains__(self, key: bytes) -> bool:
        return key in self.rows

    def online(self, store: OnlineStore) -> OnlineForecasts:
        """What keeps the store as the table is: a hundred records are in."""

        async def end(partition: int) -> int:
            return 100

        table: Any = self
        owned = {PARTITION: 100}
        return OnlineForecasts(store, table, owned=lambda: (1, owned if self.owned else {}), end=end, partitions=4)


PARTITION = 1
OF_PARTITION = [key for key in (b"%d" % ts_id for ts_id in range(20_000)) if partition_for(key, 4) == PARTITION]


class TestTwoOwners:
    """A partition moves while it is rebuilt."""

    @pytest.mark.parametrize("knows", [True, False])
    async def test_the_former_owner_removes_nothing_of_the_new_ones(
        self, server: RedisServer, monkeypatch: pytest.MonkeyPatch, *, knows: bool
    ) -> None:
        """Whether it knows that it has lost the partition, with all rows, or is yet to be told."""
        rows = dict.fromkeys(OF_PARTITION, b"{}")
        former, new = OwnRows(dict(rows), owned=True), OwnRows(rows | {OF_PARTITION[-1]: b"[]"}, owned=False)
        del former.rows[OF_PARTITION[-1]]
        slow, quick = OnlineStore(server.url), OnlineStore(server.url)
        online = new.online(quick)
        await online.step()
        server.client.mset({b"forecast:" + key: b"{}" for key in rows})
        scan = slow._redis.scan

        async def moved(*args: Any, **kwargs: Any) -> Any:
            if not new.owned:
                new.owned = True
                await online.step()
                assert await quick.offsets([PARTITION]) == [100]
                if knows:
                    former.owned = False
                    former.rows.clear()
            return await scan(*args, **kwargs)

        monkeypatch.setattr(slow._redis, "scan", moved)
        await former.online(slow).step()
        await online.step()

        assert server.client.dbsize() == len(rows) + 1
        assert await quick.read(PARTITION, OF_PARTITION[-1]) == (b"[]", 100)
        await slow.close()
        await quick.close()


def forecast(ts_id: int, n: int) -> Forecast:
    """The n-th forecast of a series."""
    return Forecast(7, ts_id, n, "()", "LinearFit", NOON, [NOON + 60_000], [float(n)])


async def publish(bootstrap: str, topic: str, forecasts: Sequence[Forecast]) -> None:
    """As a trainer does."""
    publisher = Publisher(bootstrap, client_id="test")
    await publisher.send([Record(topic, b"%d" % it.ts_id, CODEC.encode(it)) for it in forecasts])
    await publisher.close()


def got(url: str, ts_id: int) -> tuple[dict[str, Any] | int, str]:
    """The forecast that a worker answers, or the status; and where from."""
    answer = httpx.get(f"{url}/forecasts/{ts_id}", timeout=30)
    shown = answer.json() if answer.status_code == 200 else answer.status_code
    return shown, answer.headers.get("x-tidecast-source", "")


def is_filled(server: RedisServer, expected: dict[int, int]) -> Callable[[], bool]:
    """Whether Redis holds exactly these forecasts: n by ts_id."""

    def look() -> bool:
        names = server.client.keys("forecast:*")
        values = server.client.mget(names) if names else []
        found = {value["ts_id"]: value["n"] for value in map(json.loads, values)}
        return found == expected

    return look


class TestService:
    """One installation with everything, over all its troubles: each begins where the one before has ended."""

    async def test_redis_may_come_and_go(self, tmp_path: Path) -> None:
        """Away at the start, filled when it comes, away again, back empty, flushed, rebuilt by hand."""
        server = RedisServer(tmp_path)
        home = tmp_path / "home"
        with running_service(home, redis_url=server.url, metrics_port=kept_or_free(0)) as service:
            try:
                await self._story(service, server, home)
            finally:
                server.kill()

    async def _story(self, service: Service, server: RedisServer, home: Path) -> None:
        url, topic = service.stack.url, service.topics.forecasts
        job_id, ts_ids = service.api.new_job(csv_of(3, 30))
        service.api.train(job_id, ts_ids)
        service.api.finished(job_id)
        until(lambda: all(got(url, ts_id)[1] == "table" for ts_id in ts_ids), why="forecasts without Redis")
        trained = {ts_id: got(url, ts_id)[0] for ts_id in ts_ids}
        results = service.api.finished(job_id)["results"]
        for ts_id, entry in zip(ts_ids, results, strict=True):
            shown: Any = trained[ts_id]
            [result] = entry["results"]
            assert (shown["mean"], shown["timestamps"]) == (result["predictions"], result["timestamps"])
        assert got(url, 1)[0] == 404
        _check_figures(service)
        assert got(url, 0)[0] == 400

        server.start()
        held = {ts_id: 0 + shown["n"] for ts_id, shown in trained.items() if isinstance(shown, dict)}
        until(is_filled(server, held), why="Redis has what was made before it came")
        assert {ts_id: json.loads(server.client.get(f"forecast:{ts_id}") or b"0") for ts_id in ts_ids} == trained

        server.kill()
        await publish(service.bootstrap, topic, [forecast(ts_id, 1) for ts_id in range(1, 101)])
        until(lambda: got(url, 100)[0] != 404, why="the table goes on without Redis")
        server.start()
        held |= dict.fromkeys(range(1, 101), 1)
        until(is_filled(server, held), why="an empty Redis is filled")

        server.client.flushall()
        until(is_filled(server, held), why="a flushed Redis is filled")

        server.client.mset({"forecast:5": b'{"ts_id": 5, "n": -1}', "forecast:999": b'{"ts_id": 999, "n": 0}'})
        ended = Home(home).run("redis", "rebuild", TIDECAST_REDIS_URL=server.url)
        assert (ended.returncode, ended.stdout) == (0, "4 partitions are complete in Redis\n")
        assert is_filled(server, held)()

        server.stall()
        await publish(service.bootstrap, topic, [forecast(1, 2)])
        until(lambda: got(url, 1)[0] == json.loads(forecast_json(forecast(1, 2))), why="nobody waits for Redis")
        server.go_on()
        held[1] = 2
        until(is_filled(server, held), why="Redis has what it missed")

        marks = {name: server.client.get(name) for name in server.client.keys("forecast-offset:*")}
        service.signal("state", 9)
        until(service.is_ready, why="the state worker is back")
        await publish(service.bootstrap, topic, [forecast(2, 2)])
        held[2] = 2
        until(is_filled(server, held), why="the next process goes on")
        assert set(server.client.keys("forecast-offset:*")) == set(marks)


def _check_figures(service: Service) -> None:
    """What Prometheus is told by both workers of a service that has answered one job of three series."""
    port = service.settings.metrics_port
    urls = {"state": f"{service.stack.url}/metrics", "trainer": f"http://127.0.0.1:{port}/metrics"}
    for url in urls.values():  # the broker is asked for the ends in the background
        until(lambda url=url: "tidecast_consumer_lag{" in httpx.get(url, timeout=30).text, why="the lags are known")
    agents = {"job_commands", "job_results", "forecasts", "dataset_commands"}, {"series_commands", "training_runs"}
    for (role, url), names in zip(urls.items(), agents, strict=True):
        families = text_string_to_metric_families(httpx.get(url, timeout=30).text)
        found = {(it.name, *it.labels.values()): it.value for family in families for it in family.samples}
        for topic in (getattr(service.topics, name) for name in names):
            lags = {
                labels: lag for labels, lag in found.items() if labels[0] == "tidecast_consumer_lag" and topic in labels
            }
            assert len(lags) == service.topics.partitions, (role, topic)
            assert all(lag >= 0 for lag in lags.values()), lags
        if role == "trainer":
            assert found["tidecast_series_total", "LinearFit", "forecast"] == 3
            assert found["tidecast_records_sent_total", service.topics.job_results] == 3
            assert found["tidecast_training_seconds_count", "LinearFit"] >= 1
        else:
            assert (found["tidecast_table_rows", "results"], found["tidecast_table_rows", "jobs"]) == (3, 1)


class TestTwoWorkers:
    """Whoever is asked, the answer is the log's."""

    @pytest.fixture
    def pair(
        self,
        broker: EmbeddedKafka,
        topic_prefix: str,
        tmp_path: Path,
        server: RedisServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Iterator[Sequence[WorkerProcess]]:
        """Two state workers that share the partitions, and Redis."""
        monkeypatch.setenv("TIDECAST_REDIS_URL", server.url)
        with _workers(broker, topic_prefix, tmp_path, "state", "state") as workers:
            until(lambda: all(worker.is_ready() for worker in workers), within=120, why="both are ready")
            yield workers

    async def test_a_worker_reads_from_redis_what_it_does_not_own_if_that_is_complete(
        self, pair: Sequence[WorkerProcess], broker: EmbeddedKafka, topic_prefix: str, server: RedisServer
    ) -> None:
        """Stopped, with older forecasts in it, or gone: from the owner. Back, and the owner dead: from Redis."""
        topic, ts_ids = f"{topic_prefix}forecasts", range(1, 41)
        assert {partition_for(b"%d" % ts_id, 4) for ts_id in ts_ids} == {0, 1, 2, 3}

        async def everywhere(n: int, why: str) -> list[set[str]]:
            """Publish, wait until both answer with it, and where from each answered; never an older one than seen."""
            await publish(broker.bootstrap, topic, [forecast(ts_id, n) for ts_id in ts_ids])
            seen = {(worker.url, ts_id): -1 for worker in pair for ts_id in ts_ids}
            sources: list[set[str]] = []

            def look() -> bool:
                sources.clear()
                for worker in pair:
                    answers = {ts_id: got(worker.url, ts_id) for ts_id in ts_ids}
                    for ts_id, (shown, _) in answers.items():
                        now = shown["n"] if isinstance(shown, dict) else -1
                        assert now >= seen[worker.url, ts_id], "an older forecast after a newer one"
                        seen[worker.url, ts_id] = now
                    sources.append({source for _, source in answers.values()})
                return all(now == n for now in seen.values())

            until(look, why=why)
            return list(sources)

        await everywhere(1, "all is published")
        until(is_filled(server, dict.fromkeys(ts_ids, 1)), why="Redis is filled")
        owners = await everywhere(1, "the same again")
        assert set.union(*owners) == {"table", "redis"}

        server.stall()
        await publish(broker.bootstrap, topic, [forecast(ts_id, 2) for ts_id in ts_ids])
        assert set.union(*await everywhere(2, "Redis hangs")) == {"table"}

        server.go_on()
        until(is_filled(server, dict.fromkeys(ts_ids, 2)), why="Redis has what it missed")
        server.kill()
        assert set.union(*await everywhere(3, "Redis is gone")) == {"table"}

        server.start()
        until(is_filled(server, dict.fromkeys(ts_ids, 3)), why="an empty Redis is filled")
        until(lambda: "redis" in {got(pair[0].url, ts_id)[1] for ts_id in ts_ids}, why="Redis is asked again")
        pair[1].kill()
        expected = [json.loads(forecast_json(forecast(ts_id, 3))) for ts_id in ts_ids]
        assert [got(pair[0].url, ts_id)[0] for ts_id in ts_ids] == expected  # before the group gives it the others'
