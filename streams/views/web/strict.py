"""Bodies whose every field means something: what is unknown is refused, with the name that may have been meant."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, ValidationError, model_validator

from streams.checks import nearest_name

__all__ = ["ForgivingBody", "StrictBody", "UnknownFieldError", "slip", "unknown_field"]

_NEAR: Final = 0.8  # of a name's letters: `next_k` is not near to next_k_prediction, a slip of a finger is
_VERY_NEAR: Final = 0.87  # `dataset_version_name` is not that near to dataset_version_id
_LONGEST_SHOWN: Final = 60  # characters of a name that a message repeats


class UnknownFieldError(ValueError):
    """A field that there is not; the text says what may have been meant. What it holds is of no interest."""


def unknown_field(name: str, known: Iterable[str]) -> str:
    """What is wrong with a field of this name."""
    known = list(known)
    meant = nearest_name(name, known, _NEAR)
    if meant:
        return f"is unknown; did you mean {meant}?"
    return f"is unknown; known are {', '.join(known)}" if known else "is unknown; there is nothing to be sent here"


def slip(name: str, absent: Iterable[str]) -> str | None:
    """What is wrong with an unknown name where others are of no interest: it is very near to one that is absent."""
    meant = nearest_name(name, list(absent), _VERY_NEAR)
    return f"is unknown; did you mean {meant}?" if meant else None


def _names_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _refuse(model: type[BaseModel], content: dict[str, Any], names: Iterable[str]) -> None:
    known = _names_of(model)
    problems: Any = [
        {
            "type": "value_error",
            "loc": (name[:_LONGEST_SHOWN],),
            "input": content[name],
            "ctx": {"error": UnknownFieldError(unknown_field(name, known))},
        }
        for name in names
    ]
    if problems:
        raise ValidationError.from_exception_data(model.__name__, problems)


class StrictBody(BaseModel, extra="forbid"):
    """A body of one of our own contracts. A field with a typo would be as good as absent, and nobody would be told."""

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, content: Any) -> Any:
        if isinstance(content, dict):
            _refuse(cls, content, content.keys() - set(_names_of(cls)))
        return content


class ForgivingBody(BaseModel, extra="ignore"):
    """A body as stock clients send it, with fields of no use here: only near-misses of known ones are refused."""

    @model_validator(mode="before")
    @classmethod
    def _no_slips(cls, content: Any) -> Any:
        if isinstance(content, dict):
            known = _names_of(cls)
            absent = [name for name in known if name not in content]
            others = content.keys() - set(known)
            _refuse(cls, content, [name for name in others if slip(name, absent)])
        return content
