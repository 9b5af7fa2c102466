"""What a sheet of a workbook holds beside values: what is hidden, cells that are errors, formulas without a value.

Read from the sheet's XML as text, piece by piece: nothing of it is resolved or kept.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from defusedxml.ElementTree import parse

__all__ = ["SheetMarks", "marks_of"]

_BLOCK: Final = 1 << 20
_LONGEST: Final = 1 << 15  # bytes of a tag or a cell with its formula, which Excel limits to 8,192 characters
_SMALL: Final = 16 << 20  # bytes of the list of sheets
_NS: Final = rb"(?:\w{1,99}:)?"
# No run goes beyond the next tag, and no two of unlimited length stand side by side: each place is looked at once.
_HIDDEN: Final = re.compile(rb"<" + _NS + rb"(row|col)\b[^<>]*?\bhidden=[\"'](?:1|true)[\"'][^<>]*>")
_FAILED: Final = re.compile(rb"<" + _NS + rb"c\b[^<>]*?\bt=[\"']e[\"'][^<>]*>")
_UNVALUED: Final = re.compile(
    rb"<%(ns)sc\b([^<>]*)>%(s)s(?:<%(ns)sf\b[^<>]*/>|<%(ns)sf\b[^<>]*>[^<]*</%(ns)sf>)%(s)s"
    rb"(?:<%(ns)sv%(s)s/>|<%(ns)sv>%(s)s</%(ns)sv>)?%(s)s</%(ns)sc>" % {b"ns": _NS, b"s": rb"\s{0,99}"}
)
_IS_TEXT: Final = re.compile(rb"\bt=[\"']str[\"']")  # its value may be the empty text
_NUMBER: Final = re.compile(rb"\b(r|min|max)=[\"'](\d{1,7})[\"']")
_RELATIONS: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class SheetMarks:
    """Numbers from 1 of hidden rows and columns; how many cells are errors, and formulas without a value."""

    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    errors: int = 0
    unvalued: int = 0


def marks_of(path: str, sheet: str) -> SheetMarks:
    """Of the sheet with this name; none where its XML is not found."""
    with zipfile.ZipFile(path) as archive:
        member = _member(archive, sheet)
        if member is None:
            return SheetMarks()
        with archive.open(member) as file:
            return _marks(file)


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of the file of a sheet."""
    names = archive.namelist()
    books = [name for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels") if name in names]
    if len(books) < 2 or any(archive.getinfo(name).file_size > _SMALL for name in books):
        return None
    trees = []
    for name in books:
        with archive.open(name) as file:
            trees.append(parse(file).getroot())
    book, relations = trees
    found = [it.get(_RELATIONS) for it in book.iter() if it.tag.endswith("}sheet") and it.get("name") == sheet]
    targets = [it.get("Target", "") for it in relations if found and it.get("Id") == found[0]]
    if not targets:
        return None
    member = str(PurePosixPath("xl", targets[0])).removeprefix("/")
    return member if member in names else None


def _marks(file: IO[bytes]) -> SheetMarks:
    rows: list[int] = []
    columns: list[int] = []
    errors = unvalued = 0
    for piece in _pieces(file):
        for match in _HIDDEN.finditer(piece):
            numbers = {name: int(number) for name, number in _NUMBER.findall(match[0])}
            if match[1] == b"row":
                rows += [numbers[b"r"]] if b"r" in numbers else []
            elif b"min" in numbers and b"max" in numbers:
                columns += range(numbers[b"min"], min(numbers[b"max"], 16_384) + 1)
        errors += sum(1 for _ in _FAILED.finditer(piece))
        unvalued += sum(not _IS_TEXT.search(match[1]) for match in _UNVALUED.finditer(piece))
    return SheetMarks(tuple(rows), tuple(columns), errors, unvalued)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The text in pieces that end where a cell or a row ends, as far as these are no longer than they may be."""
    left = b""
    while block := file.read(_BLOCK):
        data = left + block
        end = max(data.rfind(b"</c>"), data.rfind(b"<row"), data.rfind(b":c>"), data.rfind(b":row "))
        cut = end if end > 0 else max(0, len(data) - _LONGEST)
        if data.startswith(b"</c>", cut):
            cut += 4
        yield data[:cut]
        left = data[cut:]
    yield left
