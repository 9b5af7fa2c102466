"""Refusals: their class says what can be done, their code is for programs, and they are one word in dead letters."""

import json
from enum import StrEnum
from itertools import chain, combinations

import orjson
import pytest

from streams.codes.forecasting import ForecastingCode
from streams.codes.inference import InferenceCode
from streams.codes.training import TrainingCode
from streams.engine.tries import GivenUpError
from streams.errors import (
    Code,
    ConflictError,
    InvalidError,
    NotFoundError,
    RejectedError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
    class_name,
)

STATUSES = {
    InvalidError: 400,
    NotFoundError: 404,
    ConflictError: 409,
    TooLargeError: 413,
    UnsupportedError: 415,
    UnavailableError: 503,
}
CODES: tuple[type[StrEnum], ...] = (Code, ForecastingCode, InferenceCode, TrainingCode)


@pytest.mark.parametrize(("kind", "status"), STATUSES.items())
def test_a_class_has_its_status(kind: type[RejectedError], status: int) -> None:
    """The answer of every contract (decision 5)."""
    error = kind(Code.WRONG_KEY, "the key", {"element": 1})

    assert (error.status, error.code, str(error), error.place) == (status, "wrong_key", "the key", {"element": 1})


@pytest.mark.parametrize("kind", STATUSES)
def test_other_words_for_the_same(kind: type[RejectedError]) -> None:
    """Whoever adds the place changes neither the class nor the code."""
    other = kind(ForecastingCode.BAD_COLUMN, "a").saying("b", {"field": "x"})

    assert type(other) is kind
    assert (other.code, other.message, other.place) == ("bad_column", "b", {"field": "x"})


def test_dead_letters_name_refusals_as_ever() -> None:
    """Whoever reads them knows one word for a refusal; what was given up and what cannot be read have others."""
    for kind in STATUSES:
        assert class_name(kind(Code.WRONG_KEY, "x")) == "RejectedError"
    assert class_name(GivenUpError(ValueError("x"))) == "GivenUpError"
    assert class_name(ValueError("x")) == "ValueError"


def test_no_two_systems_have_the_same_code() -> None:
    """What all have is in one place."""
    for one, other in combinations(CODES, 2):
        assert {code.value for code in one}.isdisjoint(code.value for code in other), (one, other)


def test_codes_are_texts_on_the_wire() -> None:
    """However they are written."""
    for code in chain.from_iterable(CODES):
        assert orjson.dumps({"code": code}) == json.dumps({"code": code.value}, separators=(",", ":")).encode()
        assert f"{code}" == code.value
