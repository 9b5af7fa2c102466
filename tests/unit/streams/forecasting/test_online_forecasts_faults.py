"""Redis that is slow, gone or new while forecasts are copied into it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.kafka.publisher import partition_for
from connectors.online_store import Mark, StoreAwayError
from streams.forecasting import online_forecasts
from tests.unit.streams.forecasting.online_forecasts_samples import HERE, KEYS, PARTITIONS, A, B, C, World


class TestFaults:
    """Redis does what it likes."""

    async def test_what_changes_while_it_is_away_is_written_when_it_is_back(self, settled: World) -> None:
        """And only that, as it has kept what it had."""
        settled.store.away = True
        settled.apply(4, B, b"b1")
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        settled.apply(5, C, None)
        settled.store.away = False
        await settled.online.step()

        assert sorted(settled.store.written) == sorted([B, C])
        assert settled.equal

    @pytest.mark.parametrize("changes", [False, True])
    async def test_a_flushed_store_is_rebuilt(self, settled: World, *, changes: bool) -> None:
        """Found out at the next look, whether or not something is to be written."""
        settled.store.values.clear()
        settled.store.marks.clear()
        if changes:
            settled.apply(4, B, b"b1")
        await settled.online.step()

        assert settled.equal

    async def test_a_store_set_back_is_rebuilt(self, settled: World) -> None:
        """Restored from a backup: it lacks what was written since."""
        settled.apply(4, B, b"b1")
        await settled.online.step()
        settled.store.values, settled.store.marks = {A: b"a0", B: b"b0"}, {1: 2}
        await settled.online.step()

        assert settled.equal

    async def test_a_store_set_back_to_where_the_worker_began_is_rebuilt_too(self, settled: World) -> None:
        """Good enough at the start, but this worker has written since."""
        await settled.resume()
        before = dict(settled.store.values)
        settled.apply(4, B, b"b1")
        await settled.online.step()
        settled.store.values, settled.store.marks = before, {1: 4}
        for _ in range(2):
            await settled.online.step()

        assert settled.equal

    async def test_what_could_not_be_written_is_written_later(self, settled: World) -> None:
        """By a worker that resumed: nothing else would bring it."""
        await settled.resume()
        settled.apply(4, B, b"b1")
        settled.store.fail_after = 0
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        settled.store.fail_after = None
        for _ in range(2):
            await settled.online.step()

        assert settled.equal

    async def test_a_rebuild_removes_what_the_table_does_not_have(self, settled: World) -> None:
        """Of its own partition only: others have their owners."""
        other = next(key for key in KEYS if partition_for(key, PARTITIONS) != 1)
        settled.store.values |= {HERE[3]: b"deleted long ago", other: b"theirs"}
        settled.store.marks.clear()
        await settled.online.step()

        assert settled.store.values == settled.table.rows | {other: b"theirs"}

    async def test_a_rebuild_that_is_cut_short_says_nothing(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No offset until all is in: nobody takes half a store for a whole one."""
        monkeypatch.setattr(online_forecasts, "_TOGETHER", 1)
        settled.store.marks[1] = 2
        settled.store.fail_after = 3
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        assert await settled.store.offsets([1]) == [None]
        settled.store.fail_after = None
        await settled.online.step()

        assert settled.equal

    async def test_a_rebuild_by_a_worker_that_has_lost_the_partition_removes_nothing(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its table is empty by then; what is in the store is the next owner's."""
        settled.store.marks.clear()
        pages = settled.store.pages

        async def revoked() -> AsyncIterator[list[bytes]]:
            async for page in pages():
                settled.committed, settled.table.rows = None, {}
                yield page

        monkeypatch.setattr(settled.store, "pages", revoked)
        before = dict(settled.store.values)
        await settled.online.step()

        assert settled.store.values == before
        assert await settled.store.offsets([1]) == [None]

    @pytest.mark.parametrize("mark", [b"rebuild-of-another", 4, None])
    async def test_a_rebuild_that_is_overtaken_gives_up(
        self, settled: World, monkeypatch: pytest.MonkeyPatch, mark: Mark | None
    ) -> None:
        """By a worker that is at it, or done, or by hand; this one does not know yet that it owns nothing any more."""
        settled.store.values = {HERE[3]: b"of the next owner"}
        settled.store.marks.clear()
        pages = settled.store.pages

        async def overtaken() -> AsyncIterator[list[bytes]]:
            settled.store.marks = {} if mark is None else {1: mark}
            async for page in pages():
                yield page

        monkeypatch.setattr(settled.store, "pages", overtaken)
        await settled.online.step()

        assert settled.store.values == {HERE[3]: b"of the next owner"}
        assert settled.store.marks == ({} if mark is None else {1: mark})

    async def test_a_rebuild_that_was_left_is_begun_anew(self, settled: World) -> None:
        """Its worker was killed: nobody else has its name."""
        settled.store.values.clear()
        settled.store.marks[1] = b"rebuild-of-another"
        await settled.online.step()

        assert settled.equal

    @pytest.mark.parametrize("rebuilt", [False, True])
    async def test_a_row_that_cannot_be_read_keeps_nothing_back(self, settled: World, *, rebuilt: bool) -> None:
        """It is a later release's: whoever wants it asks its owner, for others the store is complete."""
        settled.table.unreadable = {B}
        if rebuilt:
            settled.store.marks.clear()
        settled.apply(4, B, b"later")
        settled.apply(5, A, b"a2")
        await settled.online.step()

        assert settled.online.behind == 0
        assert await settled.online.read(B) == (False, None)
        assert await settled.online.read(A) == (True, b"a2")
        assert await settled.online.read(HERE[9]) == (True, None)

    async def test_a_row_that_can_be_read_again_is_written(self, settled: World) -> None:
        """The next forecast of the series."""
        settled.table.unreadable = {B}
        settled.apply(4, B, b"later")
        await settled.online.step()
        settled.table.unreadable.clear()
        settled.apply(5, B, b"b2")
        await settled.online.step()

        assert settled.equal

    async def test_a_lost_answer_costs_nothing(self, settled: World) -> None:
        """The transaction was done, we do not know it."""
        settled.apply(4, B, b"b1")
        settled.store.lost_replies = 1
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        await settled.online.step()

        assert settled.equal

    async def test_another_writer_in_between_is_found_out(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker that does not know yet that it owns nothing any more."""
        settled.apply(4, B, b"b1")
        write = settled.store.write

        async def overtaken(*args: Any, **kwargs: Any) -> bool:
            monkeypatch.setattr(settled.store, "write", write)
            settled.store.values[B], settled.store.marks[1] = b"b0", 3
            return bool(await write(*args, **kwargs))

        monkeypatch.setattr(settled.store, "write", overtaken)
        await settled.online.step()
        await settled.online.step()

        assert settled.equal

    async def test_the_task_survives_everything(self, settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Away, then a fault of our own, then all is well."""
        monkeypatch.setattr(online_forecasts, "_LOOK_S", 0.001)
        settled.store.away = True
        settled.apply(4, B, b"b1")
        task = asyncio.ensure_future(settled.online.run())
        await asyncio.sleep(0.02)
        settled.store.away, settled.store.marks = False, "broken"
        await asyncio.sleep(0.02)
        settled.store.marks = {}
        async with asyncio.timeout(5):
            while not settled.equal:
                await asyncio.sleep(0.001)
        task.cancel()
