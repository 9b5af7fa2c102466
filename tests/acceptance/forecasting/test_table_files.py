"""Files by columns (Parquet, Arrow) and workbooks (XLSX) in the place of CSV."""

import io
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from tests.acceptance.forecasting.jobs import HISTORY, check_error, csv, run
from tests.integration.services import Api
from tests.workbooks import workbook

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


def test_a_forecast_from_a_workbook_is_that_of_the_same_table_as_csv(api: Api) -> None:
    """Days are days; a title above the table is passed over."""
    days = [date(2024, 3, 1) + timedelta(days=n) for n in range(len(HISTORY))]
    rows = [["Sold in the north"], ["day", "sold"], *(list(row) for row in zip(days, HISTORY, strict=True))]

    found: Any = run(api, workbook({"S": rows}))
    expected: Any = run(api, csv("day,sold", *(f"{day},{value}" for day, value in zip(days, HISTORY, strict=True))))

    assert found | {"ts_id": 0} == expected | {"ts_id": 0}


def test_the_sheet_of_a_workbook_can_be_named(api: Api) -> None:
    """Without a name it is the first with a table, and a warning says so."""
    table = [["day", "x"], [date(2024, 1, 1), 1.0], [date(2024, 1, 2), 2.0]]
    content = workbook({"Notes": [["read me"]], "North": table, "South": [*table, [date(2024, 1, 3), 3.0]]})

    first = api.get(f"/data/{api.add_dataset(content)}/")
    named = api.call("POST", "/data/", files={"upload": ("x.xlsx", content)}, data={"sheet": "South"})
    wrong = api.call("POST", "/data/", files={"upload": ("x.xlsx", content)}, data={"sheet": "West"})

    assert (first["data"]["dialect"]["sheet"], first["data"]["rows"]) == ("North", 2)
    assert first["warnings"] == ["the sheet North is read; the workbook also has Notes, South: name another by sheet"]
    assert named.json()["data"]["dialect"]["given"] == ["sheet"]
    assert (named.json()["data"]["rows"], "warnings" in named.json()) == (3, False)
    assert check_error(wrong, 400, "sheet: there is no sheet 'West'; the workbook has")["code"] == "bad_dialect"


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
