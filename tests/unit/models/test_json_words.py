"""F01: a bare NaN, as `json.dumps(float("nan"))` writes it, is answered with how to write a missing value."""

import orjson
import pytest

from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import ConfigurationError, parse_text
from models.deepar.serving.instances import InstanceError, parse_line, read_training_data
from models.json_words import json_problem

REMEDY = 'write a missing value as null, or as "NaN" in quotation marks'


def problem(text: str) -> str:
    """What is said of a text that is no JSON."""
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(text)
    return json_problem(caught.value)


@pytest.mark.parametrize("value", ["NaN", "nan", "-NaN", "Infinity", "-Infinity", "inf", "None", "NA"])
@pytest.mark.parametrize("text", ["[1, {}, 3]", '{{"é": {}}}', "{}", "[{}"])
def test_F01_what_is_no_number_gets_its_remedy(value: str, text: str) -> None:
    """Wherever it stands, and it is named."""
    found = problem(text.format(value))

    assert REMEDY in found
    assert value in found
    assert ("finite" in found) == ("inf" in value.lower())


@pytest.mark.parametrize("text", ["", "{", "[1,]", "Nope", "nanometres", '{"a" 1}', "-"])
def test_other_mistakes_keep_the_words_of_the_reader(text: str) -> None:
    """Nothing is guessed."""
    assert REMEDY not in problem(text)


def test_F01_at_every_place_where_models_read_json() -> None:
    """Lines of transforms and of training files, and DEEPAR_INFERENCE_CONFIG."""
    line = b'{"start": "2020-01-01", "target": [1, NaN]}'
    config = DeepARConfig("D", 1, 1)
    with pytest.raises(InstanceError, match="null, or as"):
        parse_line(line)
    with pytest.raises(InstanceError, match=r"^line 2: not JSON: NaN is no JSON value: write .* at character 39"):
        read_training_data([b"", line], config)
    with pytest.raises(ConfigurationError, match="null, or as"):
        parse_text('{"num_samples": NaN}', max_samples=10)
