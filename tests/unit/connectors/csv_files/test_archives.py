"""Archives that list very many files: zipfile would read the whole list into memory, however the ending is forged."""

import struct
import zipfile
from pathlib import Path

import pytest

from connectors.csv_files.inspection import BadDatasetError, opened_csv

_MARK = b"PK\x05\x06"


def archive(names: int, disks: bytes, comment: bytes) -> bytes:
    """So many empty files that share one place; `disks` are the four bytes that follow the ending's mark."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    listed = b"".join(entry + b"%08d" % number for number in range(names))
    ending = _MARK + disks + struct.pack("<HHIIH", names, names, len(listed), 4, len(comment)) + comment
    return b"PK\x03\x04" + listed + ending


@pytest.mark.parametrize(
    ("disks", "comment"),
    [(bytes(4), b""), (_MARK, b""), (bytes(4), b"of " + b"x" * 1000)],
    ids=["plain", "the mark once more", "a comment"],
)
def test_a_long_list_of_files_is_refused_before_it_is_read(tmp_path: Path, disks: bytes, comment: bytes) -> None:
    """The ending is found where zipfile finds it."""
    path = tmp_path / "many.zip"
    path.write_bytes(archive(2, disks, comment))
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == ["00000000", "00000001"]

    path.write_bytes(archive(30_000, disks, comment))
    with pytest.raises(BadDatasetError, match="very many or very large files"), opened_csv(path):
        pass
