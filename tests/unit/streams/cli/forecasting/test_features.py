"""What is said of features on the command line."""

from dataclasses import replace
from typing import Any

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.forecasting import planning
from streams.cli.forecasting.features import aggregate_of, future_values, holidays_of
from streams.cli.forecasting.wording import in_options
from tests.unit.streams.cli.forecasting.test_planning import PLAN

HEADER = ("day", "sold", "price", "a=b")


def test_the_future_of_columns_is_read() -> None:
    """A column is named by its label or number; what stands behind the last sign is its values."""
    assert future_values(["price=1,2.5,-3", "a=b=4"], HEADER) == {"price": [1, 2.5, -3], "a=b": [4]}
    assert future_values(["2=7"], HEADER) == {"price": [7]}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["price"], "write it as COLUMN=V1,V2"),
        (["price=1,x"], "write it as COLUMN=V1,V2"),
        (["prize=1"], "did you mean price"),
        (["price=1", "2=1"], "--future price is given twice"),
    ],
)
def test_what_cannot_be_read_is_refused(given: list[str], words: str) -> None:
    """With the form, or the name that was meant."""
    with pytest.raises(CommandError, match=words):
        future_values(given, HEADER)


def test_only_models_with_features_are_told_the_future() -> None:
    """Beside others; of one alone the service says that it has none."""
    plan = replace(PLAN, models=("SES", "ARIMA"), features=(2,), future={"price": [1.0]})
    ses, arima = planning.elements(plan, [1])
    (alone,) = planning.elements(replace(plan, models=("SES",)), [1])

    assert "future_features" not in ses
    assert arima["future_features"] == alone["future_features"] == {"price": [1.0]}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ("element 1 (ts_id 7), future_features: 'x' has 2 values", "--future: 'x' has 2 values"),
        (
            "element 1 (ts_id 7), feature_indexs: send future_features, or next_k_prediction 3, or leave it out",
            "--feature: give --future, or --horizon 3, or leave it out",
        ),
    ],
)
def test_refusals_are_told_in_options(refusal: str, told: str) -> None:
    """As the user has written it."""
    assert in_options(refusal) == told


def test_any_plan_has_no_future_unless_it_is_told() -> None:
    """The field stays out of the body."""
    (element,) = planning.elements(replace(PLAN, models=("ARIMA",)), [1])
    body: dict[str, Any] = element

    assert "future_features" not in body


def test_longer_steps_and_holidays_are_read() -> None:
    """As the service takes them; nothing where they are left out."""
    assert aggregate_of("D=sum") == {"aggregate": {"freq": "D", "how": "sum"}}
    assert holidays_of("DE-BY") == {"holidays": "DE-BY"}
    assert aggregate_of(None) == holidays_of(None) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [("D", "write it as ALIAS=HOW, for example D=sum"), ("D=median", "how is 'median'"), ("B=sum", "divides no time")],
)
def test_longer_steps_that_make_no_sense_are_refused(text: str, words: str) -> None:
    """Before anything is sent."""
    with pytest.raises(CommandError, match=words):
        aggregate_of(text)


def test_unknown_holidays_are_refused() -> None:
    """With the code that was meant."""
    with pytest.raises(CommandError, match="did you mean DE"):
        holidays_of("Germany")
