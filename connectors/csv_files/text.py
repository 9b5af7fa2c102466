"""The text of an uploaded table as UTF-8 with line feeds: unpacked and decoded where the upload is not that already.

A line of the text is the same line of the file, so that messages name the lines that the uploader sees.
"""

import codecs
import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.encoding import (
    DecodeError,
    decoded,
    guess_legacy,
    guess_unicode,
    is_damaged_utf8,
    shown_encoding,
    telling_lines,
)
from connectors.table_files.reading import FIRST_BYTES, READ, UnreadableTableError, form_of, opened_as_csv
from connectors.table_files.workbooks import OLE, XLSX, is_workbook, old_workbook, other_document

__all__ = ["FIRST_BYTES", "MOST_UNPACKED", "CsvText", "is_compressed", "legacy_text", "plain_text"]

MOST_UNPACKED: Final = 4 << 30  # bytes that a compressed file may hold, where its reader sets no limit
_BLOCK: Final = 1 << 18
_SAMPLE: Final = 1 << 16
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_NOT_TEXT: Final = (  # what other files begin with, and what they are
    (b"PK\x05\x06", "an empty archive"),
    (OLE, "a spreadsheet or another Office document"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"SQLite format 3", "a SQLite database"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<?xml", "an XML document"),
    (b'{"', "JSON"),
    (b"[{", "JSON"),
)
_LONGEST_ENDING: Final = 22 + 65_535  # bytes: a zip file ends in a record of 22 bytes and a comment
_LONGEST_DIRECTORY: Final = 1 << 20
_OF_MACOS: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")  # put into archives by file managers


@dataclass(frozen=True, slots=True)
class CsvText:
    """A file with the text in UTF-8, and how it was packed and encoded before; it may have a byte order mark.

    `sheet` is the one of a workbook that was read, `told` what there is to tell of it.
    """

    path: Path
    encoding: str
    compression: str | None
    unpacked: Path  # the bytes before they were decoded, to be decoded in another way
    sheet: str | None = None
    told: tuple[str, ...] = ()


@contextmanager
def plain_text(path: Path, settings: DialectSettings, *, max_bytes: int = MOST_UNPACKED) -> Iterator[CsvText]:
    """The text of a file; what has to be made of it is gone after the block.

    Bytes that look like UTF-8 are handed on as they are, so whoever reads the whole text may still find that they are
    not: then ``legacy_text`` is to be asked. BadDatasetError names what cannot be read.
    """
    with ExitStack() as stack:
        compression = _compression(path, settings.compression)
        if settings.sheet is not None and compression != XLSX:
            raise BadDatasetError("bad_dialect", "sheet: the file is no XLSX workbook; leave the field out")
        unpacked, sheet = path, None
        told: tuple[str, ...] = ()
        if compression is not None:
            unpacked = stack.enter_context(_new_file())
            sheet, told = _unpack(path, compression, unpacked, max_bytes, settings.sheet)
        with unpacked.open("rb") as file:
            first = file.read(_SAMPLE)
        _refuse_other_kinds(first)
        found = guess_unicode(first)
        name = settings.encoding or (found[0] if found else "utf-8")
        if name in ("utf-16", "utf-32"):  # named without the order of bytes
            if found is None and b"\0" not in first:
                raise BadDatasetError(
                    "bad_dialect", f"encoding: is {name}, but the file has no NUL bytes; leave it out"
                )
            name = found[0] if found else f"{name}-le"
        if name not in ("utf-8", "utf-8-sig"):
            text = stack.enter_context(_new_file())
            _decode(unpacked, name, text, given=settings.encoding is not None)
            yield CsvText(text, shown_encoding(name), compression, unpacked)
            return
        if b"\r" in first.rstrip(b"\r") and b"\n" not in first:  # as old Macs end their lines
            text = stack.enter_context(_new_file())
            with unpacked.open("rb") as file, text.open("wb") as written:
                written.writelines(block.replace(b"\r", b"\n") for block in _blocks(file))
            unpacked = text
        yield CsvText(unpacked, "utf-8", compression, unpacked, sheet, told)


@contextmanager
def legacy_text(text: CsvText) -> Iterator[CsvText | None]:
    """The text of bytes that are not UTF-8 in the encoding that they are most likely in; None: they were UTF-8 once."""
    with text.unpacked.open("rb") as file:
        marked = file.read(3) == codecs.BOM_UTF8
        file.seek(0)
        told = telling_lines(file)
    if marked or is_damaged_utf8(told):
        yield None
        return
    name = guess_legacy(told)
    with _new_file() as made:
        _decode(text.unpacked, name, made, given=False)
        yield CsvText(made, shown_encoding(name), text.compression, text.unpacked)


@contextmanager
def _new_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tidecast-") as folder:
        yield Path(folder) / "text"


def is_compressed(first: bytes) -> bool:
    """Whether a file that begins so, eight bytes at least, is packed in a way that is read."""
    return _found(first) is not None


def _compression(path: Path, given: str | None) -> str | None:
    with path.open("rb") as file:
        first = file.read(FIRST_BYTES)
    if first.startswith(OLE):
        raise BadDatasetError("not_csv", old_workbook(path))
    found = _found(first)
    if found == "zip" and is_workbook(_names(path)):
        found = XLSX
    if given is not None and given != (found or "none"):
        is_what = f"compressed with {found}" if found else "not compressed in a way that is read"
        raise BadDatasetError("bad_dialect", f"compression: is {given}, but the file is {is_what}; leave the field out")
    return found


def _found(first: bytes) -> str | None:
    return "gzip" if first.startswith(_GZIP) else "zip" if first.startswith(_ZIP) else form_of(first)


def _refuse_other_kinds(first: bytes) -> None:
    shown = first[:100].removeprefix(codecs.BOM_UTF8).lstrip()
    for begin, what in _NOT_TEXT:
        if first.startswith(begin) or shown.lower().startswith(begin):
            raise BadDatasetError("not_csv", f"the file is {what}; upload the CSV text itself, or save it as CSV")
    if first.startswith((_GZIP, _ZIP)):
        raise BadDatasetError("not_csv", "the archive holds another archive; upload the CSV file in one of them")


def _names(path: Path) -> frozenset[str]:
    """Of an archive's files; none where it is damaged."""
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError):
        return frozenset()


