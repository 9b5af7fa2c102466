"""Patterns of users for lines of logs: regular expressions whose time grows with the line alone (RE2)."""

from collections.abc import Sequence
from typing import Any, Final

import re2

__all__ = ["BadPatternError", "UserPattern", "compiled"]

_LONGEST: Final = 1000  # characters of a pattern
_MEMORY: Final = 1 << 20  # bytes that a pattern may take when it is compiled
_MOST_MATCHES: Final = 100  # in one line
_OPTIONS: Final = re2.Options()
_OPTIONS.max_mem = _MEMORY
_OPTIONS.log_errors = False


class BadPatternError(ValueError):
    """A pattern that cannot be used; the words say why, and what is possible."""


class UserPattern:
    """One pattern: its named groups are the metrics, and `step` is the step. Or `name` and `value` are a metric's."""

    def __init__(self, pattern: str) -> None:
        """BadPatternError where it is none."""
        if len(pattern) > _LONGEST:
            raise BadPatternError(f"the pattern has {len(pattern)} characters, at most {_LONGEST} are allowed")
        try:
            self._compiled: Any = re2.compile(pattern, options=_OPTIONS)
        except re2.error as error:
            reason = error.args[0] if error.args else error
            text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            raise BadPatternError(
                f"the pattern {pattern[:80]!r} cannot be used ({text}): write it as RE2 has it, without look-around "
                "and back-references"
            ) from None
        groups = set(self._compiled.groupindex)
        if not groups - {"step"} or ("name" in groups) != ("value" in groups and "name" in groups):
            raise BadPatternError(
                f"the pattern {pattern[:80]!r} has no named groups: (?P<loss>…) makes the metric loss, (?P<step>…) its "
                "step; or (?P<name>…) and (?P<value>…) the name and value of any"
            )

    def matches(self, line: str) -> list[dict[str, str]]:
        """The named groups of each place in the line that fits."""
        found = []
        for match in self._compiled.finditer(line):
            found.append({name: text for name, text in match.groupdict().items() if text is not None})
            if len(found) >= _MOST_MATCHES:
                break
        return found


def compiled(patterns: Sequence[str]) -> tuple[UserPattern, ...]:
    """The patterns, ready for use; BadPatternError names the first that cannot be used."""
    return tuple(map(UserPattern, patterns))
