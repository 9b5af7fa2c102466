"""The rooms: what each lets others use, and how large folders and modules are. What may import what: `make lint`."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import streams

ROOT = Path(streams.__file__).parents[1]
FLOORS = ("schemas", "models", "connectors", "streams", "agents")
# Rooms of rooms, whose own names stand for what lies in them.
NESTED = ("models.deepar",)


@cache
def modules() -> dict[str, Path]:
    files = (path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def imported_by(module: str) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules() else node.module for name in whole}
    return frozenset(found & modules().keys())


def rooms() -> list[str]:
    packages = (name for name, path in modules().items() if path.name == "__init__.py" and "." in name)
    return sorted(name for name in packages if name not in ("streams.cli", "streams.systems"))


@pytest.mark.parametrize("room", rooms())
def test_others_use_of_a_room_what_it_says(room: str) -> None:
    """So that the rest of it can be changed without a look around."""
    words = ast.get_docstring(ast.parse(modules()[room].read_text("utf-8"))) or ""
    said = set(re.findall(r"`([a-z_]+)(?:\.\w+)?`", words.partition("Others use ")[2]))
    others = (name for name in modules() if name != room and not name.startswith(f"{room}."))
    used = {
        each.removeprefix(f"{room}.") for other in others for each in imported_by(other) if each.startswith(f"{room}.")
    }
    if room in NESTED or any(f"{room}.{name}".count(".") > room.count(".") + 1 for name in used):
        used = {name.partition(".")[0] for name in used}

    assert used <= said
    assert {name for name in said if f"{room}.{name}" not in modules()} <= {"attach"}


def test_no_folder_has_more_than_fifteen_modules() -> None:
    """What is more is two rooms."""
    folders = {path.parent for path in modules().values()}
    large = {
        str(folder.relative_to(ROOT)): len(own)
        for folder in folders
        if len(own := [path for path in folder.glob("*.py") if path.name != "__init__.py"]) > 15
    }

    assert large == {}


def test_a_module_of_more_than_300_lines_says_why() -> None:
    """In its docstring."""
    long = [
        name
        for name, path in modules().items()
        if len((text := path.read_text("utf-8")).splitlines()) > 300
        and "Longer than a module should be:" not in (ast.get_docstring(ast.parse(text)) or "")
    ]

    assert long == []


def test_no_module_of_tests_has_more_than_500_lines() -> None:
    """What is more is two behaviours; what both need lies beside them, in `…_samples.py` or `conftest.py`."""
    files = (ROOT / "tests").rglob("*.py")
    long = [str(path.relative_to(ROOT)) for path in files if len(path.read_text("utf-8").splitlines()) > 500]

    assert long == []
