"""The folders of the object store: what lies in each is made by code that names it, and kept from others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from agents.versions.outcomes import checkpoint_key
from connectors.datasets.incoming import incoming_key
from connectors.objects import layout
from connectors.objects.endpoints import model_key
from connectors.objects.keys import check_key
from connectors.objects.layout import FOLDERS, Folder, Who
from connectors.objects.model_files import model_file
from connectors.objects.store import ObjectStore
from connectors.schema_registry import IdNote

ROOT = Path(connectors.__file__).parents[1]
USERS = {"uploads", "outputs"}
OWN = [folder for folder in FOLDERS if folder.name not in USERS | {"producer"}]


def spelt(path: Path) -> Iterator[str]:
    """The texts of a module that are not its docstrings; of f-strings their constant parts."""
    tree = ast.parse(path.read_text("utf-8"))
    words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words:
            yield node.value


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_can_be_that_of_a_key(folder: Folder) -> None:
    """And none is spelt twice."""
    check_key(folder.key("x", 1))
    assert folder.key("x", 1) == f"{folder.name}/x/1"
    assert folder.key("x") in folder
    assert folder.name + "x/y" not in folder
    assert layout.folder_of(folder.key("x")) is folder


@pytest.mark.parametrize("folder", OWN, ids=lambda folder: folder.name)
def test_what_is_the_services_own_is_read_and_written_by_nobody_else(folder: Folder) -> None:
    """Whether its folder is named, or what is in it."""
    for key in (folder.name, folder.key("x"), folder.key("x", "y")):
        assert layout.is_own(key)
        for who in (Who.USER, Who.PRODUCER):
            assert not layout.may_read(who, key)
            assert not layout.may_write(who, key)
        assert layout.may_read(Who.SERVICE, key)
        assert layout.may_write(Who.SERVICE, key)


def test_users_name_uploads_and_outputs_and_producers_what_they_have_put_there() -> None:
    """Nothing else, however it is spelt; what nobody has thought of is kept from them too."""
    assert set(layout.readable(Who.USER)) == set(layout.writable(Who.USER)) == USERS
    assert set(layout.readable(Who.PRODUCER)) == USERS | {"producer"}
    for key in ("elsewhere/x", "Uploads/x", "uploads.d/x", "", "/uploads/x", "uploadsx"):
        assert not layout.may_read(Who.PRODUCER, key)
        assert not layout.may_write(Who.PRODUCER, key)


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        (incoming_key(), layout.INCOMING),
        (model_key("m", "V0001"), layout.ENDPOINTS),
        (model_file(1, 2, 3), layout.MODELS),
        (checkpoint_key("p", 1), layout.CHECKPOINTS),
        (IdNote.of(ObjectStore("memory://"), "tidecast.").key, layout.INSTALLATION),
    ],
    ids=["incoming", "endpoints", "models", "checkpoints", "installation"],
)
def test_keys_lie_in_their_folders(key: str, folder: Folder) -> None:
    """As those of earlier releases do: what they left is found."""
    assert layout.folder_of(key) is folder


def test_no_folder_is_spelt_anywhere_else() -> None:
    """A key that is put together by hand would not be checked, and not be found when the folder is asked for."""
    names = re.compile(rf"(?:{'|'.join(folder.name for folder in FOLDERS)})/")
    found = [
        f"{path.relative_to(ROOT)}: {text[:60]!r}"
        for room in ("agents", "connectors", "streams")
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in spelt(path)
        if names.match(text)
    ]

    assert found == []
