"""Rows of a request: JSON and CSV, as programs of others write them."""

import pytest

from streams.errors import RejectedError
from streams.observations.bodies import rows_of_csv, rows_of_json


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_a_byte_order_mark_is_no_mistake(mark: bytes) -> None:
    """Programs of Windows begin a text with one."""
    row = {"day": "2020-01-13", "sold": 7}

    assert rows_of_json(mark + b'[{"day": "2020-01-13", "sold": 7}]') == [row]
    assert rows_of_json(mark + b'{"rows": [{"day": "2020-01-13", "sold": 7}]}') == [row]
    assert rows_of_csv(mark + b"day,sold\n2020-01-13,7\n") == [{"day": "2020-01-13", "sold": "7"}]


def test_what_is_no_json_is_named_with_its_byte() -> None:
    """Behind a letter of two bytes, too."""
    with pytest.raises(RejectedError) as caught:
        rows_of_json('[{"käse": NaN}]'.encode())

    assert "at byte 11" in caught.value.message
