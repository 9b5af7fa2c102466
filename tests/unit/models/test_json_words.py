"""F01: a bare NaN, as `json.dumps(float("nan"))` writes it, is answered with how to write a missing value."""

import orjson
import pytest

from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import ConfigurationError, parse_text
from models.deepar.serving.instances import InstanceError, parse_body, parse_line, read_training_data
from models.json_words import BadJsonError, json_problem, read_json, shown

REMEDY = 'write a missing value as null, or as "NaN" in quotation marks'


def problem(text: str) -> str:
    """What is said of a text that is no JSON."""
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(text)
    return json_problem(caught.value, text).words


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


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_what_nests_too_deep_is_refused_with_its_field(opened: str, closed: str) -> None:
    """The reader takes a thousand levels, of which the writer could write a quarter, and repr none."""
    deep = {depth: f"{opened * depth}1{closed * depth}" for depth in (250, 255, 1000)}

    assert read_json(deep[250])
    for depth in (255, 1000):
        with pytest.raises(BadJsonError, match=r"^too many arrays" if opened == "[" or depth == 255 else r"^a: too"):
            read_json(deep[depth])
        with pytest.raises(BadJsonError, match=r"^variables: too many arrays and objects lie inside one another$"):
            read_json(f'{{"name": 1, "variables": {deep[depth]}}}'.encode())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (0.5, "0.5"),
        (10**30, f"1{'0' * 30}"),
        ("a", '"a"'),
        ("x" * 41, f'"{"x" * 40}"…'),
        ([[]], "an array of 1"),
        ({}, "an object of 0"),
    ],
)
def test_what_came_is_shown_briefly(value: object, words: str) -> None:
    """As JSON has it; what may be large by its size."""
    assert shown(value) == words


def test_a_byte_order_mark_is_no_mistake() -> None:
    """Editors of Windows begin a file with one: bodies, lines of a transform and of a training file are read alike."""
    line = b'\xef\xbb\xbf{"start": "2020-01-01", "target": [1, 2]}'
    config = DeepARConfig("D", 1, 1)

    assert read_json(line) == parse_line(line) == parse_body(line) == {"start": "2020-01-01", "target": [1, 2]}
    assert len(read_training_data([line], config)[0]) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_with_its_remedy(encoding: str) -> None:
    """The reader said `surrogates not allowed` of byte 0."""
    text = '{"name": "Köln €"}'.encode(encoding)
    with pytest.raises(BadJsonError, match=r"^byte 0: not valid JSON: it is UTF-16; send UTF-8$"):
        read_json(text)
    with pytest.raises(InstanceError, match=r"^not JSON: it is UTF-16; send UTF-8, at character 1$"):
        parse_line(text)


def test_a_place_is_counted_in_what_was_sent() -> None:
    """Bytes where bytes are named: an editor goes to the wrong place behind a letter of several."""
    text = '{"name": "Köln €", "other": NaN}'
    with pytest.raises(BadJsonError, match=r"^byte 31: not valid JSON: NaN"):
        read_json(text.encode())
    with pytest.raises(InstanceError, match=r", at character 29$"):
        parse_line(text.encode())
    with pytest.raises(InstanceError, match=r"^not JSON: 0xE4 .*, at character 20$"):
        parse_line('{"name": "Köln €", '.encode() + b"\xe4")


def test_a_byte_that_is_not_utf_8_is_named_with_its_place() -> None:
    """As Windows saves it."""
    text = '{"name": "Köln €"}'.encode("cp1252")
    with pytest.raises(BadJsonError, match=r"^byte 11: not valid JSON: 0xF6 is not UTF-8; send UTF-8$"):
        read_json(text)
    with pytest.raises(InstanceError, match=r"^the body is not JSON: 0xF6 is not UTF-8; send UTF-8, at character 12$"):
        parse_body(text)
