"""What may be the key of an object, be it a file's path or a name in S3."""

import re
from typing import Final

__all__ = ["BadKeyError", "check_key"]

# A segment never starts with a dot, so neither ".." nor the name of an unfinished file can be a key. Most file systems
# stop at 255 bytes.
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,199}")
_LONGEST_KEY: Final = 1024  # bytes, as S3 has it; a path of 4096 is more than Linux takes


class BadKeyError(ValueError):
    """A key that is not a plain relative path of letters, digits, ``.``, ``_``, ``=`` and ``-``."""


def check_key(key: str) -> None:
    """Refuse with BadKeyError what is not a plain relative path of letters, digits, ``.``, ``_``, ``=`` and ``-``.

    Or has more than 1024 characters.
    """
    if len(key) > _LONGEST_KEY:
        raise BadKeyError(f"{key[:80]!r}… has {len(key)} characters, at most {_LONGEST_KEY} are possible")
    for segment in key.split("/"):
        if not _SEGMENT.fullmatch(segment):
            raise BadKeyError(f"{key!r} is not a key: use relative paths of letters, digits and . _ = -")
