"""`tidecast dead-letters`: what could not be read or applied, why, and its way back."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import PARTLY, CommandError
from streams.cli.console.listing import AsJson, print_json
from streams.cli.console.options import argument
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.running import bootstrap_of

if TYPE_CHECKING:
    from connectors.kafka.topic_reader import StoredRecord
    from streams.engine.letters import Letter
    from streams.settings import Settings

__all__ = ["register"]

_NEWEST = 50  # shown by `list`: a screen
_LONGEST_ERROR = 160  # characters of it in the list; `show` has the whole
_HEX_BYTES, _HEX_WIDTH = 256, 16
_ITEMS_SHOWN = 12  # of a long array in an event
_DELIVERED_WITHIN = timedelta(seconds=30)  # somebody waits at the terminal

_Id = Annotated[str, argument(metavar="ID", help="PARTITION-OFFSET, as `list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="What could not be read or applied: list it, look at it, send it again.", no_args_is_help=True
    )
    group.command("list", epilog="Example: tidecast dead-letters list --all")(list_letters)
    group.command("show", epilog="Example: tidecast dead-letters show 2-15")(show)
    group.command("requeue", epilog="Example: tidecast dead-letters requeue 2-15 2-16")(requeue)
    app.add_typer(group, name="dead-letters")


def list_letters(
    *,
    everything: Annotated[bool, typer.Option("--all", help=f"Not only the newest {_NEWEST}.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters, oldest first."""
    from connectors.kafka.topic_reader import read_topic

    settings = load_settings()
    topic = _topic(settings)
    with _broker_errors(settings):
        newest = None if everything else _NEWEST
        found = read_topic(bootstrap_of(settings), topic, newest=newest)
        letters = sorted(map(_about, found), key=lambda letter: letter[0])
    shown = letters[-newest:] if newest else letters
    if as_json:
        print_json([_fields(letter) for _, letter in shown])
        return
    if not letters:
        output().print("no dead letters")
        return
    table = Table("id", "time (UTC)", "topic", "error", box=box.SIMPLE_HEAD, pad_edge=False)
    for _, letter in shown:
        error = letter.error
        short = error if len(error) <= _LONGEST_ERROR else f"{error[:_LONGEST_ERROR]}…"
        table.add_row(letter.letter_id, _time(letter.at_ms), one_line(letter.topic), Text(one_line(short)))
    if newest and len(letters) > newest:
        table.caption = f"the newest {newest}; --all lists every one"
    output().print(table)


def show(letter_id: _Id, *, as_json: AsJson = False) -> None:
    """Show one dead letter: where it came from, why it is here, the event, its bytes."""
    settings = load_settings()
    record = _letter(settings, letter_id)
    if as_json:
        print_json(_document(settings, record))
        return
    console = output()
    about = Table.grid(padding=(0, 2))
    about.add_row("id", letter_id)
    about.add_row("time", f"{_time(record.timestamp_ms)} UTC")
    about.add_row("key", Text(_readable(record.key)))
    for name, value in record.headers:
        about.add_row(one_line(name), Text(_readable(value)))
    console.print(about)
    console.print()
    if record.value is None:
        console.print("no value (tombstone)")
        return
    event, reason = _decoded(settings, record.value)
    if event is None:
        console.print(Text(f"not decodable: {one_line(reason)}"))
    else:
        from rich.pretty import Pretty

        console.print(Pretty(event, max_length=_ITEMS_SHOWN, max_string=200, expand_all=False))
    console.print()
    shown = min(len(record.value), _HEX_BYTES)
    console.print(f"{len(record.value)} bytes" + ("" if shown == len(record.value) else f", the first {shown}:"))
    console.print(_hex(record.value[:shown]), soft_wrap=True)