def _unpack(
    path: Path, compression: str, target: Path, max_bytes: int, sheet: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """Which sheet of a workbook it is, and what there is to tell of it."""
    try:
        with _opened(path, compression, sheet) as source, target.open("wb") as written:
            size = 0
            while block := source.read(_BLOCK):
                size += len(block)
                if size > max_bytes:
                    text = f"the file holds more than {max_bytes:,} bytes once it is unpacked: send less, or raise "
                    raise BadDatasetError("too_large", f"{text}TIDECAST_MAX_UPLOAD_BYTES")
                written.write(block)
            return getattr(source, "sheet", None), getattr(source, "notes", ())
    except (zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, EOFError) as error:
        text = f"the {compression} file is damaged ({error}); pack it again, or upload the CSV text itself"
        raise BadDatasetError("damaged_archive", text) from None
    except UnreadableTableError as error:
        code = "bad_dialect" if str(error).startswith("sheet: ") else "not_csv"
        raise BadDatasetError(code, str(error)) from None
    except (RuntimeError, NotImplementedError) as error:  # a password, or a method that the standard library lacks
        text = (
            f"the {compression} file cannot be unpacked ({error}); pack it without a password, or upload the CSV text"
        )
        raise BadDatasetError("damaged_archive", text) from None


@contextmanager
def _opened(path: Path, compression: str, sheet: str | None) -> Iterator[IO[bytes]]:
    if compression == "gzip":
        with gzip.open(path, "rb") as source:
            yield cast("IO[bytes]", source)
        return
    if compression in READ:
        with opened_as_csv(path, compression, sheet) as told:
            yield cast("IO[bytes]", told)
        return
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir() and not _is_clutter(info.filename)]
        if document := other_document(names):
            raise BadDatasetError("not_csv", document)
        tables = [name for name in names if name.lower().endswith((".csv", ".tsv"))]
        if len(names) > 1 and len(tables) == 1:  # beside a text to be read first, as archives of data often have one
            names = tables
        if len(names) != 1:
            shown = ", ".join(names[:5]) + (" …" if names[5:] else "")
            text = f"the archive holds {len(names)} files ({shown}); pack the one CSV file alone"
            raise BadDatasetError("not_csv", text if names else "the archive is empty; pack the CSV file into it")
        with archive.open(names[0]) as source:
            yield source


def _check_directory(path: Path) -> None:
    """Refuse an archive whose list of contents is long: zipfile reads all of it into memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_ENDING))
        ending = file.read()
    # As zipfile looks for it: first where there is no comment, for its fields may spell the mark once more.
    plain = ending[-22:-18] == b"PK\x05\x06" and ending[-2:] == b"\0\0"
    at = len(ending) - 22 if plain else ending.rfind(b"PK\x05\x06")
    size = int.from_bytes(ending[at + 12 : at + 16], "little") if at >= 0 else 0
    if size > _LONGEST_DIRECTORY or b"PK\x06\x07" in ending[:at][-20:]:
        raise BadDatasetError("not_csv", "the archive has very many or very large files; pack the one CSV file alone")


def _is_clutter(name: str) -> bool:
    return name.startswith(_OF_MACOS[0]) or name.rpartition("/")[2] in _OF_MACOS[1:]


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _decode(source: Path, name: str, target: Path, *, given: bool) -> None:
    try:
        with source.open("rb") as file, target.open("w", encoding="utf-8", newline="") as written:
            begun = False
            for text in _with_line_feeds(decoded(_blocks(file), name)):
                written.write(text if begun else text.removeprefix("\ufeff"))
                begun = True
    except DecodeError as error:
        field = "encoding: " if given else ""
        remedy = "correct the field, or leave it out" if given else "save it as UTF-8, or name the encoding"
        text = f"{field}line {error.line}: the byte 0x{error.byte:02X} is not {shown_encoding(name)}; {remedy}"
        raise BadDatasetError("bad_encoding", text) from None


def _with_line_feeds(texts: Iterable[str]) -> Iterator[str]:
    """The texts; where carriage returns alone end the first lines (as old Macs wrote), they do so everywhere."""
    single: bool | None = None
    for text in texts:
        if single is None and "\r" in text:
            single = "\n" not in text and "\r" in text.rstrip("\r")
        yield text.replace("\r", "\n") if single else text
