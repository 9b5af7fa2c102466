"""DeepAR's hyper-parameters: names, forms and bounds, and errors that name the field."""

import json
from typing import Any

import pytest

from models.deepar.config import LIKELIHOODS, ConfigError, DeepARConfig
from models.errors import RejectedInputError

NEEDED = {"time_freq": "D", "prediction_length": "14"}


def config(**given: Any) -> DeepARConfig:
    """A configuration from the parameters that are needed, and these."""
    return DeepARConfig.from_hyper_parameters(NEEDED | given)[0]


def test_what_is_not_given_has_its_default() -> None:
    """The context is as long as the forecast, as in GluonTS; the data decides likelihood, categories and features."""
    assert config() == DeepARConfig(
        time_freq="D",
        prediction_length=14,
        context_length=14,
        epochs=100,
        likelihood="auto",
        cardinality=None,
        num_dynamic_feat=None,
        num_cells=40,
        num_layers=2,
        dropout_rate=0.1,
        embedding_dimension=10,
        mini_batch_size=32,
        num_batches_per_epoch=50,
        learning_rate=1e-3,
        early_stopping_patience=10,
        seed=0,
    )


def test_texts_and_numbers_are_the_same() -> None:
    """SageMaker sends every value as a text."""
    given = {
        "context_length": 30, "epochs": 7, "num_cells": 8, "num_layers": 3, "dropout_rate": 0.25,
        "embedding_dimension": 4, "mini_batch_size": 64, "num_batches_per_epoch": 9, "learning_rate": 0.01,
        "early_stopping_patience": 3, "seed": 12, "num_dynamic_feat": 2, "prediction_length": 5,
    }  # fmt: skip
    found = config(**given)

    assert found == config(**{name: str(value) for name, value in given.items()})
    assert {name: getattr(found, name) for name in given} == given


def test_names_without_a_use_are_told() -> None:
    """In the order given; they are not refused, for SageMaker has parameters that say nothing here."""
    found, unused = DeepARConfig.from_hyper_parameters(NEEDED | {"test_quantiles": "[0.5]", "epochs": 3, "x": None})

    assert unused == ("test_quantiles", "x")
    assert found == config(epochs=3)


@pytest.mark.parametrize("given", ["H", "1h", "15T", "MS", "B"])
def test_the_frequency_has_one_name(given: str) -> None:
    """Whatever it is called by."""
    found = config(time_freq=given)

    assert str(found.frequency) == found.time_freq


@pytest.mark.parametrize(("given", "counted"), [("W-SUN", "W"), ("QS-MAR", "Q"), (" YS-JUL ", "Y"), ("2W-WED", "2W")])
def test_G06_the_artefact_keeps_the_weekday_and_the_month_of_a_frequency(given: str, counted: str) -> None:
    """What the network counts in is the same for all of them."""
    found = config(time_freq=given)

    assert found.time_freq == given.strip()
    assert str(found.frequency) == counted
    assert DeepARConfig.from_dict(found.as_dict()) == found


@pytest.mark.parametrize("name", ["time_freq", "prediction_length"])
@pytest.mark.parametrize("nothing", ["", None, "absent"])
def test_what_is_needed_must_be_given(name: str, nothing: str | None) -> None:
    """With the field's name."""
    given = {**NEEDED, name: nothing}
    if nothing == "absent":
        del given[name]

    with pytest.raises(ConfigError, match=rf"^{name} is missing: DeepAR cannot be trained without it$") as refused:
        DeepARConfig.from_hyper_parameters(given)

    assert refused.value.field == name


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("prediction_length", 1, 10_000),
        ("context_length", 1, 10_000),
        ("epochs", 1, 100_000),
        ("num_cells", 1, 1024),
        ("num_layers", 1, 8),
        ("embedding_dimension", 1, 100),
        ("mini_batch_size", 1, 4096),
        ("num_batches_per_epoch", 1, 100_000),
        ("early_stopping_patience", 1, 100_000),
        ("num_dynamic_feat", 0, 1000),
        ("seed", 0, 2**63 - 1),
    ],
)
def test_whole_numbers_have_bounds(name: str, low: int, high: int) -> None:
    """Both included and exact; outside, between two whole numbers, or of another kind they are refused by name."""
    for value in (low, high, str(high), f"{low}.0"):
        assert getattr(config(**{name: value}), name) == int(str(value).removesuffix(".0"))
    for value in (low - 1, high + 1, str(high + 1), low + 0.5, "1e99", "nan", float("inf"), "many", True, [3], 10**400):
        with pytest.raises(ConfigError, match=f"^{name} is .*, expected a .*number from") as refused:
            config(**{name: value})

        assert refused.value.field == name


