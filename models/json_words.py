"""Reading JSON of others: what is wrong with it, and what came instead, in words that help.

Many programs write NaN and Infinity; and a reader takes more levels than a writer writes again.
"""

import codecs
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

__all__ = ["BadJsonError", "JsonProblem", "json_problem", "read_json", "shown", "without_mark"]

_NUMBER: Final = re.compile(r"[-+]?(nan|inf(?:inity)?|n/?a|none)(?![a-z])", re.IGNORECASE)
_MISSING: Final = 'write a missing value as null, or as "NaN" in quotation marks'
_LONGEST_SHOWN: Final = 40  # characters of what came that a message repeats: enough to find it


class JsonProblem(NamedTuple):
    """What is wrong with a text, and where, from 0: as what reads bytes counts, and as what reads characters does."""

    words: str
    byte: int
    character: int


class BadJsonError(ValueError):
    """The text is no JSON, or none that can be worked with; in words, with the place."""


def read_json(text: bytes | str) -> Any:
    """What the text says; BadJsonError where it says nothing, or nests so deep that it could not be written again."""
    text = without_mark(text) if isinstance(text, bytes) else text
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, text)
        raise BadJsonError(f"byte {problem.byte}: not valid JSON: {problem.words}") from None
    if _is_too_deep(content):
        names = content if isinstance(content, dict) else ()
        at = next((f"{name[:_LONGEST_SHOWN]}: " for name in names if _is_too_deep(content[name])), "")
        raise BadJsonError(f"{at}too many arrays and objects lie inside one another")
    return content


def without_mark(text: bytes) -> bytes:
    """The text without the byte order mark that editors of Windows begin with: RFC 8259 lets readers ignore it."""
    return text.removeprefix(codecs.BOM_UTF8)


def _is_too_deep(content: Any) -> bool:
    """Python's own functions stop at a thousand levels, the writer at 254; of what was read, no other is refused."""
    try:
        orjson.dumps(content)
    except TypeError:
        return True
    return False


def shown(value: Any) -> str:
    """What came, as JSON writes it; arrays and objects by their size, because they can be deep, and the whole body."""
    if isinstance(value, str):
        return f'"{value[:_LONGEST_SHOWN]}"' + ("…" if len(value) > _LONGEST_SHOWN else "")
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    if isinstance(value, Mapping):
        return f"an object of {len(value)}"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)[:_LONGEST_SHOWN]


def json_problem(error: orjson.JSONDecodeError, text: bytes | str) -> JsonProblem:
    """The reader's own words, or the remedy: for a value that is no number in the place of one (F01), and for no UTF-8.

    Of that the reader says neither where it is nor what to do.
    """
    if isinstance(text, bytes):
        if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in text[:2]:
            return JsonProblem("it is UTF-16; send UTF-8", 0, 0)
        try:
            text.decode()
        except UnicodeDecodeError as wrong:
            words = f"0x{text[wrong.start]:02X} is not UTF-8; send UTF-8"
            return JsonProblem(words, wrong.start, len(text[: wrong.start].decode()))
    byte = len(error.doc[: error.pos].encode("utf-8", "surrogatepass"))
    begin = error.pos - 1 if error.doc[error.pos - 1 : error.pos] in ("-", "+") and error.pos else error.pos
    found = _NUMBER.match(error.doc, begin)
    if found is None:
        return JsonProblem(error.msg, byte, error.pos)
    finite = ", numbers are finite" if found[1].lower().startswith("inf") else ""
    return JsonProblem(f"{found[0]} is no JSON value{finite}: {_MISSING}", byte, error.pos)
