"""Files by columns (Parquet, Arrow) in the place of CSV."""

import io
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from tests.acceptance.forecasting.jobs import HISTORY, check_error, csv, run
from tests.integration.services import Api

_MIDNIGHT = 1_711_407_600  # 2024-03-26 in Berlin; the clocks go forward on the 31st
_ZONE = "Europe/Berlin"


def as_file(table: pa.Table, form: str) -> bytes:
    """The bytes of a file of this form."""
    sink = io.BytesIO()
    if form == "parquet":
        parquet.write_table(table, sink)
    else:
        feather.write_feather(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_forecast_is_that_of_the_same_table_as_csv(api: Api, form: str) -> None:
    """Values and dates: local midnights stay local midnights through the change of the clocks."""
    days = pa.array([_MIDNIGHT + 86_400 * n - 3600 * (n > 5) for n in range(len(HISTORY))], pa.timestamp("s", _ZONE))
    rows = [f"2024-{3 + (n > 5):02d}-{26 + n if n <= 5 else n - 5:02d}" for n in range(len(HISTORY) - 2)]
    table = pa.table({"day": days, "sold": list(HISTORY)}).slice(0, len(rows))

    found: Any = run(api, as_file(table, form))
    expected: Any = run(api, csv("day,sold", *(f"{day},{value}" for day, value in zip(rows, HISTORY, strict=False))))

    assert found["predictions"] == expected["predictions"]
    assert [at[:10] for at in found["timestamps"]] == [at[:10] for at in expected["timestamps"]]
    assert {at[10:] for at in found["timestamps"]} == {" 00:00:00"}


def test_what_was_exported_can_be_sent_back(api: Api) -> None:
    """The table of all forecasts is a data set like any other."""
    table = pa.table({"at": pa.array([0, 86_400, 172_800], pa.timestamp("s")), "x": [1.5, None, 3.5]})
    dataset = api.get(f"/data/{api.add_dataset(as_file(table, 'parquet'))}/")

    assert dataset["data"]["dialect"]["compression"] == "parquet"
    assert dataset["data"]["rows"] == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PAR1" + b"\0" * 40 + b"PAR1", "the parquet file cannot be read: it is damaged"),
        (as_file(pa.table({"odd": [[1]]}), "parquet"), "the column 'odd' holds list"),
    ],
    ids=["damaged", "lists"],
)
def test_what_cannot_be_read_is_refused(api: Api, content: bytes, says: str) -> None:
    """With the remedy, and without a traceback."""
    answer = api.call("POST", "/data/", files={"upload": ("x.parquet", content)})

    assert check_error(answer, 400, says)["code"] == "not_csv"
    assert "Traceback" not in answer.text
