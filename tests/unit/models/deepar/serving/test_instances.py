"""Time series as requests and training files say them: what is taken, what is refused, and in which words."""

import math
import sys
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.deepar.config import DeepARConfig
from models.deepar.series import Series
from models.deepar.serving.instances import InstanceError, parse_instance, parse_line, read_training_data

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
STARTS = st.sampled_from(["2024-01-31", "9999-12-31 23:59:59", "0001-01-01", "2024-02-30", "٢٠٢٤-01-01", "\ud800"])


def config(**changed: Any) -> DeepARConfig:
    """A complete configuration of daily series without categories or features, unless something is changed."""
    fields = {"time_freq": "D", "prediction_length": 3, "context_length": 5, "likelihood": "student-t"}
    return DeepARConfig(**({**fields, "cardinality": (), "num_dynamic_feat": 0} | changed))


def parsed(model: DeepARConfig | None = None, **fields: Any) -> Series:
    """The series of an instance with two values, unless `fields` say something else."""
    return parse_instance({"start": "2012-01-30", "target": [1.0, 2.0]} | fields, model or config())


def refusal(model: DeepARConfig | None = None, **fields: Any) -> tuple[str, str]:
    """Field and text of the error."""
    with pytest.raises(InstanceError) as refused:
        parsed(model, **fields)
    return refused.value.field, str(refused.value)


@pytest.mark.parametrize(
    ("start", "time_freq", "aligned"),
    [
        ("2009-11-01 00:00:00", "D", "2009-11-01"),
        ("2012-01-30", "D", "2012-01-30"),
        ("2012-01-30T13:59:59", "H", "2012-01-30T13"),
        ("2012-01-30 13:59:59.999", "15min", "2012-01-30T13:45"),
        (" 2012-01-30 ", "D", "2012-01-30"),
        ("2012-02-01", "W", "2012-01-30"),
        ("2012-02-29 23:00:00", "M", "2012-02"),
        ("2012-06-15", "Q", "2012-04"),
        ("0001-01-01", "W", "0001-01-01"),
    ],
)
def test_D011_D074_start_is_a_date_or_a_time_aligned_down(start: str, time_freq: str, aligned: str) -> None:
    """Both forms, also with T and fractions of seconds; the series begins with the step that the time lies in."""
    assert parsed(config(time_freq=time_freq), start=start).start == np.datetime64(aligned)


@pytest.mark.parametrize("zone", ["Z", "z", " UTC", "+01:00", "-0530", "+02"])
def test_D011_a_time_zone_is_refused(zone: str) -> None:
    """It is not dropped in silence: the values would be shifted."""
    field, text = refusal(start=f"2012-01-30 00:00:00{zone}")

    assert field == "start"
    assert "has a time zone: leave it out" in text


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (None, "start is missing, expected a text such as 2024-01-31 00:00:00"),
        (5, "start is a number, expected a text such as 2024-01-31 00:00:00"),
        ("٢٠١٢-01-30", "start is '٢٠١٢-01-30', expected YYYY-MM-DD HH:MM:SS or YYYY-MM-DD"),
        ("30.01.2012", "start is '30.01.2012', expected YYYY-MM-DD HH:MM:SS or YYYY-MM-DD"),
        ("2012-02-30", "start '2012-02-30' is no date and time of the calendar"),
        ("0000-01-01", "start '0000-01-01' is no date and time of the calendar"),
        ("2012-01-30 24:00:00", "start '2012-01-30 24:00:00' is no date and time of the calendar"),
        ("x" * 10_000, f"start is '{'x' * 40}'…, expected YYYY-MM-DD HH:MM:SS or YYYY-MM-DD"),
    ],
)
def test_D011_other_starts_are_refused(start: object, found: str) -> None:
    """The text repeats what was found, cut short."""
    assert refusal(start=start) == ("start", found)


@pytest.mark.parametrize(
    ("time_freq", "last", "beyond"),
    [("D", "9999-12-27", "9999-12-28"), ("H", "9999-12-31 19:00:00", "9999-12-31 20:00:00"), ("Y", "9995", "9996")],
)
def test_a_forecast_ends_within_the_year_9999(time_freq: str, last: str, beyond: str) -> None:
    """Two values and three steps of forecast reach to its last step, and not beyond."""
    model = config(time_freq=time_freq)
    day = "-01-01" if time_freq == "Y" else ""

    assert len(parsed(model, start=last + day).target) == 2
    assert refusal(model, start=beyond + day)[1] == "the series or its forecast ends after the year 9999: correct start"


