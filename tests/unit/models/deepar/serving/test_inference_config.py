"""What a forecast is asked for: defaults field by field, and what is refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.deepar.serving.inference_config import (
    ConfigurationError,
    InferenceConfiguration,
    parse_configuration,
    parse_text,
)

NINE = ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def parsed(**fields: Any) -> InferenceConfiguration:
    """The configuration of a request that gives these fields."""
    return parse_configuration(fields, max_samples=1000)


def refusal(**fields: Any) -> tuple[str, str]:
    """Field and text of the error."""
    with pytest.raises(ConfigurationError) as refused:
        parsed(**fields)
    return refused.value.field, str(refused.value)


@pytest.mark.parametrize("given_configuration", [None, {}, {"num_samples": None, "quantiles": None}])
def test_D028_D050_defaults(given_configuration: Any) -> None:
    """A hundred paths, mean and nine quantiles, where nothing is given."""
    found = parse_configuration(given_configuration, max_samples=1000)

    assert found == InferenceConfiguration(100, ("mean", "quantiles"), NINE, None)
    assert found.levels == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def test_D016_D017_D018_D039_everything_given() -> None:
    """Each field is taken as sent."""
    found = parsed(num_samples=50, output_types=["samples", "quantiles"], quantiles=["0.5", "0.9"], seed=2**63 - 1)

    assert found == InferenceConfiguration(50, ("samples", "quantiles"), ("0.5", "0.9"), 2**63 - 1)


def test_D028_D055_each_field_that_is_not_given_is_the_endpoints() -> None:
    """The given ones win, field by field; an empty list of quantiles is none given."""
    endpoint = parse_text('{"num_samples": 7, "quantiles": ["0.25"], "seed": 3}', max_samples=1000)
    found = parse_configuration({"output_types": ["mean"], "seed": 0, "quantiles": []}, endpoint, max_samples=1000)

    assert endpoint == InferenceConfiguration(7, ("mean", "quantiles"), ("0.25",), 3)
    assert found == InferenceConfiguration(7, ("mean",), ("0.25",), 0)


def test_D055_the_seeds_example() -> None:
    """A partial text leaves the rest at the defaults."""
    text = '{ "num_samples": 200, "output_types": ["mean"] }'

    assert parse_text(text, max_samples=1000) == InferenceConfiguration(200, ("mean",), NINE, None)


def test_D029_quantiles_are_named_as_they_were_sent() -> None:
    """Texts and numbers, each name once."""
    found = parsed(quantiles=["0.50", 0.5, "5e-1", 0.25, "0.50"])

    assert found.quantiles == ("0.50", "0.5", "5e-1", "0.25")
    assert found.levels == (0.5, 0.5, 0.5, 0.25)


@pytest.mark.parametrize(
    "level",
    [0, 1, "0", "1.0", -0.1, "nan", "inf", "p50", "", True, None, [0.5], {}, pytest.param(10**5000, id="huge")],
)
def test_D029_other_quantiles_are_refused(level: object) -> None:
    """Each must be a number strictly between 0 and 1."""
    field, text = refusal(quantiles=["0.5", level])

    assert field == "quantiles"
    assert text.endswith("expected numbers between 0 and 1, both excluded")


@pytest.mark.parametrize("levels", [["0.5"], ["p50", 7], "0.5"])
def test_D029_quantiles_that_nobody_asks_for_are_ignored(levels: object) -> None:
    """Whatever they are: nothing depends on them."""
    assert parsed(output_types=["mean"], quantiles=levels) == parsed(output_types=["mean"])


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"num_samples": 0}, "num_samples is 0, expected a whole number from 1 to 1000"),
        ({"num_samples": 1001}, "num_samples is 1001, expected a whole number from 1 to 1000"),
        ({"num_samples": True}, "num_samples is true, expected a whole number from 1 to 1000"),
        ({"num_samples": 5.0}, "num_samples is 5.0, expected a whole number from 1 to 1000"),
        ({"output_types": []}, "output_types is empty, expected an array with any of mean, quantiles, samples"),
        ({"output_types": "mean"}, "output_types is 'mean', expected an array with any of mean, quantiles, samples"),
        ({"output_types": ["mean", "median"]}, "output_types has 'median', expected any of mean, quantiles, samples"),
        ({"output_types": [["mean"]]}, "output_types has an array, expected any of mean, quantiles, samples"),
        ({"quantiles": "0.5"}, 'quantiles is \'0.5\', expected an array such as ["0.1", "0.9"]'),
        ({"quantiles": [0.5] * 1000}, "quantiles has 1000 values, at most 999 are possible"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0 to 2^63 - 1"),
        ({"seed": 2**63}, "seed is 9223372036854775808, expected a whole number from 0 to 2^63 - 1"),
        ({"seed": "1"}, "seed is '1', expected a whole number from 0 to 2^63 - 1"),
    ],
)
def test_D017_D030_D081_what_cannot_be_followed_is_refused(fields: dict[str, Any], found: str) -> None:
    """The text names the field, what was found and what is possible."""
    assert refusal(**fields) == (next(iter(fields)), found)


def test_D015_a_configuration_is_an_object() -> None:
    """Nothing else is one."""
    with pytest.raises(ConfigurationError, match="configuration is an array, expected an object"):
        parse_configuration([], max_samples=10)


def test_a_limit_below_the_default_limits_the_default() -> None:
    """A service that draws at most ten paths draws ten for those who do not say how many."""
    endpoint = parse_text('{"output_types": ["mean"]}', max_samples=10)

    assert parse_text(None, max_samples=10).num_samples == 10
    assert endpoint.num_samples == 10
    assert parse_configuration({}, endpoint, max_samples=10).num_samples == 10


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", r"^DEEPAR_INFERENCE_CONFIG is not JSON: .* at character \d+$"),
        ("[]", "^DEEPAR_INFERENCE_CONFIG: it is an array, expected an object$"),
        ("null", "^DEEPAR_INFERENCE_CONFIG: it is null, expected an object$"),
        ('{"num_samples": 0}', "^DEEPAR_INFERENCE_CONFIG: num_samples is 0, expected a whole number from 1 to 1000$"),
    ],
)
def test_D055_an_invalid_text_is_refused(text: str, found: str) -> None:
    """The text names the variable, so that its owner knows what to correct."""
    with pytest.raises(ConfigurationError, match=found):
        parse_text(text, max_samples=1000)


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_D050_no_text_is_the_defaults(text: str | None) -> None:
    """Absent or empty."""
    assert parse_text(text, max_samples=1000) == InferenceConfiguration()


@given(st.dictionaries(st.sampled_from(["num_samples", "output_types", "quantiles", "seed"]), ANYTHING) | ANYTHING)
def test_whatever_json_says_is_taken_or_refused(anything: Any) -> None:
    """Nothing but a ConfigurationError comes of any value, and its text can be sent."""
    found, text = InferenceConfiguration(), ""
    try:
        found = parse_configuration(anything, max_samples=1000)
    except ConfigurationError as error:
        text = str(error)

    assert orjson.dumps(text)
    assert 1 <= found.num_samples <= 1000
    assert all(0 < level < 1 for level in found.levels)
