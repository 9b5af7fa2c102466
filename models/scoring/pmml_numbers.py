"""Comparisons of PMML transformations, written so that the engine takes 2 and 2.0 for the same.

PMML's numbers are numbers; the engine's `equal` knows whole numbers, reals, truths and texts, of which none equals
another. Exporters write `equal(x, <Constant dataType="integer">2</Constant>)` for a `double` x, or no type at all.
"""

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement

__all__ = ["with_comparable_values"]

_EQUALITIES: Final = ("equal", "notEqual", "isIn", "isNotIn")
_TYPED: Final = ("DataField", "DerivedField", "ParameterField")
_KINDS: Final[Mapping[str | None, str]] = {
    "integer": "number",
    "float": "number",
    "double": "number",
    "boolean": "truth",
}
_NUMERIC: Final = frozenset(
    (
        *("+", "-", "*", "/", "min", "max", "sum", "avg", "median", "product", "modulo", "abs", "pow", "threshold"),
        *("log10", "ln", "ln1p", "exp", "expm1", "sqrt", "hypot", "floor", "ceil", "round", "rint", "erf"),
        *("sin", "asin", "sinh", "cos", "acos", "cosh", "tan", "atan", "tanh", "stringLength"),
        *("normalCDF", "normalPDF", "normalIDF", "stdNormalCDF", "stdNormalPDF", "stdNormalIDF"),
        *("dateDaysSinceYear", "dateSecondsSinceYear", "dateSecondsSinceMidnight"),
    )
)
"""Functions that give a number (PMML 4.4, built-in functions)."""


def with_comparable_values(root: Element, space: str) -> None:
    """Let all numbers that a file compares for equality be reals, and constants have the type that they are beside.

    Comparisons with texts, or with what may be one, stay as they are. `space` is the namespace, as `{address}`.
    """
    kinds = {one.get("name"): _KINDS.get(one.get("dataType")) for tag in _TYPED for one in root.iter(space + tag)}
    for apply in [one for one in root.iter(f"{space}Apply") if one.get("function") in _EQUALITIES]:
        given = {one: _kind(one, space, kinds) for one in apply if one.tag != f"{space}Extension"}
        found = set(given.values()) - {"open"}
        kind = found.pop() if len(found) == 1 else None
        if kind is None or not all(_fits(one, kind) for one, own in given.items() if own == "open"):
            continue
        for one in given:
            if one.tag == f"{space}Constant":
                one.set("dataType", "double" if kind == "number" else "boolean")
            elif kind == "number":
                _make_real(apply, one, space)


def _kind(element: Element, space: str, kinds: Mapping[str | None, str | None]) -> str | None:
    """Number or truth; "open" for a constant without a type; None where it is, or may be, something else."""
    name = element.tag.removeprefix(space)
    if name == "Constant":
        return "open" if element.get("dataType") is None else _KINDS.get(element.get("dataType"))
    if name == "FieldRef":
        return kinds.get(element.get("field"))
    if name in ("NormContinuous", "NormDiscrete"):
        return "number"
    if name != "Apply":
        return None
    if element.get("function") == "if":
        branches = {_kind(one, space, kinds) for one in list(element)[1:]}
        return branches.pop() if len(branches) == 1 and "open" not in branches else None
    return "number" if element.get("function") in _NUMERIC else None


def _fits(constant: Element, kind: str) -> bool:
    text = (constant.text or "").strip()
    if kind == "truth":
        return text in ("true", "false")
    try:
        float(text)
    except ValueError:
        return False
    return True


def _make_real(apply: Element, element: Element, space: str) -> None:
    """Add a zero, for a sum is a real in the engine; what is missing stays missing."""
    place = list(apply).index(element)
    apply.remove(element)
    plus = Element(f"{space}Apply", function="+")
    apply.insert(place, plus)
    plus.append(element)
    SubElement(plus, f"{space}Constant", dataType="double").text = "0"