@pytest.mark.parametrize(
    ("target", "values"),
    [
        ([4.0, 10, "NaN", 100.0, -5.0], [4, 10, math.nan, 100, -5]),
        (["nan", " NAN ", None, 1], [math.nan, math.nan, math.nan, 1]),
        ([None, None], [math.nan, math.nan]),
        ([0.1], [0.1]),
        ([], []),
    ],
)
def test_D012_D019_D020_target(target: list[object], values: list[float]) -> None:
    """Numbers of any sign; "NaN" in any letter case and null are missing values; all may be missing, or none given."""
    found = parsed(target=target).target

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(values, np.float32))


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (None, 'target is missing, expected an array of numbers, "NaN" or null'),
        ("NaN", 'target is a text, expected an array of numbers, "NaN" or null'),
        ([1, "NaN", "abc"], "target[2] is 'abc', expected a number, \"NaN\" or null"),
        ([1, True], 'target[1] is true, expected a number, "NaN" or null'),
        ([[1]], 'target[0] is an array, expected a number, "NaN" or null'),
        (["NaN", {}], 'target[1] is an object, expected a number, "NaN" or null'),
        ([1, math.inf], "target[1] is inf, expected a number between -1e37 and 1e37"),
        ([-1e38], "target[0] is -1e+38, expected a number between -1e37 and 1e37"),
        ([0, 10**5000], "target[1] is a number of hundreds of digits, expected a number between -1e37 and 1e37"),
    ],
)
def test_D012_other_targets_are_refused(target: object, found: str) -> None:
    """With the place of the first wrong value; no number too large to compute with gets in."""
    assert refusal(target=target) == ("target", found)


def test_D013_D027_categories() -> None:
    """As many codes as the model has categories, each from 0 and below the cardinality."""
    model = config(cardinality=(3, 4))

    assert parsed(model, cat=[2, 0]).cat == (2, 0)
    assert refusal(model) == ("cat", "cat is missing, expected 2 values: the model has as many categories")
    assert refusal(model, cat=[2]) == ("cat", "cat has 1 values, expected 2")
    assert refusal(model, cat=[2, 4]) == ("cat", "cat[1] is 4, expected a whole number from 0 to 3")
    assert refusal(model, cat=[-1, 0]) == ("cat", "cat[0] is -1, expected a whole number from 0 to 2")
    assert refusal(model, cat=[True, 0]) == ("cat", "cat[0] is true, expected a whole number from 0 to 2")
    assert refusal(model, cat=[1.0, 0]) == ("cat", "cat[0] is 1.0, expected a whole number from 0 to 2")
    assert refusal(model, cat=2) == ("cat", "cat is a number, expected an array of whole numbers")


def test_D022_a_category_that_the_model_does_not_know_is_refused_or_left_out() -> None:
    """Strict by default; a lenient service leaves it out, but not one that the model does need."""
    text = "cat is given, but the model was trained without categories: leave cat out"
    given = {"start": "2012-01-30", "target": [1.0], "cat": [0]}

    assert refusal(cat=[0]) == ("cat", text)
    assert parse_instance(given, config(), lenient=True).cat == ()
    assert parse_instance(given, config(cardinality=(1,)), lenient=True).cat == (0,)


def test_D014_D024_features() -> None:
    """Each row is as long as the target and the forecast together."""
    model = config(num_dynamic_feat=2)
    feat = parsed(model, dynamic_feat=[[1, 2, 3, 4, 5], [0.5, -1, 0, 0, 1e9]]).feat

    assert feat is not None
    assert feat.dtype == np.float32
    assert feat.tolist() == [[1, 2, 3, 4, 5], [0.5, -1, 0, 0, 1e9]]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (None, "dynamic_feat is missing, expected 1 series: the model has as many"),
        ([[1] * 5, [1] * 5], "dynamic_feat has 2 series, expected 1"),
        ([], "dynamic_feat has 0 series, expected 1"),
        ([[1.3, 0.4]], "dynamic_feat[0]: expected 5 values (2 target + 3 prediction_length), found 2"),
        ([[1, 2, 3, None, 5]], "dynamic_feat[0][3] is null, expected a number"),
        ([[1, 2, "NaN", 4, 5]], "dynamic_feat[0][2] is 'NaN', expected a number"),
        ([[1, 2, 3, 4, math.nan]], "dynamic_feat[0] has values beyond 1e37 or not finite"),
        ([[1, 2, 3, 4, 10**400]], "dynamic_feat[0] has values beyond 1e37 or not finite"),
        ([1, 2, 3, 4, 5], "dynamic_feat has 5 series, expected 1"),
        ([7], "dynamic_feat[0] is a number, expected an array of numbers"),
        ({}, "dynamic_feat is an object, expected an array of arrays of numbers"),
    ],
)
def test_D023_D024_D053_other_features_are_refused(rows: object, found: str) -> None:
    """Also a line of training shape; the text gives the lengths expected and found (D-081)."""
    assert refusal(config(num_dynamic_feat=1), dynamic_feat=rows) == ("dynamic_feat", found)


def test_D025_features_that_the_model_does_not_know_are_refused() -> None:
    """They must not be in the request."""
    text = "dynamic_feat is given, but the model was trained without feature series: leave it out"

    assert refusal(dynamic_feat=[[1] * 5]) == ("dynamic_feat", text)


@pytest.mark.parametrize("likelihood", ["negative-binomial", "beta"])
def test_a_history_may_be_outside_of_what_is_forecast(likelihood: str) -> None:
    """It is only read: counts are forecast of a history with negative values, too."""
    assert parsed(config(likelihood=likelihood), target=[-5.0, 7.5]).target.tolist() == [-5.0, 7.5]


