"""What every command must be, whoever sends it and over which topic; HTTP holds to the same bounds."""

from typing import Any, Final

from streams.errors import RejectedError

__all__ = ["check_command", "check_text", "time_of"]

_LONGEST_ID: Final = 255  # characters, as an Idempotency-Key; ids are kept in rows and repeated in answers
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # seconds: the years 1 to 9999, which a time can be shown of


def check_command(message: Any, command: Any) -> None:
    """RejectedError where the command's id cannot be kept, or the record's time cannot be shown."""
    check_text("command_id", command.command_id)
    if not _EARLIEST <= message.timestamp <= _LATEST:
        raise RejectedError(
            400,
            "wrong_time",
            f"the record's timestamp, {time_of(message)} ms, is not within the years 1 to 9999: let the "
            "producer send the time now",
        )


def check_text(field: str, text: str, *, longest: int = _LONGEST_ID) -> None:
    """RejectedError where an id is too long to be repeated in whatever comes of it."""
    if len(text) > longest:
        raise RejectedError(400, "id_too_long", f"{field}: has {len(text)} characters, at most {longest} are allowed")


def time_of(message: Any) -> int:
    """When the log got a message, in milliseconds: what is kept of it is the same after a replay."""
    return round(message.timestamp * 1000)
