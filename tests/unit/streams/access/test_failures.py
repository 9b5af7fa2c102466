"""Wrong passwords, counted."""

from streams.access.failures import Failures


def test_ten_in_a_minute_are_enough() -> None:
    """Of one user from one address; a minute later it may be tried again."""
    failures = Failures()
    for number in range(10):
        assert not failures.too_many("a", "ada", 100.0 + number)
        failures.note("a", "ada", 100.0 + number)

    assert failures.too_many("a", "ada", 110.0)
    assert not failures.too_many("b", "ada", 110.0)
    assert not failures.too_many("a", "bob", 110.0)
    assert not failures.too_many("a", "ada", 161.0)
