"""The newest things that a service lists, and those that come after them."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from streams.cli.console.terminal import one_line, output
from streams.cli.service.client import ServiceClient

__all__ = ["newest", "print_lines"]

_EVERY_S: Final = 1.0
_AT_ONCE: Final = 1000  # as many as the service tells at a time


def newest(
    client: ServiceClient, path: str, only: Mapping[str, Any], *, name: str, key: str, limit: int, follow: bool
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The newest `limit` at a path, the newest last; with `follow`, then for ever what comes, each thing once.

    `only` chooses among them. The answer has them under `name`; `key` is the field that tells them apart.
    """
    asked = {"limit": _AT_ONCE if follow else limit, **only}  # what is not shown now is not to be shown later
    address = f"{path}?{urlencode(asked)}"
    found: Sequence[Mapping[str, Any]] = client.get(address)[name]
    shown: set[str] = {it[key] for it in found[:-limit]}
    while True:
        yield [it for it in found if it[key] not in shown]
        if not follow:
            return
        shown.update(it[key] for it in found)
        time.sleep(_EVERY_S)
        found = client.get(address)[name]


def print_lines(
    found: Sequence[Mapping[str, Any]], words: Callable[[Mapping[str, Any]], str], *, as_json: bool
) -> None:
    """A line of each at once, for who follows them: a JSON object, or what `words` says of it."""
    for it in found:
        if as_json:
            sys.stdout.write(f"{json.dumps(it, ensure_ascii=False)}\n")
        else:
            output().print(one_line(words(it)), highlight=False, soft_wrap=True)
    sys.stdout.flush()
