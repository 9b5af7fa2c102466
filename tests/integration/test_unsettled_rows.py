"""A message is not done while what it has written is in a worker's memory alone, also where it comes again."""

import asyncio
from datetime import timedelta
from typing import Any

import faust
import pytest
from mode.supervisors import CrashingSupervisor

from connectors.kafka.publisher import DeliveryError, Record
from streams.engine.consumer import SafeConsumer
from streams.engine.transport import batches, open_batches
from streams.rows.event_table import EventTable
from tests.integration.workers import Cluster, app_running, shared, until

_NEVER = 3600.0  # a commit interval: only the commits that the test asks for, or a rebalance makes


class _Table(EventTable):
    """Rows as they are."""

    async def _recovered(self) -> None:
        """Rows are all there is."""


def _kept(app: faust.App, topic: str) -> set[int]:
    """The numbers in the partition that the app still has."""
    owned = {tp.partition for tp in app.consumer.assignment() if tp.topic == topic}
    return {number for number in range(20) if number % 2 in owned}


@pytest.mark.parametrize("ends_well", [True, False])
async def test_what_a_table_shows_already_is_not_done_before_the_log_has_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, ends_well: bool
) -> None:
    """A rebalance leaves a batch open whose row is in memory alone; the message comes again and finds its row there."""
    monkeypatch.setattr(SafeConsumer, "revoke_grace", timedelta(seconds=0.1))
    topic = cluster.topic("in", partitions=2)
    changelog = cluster.topic("table", partitions=2, cleanup_policy="compact")
    await cluster.send([Record(topic, b"%d" % n, b"%d" % n, partition=n % 2) for n in range(20)])
    one, two = (cluster.app(broker_commit_interval=_NEVER, broker_client_id=name) for name in ("one", "two"))
    publisher = cluster.publisher()
    for app in (one, two):
        _Table(app, "table", changelog, partitions=2, publisher=publisher)
    memory: set[int] = set()
    known: list[int] = []
    log_has_it = asyncio.get_running_loop().create_future()

    @one.agent(one.topic(topic, internal=True, partitions=2), supervisor_strategy=CrashingSupervisor)
    async def work(stream: Any) -> None:
        async for batch in open_batches(one, stream, max_open=10):
            numbers = {int(event.message.value) for event in batch.events}
            if numbers <= memory:
                known.extend(numbers)
                batch.ack()
            else:
                memory.update(numbers)
                batch.ack_when(log_has_it)

    @two.agent(two.topic(topic, internal=True, partitions=2))
    async def other(stream: Any) -> None:
        async for _ in batches(two, stream):
            pass

    async with app_running(one):
        await until(lambda: len(memory) == 20)
        async with app_running(two):
            await until(lambda: shared(one, two) and set(known) >= _kept(one, topic))
            [kept] = {number % 2 for number in _kept(one, topic)}
            await one.consumer.commit_and_end_transactions()
            before = cluster.committed("app", topic, partition=kept)
            if ends_well:
                log_has_it.set_result(None)
                await until(lambda: not one.consumer._unsettled)
                await one.consumer.commit_and_end_transactions()
            else:
                log_has_it.set_exception(DeliveryError(changelog, "timed out"))
                await until(lambda: not one.consumer._open)
                await one.consumer.commit_and_end_transactions()
            after = cluster.committed("app", topic, partition=kept)
    await publisher.close()

    assert not before
    assert (after or 0) == (10 if ends_well else 0)
