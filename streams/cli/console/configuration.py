"""The settings as the commands read them: a wrong value is said in words."""

# ruff: noqa: PLC0415  # pydantic takes longer to load than `tidecast --help` may last

import os
from typing import TYPE_CHECKING, Any, get_args

from streams.cli.console.failure import CommandError, did_you_mean

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["load_settings", "unknown_variables"]

_PREFIX = "TIDECAST_"


def load_settings() -> "Settings":
    """The settings of this process; CommandError names the variables with wrong values."""
    from pydantic import ValidationError

    from streams.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        raise CommandError("\n".join(_wrong(Settings, fault) for fault in error.errors())) from None


def unknown_variables() -> list[str]:
    """A sentence for every variable that looks like a setting and is none: a misspelt one has no effect."""
    from streams.settings import Settings

    known = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    return [
        f"{name} is set, but there is no such setting{did_you_mean(name, known) or '.'}"
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name not in known
    ]


def _wrong(settings: type["Settings"], fault: Any) -> str:
    from pydantic import SecretStr

    from connectors.shown_urls import shown_url
    from streams.settings import SecretUrl

    message: str = fault["msg"].removeprefix("Value error, ")  # pydantic's own words for a validator's
    if not fault["loc"]:  # of several settings together: it names them itself
        return message
    field = str(fault["loc"][0])
    about = settings.model_fields[field]
    kinds = get_args(about.annotation)
    given = fault["input"]
    if SecretStr in kinds or (SecretUrl in kinds and "://" not in str(given)):  # no address: it may be a password
        given = "…"
    elif SecretUrl in kinds:
        given = shown_url(str(given))
    default = "" if about.default is None or about.default_factory else f" Default: {about.default}"
    return (
        f"{_PREFIX}{field.upper()}={given} is wrong: {message[0].lower()}{message[1:]}. "
        f"Correct the variable, or unset it. ({about.description}{default})"
    )
