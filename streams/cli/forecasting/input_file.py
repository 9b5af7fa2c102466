"""The file that is to be forecast, as far as it is looked at before it is sent."""

from pathlib import Path

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.inspection import opened_csv
from streams.cli.console.failure import CommandError
from streams.cli.forecasting.planning import in_options

__all__ = ["header_of"]


def header_of(file: Path, dialect: DialectSettings) -> tuple[str, ...]:
    """The labels of a file that is sound; CommandError where it is not, or where a setting is wrong."""
    try:
        with opened_csv(file, dialect) as table:
            return table.facts.header
    except BadDatasetError as error:
        text = in_options(error.message)
        raise CommandError(text if text.startswith("--") else f"{file}: {text}") from None
    except OSError as error:
        raise CommandError(f"FILE {file} cannot be read: {error.strerror}; correct the path") from None
