"""The state: keeps the latest forecast of every series in a table, and what changes in it in the online store."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from faust.agents import Agent
from mode.supervisors import CrashingSupervisor

from schemas.events import Forecast
from schemas.wire import UndecodableError
from streams.errors import RejectedError
from streams.runtime import StateRuntime
from streams.transport import batches

__all__ = ["attach"]

_TOGETHER: Final = 200  # decoded in one turn of the event loop: 4 ms, 10 with quantiles; requests get theirs between


def attach(state: StateRuntime) -> Agent:
    """Register `keep_forecasts` on the state's app."""
    app = state.app

    @app.agent(
        app.topic(state.topics.forecasts, value_serializer="raw", internal=True),
        name="keep_forecasts",
        supervisor_strategy=CrashingSupervisor,
    )
    async def keep_forecasts(stream: Any) -> None:
        """Write the table; the online store follows it at its own pace."""
        following = None if state.online is None else asyncio.ensure_future(state.online.run())
        try:
            async for events in batches(app, stream, _TOGETHER):
                state.metrics.observe_batch("keep_forecasts", len(events))
                await _keep(state, [event.message for event in events])
        finally:
            if following is not None and state.online is not None:
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following
                await state.online.close()

    return keep_forecasts


async def _keep(state: StateRuntime, messages: Sequence[Any]) -> None:
    """1. write the rows, 2. note what the online store lacks; ends when the changelog has the rows."""
    writes = []
    by_partition: dict[int, list[Any]] = {}
    for message in messages:
        by_partition.setdefault(message.partition, []).append(message)
    for partition, those in by_partition.items():
        rows = []
        for message in those:
            try:
                if (moved := state.moved(message)) is not None:
                    writes.append(state.publisher.send_nowait([moved]))
                else:
                    rows.append((message.key, _forecast(state, message), message.value))
            except (UndecodableError, RejectedError) as error:
                writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
        writes.append(state.forecasts.put(partition, rows))
        if state.online is not None:
            keys = [key for key, _, _ in rows]
            generation, first, last = those[0].generation_id, those[0].offset, those[-1].offset
            state.online.changed(generation, partition, keys, first=first, last=last)
    await asyncio.gather(*writes)


def _forecast(state: StateRuntime, message: Any) -> Forecast | None:
    """The forecast, None where an empty record removes it."""
    if message.key is None:
        raise RejectedError(400, "wrong_key", "the record's key must be the ts_id, as text: it has none")
    if message.value is None:
        return None
    if len(message.value) > state.settings.record_limit:
        raise RejectedError(413, "forecast_too_large", f"{len(message.value)} bytes cannot be kept in one row")
    forecast = state.codec.decode(message.value)
    if not isinstance(forecast, Forecast):
        raise UndecodableError(f"a {type(forecast).__name__} on the topic of forecasts")
    if message.key != b"%d" % forecast.ts_id:
        raise RejectedError(400, "wrong_key", f"the record's key must be the ts_id, {forecast.ts_id}, as text")
    return forecast
