"""What is wrong with a request, in plain words: the field, the problem, what came instead (contract J-092, J-145)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from streams.views.web.strict import UnknownFieldError

__all__ = ["described", "place_of"]

_LONGEST_SHOWN: Final = 60  # characters of what came that a message repeats: enough to find it

_Context = Mapping[str, Any]

_CHARACTERS: Final = re.compile(r"\^\[(?P<which>[^\]]+)\]\{(?P<least>\d+),(?P<most>\d+)\}\$")


def _allowed(context: _Context) -> str:
    """What a pattern asks for: `use 1 to 32 characters of A-Z a-z 0-9 _`, in the words of `check_name`."""
    known = _CHARACTERS.fullmatch(context["pattern"])
    if known is None:
        return f"expected a text that matches {context['pattern']}"
    which = " ".join(re.findall(r"\w-\w|.", known["which"]))
    return f"use {known['least']} to {known['most']} characters of {which}"


# pydantic's own sentences speak of Python ("a valid dictionary or object to extract fields from").
_WORDS: Final[Mapping[str, Callable[[_Context], str]]] = {
    "missing": lambda _: "is missing",
    "int_type": lambda _: "expected a whole number",
    "int_parsing": lambda _: "expected a whole number",
    "int_parsing_size": lambda _: "expected a smaller whole number",
    "int_from_float": lambda _: "expected a whole number",
    "string_type": lambda _: "expected a text",
    "list_type": lambda _: "expected an array",
    "dict_type": lambda _: "expected an object",
    "model_type": lambda _: "expected an object",
    "model_attributes_type": lambda _: "expected an object",
    "literal_error": lambda context: f"expected {context['expected']}",
    "greater_than_equal": lambda context: f"expected at least {context['ge']}",
    "less_than_equal": lambda context: f"expected at most {context['le']}",
    "too_short": lambda context: f"expected at least {context['min_length']} element",
    "string_too_short": lambda context: f"expected at least {context['min_length']} characters",
    "string_pattern_mismatch": _allowed,
    "string_too_long": lambda context: f"expected at most {context['max_length']} characters",
}
_SECRETS: Final = frozenset({"password", "secret", "token"})  # what such fields hold is never repeated
_NOTHING_CAME: Final = ("missing", "json_invalid", "string_too_long")


def place_of(problems: Sequence[Mapping[str, Any]]) -> Mapping[str, int | str]:
    """Where the first of FastAPI's problems is, for programs: `element` and `field`, where it is in one of an array."""
    where, *path = problems[0]["loc"]
    if where != "body" or not path or not isinstance(path[0], int) or problems[0]["type"] == "json_invalid":
        return {}
    return {"element": path[0]} | ({"field": str(path[1])} if len(path) > 1 else {})


def described(problems: Sequence[Mapping[str, Any]]) -> str:
    """The first of FastAPI's problems, and how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{_place(first)}: {_problem(first)}{more}"


def _place(problem: Mapping[str, Any]) -> str:
    """Where it is: `element 2, hyper_params, item 1, type`; the body as a whole: `body`."""
    where, *path = problem["loc"]
    if problem["type"] == "json_invalid":
        return f"body, byte {path[0]}" if path else "body"
    words: list[str] = []
    if where == "body" and path and isinstance(path[0], int):
        index, *path = path
        words.append(f"element {index + 1}")
    words += [f"item {part + 1}" if isinstance(part, int) else str(part) for part in path]
    return ", ".join(words or [str(where)])


def _problem(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "json_invalid":
        return f"not valid JSON: {context.get('error', 'it ends too early')}"
    if "UploadFile" in problem["msg"]:
        return "expected a file: send the part with a file name"
    words = _WORDS.get(kind)
    text = str(problem["msg"]).removeprefix("Value error, ") if words is None else words(context)
    nothing_came = kind in _NOTHING_CAME or "input" not in problem
    if nothing_came or isinstance(context.get("error"), UnknownFieldError) or not _SECRETS.isdisjoint(problem["loc"]):
        return text
    return f"{text}, not {_shown(problem['input'])}"


def _shown(value: Any) -> str:
    """What came, as JSON writes it; arrays and objects by their size, because they can be the whole body."""
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}" if value else "an empty array"
    if isinstance(value, dict):
        return f"an object of {len(value)}" if value else "an empty object"
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        value = f"{value[:_LONGEST_SHOWN]}…"
    try:
        return orjson.dumps(value, default=repr).decode()
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits
        return ascii(value)[:_LONGEST_SHOWN]
