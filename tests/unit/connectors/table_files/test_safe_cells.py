"""Text that spreadsheets show and do not run."""

import pytest

from connectors.table_files.safe_cells import safe_cell


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-cmd", "\t=1", "\r=1", " =1", "＝1", "|x", "%x"])  # noqa: RUF001
def test_a_formula_is_made_a_text(text: str) -> None:
    """A spreadsheet shows it and does not run it (CWE-1236)."""
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+2.5", "-1e-3", "-.5", "a=1", "", "EWR", "größe"])
def test_other_texts_stay(text: str) -> None:
    """Numbers too, negative ones included."""
    assert safe_cell(text) == text