def requeue(
    letter_ids: Annotated[list[str], argument(metavar="ID...", help="PARTITION-OFFSET, as `list` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, byte for byte, to the topic they came from; each is acknowledged by the broker.

    Do so after the cause is mended: what still cannot be applied becomes a new dead letter. Commands have ids, so a
    command that was applied in the meantime has no second effect. The old entries stay until they expire.
    """
    from connectors.kafka.publisher import DeliveryError, MessageTooLargeError, Publisher
    from streams.engine.letters import StrayLetterError, sent_again
    from streams.topics import Topics

    settings = load_settings()
    known = {spec.name for spec in Topics(settings).all} - {_topic(settings)}
    records = []
    for letter_id in dict.fromkeys(letter_ids):  # each once
        try:
            records.append((letter_id, sent_again(_letter(settings, letter_id), known)))
        except StrayLetterError as error:
            raise CommandError(str(error)) from error
    publisher = Publisher(
        bootstrap_of(settings),
        client_id="tidecast-cli",
        max_message_bytes=settings.max_message_bytes,
        delivery_timeout=_DELIVERED_WITHIN,
    )
    sent = []
    try:
        for letter_id, record in records:
            publisher.enqueue([record]).result()
            sent.append({"id": letter_id, "topic": record.topic})
            if not as_json:
                output().print(f"{letter_id} sent to {record.topic}", soft_wrap=True)
    except MessageTooLargeError as error:
        raise CommandError(
            f"{letter_id} was not sent, {error}: set TIDECAST_MAX_MESSAGE_BYTES as the service has it",
            status=PARTLY if sent else 1,
        ) from error
    except DeliveryError as error:
        raise CommandError(
            f"{letter_id} was not taken by the broker, {error}: try again", status=PARTLY if sent else 1
        ) from error
    finally:
        _close(publisher)
        if as_json:  # also of a part
            print_json({"sent": sent})


def _close(publisher: Any) -> None:
    import asyncio

    asyncio.run(publisher.close())


def _topic(settings: "Settings") -> str:
    from streams.topics import Topics

    return Topics(settings).dead_letters


@contextmanager
def _broker_errors(settings: "Settings") -> Iterator[None]:
    from connectors.kafka.admin import BrokerUnreachableError
    from connectors.kafka.topic_reader import TopicMissingError

    try:
        yield
    except BrokerUnreachableError as error:
        raise CommandError(str(error)) from error
    except TopicMissingError as error:
        raise CommandError(
            f"{error}: compare TIDECAST_TOPIC_PREFIX ({settings.topic_prefix}) with the service's"
        ) from error


def _letter(settings: "Settings", letter_id: str) -> "StoredRecord":
    from connectors.kafka.topic_reader import read_record
    from streams.engine.letters import place_of

    place = place_of(letter_id)
    if place is None:
        raise CommandError(
            f"{letter_id} is no dead letter's id: {command_line('dead-letters list')} shows them, such as 2-15"
        )
    with _broker_errors(settings):
        record = read_record(bootstrap_of(settings), _topic(settings), *place)
    if record is None:
        raise CommandError(
            f"there is no dead letter {letter_id}: it never was, or was kept for "
            f"{settings.dead_letter_retention_days} days and has gone; "
            f"{command_line('dead-letters list')} shows what is there"
        )
    return record


def _decoded(settings: "Settings", value: bytes) -> tuple[Any, str]:
    """The event, or None and the reason."""
    from schemas.coding.codec import Codec
    from schemas.coding.wire import UndecodableError

    codec = Codec()
    if settings.registry_url is not None:
        from connectors.registry_error import RegistryError
        from connectors.schema_registry import read_registry
        from streams.topics import Topics, record_subjects

        try:
            codec = read_registry(settings.registry_url.get_secret_value(), record_subjects(Topics(settings)))
        except RegistryError as error:
            notices().print(str(error), style="yellow", soft_wrap=True)
    try:
        return codec.decode(value), ""
    except UndecodableError as error:
        return None, str(error)


def _about(record: "StoredRecord") -> tuple[tuple[int, int, int], "Letter"]:
    """Its place in the list, and what the list shows of it; not its value, which may be large."""
    from streams.engine.letters import letter_of

    return (record.timestamp_ms, record.partition, record.offset), letter_of(record)


def _fields(letter: "Letter") -> dict[str, Any]:
    """As `GET /dead-letters` has them."""
    fields = letter._asdict()
    return {"id": fields.pop("letter_id"), "time": fields.pop("at_ms"), **fields}


def _document(settings: "Settings", record: "StoredRecord") -> dict[str, Any]:
    """As `GET /dead-letters/{id}` has it, but whole, with all headers, and the bytes as they are."""
    from base64 import b64encode
    from dataclasses import asdict

    event, reason = (None, "it has no value") if record.value is None else _decoded(settings, record.value)
    return {
        **_fields(_about(record)[1]),
        "headers": {name: _as_text(value) for name, value in record.headers},
        "event_type": None if event is None else type(event).__name__,
        "event": None if event is None else _plain(asdict(event)),
        "problem": reason or None,
        "value": None if record.value is None else b64encode(record.value).decode("ascii"),
    }


def _plain(value: Any) -> Any:
    """For JSON, which has neither bytes nor numbers that are none."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # an array
        return _plain(value.tolist())
    return value if value is None or isinstance(value, str | int) else _as_text(value)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _readable(data: bytes | None) -> str:
    return "none" if data is None else one_line(_as_text(data))


def _as_text(data: Any) -> str:
    return data.decode("utf-8", "backslashreplace") if isinstance(data, bytes) else str(data)


def _hex(data: bytes) -> str:
    lines = []
    for start in range(0, len(data), _HEX_WIDTH):
        part = data[start : start + _HEX_WIDTH]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:06x}  {part.hex(' '):<{3 * _HEX_WIDTH}} {text}")
    return "\n".join(lines)
