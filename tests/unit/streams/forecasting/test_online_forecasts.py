"""The online store follows the table: what it lacks is written, what it cannot be trusted in is rebuilt."""

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.kafka.topic_ends import EndUnknownError
from connectors.online_store import StoreAwayError
from streams.forecasting import online_forecasts
from tests.unit.streams.forecasting.online_forecasts_samples import HERE, A, B, C, World


class TestFollowing:
    """Without faults."""

    async def test_changes_are_written_with_their_offset(self, settled: World) -> None:
        """Each key once, as it is now."""
        assert settled.equal
        assert settled.store.values[A] == b"a1"

    async def test_only_what_changed_is_written(self, settled: World) -> None:
        """And nothing where nothing did."""
        await settled.online.step()

        await settled.write_one()

    async def test_what_is_removed_is_removed(self, settled: World) -> None:
        """With the offset of the empty record."""
        settled.apply(4, B, None)
        await settled.online.step()

        assert B not in settled.store.values
        assert settled.equal

    async def test_many_changes_are_several_transactions(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only the last one says that all are in."""
        monkeypatch.setattr(online_forecasts, "_TOGETHER", 4)
        await world.online.step()
        for offset, key in enumerate(HERE):
            world.apply(offset, key, b"row")
        world.store.fail_after = 2
        with pytest.raises(StoreAwayError):
            await world.online.step()
        assert (len(world.store.values), world.store.marks) == (8, {1: 0})
        world.store.fail_after = None
        await world.online.step()

        assert world.equal

    async def test_what_changes_while_it_is_written_comes_next(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The offset that is written is the one of before."""
        settled.apply(4, B, b"b1")
        write = settled.store.write

        async def write_meanwhile(*args: Any, **kwargs: Any) -> bool:
            monkeypatch.setattr(settled.store, "write", write)
            settled.apply(5, A, b"a2")
            return bool(await write(*args, **kwargs))

        monkeypatch.setattr(settled.store, "write", write_meanwhile)
        await settled.online.step()
        assert settled.store.marks == {1: 5}
        await settled.online.step()

        assert settled.equal

    async def test_behind_is_what_the_store_lacks(self, settled: World) -> None:
        """For /metrics."""
        settled.apply(4, B, b"b1")

        assert settled.online.behind == 1


class TestRestart:
    """A worker that starts, or gets a partition from another one."""

    async def test_it_resumes_where_the_store_is(self, settled: World) -> None:
        """All that is committed is in: nothing is written again."""
        await settled.resume()

        await settled.write_one()

    async def test_a_store_that_lacks_something_is_rebuilt(self, settled: World) -> None:
        """It was away when the process before ended."""
        settled.table.rows[B] = b"b1"
        settled.end, settled.committed = 5, {1: 5}
        settled.restart()
        await settled.online.step()

        assert set(settled.store.written) == {A, B, C}
        assert settled.equal

    async def test_a_replay_does_not_set_the_store_back(self, settled: World) -> None:
        """The process before wrote more than it could commit: the rows are older until they are read again."""
        settled.committed = {1: 0}
        settled.table.rows = {}
        settled.restart()
        settled.apply(0, A, b"a0")
        settled.apply(1, B, b"b0")
        for _ in range(2):
            await settled.online.step()
        assert settled.store.values == {A: b"a1", B: b"b0", C: b"c0"}
        settled.apply(2, A, b"a1")
        settled.apply(3, C, b"c0")
        settled.apply(4, C, b"c1")
        await settled.online.step()

        assert settled.equal

    async def test_a_store_beyond_the_topics_end_is_rebuilt(self, settled: World) -> None:
        """It was filled from another topic, as after a restart with an empty disk: nothing of that is left."""
        settled.table.rows, settled.end, settled.committed = {B: b"new"}, 2, {1: 2}
        settled.restart()
        await settled.online.step()

        assert settled.equal

    async def test_another_generation_looks_again(self, settled: World) -> None:
        """While another worker owned the partition, it may have written: what is there is as good as our own."""
        settled.store.values[B], settled.store.marks[1] = b"b7", 7
        settled.table.rows[B], settled.end = b"b7", 7
        settled.generation, settled.committed = 2, {1: 7}
        await settled.online.step()

        assert settled.store.written == []
        assert settled.equal

    async def test_nothing_is_written_during_a_rebalance(self, settled: World) -> None:
        """Nor of a partition that has gone."""
        settled.apply(4, B, b"b1")
        settled.committed = None
        await settled.online.step()
        settled.generation, settled.committed = 2, {}
        await settled.online.step()

        assert settled.store.written == []

    async def test_a_worker_that_loses_the_partition_stops_in_the_middle(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rows of the next owner are newer."""
        settled.apply(4, B, b"b1")
        bodies = settled.table.bodies

        def revoked(keys: Sequence[bytes]) -> Any:
            settled.committed = None
            return bodies(keys)

        monkeypatch.setattr(settled.table, "bodies", revoked)
        await settled.online.step()

        assert settled.store.written == []


class TestReading:
    """For what another worker owns."""

    async def test_a_complete_store_is_believed(self, settled: World) -> None:
        """A forecast, or that there is none."""
        assert await settled.online.read(A) == (True, b"a1")
        assert await settled.online.read(HERE[9]) == (True, None)

    async def test_a_store_that_lacks_a_record_is_not(self, settled: World) -> None:
        """Whichever series the record is about."""
        settled.end += 1

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_does_not_say_is_not(self, settled: World) -> None:
        """It is being rebuilt."""
        settled.store.marks.clear()

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_is_away_is_no_answer(self, settled: World) -> None:
        """And no error."""
        settled.store.away = True

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_is_away_is_left_alone_for_a_while(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that hangs makes one reader wait, not every one."""
        settled.store.away = True
        await settled.online.read(A)
        settled.store.away = False
        assert await settled.online.read(A) == (False, None)
        monkeypatch.setattr(settled.online, "_unasked_until", 0.0)

        assert await settled.online.read(A) == (True, b"a1")

    async def test_where_nobody_knows_the_end_there_is_no_answer(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No broker, no proof."""

        async def unknown(partition: int) -> int:
            raise EndUnknownError(str(partition))

        monkeypatch.setattr(settled.online, "_end", unknown)

        assert await settled.online.read(A) == (False, None)

    async def test_the_end_is_asked_for_before_the_store(self, settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A record that comes between the two questions must not make an old answer look complete."""
        asked: list[str] = []
        read = settled.store.read

        async def end(partition: int) -> int:
            asked.append("end")
            return settled.end

        async def noted(*args: Any) -> Any:
            asked.append("store")
            return await read(*args)

        monkeypatch.setattr(settled.online, "_end", end)
        monkeypatch.setattr(settled.store, "read", noted)
        await settled.online.read(A)

        assert asked == ["end", "store"]
