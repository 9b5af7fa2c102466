"""What is wrong with a request, in words."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, StrictStr, TypeAdapter, ValidationError

from streams.checks import check_name
from streams.errors import RejectedError
from streams.views.forecasting.job_bodies import JobBody
from streams.views.web.invalid_requests import described


def problem(schema: Any, value: Any) -> str:
    """What the first problem of a body is called."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(schema).validate_python(value)
    return described([{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()])


def test_J043_a_name_that_does_not_fit_is_told_what_would() -> None:
    """Without the pattern, and in the words of a command's refusal."""
    with pytest.raises(RejectedError) as refusal:
        check_name("my job")
    rule = refusal.value.message.removeprefix("name 'my job': ")

    assert problem(JobBody, {"data_id": 1, "name": "my job"}) == f'name: {rule}, not "my job"'


@pytest.mark.parametrize("body", [{"password": "canary"}, {"password": ["canary"]}, {"password": {"user": "canary"}}])
def test_a_secret_that_is_refused_is_not_repeated(body: dict[str, Any]) -> None:
    """Answers are kept in logs of clients and of proxies."""
    words = problem(dict[Literal["password"], Annotated[StrictStr, Field(min_length=8)]], body)

    assert words.startswith("password: expected ")
    assert "canary" not in words


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^[A-Za-z0-9_-]{1,64}$", "use 1 to 64 characters of A-Z a-z 0-9 _ -"),
        ("^[A-Za-z0-9._-]{2,5}$", "use 2 to 5 characters of A-Z a-z 0-9 . _ -"),
        ("^(a|b)$", "expected a text that matches ^(a|b)$"),
    ],
)
def test_J145_a_pattern_is_put_into_words(pattern: str, words: str) -> None:
    """Where it is a set of characters with a length."""
    assert problem(Annotated[StrictStr, Field(pattern=pattern)], "?") == f'body: {words}, not "?"'
