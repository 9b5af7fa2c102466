"""Wrong passwords, counted."""

from streams.access.failures import Failures


def test_ten_in_a_minute_are_enough() -> None:
    """Of one user from one address; a minute later it may be tried again."""
    failures = Failures()
    for number in range(10):
        assert failures.wait_s("a", "ada", 100.0 + number) == 0
        failures.note("a", "ada", 100.0 + number)

    assert failures.wait_s("a", "ada", 110.0) == 50
    assert failures.wait_s("b", "ada", 110.0) == 0
    assert failures.wait_s("a", "bob", 110.0) == 0
    assert failures.wait_s("a", "ada", 160.0) == 0
