"""How a failure is worded, and which status it ends with."""

import pytest

from streams.cli.console.failure import CommandError, did_you_mean


def test_a_failure_ends_with_status_one_unless_told() -> None:
    """Other statuses: wrong usage 2, signals 128 + number."""
    assert CommandError("x").status == 1
    assert CommandError("x", status=130).status == 130


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("linearfit", ", did you mean LinearFit?"),
        ("LinearFitt", ", did you mean LinearFit?"),
        ("rsme", ", did you mean rmse?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_a_near_name_is_proposed(name: str, guess: str) -> None:
    """Case does not count; the same letters in another order win."""
    assert did_you_mean(name, ["LinearFit", "rrse", "rmse"]) == guess
