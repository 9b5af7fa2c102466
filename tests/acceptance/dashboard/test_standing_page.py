"""A standing job on the page Forecast: what comes is compared, summed up, alerted and marked, while one looks."""

import re
from math import sin
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.dashboard.conftest import Shown
from tests.acceptance.forecasting.jobs import csv, new_job
from tests.integration.services import Api, until

_DAYS = [f"2024-0{month}-{day:02}" for month in (1, 2) for day in range(1, 29)]
_STORES = (("North", "Oslo", 20), ("North", "<b>Bergen", 90), ("South", "Rome", 50))
_FILE = csv(
    "region,store,day,sold",
    *(
        f"{region},{store},{day},{level + at % 7 * 3 + round(sin(99 * at), 2)}"
        for region, store, level in _STORES
        for at, day in enumerate(_DAYS)
    ),
)


def _add(api: Api, job_id: int, sold: float, day: str) -> None:
    data_id = api.get(f"/job/{job_id}/")["data_id"]
    rows = [{"region": "South", "store": "Rome", "day": day, "sold": sold}]
    assert api.call("POST", f"/data/{data_id}/rows", json=rows).status_code == 200


def test_a_standing_job_is_followed(page: Page, shown: Shown, api: Api, tmp_path: Path) -> None:
    """Asked for on the page: forecast again as rows come; the page shows what came without being loaded again."""
    job_id, _ = new_job(api, _FILE, timestamp=2, target=3, groupby=[0, 1])
    page.goto(f"/#/forecast/job/{job_id}")
    page.get_by_label("Model", exact=True).select_option("SeasonalNaive")
    page.get_by_label("Steps to forecast").fill("7")
    page.get_by_label("Forecast again").select_option("data")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="Models compared")).to_be_visible()
    again = page.get_by_role("region", name="Forecast again")
    expect(again).to_contain_text("as rows come, 10 s after the first")
    expect(again).to_contain_text("Not yet")

    page.get_by_role("link", name="What came since").click()
    expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    _add(api, job_id, 500.0, "2024-02-29")
    expect(page.get_by_text("1 value compared; 0 % lay in their 80 % interval.")).to_be_visible()
    expect(page.get_by_role("table", name="Series, by what came")).to_contain_text("South · Rome")
    page.get_by_role("table", name="Series, by what came").get_by_role("button", name="South · Rome").click()
    expect(page.get_by_role("heading", name="South · Rome")).to_be_visible()
    again.get_by_role("button", name="Now").click()
    expect(page.get_by_text("57 points, step D")).to_be_visible()
    shown("standing-came")

    page.get_by_role("link", name="Alerts").click()
    alerts = page.get_by_role("table", name="Alerts")
    expect(alerts).to_contain_text("outside its interval")
    expect(alerts).to_contain_text("500")
    page.get_by_role("button", name="Mark strange values").click()
    expect(
        page.get_by_text(re.compile(r"\d values? of the \d+ last ones.*lay outside the 95 % interval"))
    ).to_be_visible()
    expect(page.get_by_role("button", name="outside 95 %")).to_be_visible()
    shown("standing-alerts")

    again.get_by_role("button", name="End").click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(again).to_have_count(0)
    assert api.get(f"/job/{job_id}/")["refresh"] == []

    page.goto("/#/health")
    page.get_by_role("table", name="Alerts").get_by_role("link", name="region=South/store=Rome").first.click()
    expect(page).to_have_url(re.compile(f"job/{job_id}\\?"))


def test_a_second_model_is_tried_in_the_shadow_and_answers(page: Page, shown: Shown, api: Api) -> None:
    """Started, judged by what comes, switched to and ended, on the page."""
    job_id, ts_ids = new_job(api, _FILE, timestamp=2, target=3, groupby=[0, 1])
    body = {
        "ts_id": "all",
        "model_name": "SeasonalNaive",
        "hyper_params": [],
        "next_k_prediction": 3,
        "refresh": "hand",
    }
    assert api.call("PATCH", f"/job/{job_id}/", json=[body]).status_code == 200
    api.finished(job_id)
    page.goto(f"/#/forecast/job/{job_id}?part=shadow")
    page.get_by_label("Second model").select_option("LinearFit")
    page.get_by_role("button", name="Try it in the shadow").click()
    both = page.get_by_role("table", name="Both models", exact=True)
    expect(both).to_contain_text("SeasonalNaive answers")
    expect(both).to_contain_text("LinearFit shadow")
    expect(page.get_by_text("Nothing has come yet by which both could be judged.")).to_be_visible()
    until(lambda: api.get(f"/job/{job_id}/shadow/")["second"]["forecasts"] == 3, why="the shadow has no forecasts")
    _add(api, job_id, 52.0, "2024-02-29")
    expect(
        page.get_by_text(re.compile("^(SeasonalNaive|LinearFit) is better by 1 value; 1 time of the 10"))
    ).to_be_visible()
    shown("shadow")

    page.get_by_role("button", name="Let LinearFit answer").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch").click()
    expect(both).to_contain_text("LinearFit answers")
    assert api.get(f"/forecasts/{ts_ids[0]}")["model_name"] == "LinearFit"
    page.get_by_role("region", name="Shadow").get_by_role("button", name="End", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_text("No second model")).to_be_visible()


