"""The signed hop between state workers: what is believed, and all that is not (acceptance test 6 of security.md)."""

import time
from typing import Any

import pytest
from yarl import URL

from streams.access.caller import ANYBODY, Caller, Role, calling
from streams.views.web.admission.hops import HOP, Hops, came_by_hop

URL_ = URL("http://owner:8080/v1/p%201/training-jobs?a=b%20c", encoded=True)
ADA = Caller("ada@example.org", "p1", Role.OPERATOR)


def scope(
    *headers: str, method: str = "GET", path: bytes = b"/v1/p%201/training-jobs", query: bytes = b"a=b%20c"
) -> Any:
    sent = [(HOP.encode(), header.encode()) for header in headers]
    return {"method": method, "path": "/x", "raw_path": path, "query_string": query, "headers": [*sent, (b"a", b"b")]}


@pytest.fixture
def hops() -> Hops:
    return Hops(b"k" * 32)


def made(hops: Hops, who: Caller = ADA) -> str:
    with calling(who):
        return hops.header("GET", URL_)[HOP]


@pytest.mark.parametrize("who", [ADA, ANYBODY])
def test_the_owner_learns_who_asks(hops: Hops, who: Caller) -> None:
    """The header itself goes no further."""
    marked, found = hops.marked(scope(made(hops, who)))

    assert found == who
    assert came_by_hop(marked)
    assert marked["headers"] == [(b"a", b"b")]


def test_what_was_told_once_is_not_believed_again(hops: Hops) -> None:
    header = made(hops)

    assert hops.marked(scope(header))[1] == ADA
    assert hops.marked(scope(header))[1] is None


@pytest.mark.parametrize("seconds", [-31, 31])
def test_it_is_good_for_half_a_minute(hops: Hops, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    header, now = made(hops), time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)

    assert hops.marked(scope(header))[1] is None


def test_it_is_good_for_one_request(hops: Hops) -> None:
    """Another method, path or query, a changed role or name, another secret."""
    wrong = [
        scope(made(hops), method="POST"),
        scope(made(hops), path=b"/v1/p%202/training-jobs"),
        scope(made(hops), path=b"/v1/p 1/training-jobs"),
        scope(made(hops), query=b""),
        scope(made(hops).replace(":2:", ":3:")),
        scope(made(hops).replace("ada", "eve")),
        scope(made(hops).replace(":p1:", ":p2:")),
        scope(made(Hops(b"x" * 32))),
    ]

    assert [found for _, found in map(hops.marked, wrong)] == [None] * len(wrong)


@pytest.mark.parametrize("header", ["", "1", "v1", "v1:::::::", "ä", ":" * 100])
def test_what_anybody_may_write_is_as_good_as_nothing(hops: Hops, header: str) -> None:
    marked, found = hops.marked(scope(header))

    assert found is None
    assert not came_by_hop(marked)
    assert marked["headers"] == [(b"a", b"b")]


def test_two_are_as_good_as_none(hops: Hops) -> None:
    """A proxy that adds its own to what came from outside would make one that is believed."""
    assert hops.marked(scope(made(hops), made(hops)))[1] is None
    assert hops.marked(scope("1", made(hops)))[1] is None


def test_a_request_without_it_is_left_as_it_is(hops: Hops) -> None:
    plain = scope()

    assert hops.marked(plain) == (plain, None)
