"""Text that spreadsheets show and do not run."""

import re
from typing import Final

__all__ = ["safe_cell"]

# CWE-1236: a spreadsheet takes a cell that begins so for a formula; the full-width forms count as well.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")  # noqa: RUF001  # full-width
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run: an apostrophe before what it takes for a formula.

    Numbers, negative ones too, stay as they are.
    """
    if text.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(text.strip()):
        return f"'{text}"
    return text
