"""What may come once."""

from streams.access.once import Once


def test_a_mark_is_new_once_while_it_would_be_good() -> None:
    """Until its time is over."""
    once = Once(10.0, 100)

    assert [once.note("a", now) for now in (0.0, 1.0, 10.0, 10.1)] == [True, False, False, True]


def test_what_is_forgotten_may_come_again() -> None:
    """It had no effect."""
    once = Once(10.0, 100)
    once.note("a", 0.0)
    once.forget("a")
    once.forget("never came")

    assert once.note("a", 1.0)


def test_at_most_so_many_are_known() -> None:
    """The oldest is forgotten for a new one, and not for one that is known."""
    once = Once(10.0, 2)

    assert [once.note(mark, 0.0) for mark in ("a", "b", "a", "c", "b", "a")] == [True, True, False, True, False, True]
