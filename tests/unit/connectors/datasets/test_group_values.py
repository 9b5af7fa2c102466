"""Group values out of the text that contract 000 tells them as."""

import pytest

from connectors.datasets.group_values import BadSeriesKeyError, group_values, named_series, place_of, read_key


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("('asiasoutheast', 'FS')", ("asiasoutheast", "FS")),
        ("('asiasoutheast',)", ("asiasoutheast",)),
        ("()", ()),
        ("(1, 2.5)", ("1", "2.5")),
        ("('a', 5, 'b')", ("a", "5", "b")),
        ("('a', 'b')", ("a", "b")),
        ("('', 'b')", ("", "b")),
        ("(\"it's\", 'b')", ("it's", "b")),
        ("('a\\\\', 'b')", ("a\\", "b")),
        ("('it\\'s',)", ("it's",)),
        ("", ("",)),
        ("no tuple", ("no tuple",)),
        ("7", ("7",)),
        ("(" * 500, ("(" * 500,)),
    ],
)
def test_J062_group_values_are_read_from_pythons_notation(text: str, values: tuple[str, ...]) -> None:
    """What is no tuple is shown as it stands."""
    assert group_values(text) == values


KEYS = [
    ((), "()", "all"),
    (("Origin",), "('EWR',)", "Origin=EWR"),
    (("Origin", "Carrier"), "('EWR', 'AA')", "Carrier=AA/Origin=EWR"),
    (("Store",), "(7,)", "Store=7"),
    (("a/b", "100%"), "('x=y', 'Straße/%2F')", "100%25=Straße%2F%252F/a%2Fb=x%3Dy"),
]


@pytest.mark.parametrize(("columns", "text", "key"), KEYS, ids=[key for _, _, key in KEYS])
def test_a_series_is_found_again_by_its_key(columns: tuple[str, ...], text: str, key: str) -> None:
    """Whatever signs are in names and values; nothing else has the key."""
    name = named_series(columns, text)

    assert (name.key, read_key(key)) == (key, name.groups)
    assert place_of(read_key(key), columns, ("('other',)", text)) == 1


def test_the_order_in_which_columns_were_chosen_does_not_matter() -> None:
    """Two jobs that group by the same columns have the same series."""
    one, other = named_series(("b", "a"), "('1', '2')"), named_series(("a", "b"), "('2', '1')")

    assert one.key == other.key == "a=2/b=1"
    assert one.groups == other.groups


@pytest.mark.parametrize("columns", [(), ("a",), ("a", "c"), ("a", "b", "c")])
def test_other_columns_are_other_series(columns: tuple[str, ...]) -> None:
    """A coarser or finer series is another one."""
    assert place_of({"a": "1", "b": "2"}, columns, ("('1', '2')", "('1',)", "()")) is None


@pytest.mark.parametrize("key", ["", "EWR", "a=1/b", "a=1=2", "a=1/a=2"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """With an example of one."""
    with pytest.raises(BadSeriesKeyError, match="Carrier=AA/Origin=EWR"):
        read_key(key)
