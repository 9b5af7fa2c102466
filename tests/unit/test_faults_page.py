"""The page of faults names every case of the fault suite, and no test that is not there."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
_NAME: Final = re.compile(r"(?P<file>(?:tests/[\w/]+/)?test_\w+\.py|…)?(?:::|…_)?(?P<test>[\w…]*)(?:\[.*\])?")


def _tests(file: Path) -> list[str]:
    return re.findall(r"^ *(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)


def _named() -> list[tuple[Path, str]]:
    """Each file and test of the table of cases; `…` stands for some letters, or for the file that was named before."""
    table = (ROOT / "docs/faults.md").read_text("utf-8").split("## Cases")[1].split("\n## ")[0]
    named: list[tuple[Path, str]] = []
    for row in re.findall(r"^\|.*\|([^|]*)\|$", table, re.MULTILINE):
        file = Path()
        for code in re.findall(r"`([^`]*test_[^`]*|…[^`]*)`", row):
            name = _NAME.fullmatch(code)
            assert name is not None, f"docs/faults.md: {code} is no name of a test"
            if name["file"] and name["file"] != "…":
                file = ROOT / name["file"] if "/" in name["file"] else ROOT / "tests/faults" / name["file"]
            named.append((file, name["test"].replace("…", "*") or "*"))
    return named


NAMED: Final = _named()
# The judges' own tests are no cases.
CASES: Final = sorted({*(ROOT / "tests/faults").glob("test_*.py")} - {*(ROOT / "tests/faults").glob("test_*judge.py")})


@pytest.mark.parametrize("file", CASES, ids=lambda it: it.stem)
def test_every_case_is_named(file: Path) -> None:
    patterns = [pattern for path, pattern in NAMED if path == file]
    missing = [test for test in _tests(file) if not any(fnmatchcase(test, f"*{one}") for one in patterns)]

    assert not missing, f"docs/faults.md does not name {missing} of {file.name}"


@pytest.mark.parametrize(
    ("file", "pattern"), NAMED, ids=[f"{file.stem}-{pattern.replace('*', '')}" for file, pattern in NAMED]
)
def test_what_is_named_is_there(file: Path, pattern: str) -> None:
    assert file.is_file(), f"docs/faults.md names {file}, which is not there"
    assert any(fnmatchcase(test, f"*{pattern}") for test in _tests(file)), f"{file.name} has no {pattern}"
