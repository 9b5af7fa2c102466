"""Messages whose work takes long, through rebalances: what stays this worker's goes on, what another one gets ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from schemas.coding.wire import UndecodableError
from streams.engine.tenure import is_lost, is_ours, still_ours
from streams.engine.transport import open_batches
from streams.errors import RejectedError
from streams.messages import Event
from streams.telemetry.logs import speaking_of

if TYPE_CHECKING:
    from streams.runtime import TrainerRuntime

__all__ = ["Deliveries", "Delivery", "deliver"]

_OPEN_COMMANDS: Final = 1000  # of which most wait: each is a task, and behind the last one no stop would be seen
_LOOK_S: Final = 0.5  # how often it is looked whether partitions have gone: so long two workers may train the same


class Delivery:
    """A message and the work on it. `event` is the newest one with the message: a rebalance brings another."""

    event: Event

    def __init__(self, app: Any, event: Event) -> None:
        self._app = app
        self.event = event
        self.given_up = False
        self._work: asyncio.Task[None]
        self.done: asyncio.Task[None]

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Start the work; `done` ends when the message may be acknowledged, and raises what the work raises."""
        self._work = asyncio.create_task(work)
        self.done = asyncio.create_task(self._settled())

    def give_up(self) -> None:
        """End the work where it is. The message counts as done: it is without effect, or another's by now."""
        self.given_up = True
        self._work.cancel()

    def cancel(self) -> None:
        """End the work, and leave the message to whoever reads it next."""
        self._work.cancel()
        self.done.cancel()

    def is_ours(self) -> bool:
        """Whether this worker has the message's partition, as far as is known now."""
        return is_ours(self._app, self.event)

    def is_lost(self) -> bool:
        """Whether another worker has the message's partition."""
        return is_lost(self._app, self.event)

    async def still_ours(self) -> bool:
        """Whether this worker has the message's partition; a rebalance is waited for."""
        return await still_ours(self._app, self.event)

    async def _settled(self) -> None:
        await asyncio.wait([self._work])
        if not self._work.cancelled():
            self._work.result()


class Deliveries:
    """The messages that this worker works on."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._open: dict[tuple[Any, int], Delivery] = {}

    def begin(self, event: Event, work: Callable[[Delivery], Coroutine[Any, Any, None]]) -> "asyncio.Future[None]":
        """Start the work on a message, unless it is under way already; a future for the message's acknowledgement."""
        place = event.message.tp, event.message.offset
        delivery = self._open.get(place)
        if delivery is None or delivery.given_up or delivery.done.done():
            delivery = self._open[place] = Delivery(self._app, event)
            delivery.begin(work(delivery))
            delivery.done.add_done_callback(lambda done: self._forget(place, done))
        delivery.event = event
        return delivery.done

    async def watch(self) -> None:
        """End the work on messages that another worker has got; to be run all the time."""
        while True:
            for delivery in list(self._open.values()):
                if delivery.is_lost():
                    delivery.give_up()
            await asyncio.sleep(_LOOK_S)

    def close(self) -> None:
        """End all work; nothing more is acknowledged."""
        for delivery in list(self._open.values()):
            delivery.cancel()

    def _forget(self, place: tuple[Any, int], done: "asyncio.Future[None]") -> None:
        if place in self._open and self._open[place].done is done:
            del self._open[place]


async def deliver(
    runtime: "TrainerRuntime",
    agent: str,
    stream: Any,
    decode: Callable[[Event], Any],
    work: Callable[[Delivery, Any], Coroutine[Any, Any, None]],
) -> None:
    """Begin an agent's commands in the order of the log; each is acknowledged when its work has come to its end.

    A command to stop what may take a day follows it in the log, and is seen meanwhile. `decode` runs in a thread; what
    it refuses becomes a dead letter.
    """
    deliveries = Deliveries(runtime.app)
    watch = asyncio.create_task(deliveries.watch())
    try:
        async for batch in open_batches(runtime.app, stream, 1, max_open=_OPEN_COMMANDS):
            event = batch.events[0]
            runtime.metrics.observe_batch(agent, 1)
            try:
                command = await asyncio.to_thread(decode, event)
            except (UndecodableError, RejectedError) as error:
                batch.ack_when(runtime.publisher.send_nowait([runtime.dead_letter(event.message, error)]))
                continue

            def begun(delivery: Delivery, command: Any = command) -> Coroutine[Any, Any, None]:
                return work(delivery, command)

            with speaking_of(event.message, command):  # the task has it for as long as it runs
                batch.ack_when(deliveries.begin(event, begun))
    finally:
        watch.cancel()
        deliveries.close()