def test_other_fields_are_ignored() -> None:
    """Only the name of a series is kept, where it is a text."""
    assert parsed(item_id="a", extra=[1]).item_id == "a"
    assert parsed(item_id=7).item_id == ""


@given(JSON, st.tuples(STARTS | JSON, JSON, JSON, JSON), st.booleans())
def test_whatever_json_says_is_taken_or_refused(whole: Any, fields: tuple[Any, ...], training: bool) -> None:
    """Nothing but an InstanceError comes of any value in any place."""
    named = dict(zip(("start", "target", "cat", "dynamic_feat"), fields, strict=True))
    models = (config(), config(cardinality=(2,), num_dynamic_feat=1), config(cardinality=None, num_dynamic_feat=None))
    for model in models:
        for given_fields in (whole, named, {**named, "start": "2024-01-31", "target": [1, None]}):
            values, text = np.zeros(0), ""
            try:
                values = parse_instance(given_fields, model, training=training).target
            except InstanceError as error:
                text = str(error)

            assert orjson.dumps(text)
            assert not np.isinf(values).any()


def test_deeply_nested_values_are_refused() -> None:
    """An error text does not descend into what it shows."""
    nested: list[Any] = []
    for _ in range(sys.getrecursionlimit() * 3):
        nested = [nested]

    assert refusal(target=nested)[1] == 'target[0] is an array, expected a number, "NaN" or null'


def test_a_line_that_is_not_json() -> None:
    """The text says where."""
    with pytest.raises(InstanceError, match=r"^not JSON: .* at character 9$"):
        parse_line(b'{"a": 1 b}')


def test_D051_D065_a_training_file() -> None:
    """One series per line, blank lines between them, the last without a newline, rows as long as the target."""
    lines = [
        b'{"start": "2012-01-30", "target": [1, "NaN"], "cat": [0], "dynamic_feat": [[1, 2]], "item_id": "a"}\r\n',
        b" \n",
        b'{"start": "2012-01-31 00:00:00", "target": [], "cat": [1], "dynamic_feat": [[]]}',
    ]
    series, settled = read_training_data(iter(lines), config(cardinality=(2,), num_dynamic_feat=1))

    assert [one.cat for one in series] == [(0,), (1,)]
    assert [one.feat.shape for one in series if one.feat is not None] == [(1, 2), (1, 0)]
    assert series[0].item_id == "a"
    assert settled == config(cardinality=(2,), num_dynamic_feat=1)


def test_D071_the_data_says_how_many_there_are() -> None:
    """Cardinality is one more than the largest code of each place; without any there are none."""
    auto = config(cardinality=None, num_dynamic_feat=None)
    line = b'{"start": "2012-01-30", "target": [1], "cat": %b, "dynamic_feat": [[1], [2]]}'
    told = read_training_data([line % b"[0, 6]", line % b"[3, 1]"], auto)[1]
    untold = read_training_data([b'{"start": "2012-01-30", "target": [1]}'], auto)[1]

    assert (told.cardinality, told.num_dynamic_feat) == ((4, 7), 2)
    assert (untold.cardinality, untold.num_dynamic_feat) == ((), 0)


def test_D052_a_file_may_have_what_the_training_is_told_to_leave_out() -> None:
    """With cardinality and num_dynamic_feat "" the fields are ignored, whatever they hold."""
    series, settled = read_training_data(
        [b'{"start": "2012-01-30", "target": [1], "cat": [5], "dynamic_feat": [[1, 2]]}'], config()
    )

    assert (series[0].cat, series[0].feat) == ((), None)
    assert settled == config()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"start": "2012-01-30"}', 'line 3: target is missing, expected an array of numbers, "NaN" or null'),
        (b"[1]", "line 3: it is an array, expected an object with start and target"),
        (b'{"start": "2012-01-30", "target": [1]}', "line 3: cat has 0 values, expected 1 as in the first series"),
        (
            b'{"start": "2012-01-30", "target": [1], "cat": [1], "dynamic_feat": [[1]]}',
            "line 3: dynamic_feat has 1 series, expected 0 as in the first series",
        ),
        (
            b'{"start": "2012-01-30", "target": [1], "cat": [1], "dynamic_feat": [[1, 2, 3, 4]]}',
            "line 3: dynamic_feat[0]: expected 1 values (as many as target), found 4",
        ),
        (
            b'{"start": "2012-01-30", "target": [1], "cat": [2000000000]}',
            "line 3: cat[0] is 2000000000, expected a whole number from 0 to 999999",
        ),
    ],
)
def test_an_error_in_a_training_file_names_its_line(line: bytes, found: str) -> None:
    """Counted from 1, blank lines too."""
    lines = [b'{"start": "2012-01-30", "target": [1, 2], "cat": [0]}\n', b"\n", line]
    with pytest.raises(InstanceError) as refused:
        read_training_data(lines, config(cardinality=None, num_dynamic_feat=None))

    assert str(refused.value) == found


def test_a_training_file_without_series_is_refused() -> None:
    """Blank lines are none."""
    with pytest.raises(InstanceError, match="the file has no series"):
        read_training_data([b"\n", b"  "], config())
