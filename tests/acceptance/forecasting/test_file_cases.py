"""Files that failed in use, each by its number: read as they are, or told what is doubtful (decision 18)."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.acceptance.forecasting.jobs import check_error, element, train
from tests.integration.services import Api

_CASES: Final = Path(__file__).parents[2] / "cases"


def _upload(api: Api, case: str, **form: str) -> dict[str, Any]:
    """The answer to the upload of a case's file."""
    content = (_CASES / f"{case}.csv").read_bytes()
    answer = api.call("POST", "/data/", files={"upload": ("data.csv", content)}, data={"name": "case", **form})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _configured(api: Api, case: str, *, form: dict[str, str] | None = None, **columns: Any) -> tuple[int, Any]:
    """A job on the file of a case, and the answer to its columns; the last two columns if none are named."""
    data = _upload(api, case, **(form or {}))["data"]
    labels = [column["label"] for column in api.get(f"/data/{data['id']}/")["header"]]
    job_id = api.create_job(data["id"])
    body = {"timestamp_indexs": [len(labels) - 2], "target_indexs": [len(labels) - 1], "groupby_indexs": [], **columns}
    answer = api.call("PUT", f"/job/{job_id}/", json=body)
    assert answer.status_code == 200, answer.text
    return job_id, answer.json()


def _history(api: Api, case: str) -> tuple[list[Any], list[str]]:
    """Values and timestamps of the one series of a case, after training."""
    job_id, details = _configured(api, case)
    (series,) = details["ts_details"]
    body = train(api, job_id, element(series["ts_id"], next_k_prediction=2))
    assert body["status"] == 3, body
    ((result,),) = [entry["results"] for entry in body["results"]]
    values, texts = result["ts_history"].values()
    return values, texts


@pytest.mark.parametrize(
    ("case", "header", "dialect", "first"),
    [
        ("A02", ["Datum", "Umsatz (EUR, netto)"], {"delimiter": ";", "decimal": ","}, 12.5),
        ("A03", ["Date", "Value"], {"delimiter": ",", "skipped_lines": 1}, 12),
        ("A08", ["日期", "销量"], {"encoding": "gbk"}, 12),
        ("A14", ["Date", "Value"], {"ignored_columns": [2]}, 12),
        ("A15", ["Unnamed: 0", "Date", "Value"], {"ignored_columns": []}, 12),
        ("A16", ["Date", "Value"], {"skipped_lines": 2}, 12),
        ("A39", ["Date", "Value"], {"skipped_lines": 4}, 0),
    ],
)
def test_A02_A03_A08_A14_A15_A16_A39_a_file_is_read_as_it_is(
    api: Api, case: str, header: list[str], dialect: dict[str, Any], first: float
) -> None:
    """Its labels and values come out, and the answer says how the file was read."""
    data = _upload(api, case)["data"]
    preview = api.get(f"/data/{data['id']}/")
    values, texts = _history(api, case)

    assert [column["label"] for column in preview["header"]] == header
    assert preview["heads"][header[-1]][0] == first
    assert {name: data["dialect"][name] for name in dialect} == dialect
    assert preview["data"] == data
    assert values[0] == first
    assert texts[0] == "2020-01-01"


def test_A25_groups_that_differ_in_blanks_alone_are_told(api: Api) -> None:
    """They stay two series, as RFC 4180 has it, and the answer says so."""
    job_id, details = _configured(api, "A25", timestamp_indexs=[0], groupby_indexs=[1])

    assert [series["groupby_val"] for series in details["ts_details"]] == ["('A',)", "(' A',)"]
    assert len(details["warnings"]) == 1
    for part in ('"A"', '" A"', "blanks alone", "remove the blanks"):
        assert part in details["warnings"][0]
    assert api.get(f"/job/{job_id}/ts_details/") == details


def test_A41_a_row_with_too_few_cells_is_refused_with_a_fitting_remedy(api: Api) -> None:
    """It lacks a cell, so quotation marks cannot help."""
    content = (_CASES / "A41.csv").read_bytes()
    answer = api.call("POST", "/data/", files={"upload": ("data.csv", content)})
    body = check_error(answer, 400, "line 5", "1 cells", "2 columns", "add the missing cell")

    assert "quotation" not in body["message"]


