"""The state: sends alerts on to the address that the installation names, again where it is not there."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import orjson
import structlog
from faust.agents import Agent

from connectors.webhooks import Webhook, WebhookError
from schemas.coding.wire import UndecodableError
from schemas.observations import Alert
from streams.accuracy.told_alerts import alert_json
from streams.engine.agents import agent_on
from streams.engine.transport import open_batches
from streams.messages import Event
from streams.runtime import StateRuntime

__all__ = ["PAUSES_S", "attach"]

log = structlog.get_logger(__name__)

_TOGETHER: Final = 10  # alerts of a batch, which go out one after the other: those of a series keep their order
_OPEN_BATCHES: Final = 20  # that are on their way; a committed place in the log is behind what has gone out
PAUSES_S: Final[tuple[float, ...]] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Between tries; then an alert is given up. It stays in its topic."""


def attach(state: StateRuntime) -> Agent:
    """Register `send_alerts` on the state's app."""
    app, settings = state.app, state.settings

    @agent_on(app, state.topics.alerts, "send_alerts")
    async def send_alerts(stream: Any) -> None:
        """Post each alert; without an address there is nothing to do. What is on its way holds up nothing else."""
        secret = settings.alerts_webhook_secret
        url = settings.alerts_webhook
        hook = None
        if url is not None:
            known = "" if secret is None else secret.get_secret_value()
            hook = Webhook(url.get_secret_value(), known, settings.remote_dataset_hosts)
        try:
            async for batch in open_batches(app, stream, _TOGETHER, max_open=_OPEN_BATCHES):
                if hook is None:
                    batch.ack()
                else:
                    batch.ack_when(asyncio.ensure_future(_sent(state, hook, batch.events)))
        finally:
            if hook is not None:
                with suppress(Exception):
                    await hook.close()

    return send_alerts


async def _sent(state: StateRuntime, hook: Webhook, events: Sequence[Event]) -> None:
    for event in events:
        try:
            alert = state.codec.decode(event.message.value)
        except UndecodableError:
            continue  # somebody else wrote it
        if isinstance(alert, Alert):
            await _posted(alert, partial(hook.post, orjson.dumps(alert_json(alert))))


async def _posted(alert: Alert, post: Any) -> None:
    """At last it is given up, so that an address that is gone holds up no log for ever."""
    for pause_s in (*PAUSES_S, None):
        try:
            await post()
        except WebhookError as error:
            if pause_s is None:
                log.warning("alert_not_sent", alert_id=alert.alert_id, error=str(error))
                return
            await asyncio.sleep(pause_s)
        else:
            return
