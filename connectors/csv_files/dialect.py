"""How a CSV file is written: what its uploader said of it, and what it was found to be."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Protocol

from connectors.timestamps.formats import BadFormatError, check_format

__all__ = ["RFC4180", "BadDatasetError", "CsvRows", "Dialect", "DialectSettings", "checked", "csv_rows", "facts_of"]

_WORDS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "bar": "|", "space": " "}
_NONE: Final = ("", "none")  # a form has no other way to say that there is none
_MOST_SKIPPED: Final = 1_000  # lines above a header; a file with more is no table with a heading
# What Python calls an encoding may be something else (hex, zip) or need the whole text (utf-7, idna).
_ENCODINGS: Final = re.compile(
    r"ascii|utf-8|utf-8-sig|utf-(?:16|32)(?:-[bl]e)?|iso8859-\d+|cp\d+|gbk|gb2312|gb18030|big5|big5hkscs|shift_jis|"
    r"shift_jis(?:x0213|_2004)|euc_jp|euc_jis_2004|euc_jisx0213|euc_kr|iso2022_(?:jp|kr)|johab|hz|"
    r"koi8-[rut]|mac-[a-z]+|ptcp154|kz1048|tis-620|hp-roman8"
)


class BadDatasetError(ValueError):
    """A file or a name that cannot become a dataset: ``code`` is a slug, ``message`` says the place and the remedy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class DialectSettings:
    """What the uploader says of the file; None is found out.

    ``quote``, ``thousands`` and ``compression`` are ``none`` where there is none. ``ignored_columns`` are the last
    ones. ``sheet`` is the name of a workbook's. ``series_columns`` are a series each (`connectors.wide_files`); none of
    them are all but the first column.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    skipped_lines: int | None = None
    compression: str | None = None
    ignored_columns: tuple[int, ...] | None = None
    timestamp_format: str | None = None
    sheet: str | None = None
    series_columns: tuple[int, ...] | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the fields that are set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, by default as RFC 4180 says, in UTF-8.

    ``skipped_lines`` lie above the header. ``ignored_columns`` are the last ones, without a name and empty. ``given``
    names the fields that the uploader has set; the others were found. ``timestamp_format`` is only ever given: how
    timestamps are written is found when their column is chosen. ``sheet`` is the one of a workbook that was read.
    Of ``series_columns`` the text has a row for each value, and the separators are those of this text.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    decimal: str = "."
    thousands: str | None = None
    skipped_lines: int = 0
    compression: str | None = None
    ignored_columns: tuple[int, ...] = ()
    timestamp_format: str | None = None
    sheet: str | None = None
    series_columns: tuple[int, ...] | None = None
    given: tuple[str, ...] = ()


def facts_of(dialect: Dialect) -> dict[str, Any]:
    """Its fields by name, without those of workbooks and wide files where it is of neither."""
    fields = asdict(dialect)
    return {name: value for name, value in fields.items() if value or name not in ("sheet", "series_columns")}


RFC4180: Final = Dialect()
"""As every file was written before other ways were read."""


class CsvRows(Protocol):
    """Python's reader: rows, and how many lines have been read for them."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def csv_rows(text: Iterable[str], dialect: Dialect, *, strict: bool = True, blanks: bool = True) -> CsvRows:
    """Python's reader of a text of this dialect; without ``blanks`` those behind separators do not count."""
    if dialect.quote is None:
        return csv.reader(
            text, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=not blanks, strict=strict
        )
    return csv.reader(
        text, delimiter=dialect.delimiter, quotechar=dialect.quote, skipinitialspace=not blanks, strict=strict
    )


def checked(settings: DialectSettings) -> DialectSettings:
    """The settings with words turned into the characters that they stand for; BadDatasetError names a wrong field."""
    made = replace(
        settings,
        encoding=_encoding(settings.encoding),
        delimiter=_one_of_many(settings.delimiter),
        quote=_choice("quote", settings.quote, ('"', "'", "none")),
        decimal=_choice("decimal", settings.decimal, (".", ",")),
        thousands=_choice("thousands", _blank(settings.thousands), (",", ".", " ", "'", "none")),
        compression=_choice("compression", settings.compression, ("gzip", "zip", "parquet", "arrow", "xlsx", "none")),
    )
    if made.decimal is not None and made.decimal == made.thousands:
        raise _wrong("thousands", f'is "{made.thousands}", as decimal is; one character cannot be both')
    if made.delimiter is not None and made.delimiter == made.quote:
        raise _wrong("delimiter", f"is {made.delimiter}, as quote is; one character cannot be both")
    if made.skipped_lines is not None and not 0 <= made.skipped_lines <= _MOST_SKIPPED:
        raise _wrong("skipped_lines", f"is {made.skipped_lines}, expected 0 to {_MOST_SKIPPED:,}")
    if made.timestamp_format is not None:
        try:
            check_format(made.timestamp_format)
        except BadFormatError as error:
            raise _wrong("timestamp_format", str(error)) from None
    if made.ignored_columns is not None and any(index < 0 for index in made.ignored_columns):
        raise _wrong("ignored_columns", "has a negative number; columns count from 0")
    chosen = made.series_columns or ()
    if any(index < 0 for index in chosen) or len(set(chosen)) < len(chosen):
        raise BadDatasetError("bad_dialect", "series_columns: name each column once, by its number from 0")
    return made


def _wrong(field: str, text: str) -> BadDatasetError:
    return BadDatasetError("bad_dialect", f"{field}: {text}; leave the field out to have it found")


def _encoding(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        found = ""
    if not _ENCODINGS.fullmatch(found):
        raise _wrong("encoding", f'there is no text encoding "{name[:40]}"; write utf-8, utf-16, windows-1252, gbk …')
    return found


def _one_of_many(delimiter: str | None) -> str | None:
    if not delimiter:
        return None
    found = _WORDS.get(delimiter.lower(), delimiter)
    if len(found) != 1 or not found.isascii() or found.isalnum() or found in "\r\n\0.-+_":
        raise _wrong("delimiter", f'is "{delimiter[:20]}", expected one character such as , ; | or tab')
    return found


def _blank(thousands: str | None) -> str | None:
    """Any blank stands for all of them."""
    return " " if thousands is not None and (thousands == "space" or (thousands and thousands.isspace())) else thousands


def _choice(field: str, value: str | None, choice: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    found = "none" if value.lower() in _NONE and "none" in choice else value
    if found == "":  # an empty field of a form is one that was not filled in
        return None
    if found not in choice:
        shown = ", ".join(f'"{one}"' if len(one) == 1 else one for one in choice)
        raise _wrong(field, f'is "{value[:20]}", expected one of {shown}')
    return found
