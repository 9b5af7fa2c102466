"""Each file of tests/cases, which somebody's real file or report has led to, is tried by a test that has its number."""

import re
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
NUMBERS: Final = sorted(file.stem for file in (TESTS / "cases").glob("*.csv"))
NAMED: Final = frozenset(
    number
    for file in TESTS.rglob("test_*.py")
    for found in re.findall(
        r"\bdef test_((?:[A-Z]\d\d_)+)|pytest\.param\(\"([A-Z]\d\d)\"|\(\"([A-Z]\d\d)\",", file.read_text("utf-8")
    )
    for number in "_".join(found).split("_")
)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_case_is_a_test_by_its_number(number: str) -> None:
    assert number in NAMED, f"tests/cases/{number}.csv: no test is called test_{number}_…, nor has it as a parameter"
