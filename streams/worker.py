"""Runs one worker process: a Faust app in asyncio's own runner, ended by SIGTERM, SIGINT or the app's crash."""

import asyncio
import signal
from contextlib import ExitStack, suppress
from datetime import timedelta

import structlog
from faust.contrib.asgi import faust_app_running

from streams.runtime import TrainerRuntime

__all__ = ["run_worker"]

log = structlog.get_logger(__name__)

_FLUSH = timedelta(seconds=3)  # what the broker does not take by then is not acknowledged either: it comes again
_STOP_S = 25.0  # a worker that cannot stop in this time leaves its work to the next one; its commands are in the log


def run_worker(runtime: TrainerRuntime, role: str) -> int:
    """Run until a signal (0) or a crash (1); the caller exits with that status and a supervisor starts it again."""
    try:
        return asyncio.run(_run(runtime, role))
    except Exception:  # the edge of the process: the reason belongs in the log, whatever it is
        log.exception("worker failed", role=role)
        return 1


async def _run(runtime: TrainerRuntime, role: str) -> int:
    app = runtime.app
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runtime.publisher.start()
    figures = ExitStack()
    if role == "trainer":
        _serve_figures(runtime, figures)
    log.info("worker starting", role=role, worker=runtime.settings.worker_id)
    async with faust_app_running(app, stop_timeout=_STOP_S):
        log.info("worker ready", role=role)
        preparing = asyncio.ensure_future(runtime.endpoints.prepare()) if role == "state" else None
        waits = [asyncio.ensure_future(wait) for wait in (stop.wait(), app.wait_until_stopped())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError):
                await wait
        if preparing is not None:
            preparing.cancel()
        crashed = app.crash_reason
        if crashed is not None:
            log.error("worker crashed", role=role, error=repr(crashed))
    await runtime.inference.close()
    await runtime.publisher.close(_FLUSH)
    await asyncio.to_thread(figures.close)
    log.info("worker stopped", role=role)
    return 0 if crashed is None and stop.is_set() else 1


def _serve_figures(runtime: TrainerRuntime, until: ExitStack) -> None:
    """Give Prometheus the figures of a worker without an HTTP view; it works without them where the port is taken."""
    settings = runtime.settings
    if settings.metrics_port is not None:
        try:
            until.enter_context(runtime.metrics.served(settings.http_host, settings.metrics_port))
        except OSError as error:
            log.warning("metrics not served", port=settings.metrics_port, reason=str(error))
