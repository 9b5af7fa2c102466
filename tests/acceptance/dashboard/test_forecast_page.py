"""The page Forecast, from a file to figures (contract 000, section 10), and the page Jobs, in a browser."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.dashboard.conftest import Shown
from tests.acceptance.forecasting.jobs import csv, new_job
from tests.integration.services import Api
from tests.workbooks import workbook

_DAYS = [f"2024-0{month}-{day:02}" for month in (1, 2) for day in range(1, 29)]
_FILE = csv(
    "shop;day;price;sold",
    *(
        f"{shop};{day};1,5;{level + at % 7 * 3}"
        for shop, level in (("<img onerror=x>", 20), ("b", 90))
        for at, day in enumerate(_DAYS)
    ),
)


def test_J150_from_a_file_to_forecasts_that_are_compared(page: Page, shown: Shown, tmp_path: Path) -> None:
    """Columns are guessed, two models trained, every score and interval shown; what a file says is text."""
    page.goto("/")
    page.set_input_files("input[type=file]", {"name": "shops.csv", "mimeType": "text/csv", "buffer": _FILE})
    expect(page.get_by_label("What is day")).to_have_value("time")
    expect(page.get_by_label("What is sold")).to_have_value("value")
    expect(page.get_by_label("What is shop")).to_have_value("group")
    expect(page.get_by_text("semicolon")).to_be_visible()
    shown("forecast-columns")
    page.get_by_role("button", name="Make the series").click()
    series = page.locator(".list [role=option]")
    expect(series).to_have_count(2)
    expect(page.get_by_role("heading", name="<img onerror=x>")).to_be_visible()

    page.get_by_label("Steps to forecast").fill("7x")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    page.get_by_label("Steps to forecast").fill("7")
    page.get_by_label("Model", exact=True).select_option("ETS")
    page.get_by_role("button", name="Add a model to compare").click()
    expect(page.get_by_text("4 trainings")).to_be_visible()
    shown("forecast-models")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="Models compared")).to_be_visible()
    expect(page.locator("main .page-head")).to_contain_text("done")
    series.nth(1).click()
    expect(page.get_by_role("img", name=re.compile("^b\\."))).to_be_visible()
    shown("forecast-results")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all forecasts as CSV").click()
    saved.value.save_as(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text("utf-8").splitlines()

    assert lines[0].startswith("shop,ts_id,model,timestamp,forecast")
    assert len(lines) == 1 + 2 * 2 * 7
    assert lines[1].startswith("<img onerror=x>,")
    assert ",2024-02-29 00:00:00," in lines[1]
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")


_WIDE = csv("day;north;south;west", *(f"{day};{20 + at % 7 * 3},5;{90 + at};{at % 3}" for at, day in enumerate(_DAYS)))


def test_a_wide_file_is_forecast_column_by_column(page: Page, shown: Shown, api: Api) -> None:
    """Its layout is guessed and offered; a column that is left out is no series, and trying again adds no data set."""
    page.goto("/")
    page.set_input_files("input[type=file]", {"name": "wide.csv", "mimeType": "text/csv", "buffer": _WIDE})
    expect(page.get_by_label("Each column is a series")).to_be_checked()
    expect(page.get_by_label("What is north")).to_have_value("series")
    page.get_by_text("One column has the values").click()
    expect(page.get_by_label("What is west")).to_have_value("value")
    page.get_by_text("Each column is a series").click()
    page.get_by_label("What is west").select_option("")
    expect(page.get_by_role("status").filter(has_text="2 series")).to_be_visible()
    shown("forecast-wide")
    sets = len(api.get("/data/")["data"])
    page.get_by_text("Frequency, time zone, form of times").click()
    page.get_by_label("Frequency").fill("nonsense")
    page.get_by_role("button", name="Make the series").click()
    expect(page.get_by_text("is no frequency")).to_be_visible()
    page.get_by_label("Frequency").fill("")
    page.get_by_role("button", name="Make the series").click()

    expect(page.locator(".list [role=option]")).to_have_count(2)
    expect(page.get_by_role("heading", name="north")).to_be_visible()
    made = api.get("/data/")["data"][sets:]
    assert [(it["name"], it["dialect"]["series_columns"], it["rows"]) for it in made] == [("wide_series", [1, 2], 112)]
    page.goto(f"/#/forecast/data/{made[0]['id']}")
    expect(page.get_by_text("Columns that are series")).to_be_visible()
    expect(page.get_by_label("What is value")).to_have_value("value")
    expect(page.get_by_label("Each column is a series")).to_have_count(0)


def test_a_workbook_s_sheet_and_a_file_of_series_are_said_before_it_is_sent(page: Page) -> None:
    """What the page cannot find out: which sheet, and a file with more columns than a preview shows."""
    page.goto("/")
    page.get_by_text("Say how the file is written").click()
    page.get_by_label("Columns that are series").select_option("all")
    labels = [f"s{number}" for number in range(2_010)]
    many = csv(",".join(("day", *labels)), *(",".join((day, *("1" for _ in labels))) for day in _DAYS[:2]))
    page.set_input_files("input[type=file]", {"name": "many.csv", "mimeType": "text/csv", "buffer": many})
    expect(page.get_by_label("What is series")).to_have_value("group")
    page.goto("/#/forecast")
    page.get_by_text("Say how the file is written").click()
    page.get_by_label("Sheet").fill("two")
    book = workbook({"one": [["day", "sold"], [1, 2]], "two": [["day", "sold"], ["2024-01-01", 3], ["2024-01-02", 4]]})
    page.set_input_files("input[type=file]", {"name": "book.xlsx", "mimeType": "application/zip", "buffer": book})
    expect(page.locator("dl.facts")).to_contain_text("two")
    expect(page.get_by_label("What is day")).to_have_value("time")


def test_jobs_are_live_and_filtered_and_deleted(page: Page, shown: Shown, api: Api) -> None:
    """What comes is shown without asking again; what is deleted goes, after a question."""
    page.goto("/#/jobs")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    job_id, _ = new_job(api, csv("day,value", "2024-01-01,1", "2024-01-02,2"))
    name = f"Job {job_id}"
    page.get_by_label("Search the jobs").fill(name)
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    shown("jobs")
    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("button", name="Keep").click()
    assert api.get(f"/job/{job_id}/")["status"] == 0
    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    expect(page.get_by_text("Nothing fits")).to_be_visible()


def test_by_keyboard_alone(page: Page) -> None:
    """The skip link is first, pages take the focus, and Escape closes a dialog."""
    page.goto("/")
    expect(page.get_by_role("heading", name="Forecast")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("link", name="Jobs", exact=True).press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.title() == "Jobs \u2013 Tidecast"


def test_no_request_leaves_the_service(page: Page) -> None:
    """And the policy stops nothing of ours."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for name in ("forecast", "jobs", "training", "models", "health"):
        page.goto(f"/#/{name}")
        expect(page.locator("main h1")).to_be_visible()
    origin = "/".join(page.url.split("/")[:3])

    assert [url for url in asked if not url.startswith((origin, "blob:", "data:"))] == []
    assert said == []
