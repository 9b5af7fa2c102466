"""Refusals of one kind that come again and again: twenty events, and a number."""

from streams.audit.repeats import Kind, Repeats

KIND = Kind("ada", "p1", "viewer", "10.0.0.1", "PUT /uploads", 403)


def test_the_first_twenty_are_told_alone() -> None:
    """Of each kind: another address, user, status or place is another one."""
    repeats = Repeats()
    others = [KIND._replace(address="10.0.0.2"), KIND._replace(user="bob"), KIND._replace(status=401)]

    assert [repeats.is_told_alone(KIND) for _ in range(23)] == [True] * 20 + [False] * 3
    assert all(repeats.is_told_alone(other) for other in others)
    assert repeats.ended() == [(KIND, 3)]


def test_a_new_minute_begins_anew() -> None:
    """And what had events of its own is in no number."""
    repeats = Repeats()
    repeats.is_told_alone(KIND)

    assert repeats.ended() == []
    assert not repeats
    assert [repeats.is_told_alone(KIND) for _ in range(21)].count(True) == 20


def test_somebody_with_very_many_addresses_is_one_kind() -> None:
    """A thousand kinds are told apart in a minute; what is beyond is a number of its status alone."""
    repeats = Repeats()
    alone = [repeats.is_told_alone(KIND._replace(address=f"2001:db8::{number:x}")) for number in range(1500)]

    assert alone == [True] * 1000 + [False] * 500
    assert repeats.ended() == [(Kind("", "", "", "", "", 403), 500)]
