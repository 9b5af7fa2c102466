"""May this worker still write for a message? Every answer that there is, and when to ask for which.

A rebalance ends what a worker was assigned: its messages come again, to whoever has their partition then. Whoever
awaits something must ask again afterwards, in the same turn of the event loop as the write.

- `check_writer`: a command, before each write to a row. SupersededError: it comes again. While open batches are waited
  for at the end of an assignment, it may write still.
- `may_write`: the same as a bool, for work that outlives its batch and knows its generation.
- `is_current`: False as soon as a rebalance begins; for who counts failures, which then say nothing of the message.
- `still_current`: for work in the background that would count as done. It waits for the end of a rebalance; a new
  generation means False, even with the same owner, for the message comes again.
- `is_ours`: for work that is too long to be begun anew: True again when the same worker gets the partition again.
- `still_ours`: for such work before it writes: it waits for the end of a rebalance, then answers as `is_ours`.
- `is_lost`: for who ends such work: True only when another worker has the partition.
"""

import asyncio
from typing import Final

from faust.types import AppT

from streams.engine.consumer import SafeConsumer
from streams.messages import Event

__all__ = [
    "SupersededError",
    "check_writer",
    "is_current",
    "is_lost",
    "is_ours",
    "may_write",
    "still_current",
    "still_ours",
]

_LOOK_S: Final = 0.1  # how often is looked while something waits for the end of a rebalance


def is_current(app: AppT, event: Event) -> bool:
    """Whether the event was fetched for the assignment that this worker has now, and no rebalance has begun since."""
    return bool(app.flow_control.is_active() and event.message.generation_id == app.consumer_generation_id)


class SupersededError(Exception):
    """A rebalance has ended the assignment that an event was read in: it comes again, to whoever has it now."""


def check_writer(app: AppT, event: Event) -> None:
    """SupersededError unless this worker may change rows for the event.

    A body that awaits asks before each write to a table, in the same turn of the event loop: after a rebalance another
    worker may own the row, and may have answered for it. While open batches are waited for, it may write still.
    """
    if not may_write(app, event.message.generation_id):
        raise SupersededError


def may_write(app: AppT, generation: int) -> bool:
    """Whether this worker may change rows of the partitions that it had in this generation of the group."""
    consumer = app.consumer
    open_still = app.flow_control.is_active() or (isinstance(consumer, SafeConsumer) and consumer.handing_over)
    return bool(open_still and generation == app.consumer_generation_id)


def is_ours(app: AppT, event: Event) -> bool:
    """Whether this worker has the event's partition, be it by the same assignment or by another; no rebalance goes on.

    After a rebalance the event comes again, to whoever has its partition then. This is for work that need not be begun
    anew where that is the same worker.
    """
    return is_current(app, event) or (app.flow_control.is_active() and _is_assigned(app, event))


def is_lost(app: AppT, event: Event) -> bool:
    """Whether another worker has the event's partition; False while a rebalance goes on."""
    return app.flow_control.is_active() and not is_current(app, event) and not _is_assigned(app, event)


def _is_assigned(app: AppT, event: Event) -> bool:
    return event.message.tp in app.assignor.assigned_actives()


async def still_current(app: AppT, event: Event) -> bool:
    """Whether rows of the event's partition may be written for it; a rebalance is waited for.

    What ends while one goes on would count as done, and be lost to the next owner.
    """
    while not is_current(app, event):
        if event.message.generation_id != app.consumer_generation_id:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


async def still_ours(app: AppT, event: Event) -> bool:
    """Whether this worker has the event's partition, by the same assignment or another; a rebalance is waited for."""
    while not is_ours(app, event):
        if is_lost(app, event):
            return False
        await asyncio.sleep(_LOOK_S)
    return True
