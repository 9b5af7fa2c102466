"""What was sent to be scored, as arrays (contract S-046, S-049).

``{"X": …}`` holds records by name (``[{"x1": 1.5}, …]``, or a single one), records by position (``[[1.5, …], …]``),
or for each variable the values of all records (``{"x1": [1.5, …]}``; of a tensor a nested array). Variables that the
model does not have are ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from models.errors import RejectedInputError
from models.json_words import shown
from models.scoring.info import Variable

__all__ = ["columns_of", "depth", "in_words", "kinds_of"]

Columns = dict[str, list[Any]]


def columns_of(content: Any, inputs: Sequence[Variable], rank: Callable[[Variable], int]) -> Columns:
    """The values of each variable, one for each record, unchecked; `rank` is how many arrays lie around one of all.

    RejectedInputError where the form is none of those, or a variable is missing.
    """
    x = _content(content, inputs)
    if isinstance(x, Mapping):
        _check_present(x, inputs, None)
        whole = {it.name: x[it.name] for it in inputs}
        if all(depth(whole[it.name]) >= max(1, rank(it)) or _is_column(whole[it.name], it) for it in inputs):
            return _equally_long(whole)
        return {name: [value] for name, value in whole.items()}
    if not isinstance(x, list):
        raise _refused("X", f"expected an array of records, or an object, not {shown(x)}")
    if not x:
        raise _refused("X", "is empty: send at least one record")
    if all(isinstance(record, Mapping) for record in x):
        return _by_name(x, inputs)
    if all(isinstance(record, list) for record in x):
        return _by_position(x, inputs, rank)
    place = next(
        index
        for index, record in enumerate(x)
        if type(record) is not type(x[0]) or not isinstance(record, list | Mapping)
    )
    raise _refused("X", f"record {place + 1}: expected an object such as {_example(inputs)}, not {shown(x[place])}")


def _content(content: Any, inputs: Sequence[Variable]) -> Any:
    """What is under X; a record or an array of some without it are taken for that.

    So is what a whole body as /model-test takes it has under its `data`.
    """
    if isinstance(content, Mapping) and _is_around(content, inputs):
        content = content["data"]
    if isinstance(content, Mapping):
        if "X" in content and (len(content) == 1 or all(it.name != "X" for it in inputs)):
            return content["X"]
        if any(it.name in content for it in inputs):
            return content
        raise _refused("X", f'is missing: send {{"X": [{_example(inputs)}]}}')
    if isinstance(content, list):
        return content
    raise _refused("data", f'expected {{"X": [{_example(inputs)}]}}, not {shown(content)}')


def _is_around(content: Mapping[str, Any], inputs: Sequence[Variable]) -> bool:
    """Whether it has what is asked under `data`, which an input may be called as well."""
    names = {it.name for it in inputs}
    inner = content.get("data")
    if isinstance(inner, Mapping) and ("X" in inner or not names.isdisjoint(inner)):
        return "X" not in content
    return "data" in content and names.isdisjoint(content) and "X" not in content


def _by_name(records: Sequence[Mapping[str, Any]], inputs: Sequence[Variable]) -> Columns:
    try:
        return {it.name: [record[it.name] for record in records] for it in inputs}
    except KeyError:
        for index, record in enumerate(records):
            _check_present(record, inputs, index)
        raise


def _by_position(records: Sequence[list[Any]], inputs: Sequence[Variable], rank: Callable[[Variable], int]) -> Columns:
    if len(inputs) == 1 and rank(inputs[0]) > 1:
        return {inputs[0].name: list(records)}
    for index, record in enumerate(records):
        if len(record) != len(inputs):
            names = ", ".join(it.name for it in inputs[:10])
            text = f"record {index + 1} has {len(record)} values, the model has {len(inputs)} variables: {names}"
            raise _refused("X", text)
    return {it.name: [record[place] for record in records] for place, it in enumerate(inputs)}


def _check_present(record: Mapping[str, Any], inputs: Sequence[Variable], index: int | None) -> None:
    missing = [it for it in inputs if it.name not in record]
    if missing:
        place = "X" if index is None else f"X, record {index + 1}"
        names = ", ".join(f"{it.name} ({it.type})" for it in missing[:10])
        text = f"{place}: the variable {names} is missing; null stands for a value that is not known"
        raise RejectedInputError(missing[0].name, text)


def _is_column(value: Any, variable: Variable) -> bool:
    """A plain array for a tensor of one value a record, such as of shape (N, 1)."""
    return isinstance(value, list) and variable.shape is not None and variable.shape[1:] in ((1,), ())


def _equally_long(whole: Mapping[str, Any]) -> Columns:
    lengths = {name: len(value) for name, value in whole.items()}
    if len(set(lengths.values())) > 1:
        words = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:10])
        raise _refused("X", f"the variables have values of different numbers of records: {words}")
    if not next(iter(lengths.values()), 1):
        raise _refused("X", "is empty: send at least one record")
    return dict(whole)


def depth(value: Any) -> int:
    """How many arrays lie inside one another."""
    found = 0
    while isinstance(value, list):
        found += 1
        value = value[0] if value else None
    return found


def kinds_of(values: Any) -> set[type]:
    """The types of all single values, however deep they lie: numpy would make 1 of true and "1" of 1 without a word."""
    kinds = set(map(type, values)) if isinstance(values, list) else {type(values)}
    while list in kinds and len(kinds) == 1:
        values = list(chain.from_iterable(values))
        kinds = set(map(type, values))
    return kinds


def in_words(variable: Variable, index: int, value: Any, expected: str) -> RejectedInputError:
    """What to raise of a value that the variable cannot have."""
    return RejectedInputError(
        variable.name, f"X, record {index + 1}, {variable.name}: expected {expected}, not {shown(value)}"
    )


def _example(inputs: Sequence[Variable]) -> str:
    names = ", ".join(f'"{it.name}": …' for it in inputs[:3])
    return f"{{{names}{', …' if len(inputs) > 3 else ''}}}"


def _refused(field: str, text: str) -> RejectedInputError:
    return RejectedInputError(field, f"{field}: {text}")
