"""`tidecast redis`: the online store of forecasts, from the outside."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer
from streams.cli.service.running import bootstrap_of

if TYPE_CHECKING:
    from connectors.online_store import OnlineStore
    from streams.settings import Settings

__all__ = ["register"]

_LOOK_S = 0.2


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="The latest forecasts in Redis: write them anew.", no_args_is_help=True)
    group.command("rebuild", epilog="Example: tidecast redis rebuild")(rebuild)
    app.add_typer(group, name="redis")


def rebuild(
    *,
    within: Annotated[
        float, typer.Option(min=1, help="Seconds after which to give up while nothing more is written.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Let the state workers write all forecasts into Redis anew, and wait until they have.

    Forecasts that are there no longer are removed. Until a partition is complete again it is read from its worker.
    """
    import asyncio

    settings = load_settings()
    if settings.redis_url is None:
        raise CommandError("no Redis is used: set TIDECAST_REDIS_URL as the service has it")
    asyncio.run(_rebuild(settings, settings.redis_url.get_secret_value(), bootstrap_of(settings), within))
    sentence = f"{settings.partitions} partitions are complete in Redis"
    print_answer({"partitions": settings.partitions}, sentence, as_json=as_json)


async def _rebuild(settings: "Settings", url: str, bootstrap: str, within: float) -> None:
    """1. note where the topic ends, 2. take away the offsets, 3. wait until the workers have put back later ones."""
    from connectors.kafka.topic_ends import EndUnknownError, TopicEnds
    from connectors.online_store import OnlineStore, StoreAwayError
    from connectors.shown_urls import shown_url
    from streams.topics import Topics

    store, ends, topic = OnlineStore(url), TopicEnds(bootstrap), Topics(settings).forecasts
    try:
        wanted = {partition: await ends.end(topic, partition) for partition in range(settings.partitions)}
        await store.forget_offsets(list(wanted))
        await _wait(store, wanted, within)
    except StoreAwayError as error:
        raise CommandError(f"Redis at {shown_url(url)} does not answer: start it ({error})") from error
    except EndUnknownError as error:
        raise CommandError(f"{error}: start the broker, or correct TIDECAST_KAFKA_BOOTSTRAP") from error
    finally:
        await store.close()


async def _wait(store: "OnlineStore", wanted: Mapping[int, int], within: float) -> None:
    import asyncio

    lacking, since = dict(wanted), time.monotonic()
    while lacking:
        offsets = await store.offsets(list(lacking))
        found = {
            partition: end
            for (partition, end), offset in zip(lacking.items(), offsets, strict=True)
            if offset is None or offset < end
        }
        if len(found) < len(lacking):
            since = time.monotonic()
        lacking = found
        if lacking and time.monotonic() - since > within:
            raise CommandError(
                f"partitions {', '.join(map(str, lacking))} were not written in {within:.0f} s: see that state workers "
                "run with the same TIDECAST_REDIS_URL; they go on by themselves"
            )
        if lacking:
            await asyncio.sleep(_LOOK_S)
