"""Doors: which one an address belongs to, whose answer it asks for, and how large its bodies may be."""

from collections.abc import Sequence

import pytest
from fastapi import APIRouter

from streams.settings import Settings
from streams.views.web.door import BodyLimit, Door, Doors, Owned, Tag, by_id, by_name


class TestDoors:
    """Which door an address belongs to."""

    def at(self, path: str, *prefixes: str) -> str | None:
        """The prefix of the door found."""
        doors = [Door(router=APIRouter(prefix=prefix), tag=Tag("a", "")) for prefix in prefixes]
        found = Doors(doors).at(path)
        return None if found is None else found.router.prefix

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a/x", "/a"),
            ("/ab", None),
            ("/a/b", "/a/b"),
            ("/a/bc", "/a"),
            ("/a/7/c/d", "/a/{x}/c"),
            ("/a//c", "/a"),
            ("/", None),
            ("", None),
            ("a", None),
        ],
    )
    def test_the_longest_prefix_of_whole_parts(self, path: str, found: str | None) -> None:
        """In whatever order they are declared."""
        for prefixes in (("/a", "/a/b", "/a/{x}/c"), ("/a/{x}/c", "/a/b", "/a")):
            assert self.at(path, *prefixes) == found

    @pytest.mark.parametrize("prefixes", [("/a", "/a"), ("/a/{x}", "/a/{x}"), ("",)])
    def test_two_doors_at_one_place(self, prefixes: Sequence[str]) -> None:
        """And one that would take all addresses."""
        with pytest.raises(ValueError, match="one door only"):
            self.at("/a", *prefixes)


@pytest.mark.parametrize(
    ("slash", "path", "is_open"), [(False, "/a/", True), (False, "/a", True), (None, "/a/", False)]
)
def test_an_open_address_is_open_as_it_is_answered(slash: bool | None, path: str, is_open: bool) -> None:
    """With a final slash too, where the door takes it away."""
    door = Door(router=APIRouter(prefix="/a"), tag=Tag("a", ""), slash=slash, open=("GET /a", "GET /"))

    assert door.is_open("GET", path) is is_open
    assert door.is_open("HEAD", "/")


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("/job", Owned(None, minted=True)),
        ("/job/", Owned(None, minted=True)),
        ("/job/007/x", Owned(b"7", minted=True)),
        ("/job/x", None),
        ("/job/-1", None),
        ("/job/\u0665", None),
        (f"/job/{'9' * 20}", Owned(b"9" * 20, minted=True)),
        (f"/job/{'9' * 5000}", None),
    ],
)
def test_the_id_in_a_path(path: str, owned: Owned | None) -> None:
    """Digits only, and no more than an id can have."""
    assert by_id(2)(path) == owned


@pytest.mark.parametrize(("path", "key"), [("/t", None), ("/t/", None), ("/t/é/x", "é".encode()), ("/t/\ud800", b"?")])
def test_the_name_in_a_path(path: str, key: bytes | None) -> None:
    """Whatever the user has chosen."""
    assert by_name(2)(path) == Owned(key)


def test_a_limit_names_what_raises_it() -> None:
    """With what may come around it."""
    settings = Settings(max_upload_bytes=5000)

    assert BodyLimit("max_upload_bytes", around=7).of(settings) == 5007
    assert BodyLimit("max_upload_bytes").variable == "TIDECAST_MAX_UPLOAD_BYTES"
