"""The file that is to be forecast, as far as it is looked at before it is sent."""

from pathlib import Path

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.inspection import opened_csv
from connectors.wide_files.reading import MOST_COLUMNS
from streams.cli.console.failure import CommandError
from streams.cli.forecasting.wording import in_options

__all__ = ["header_of"]


def header_of(file: Path, dialect: DialectSettings, *, wide: bool = False) -> tuple[str, ...]:
    """The labels of a file that is sound, many of a `wide` one; CommandError where it is not, or a setting is wrong."""
    most = {"max_columns": MOST_COLUMNS} if wide else {}
    try:
        with opened_csv(file, dialect, **most) as table:
            return table.facts.header
    except BadDatasetError as error:
        text = in_options(error.message)
        raise CommandError(text if text.startswith("--") else f"{file}: {text}") from None
    except OSError as error:
        raise CommandError(f"FILE {file} cannot be read: {error.strerror}; correct the path") from None
