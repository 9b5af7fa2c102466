"""The settings as the commands read them: a wrong value is said in words."""

# ruff: noqa: PLC0415  # pydantic takes longer to load than `tidecast --help` may last

from typing import TYPE_CHECKING

from streams.cli.failure import CommandError

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["load_settings"]


def load_settings() -> "Settings":
    """The settings of this process; CommandError names the variable with a wrong value."""
    from pydantic import ValidationError

    from streams.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise CommandError(
            f"setting TIDECAST_{name}: {first['msg']} (got {first['input']!r}); `tidecast settings --help` tells more"
        ) from None
