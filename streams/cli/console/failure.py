"""What a command says when it cannot do its work."""

from collections.abc import Collection
from difflib import get_close_matches

__all__ = ["PARTLY", "CommandError", "did_you_mean"]

PARTLY = 3
"""The exit status of a command that did a part of its work: 0 is all, 1 nothing or a fault, 2 a wrong command line."""


class CommandError(Exception):
    """A command failed; the text is for the user and names the remedy, `status` is the process's exit status."""

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The words ", did you mean X" where a known name is close to a wrong one, else an empty text."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    wrong = name.lower()
    close = get_close_matches(wrong, by_lower, n=3, cutoff=0.6)
    close.sort(key=lambda candidate: sorted(candidate) != sorted(wrong))  # letters in another order come first
    return f", did you mean {by_lower[close[0]]}?" if close else ""