def test_B47_a_forgotten_group_column_is_named(api: Api) -> None:
    """By the answer to the columns, and by the failed training."""
    job_id, details = _configured(api, "B47", timestamp_indexs=[0])
    (warning,) = details["warnings"]
    body = train(api, job_id, element(details["ts_details"][0]["ts_id"]))

    for part in ("time that their series has already", '"Shop" (1)', "groupby_indexs", "--group-by"):
        assert part in warning
    assert body["status"] == 4
    for part in ("occurs more than once", "groupby_indexs", "--group-by"):
        assert part in body["message"]


def test_D18_settings_of_an_upload_are_taken_and_shown(api: Api) -> None:
    """Each of them wins over what would be found."""
    data = _upload(api, "A02", encoding="latin-1", delimiter="semicolon", decimal=",", thousands=".")["data"]

    assert data["dialect"] == {
        "encoding": "utf-8" if data["dialect"]["encoding"] == "utf-8" else "iso-8859-1",
        "delimiter": ";",
        "quote": '"',
        "decimal": ",",
        "thousands": ".",
        "skipped_lines": 0,
        "compression": None,
        "ignored_columns": [],
        "timestamp_format": None,
        "given": ["encoding", "delimiter", "decimal", "thousands"],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("encoding", "klingon"), ("encoding", "utf-16"), ("delimiter", "ab"), ("quote", "x"), ("decimal", "x"),
        ("thousands", "x"), ("skipped_lines", "x"), ("skipped_lines", "-1"), ("skipped_lines", "99999"),
        ("timestamp_format", "soon"),
        ("compression", "gzip"), ("compression", "rar"), ("ignored_columns", "x"), ("ignored_columns", "[0]"),
    ],
)  # fmt: skip
def test_D18_a_wrong_setting_is_400_with_its_field(api: Api, field: str, value: str) -> None:
    """And nothing is kept."""
    before = [data["id"] for data in api.get("/data/")["data"]]
    content = (_CASES / "A02.csv").read_bytes()
    answer = api.call("POST", "/data/", files={"upload": ("data.csv", content)}, data={field: value})
    check_error(answer, 400, f"{field}: ")

    assert [data["id"] for data in api.get("/data/")["data"]] == before


def test_B17_dates_that_can_be_day_first_are_read_month_first_and_told(api: Api) -> None:
    """By the upload, the preview and the answer to the columns, with the remedy; which then settles it."""
    uploaded = _upload(api, "B17")
    preview = api.get(f"/data/{uploaded['data']['id']}/")
    _, details = _configured(api, "B17")
    told = _upload(api, "B17", timestamp_format="day first")
    _, settled = _configured(api, "B17", form={"timestamp_format": "%d/%m/%Y"})

    for body in (uploaded, preview, details):
        (warning,) = body["warnings"]
        for part in ('column "Date"', "month first", "timestamp_format", "day first"):
            assert part in warning
    assert "warnings" not in told
    assert "warnings" not in settled
    values, texts = _history(api, "B17")
    assert texts[:2] + texts[12:14] == ["01/01/2018", "01/02/2018", "01/01/2019", "01/02/2019"]
    assert len(values) == 36


def test_D18_the_form_of_timestamps_is_taken_with_the_columns(api: Api) -> None:
    """It settles B17, wins over what the upload said, and is the same for features; a wrong one names its field."""
    form = {"timestamp_format": "month first"}
    job_id, details = _configured(api, "B17", form=form, timestamp_format="%d/%m/%Y")
    body = train(api, job_id, element(details["ts_details"][0]["ts_id"], next_k_prediction=1))
    ((result,),) = [entry["results"] for entry in body["results"]]

    assert "warnings" not in details
    assert details["timestamp_format"] == "%d/%m/%Y"
    assert result["ts_history"]["Date"][:3] == ["01/01/2018", "01/02/2018", "01/03/2018"]
    assert result["ts_history"]["Date"][-1] == "01/12/2020"
    columns = {"timestamp_indexs": [0], "target_indexs": [1], "groupby_indexs": []}
    other = api.create_job(_upload(api, "B17")["data"]["id"])
    for wrong in ("soon", "%H:%M", "%Y-%Q"):
        answer = api.call("PUT", f"/job/{other}/", json={**columns, "timestamp_format": wrong})
        check_error(answer, 400, "timestamp_format: ", "%d.%m.%Y")
    answer = api.call("PUT", f"/job/{other}/", json={**columns, "timestamp_format": "%Y-%m-%d"})
    check_error(answer, 400, 'column "Date", line 2', "not written as timestamp_format says")
