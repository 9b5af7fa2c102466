"""Which observations can be rows, and in which words the others are refused."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from connectors.datasets.added_rows import AddedRow, RowLayout
from schemas.observations import Observation
from streams.errors import RejectedError
from streams.observations.bodies import MOST_ROWS, long_rows, observations_of, rows_of_csv, rows_of_json
from streams.observations.checks import checked
from streams.observations.forms import RowForm

FORM = RowForm(
    5, RowLayout("day", ("shop",)), ("shop", "day", "sold", "note"), frozenset({"sold"}), ("2020-01-01", "2020-01-02")
)
GOOD = Observation(5, "2020-01-03", {"sold": 3.0, "note": "rain"}, {"shop": "a"})


def test_an_observation_becomes_a_row() -> None:
    """With the time as a number."""
    assert checked(FORM, [GOOD], [7]) == [
        AddedRow(7, 7, ("a",), 1_578_009_600_000_000, "2020-01-03", {"sold": 3.0, "note": "rain"})
    ]


@pytest.mark.parametrize(
    ("value", "cell"), [("3", 3.0), (" 2.5 ", 2.5), ("", None), (None, None), (4.0, 4.0)], ids=repr
)
def test_numbers_may_come_as_texts(value: Any, cell: float | None) -> None:
    """As CSV has them."""
    [row] = checked(FORM, [Observation(5, "2020-01-03", {"sold": value}, {"shop": "a"})], [7])

    assert isinstance(row, AddedRow)
    assert row.cells == {"sold": cell}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"timestamp": "yesterday"}, 'day: "yesterday"'),
        ({"timestamp": "03.01.2020"}, "is not written like the first timestamp"),
        ({"groups": {}}, "groups: has none; the rows of this data set have shop"),
        ({"groups": {"shop": "a", "city": "b"}}, "groups: has shop, city"),
        ({"groups": {"shop": "a\nb"}}, "shop: has a sign that cannot be shown"),
        ({"groups": {"shop": "a" * 2000}}, "shop: has 2000 characters"),
        ({"values": {}}, "values: is empty"),
        ({"values": {"price": 1.0}}, "price: is no column with values; there are sold, note"),
        ({"values": {"day": 1.0}}, "day: is no column with values"),
        ({"values": {"sold": "many"}}, "sold: 'many' is no number"),
        ({"values": {"sold": "1_000"}}, "sold: '1_000' is no number"),
        ({"values": {"sold": math.nan}}, "sold: 'nan' is no number"),
        ({"values": {"note": math.inf}}, "note: inf is no finite number"),
    ],
    ids=lambda it: str(it)[:40] if isinstance(it, str) else "",
)
def test_what_cannot_be_a_row_is_refused_alone(fields: dict[str, Any], words: str) -> None:
    """The rows beside it are kept."""
    said = {"timestamp": GOOD.timestamp, "values": GOOD.values, "groups": GOOD.groups} | fields

    first, bad, last = checked(FORM, [GOOD, Observation(5, **said), GOOD], [7, 8, 9])

    assert isinstance(first, AddedRow)
    assert isinstance(last, AddedRow)
    assert isinstance(bad, RejectedError)
    assert words in bad.message


def _observed(rows: list[Any], form: RowForm = FORM) -> list[Observation]:
    return list(observations_of(form, long_rows(form, rows), ""))


def _refusal(read: Callable[[bytes], list[Any]], body: bytes) -> str:
    with pytest.raises(RejectedError) as refused:
        _observed(read(body))
    return refused.value.message


def test_csv_and_json_say_the_same() -> None:
    """A row each; numbers of CSV are texts still."""
    of_csv = _observed(rows_of_csv(b"day,shop,sold,note\n2020-01-03,a,3,rain\n"))
    of_json = _observed(rows_of_json(b'{"rows": [{"day": "2020-01-03", "shop": "a", "sold": 3, "note": "rain"}]}'))

    assert checked(FORM, [*of_csv, *of_json], [7, 7]) == checked(FORM, [GOOD, GOOD], [7, 7])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "is empty"),
        (b"day,day\n", "line 1 has a column twice"),
        (b"day,shop,sold\n", "there are none"),
        (b"day,shop,sold\n2020-01-03,a\n", "row 1: has 2 cells, the first line has 3"),
        (b"day,shop,price\n2020-01-03,a,1\n", "row 1: 'price' is no column of the data set"),
        (b"day,sold\n2020-01-03,1\n", "row 1: shop is missing"),
        (b'day,shop,sold\n2020-01-03,a,1\n2020-01-03,"a,1\n', "line 3"),
        (b"day,shop,sold\n2020-01-03,\xff,1\n", "is not UTF-8 at byte 25"),
        (b"day;shop;sold\n2020-01-03;a;1,5\n", "body: line 1 has no commas: write commas between columns"),
    ],
    ids=repr,
)
def test_what_is_wrong_with_a_csv_body_is_told(body: bytes, words: str) -> None:
    """With the row, counted from 1."""
    assert words in _refusal(rows_of_csv, body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not valid JSON"),
        (b"7", "expected an array of rows"),
        (b"[7]", "row 1: is 7, expected an object"),
        (b'[{"day": "2020-01-03", "shop": null}]', "row 1: shop is missing"),
        (b'[{"day": "2020-01-03", "shop": [1]}]', "row 1: shop is an array"),
        (b'[{"day": "2020-01-03", "shop": "a", "sold": true}]', "row 1: sold is true"),
        (b'[{"day": "2020-01-03", "shop": "a", "sold": 99999999999999999}]', "row 1: sold has more digits"),
    ],
    ids=repr,
)
def test_what_is_wrong_with_a_json_body_is_told(body: bytes, words: str) -> None:
    """As with CSV."""
    assert words in _refusal(rows_of_json, body)


WIDE = RowForm(
    5,
    RowLayout("day", ("series",)),
    ("day", "series", "value"),
    frozenset({"value"}),
    ("2020-01-01",),
    frozenset("abc"),
)


def test_a_row_as_in_a_wide_file_is_one_for_each_value() -> None:
    """A cell without anything makes none; long rows are taken beside it, for new series too."""
    rows = [{"day": "2020-01-03", "a": 1, "c": None, "b": "2"}, {"day": "2020-01-04", "series": "d", "value": 7}]

    assert _observed(rows, WIDE) == [
        Observation(5, "2020-01-03", {"value": 1.0}, {"series": "a"}),
        Observation(5, "2020-01-03", {"value": "2"}, {"series": "b"}),
        Observation(5, "2020-01-04", {"value": 7.0}, {"series": "d"}),
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"day": "2020-01-03", "a": 1}, {"day": "2020-01-03", "a": 1, "z": 2}], "row 2: 'z' is no column of the data"),
        ([{"day": "2020-01-03", "z": 2}], "or the series of the file, such as 'a'; a new one by series"),
        ([{"day": "2020-01-03", "a": None, "b": " "}], "rows: have no value: send at least one"),
        ([{"day": "2020-01-03", "a": 1, "series": "b"}], "row 1: 'a' is no column"),
        ([{"a": 1}], "row 1: day is missing"),
        (
            [{"day": "2020-01-03", "a": 1, "b": 1}] * (MOST_ROWS // 2 + 1),
            "rows: have more than 100000 values of series",
        ),
    ],
    ids=["typo", "new", "nothing", "both", "time", "many"],
)
def test_what_is_wrong_with_a_wide_row_is_told(rows: list[Any], words: str) -> None:
    """With the row, counted from 1."""
    with pytest.raises(RejectedError) as refused:
        _observed(rows, WIDE)

    assert words in refused.value.message
