"""What the engine uses of Faust, mode and aiokafka that they keep to themselves, and the table that lists it.

An upgrade of one of the three is a walk through docs/engine-internals.md; so the table must have every such name.
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import streams

ROOT = Path(streams.__file__).parents[1]
ROOMS = ("streams/engine", "streams/rows")
PACKAGES = ("aiokafka", "faust", "mode")
TABLE = ROOT / "docs" / "engine-internals.md"
ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<whose>\w+) \| (?P<where>[^|]+) \| (?P<why>[^|]+) \|$", re.MULTILINE)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_replace"  # a named tuple's, public


def foreign_bases(module: str, name: str) -> list[type]:
    made = getattr(importlib.import_module(module), name)
    return [base for base in inspect.getmro(made) if base.__module__.partition(".")[0] in PACKAGES]


def names_of(node: ast.ClassDef) -> set[str]:
    """What a class defines: its methods and constants, and what it sets on itself."""
    own = {each.name for each in ast.walk(node) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    for each in ast.walk(node):
        targets = (
            each.targets if isinstance(each, ast.Assign) else [each.target] if isinstance(each, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                own.add(target.id)
            elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                own.add(target.attr)
    return own


@cache
def defined_by(base: type) -> set[str]:
    """What a class of another package defines, be it in the class or on its instances."""
    source = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
    assert isinstance(source, ast.ClassDef)
    return names_of(source) | set(vars(base))


def used_in(path: Path) -> Iterator[str]:
    """Private names of others: reached into, inherited, replaced, or imported."""
    tree = ast.parse(path.read_text("utf-8"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    own_classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    of_ours = set().union(*(names_of(node) for node in own_classes)) if own_classes else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
            yield from (alias.name for alias in node.names if is_private(alias.name))
        elif (
            isinstance(node, ast.Attribute)
            and is_private(node.attr)
            and node.attr not in of_ours
            and ast.unparse(node.value) not in ("self", "cls")
        ):
            yield node.attr
    for node in own_classes:
        bases = foreign_bases(module, node.name)
        theirs = set().union(*map(defined_by, bases))
        own = names_of(node)
        yield from (name for name in own & theirs if is_private(name))
        if bases:
            yield from (
                each.attr
                for each in ast.walk(node)
                if isinstance(each, ast.Attribute)
                and is_private(each.attr)
                and ast.unparse(each.value) in ("self", "super()")
                and (each.attr not in own or each.attr in theirs)
            )


@cache
def used() -> set[tuple[str, str]]:
    modules = (path for room in ROOMS for path in (ROOT / room).glob("*.py"))
    return {(f"{path.parent.name}/{path.stem}", name) for path in modules for name in used_in(path)}


def listed() -> set[tuple[str, str]]:
    rows = ROW.finditer(TABLE.read_text("utf-8"))
    return {(where.strip(" `"), row["name"]) for row in rows for where in row["where"].split(",")}


def test_the_table_has_every_internal_that_is_used_and_no_other() -> None:
    """By module and name, so that whoever upgrades finds where to look."""
    assert used() - listed() == set()
    assert listed() - used() == set()


@pytest.mark.parametrize("package", ["aiokafka", "faust-streaming", "mode-streaming"])
def test_the_three_are_pinned_to_the_version_that_the_table_is_of(package: str) -> None:
    """A private name may go with any release."""
    pinned = re.search(rf'"{package}(?:\[[^]]*\])?==([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf-8"))

    assert pinned is not None
    assert f"{package} {pinned[1]}" in TABLE.read_text("utf-8")
    assert f"\n{package}=={pinned[1]} " in (ROOT / "requirements.lock").read_text("utf-8")
