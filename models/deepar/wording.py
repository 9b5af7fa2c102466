"""Error texts: how they show the wrong value that was found, and what is said where TensorFlow is missing."""

import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Final

from models.errors import RejectedInputError

__all__ = ["NO_TENSORFLOW", "check_names", "kind_of", "shown"]

NO_TENSORFLOW: Final = (
    "DeepAR is trained with TensorFlow, which the trainer does not have: install tidecast[tensorflow] there, or choose"
    " another model"
)
"""There is no model without it: it is an extra of the package."""

_NEAR: Final = 0.8  # of a name's letters, as in streams.views.web.strict
_MOST_SHOWN: Final = 40  # characters: enough to find the value in the request


def kind_of(value: object) -> str:
    """What kind of JSON value it is."""
    if value is None:
        return "null"
    for kinds, name in (
        (bool, "a truth value"),
        ((int, float), "a number"),
        (str, "a text"),
        ((list, tuple), "an array"),
    ):
        if isinstance(value, kinds):
            return name
    return "an object"


def shown(value: object) -> str:
    """The value itself where it is a plain one, cut short; else its kind. Never fails, unlike `repr`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value) if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]!r}…"
    if isinstance(value, int) and value.bit_length() > sys.float_info.max_exp:  # Python refuses to print huge ones
        return "a number of hundreds of digits"
    if isinstance(value, int | float):
        text = repr(value)
        return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return kind_of(value)


def check_names(given: Collection[str], known: Sequence[str]) -> None:
    """RejectedInputError for a name that is nearly one of the known ones that are absent; clients may send others."""
    for name in given:
        if name in known:
            continue
        absent = [one for one in known if one not in given]
        meant = get_close_matches(name[:_MOST_SHOWN].lower(), absent, n=1, cutoff=_NEAR)
        if meant:
            raise RejectedInputError(name[:_MOST_SHOWN], f"{shown(name)} is unknown; did you mean {meant[0]}?")
