"""Which files are workbooks of spreadsheets, and what to do with those that are not read."""

import mmap
from collections.abc import Collection
from pathlib import Path
from typing import Final

__all__ = ["OLE", "XLSX", "is_workbook", "old_workbook", "other_document"]

XLSX: Final = "xlsx"
OLE: Final = b"\xd0\xcf\x11\xe0"  # how a file begins that older Office programs, or a password, have made
_MAIN: Final = "xl/workbook.xml"
_BINARY: Final = "xl/workbook.bin"
_DOCUMENTS: Final = ("[Content_Types].xml", "mimetype")
_SECRET: Final = "EncryptedPackage".encode("utf-16-le")


def is_workbook(names: Collection[str]) -> bool:
    """Whether an archive of these files is an XLSX workbook (or one with macros, which are never run)."""
    return _MAIN in names and _DOCUMENTS[0] in names


def other_document(names: Collection[str]) -> str | None:
    """What an archive of these files is instead, with the remedy; None of one that is no document."""
    if _BINARY in names:
        return "the file is a binary workbook (.xlsb); save it as XLSX or CSV"
    if any(name in names for name in _DOCUMENTS):
        return "the file is a spreadsheet of another kind, or another document; save the table as XLSX or CSV"
    return None


def old_workbook(path: Path) -> str:
    """What a file that begins with OLE is, with the remedy."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(_SECRET) >= 0:
            return "the workbook is encrypted; take its password away (save it without one), or save the table as CSV"
    return "the file is a workbook of Excel 97-2003 (.xls) or another old Office document; save it as XLSX or CSV"
