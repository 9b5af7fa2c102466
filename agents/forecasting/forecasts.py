"""The state: keeps the latest forecast of every series in a table, and what changes in it in the online store."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from connectors.kafka.publisher import Record
from schemas.coding.wire import UndecodableError
from schemas.series import Forecast
from streams.checks import check_key
from streams.codes.forecasting import ForecastingCode
from streams.engine.agents import agent_on
from streams.engine.transport import open_batches
from streams.engine.tries import work_on
from streams.errors import Code, InvalidError, RejectedError, TooLargeError
from streams.forecasting.forecast_table import NewForecast, SubmissionNumber
from streams.forecasting.state import ForecastingState
from streams.messages import Event, Message
from streams.rows.row_stores import Row
from streams.runtime import StateRuntime

__all__ = ["attach"]

_IN_ONE_TURN: Final = 50  # read in one turn of the event loop: 1 ms; requests get theirs between
_AGAIN: Final = "again"  # the header of a repeat
_REPEAT: Final = ((_AGAIN, b""),)
_OPEN_BATCHES: Final = 8  # so that some are read while the broker takes those before


def attach(state: StateRuntime) -> Agent:
    """Register `keep_forecasts` on the state's app."""
    app = state.app

    @agent_on(app, state.topics.forecasts, "keep_forecasts")
    async def keep_forecasts(stream: Any) -> None:
        """Write the table; the online store follows it at its own pace."""
        online = ForecastingState.of(state).online
        following = None if online is None else asyncio.ensure_future(online.run())
        try:
            async for batch in open_batches(app, stream, _IN_ONE_TURN, max_open=_OPEN_BATCHES):
                state.metrics.observe_batch("keep_forecasts", len(batch.events))
                work_on(state, "keep_forecasts", batch, partial(_keep, state))
                await asyncio.sleep(0)
        finally:
            if following is not None and online is not None:
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following
                await online.close()

    return keep_forecasts


def _keep(state: StateRuntime, events: Sequence[Event]) -> "asyncio.Future[Any]":
    """1. write the rows, 2. publish again what an older forecast came after, 3. note what the online store lacks.

    The future ends when the broker has the rows and the repeats.
    """
    writes = []
    by_partition: dict[int, list[Any]] = {}
    for message in (event.message for event in events):
        by_partition.setdefault(message.partition, []).append(message)
    for partition, those in by_partition.items():
        rows = []
        for message in those:
            try:
                if (moved := state.moved(message)) is not None:
                    writes.append(state.publisher.send_nowait([moved]))
                else:
                    again = any(name == _AGAIN for name, _ in message.headers or ())
                    rows.append(NewForecast(message.key, _submission(state, message), message.value, again))
            except (UndecodableError, RejectedError) as error:
                writes.append(state.publisher.send_nowait([state.dead_letter(message, error)]))
        stay: list[Row] = []
        writes.append(ForecastingState.of(state).forecasts.put(partition, rows, stay))
        if stay:
            repeats = [Record(state.topics.forecasts, key, row, _REPEAT, partition) for key, row in stay]
            writes.append(state.publisher.send_nowait(repeats))
        online = ForecastingState.of(state).online
        if online is not None:
            keys = [row.key for row in rows]
            generation, first, last = those[0].generation_id, those[0].offset, those[-1].offset
            online.changed(generation, partition, keys, first=first, last=last)
    return asyncio.gather(*writes)


def _submission(state: StateRuntime, message: Message) -> SubmissionNumber | None:
    """Whose forecast it is, None where an empty record removes one."""
    if message.key is None:
        raise InvalidError(Code.WRONG_KEY, "the record's key must be the ts_id, as text: it has none")
    if message.value is None:
        return None
    if len(message.value) > state.settings.record_limit:
        raise TooLargeError(ForecastingCode.FORECAST_TOO_LARGE, f"{len(message.value)} bytes cannot be kept in one row")
    fields = state.codec.outline_of(message.value, Forecast)
    check_key("ts_id", fields["ts_id"], message.key)
    return SubmissionNumber(fields["job_id"], fields["n"], fields.get("switches", 0))