@pytest.mark.parametrize(("name", "low", "high"), [("dropout_rate", 0.0, 0.9), ("learning_rate", 1e-6, 1.0)])
def test_numbers_have_bounds(name: str, low: float, high: float) -> None:
    """Likewise."""
    for value in (low, high, str(high)):
        assert getattr(config(**{name: value}), name) == float(value)
    for value in (low - 1e-7, high + 1e-7, "nan", "-inf", "a lot", False, {}):
        with pytest.raises(ConfigError, match=f"^{name} is .*, expected a number from") as refused:
            config(**{name: value})

        assert refused.value.field == name


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_text_is_the_default_or_none(nothing: str | None) -> None:
    """Of categories, features and patience it says that there are none (D-071)."""
    found = config(
        epochs=nothing,
        learning_rate=nothing,
        context_length=nothing,
        cardinality=nothing,
        num_dynamic_feat=nothing,
        early_stopping_patience=nothing,
    )

    assert (found.epochs, found.learning_rate, found.context_length) == (100, 1e-3, 14)
    assert (found.cardinality, found.num_dynamic_feat, found.early_stopping_patience) == ((), 0, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", None), ("", ()), ([], ()), ("[]", ()), ([2, 3], (2, 3)), ("[2, 3]", (2, 3)), ("2,3", (2, 3)),
        (5, (5,)), ("5", (5,)), (["7", 1], (7, 1)), (1_000_000, (1_000_000,)),
    ],
)  # fmt: skip
def test_cardinality_has_many_forms(given: Any, expected: tuple[int, ...] | None) -> None:
    """As a list, as its text, as a single number; ``auto`` leaves it to the data."""
    assert config(cardinality=given).cardinality == expected


@pytest.mark.parametrize("given", [0, "-1", "[2, x]", [1.5], {"a": 1}, 2.0, True, 1_000_001, [[2]]])
def test_other_cardinalities_are_refused(given: Any) -> None:
    """By name."""
    with pytest.raises(ConfigError, match=r"^cardinality is ") as refused:
        config(cardinality=given)

    assert refused.value.field == "cardinality"


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihoods_have_two_spellings(name: str) -> None:
    """SageMaker writes a hyphen, others an underscore."""
    assert config(likelihood=name).likelihood == name
    assert config(likelihood=name.replace("-", "_").upper()).likelihood == name


@pytest.mark.parametrize("given", ["", None, "poisson", 3, ["gaussian"]])
def test_other_likelihoods_are_refused(given: Any) -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match=r"^likelihood is .*, expected one of auto, student-t, ") as refused:
        config(likelihood=given)

    assert refused.value.field == "likelihood"


def test_a_wrong_frequency_is_refused() -> None:
    """As all that is wrong with the input is."""
    with pytest.raises(RejectedInputError, match=r"^time_freq is 'S', expected") as refused:
        config(time_freq="S")

    assert refused.value.field == "time_freq"


@pytest.mark.parametrize("given", [{}, {"cardinality": [3, 2], "num_dynamic_feat": 1}, {"early_stopping_patience": ""}])
def test_a_configuration_survives_json(given: dict[str, Any]) -> None:
    """As it is kept in the model's file."""
    found = config(**given)

    assert DeepARConfig.from_dict(json.loads(json.dumps(found.as_dict()))) == found
