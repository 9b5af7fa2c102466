"""What is wrong with a text that is no JSON, in words that help: many programs write NaN and Infinity."""

import re
from typing import Final

import orjson

__all__ = ["json_problem"]

_NUMBER: Final = re.compile(r"[-+]?(nan|inf(?:inity)?|n/?a|none)(?![a-z])", re.IGNORECASE)
_MISSING: Final = 'write a missing value as null, or as "NaN" in quotation marks'


def json_problem(error: orjson.JSONDecodeError) -> str:
    """The reader's own words, or the remedy where a value that is no number stands in the place of one (F01)."""
    begin = error.pos - 1 if error.doc[error.pos - 1 : error.pos] in ("-", "+") and error.pos else error.pos
    found = _NUMBER.match(error.doc, begin)
    if found is None:
        return error.msg
    if found[1].lower().startswith("inf"):
        return f"{found[0]} is no JSON value, numbers are finite: {_MISSING}"
    return f"{found[0]} is no JSON value: {_MISSING}"
