"""The dashboard's files as they lie there: whole, of known origin, nothing from elsewhere (case 65 of ecosystem.md)."""

import hashlib
import re
from pathlib import Path
from typing import Final

import pytest

import streams.views.dashboard.pages
from streams.views.dashboard.assets import bundle

STATIC: Final = Path(streams.views.dashboard.pages.__file__).parent / "static"
OWN: Final = sorted(
    path.relative_to(STATIC).as_posix()
    for path in STATIC.rglob("*.js")
    if "vendor" not in path.relative_to(STATIC).parts
)
_IMPORTED: Final = re.compile(
    r'^(?:import|export)\s+(?:[^;"]*\bfrom\s+)?"([^"]+)";|\bimport\("([^"]+)"\)', re.MULTILINE
)


@pytest.mark.parametrize("name", OWN)
def test_modules_import_what_is_there(name: str) -> None:
    """A name that is wrong is found here, not by who opens the page."""
    path = STATIC / name
    wanted = [first or second for first, second in _IMPORTED.findall(path.read_text("utf-8"))]

    assert all(each.startswith((".", "/")) for each in wanted), wanted
    assert [each for each in wanted if not (path.parent / each).is_file()] == []


@pytest.mark.parametrize("name", OWN)
def test_a_module_is_short_and_puts_in_no_markup(name: str) -> None:
    """What comes from outside is text: a series may be named `<img onerror=…>`."""
    text = (STATIC / name).read_text("utf-8")

    assert len(text.splitlines()) <= 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_vendored_files_are_those_of_their_packages() -> None:
    """By the sums beside them; each with its licence."""
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (STATIC / "vendor/README.md").read_text("utf-8"), re.MULTILINE
    )
    there = {
        path.relative_to(STATIC / "vendor").as_posix()
        for path in (STATIC / "vendor").rglob("*")
        if path.suffix in (".js", ".css")
    }

    assert {name for name, _ in rows} == there
    for name, digest in rows:
        path = STATIC / "vendor" / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, name
        assert list(path.parent.glob("LICENSE*.txt")), name


def test_nothing_comes_from_another_host() -> None:
    """No address but those of namespaces, and of licences in comments of others."""
    for name, asset in bundle().files.items():
        if name.startswith("vendor/"):
            continue
        hosts = set(re.findall(r"(?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", asset.plain.decode()))

        assert hosts <= {"www.w3.org"}, name


def test_the_page_has_no_inline_script_or_style() -> None:
    """The policy would stop them."""
    page = bundle().page.plain.decode()

    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style|\son\w+=|\sstyle=", page) == []
    assert "{{" not in page


def test_what_the_page_names_is_there_and_small() -> None:
    """What the first paint needs is less than 40 kB on the wire."""
    files = bundle().files
    prefix = f"/dashboard/{bundle().digest}/"
    named = {each.removeprefix(prefix) for each in re.findall(r'(?:href|src)="([^"]+)"', bundle().page.plain.decode())}

    assert named - {"/docs"} <= files.keys()
    assert sum(len(files[name].packed) for name in named - {"/docs"}) < 40_000


def test_the_two_dark_themes_are_the_same() -> None:
    """The system's and the chosen one: CSS cannot name them once."""
    css = (STATIC / "app.css").read_text("utf-8")
    themes = re.findall(r'(?:not\(\[data-theme="light"\]\)|:root\[data-theme="dark"\]) \{(.*?)\}', css, re.DOTALL)

    assert len(themes) == 2
    assert themes[0].split() == themes[1].split()