def test_sums_are_chosen_drawn_and_saved(page: Page, shown: Shown, api: Api, tmp_path: Path) -> None:
    """The total first, then a sum for each region; the file has what the table has."""
    job_id, ts_ids = new_job(api, _FILE, timestamp=2, target=3, groupby=[0, 1])
    rows = [
        {"ts_id": ts_id, "model_name": "SeasonalNaive", "hyper_params": [], "next_k_prediction": 7, "refit": 1}
        for ts_id in ts_ids[:2]
    ]
    assert api.call("PATCH", f"/job/{job_id}/", json=rows).status_code == 200
    api.finished(job_id)
    page.goto(f"/#/forecast/job/{job_id}?part=sums")
    sums = page.get_by_role("table", name="Sums", exact=True)
    expect(sums).to_contain_text("no sum")  # Rome has no forecast
    page.get_by_label("Leave out what cannot be added").check()
    expect(sums).to_contain_text("without 1")
    expect(page.get_by_role("img", name=re.compile(r"^Sum of The total\."))).to_be_visible()
    page.get_by_label("region", exact=True).check()
    expect(sums.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("img", name=re.compile(r"^Sum of North\."))).to_be_visible()
    shown("sums")
    with page.expect_download() as saved:
        page.get_by_role("region", name="Sums").get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "sums.csv")
    lines = (tmp_path / "sums.csv").read_text("utf-8").splitlines()

    assert lines[0].startswith("region,store,")
    assert [line.split(",")[0] for line in lines[1:]] == ["North"] * 7 + ["South"]


def test_a_schedule_is_on_the_clock_of_who_asks(page: Page, api: Api) -> None:
    """The zone of the browser goes with the times."""
    job_id, _ = new_job(api, csv("day,sold", *(f"{day},{at % 7}" for at, day in enumerate(_DAYS))))
    page.goto(f"/#/forecast/job/{job_id}")
    page.get_by_label("Model", exact=True).select_option("SeasonalNaive")
    page.get_by_label("Forecast again").select_option("cron")
    page.get_by_label("Times").fill("30 5 * * 1")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("region", name="Forecast again")).to_contain_text("by 30 5 * * 1 (")
    (rule,) = api.get(f"/job/{job_id}/")["refresh"]

    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert (rule["cron"], rule["time_zone"]) == ("30 5 * * 1", zone)
    assert page.get_by_role("link", name="Sums").count() == 0  # one series has none


def test_what_features_add_to_the_chosen_series(page: Page, shown: Shown, api: Api) -> None:
    """Drawn and listed; of a series without features the service's words say what to do."""
    prices = [10 + (7 * at * at + 3 * at) % 23 for at in range(len(_DAYS))]
    rows = (
        f"{shop},{day},{price},{'' if at >= 49 else 200 - 3 * price}"
        for shop in "ab"
        for at, (day, price) in enumerate(zip(_DAYS, prices, strict=True))
    )
    job_id, (first, second) = new_job(api, csv("shop,day,price,sold", *rows), timestamp=1, target=3, groupby=[0])
    plain = {"hyper_params": [], "next_k_prediction": 7, "refit": 1}
    body = [
        {"ts_id": first, "model_name": "Regression", "feature_indexs": [2], **plain},
        {"ts_id": second, "model_name": "Theta", **plain},
    ]
    assert api.call("PATCH", f"/job/{job_id}/", json=body).status_code == 200
    api.finished(job_id)
    page.goto(f"/#/forecast/job/{job_id}")
    page.get_by_role("link", name="What features add").click()
    features = page.get_by_role("table", name="Features", exact=True)
    expect(features).to_contain_text("price")
    expect(features).to_contain_text("100 %")
    expect(page.get_by_role("img", name=re.compile(r"^What each feature adds\."))).to_be_visible()
    page.get_by_label("Percent").fill("x")
    expect(page.get_by_role("button", name="Forecast both")).to_be_disabled()
    page.get_by_label("Were").select_option("add")
    page.get_by_label("Value", exact=True).fill("-2")
    page.get_by_label("To step").fill("3")
    page.get_by_role("button", name="Forecast both").click()
    expect(page.get_by_text(re.compile(r"then: \+18( |\.\d* )\(\+"))).to_be_visible()  # three steps, 2 less, 3 for each
    shown("features-add")
    page.locator(".list [role=option]").nth(1).click()
    expect(page.get_by_text("Theta makes no use of features")).to_be_visible()
