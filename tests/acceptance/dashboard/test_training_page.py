"""The page Training: a job from the form to its end, and metrics of several workloads (M-081, M-084, M-085)."""

import json
import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.dashboard.conftest import Shown
from tests.acceptance.training.training_jobs_samples import TINY, name_of
from tests.integration.services import Service


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """JSON Lines as a person has them in a file."""
    file = tmp_path / "series.jsonl"
    lines = [{"start": "2024-01-01", "target": [float(day * step % 7) for day in range(40)]} for step in (1, 3)]
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def test_a_job_from_the_form_to_its_end(page: Page, shown: Shown, series: Path) -> None:
    """Start, watch, read log and metrics, start a longer version with the same settings, stop it, delete."""
    name = name_of("page")
    page.goto("/#/training/new")
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("radio", name="Upload").check(force=True)
    page.get_by_label("File", exact=True).set_input_files(series)
    for label in ("time_freq", "prediction_length", "context_length", "epochs", "num_batches_per_epoch", "num_cells"):
        page.get_by_label(label, exact=True).fill(TINY[label])  # type: ignore[arg-type]
    shown("training-form")
    page.get_by_role("button", name="Start the job").click()

    expect(page.get_by_role("heading", name=name)).to_be_visible()
    version = page.get_by_role("region", name="Version V0001")
    expect(version.get_by_text("Completed")).to_be_visible()
    expect(version.get_by_role("link", name=name)).to_have_attribute("href", f"#/models/endpoints/{name}")
    expect(page.get_by_role("img", name="validation_loss")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download CSV").click()
    assert saved.value.suggested_filename == "training_metrics.csv"
    assert Path(saved.value.path()).read_text().splitlines()[0] == "metric_name,value,timestamp,iteration,data_source"
    shown("training-job")

    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.get_by_role("region", name=f"Log {name}.0")).to_contain_text("Epoch 1/1")
    shown("training-log")

    page.get_by_role("link", name="New version").click()
    expect(page.get_by_label("time_freq", exact=True)).to_have_value("D")
    page.get_by_label("epochs", exact=True).fill("5000")
    page.get_by_label("Further parameters").fill("early_stopping_patience =")  # it would end before it is stopped
    page.get_by_role("button", name="Start the version").click()
    version = page.get_by_role("region", name="Version V0002")
    expect(version.get_by_text("of 5000")).to_be_visible()
    page.get_by_label("Draw V0001").check()
    expect(page.get_by_role("button", name="V0001").first).to_be_visible()
    version.get_by_role("button", name="Stop").click()
    expect(version.locator(".badge")).to_contain_text("Stopped")

    page.get_by_role("button", name="Delete the job").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the job").click()
    expect(page.get_by_text(f"{name} is deleted.")).to_be_visible()
    expect(page.get_by_role("heading", name="Training", exact=True)).to_be_visible()
    shown("training-jobs")


def test_a_refusal_stands_at_its_field(page: Page) -> None:
    """In the words of the API, and nothing of what was typed is lost."""
    page.goto("/#/training/new")
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("no spaces, please")
    page.get_by_role("radio", name="Path").check(force=True)
    page.get_by_role("textbox", name="Path").fill("/uploads/nothing.csv")
    page.get_by_role("button", name="Start the job").click()

    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".fault")).to_contain_text("job_name: found 'no spaces, please'")
    expect(name).to_have_value("no spaces, please")


def test_M081_M084_sources_and_workloads_over_one_another_while_points_come(
    page: Page, shown: Shown, service: Service
) -> None:
    """A source for each line of one workload; of several workloads one of each; new points come by themselves."""
    first, second = (f"page-{word}-{uuid.uuid4().hex[:8]}" for word in ("first", "second"))
    send(service, first, "log", 30)
    send(service, first, "wandb", 30)
    send(service, second, "wandb", 30)
    page.goto(f"/#/training/metrics?workloads={first}")
    for label in ("Log", "WandB"):
        expect(page.get_by_role("button", name=label, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="train/loss")).to_have_attribute("aria-label", re.compile("Log: 30 values"))

    send(service, first, "log", 40)
    expect(page.get_by_role("img", name="train/loss")).to_have_attribute("aria-label", re.compile("Log: 40 values"))

    page.get_by_label("Search workloads").fill(second)
    page.get_by_label(second).check()
    expect(page.get_by_role("button", name=f"{second}, WandB")).to_be_visible()
    page.get_by_label("Logarithmic").check()
    page.get_by_label("Smoothing").fill("0.8")
    page.get_by_text("Duration", exact=True).click()
    assert "smooth=0.8" in page.url
    expect(page.get_by_role("button", name=f"{first}, Log as it was")).to_have_count(0)
    shown("metrics")
    page.reload()
    expect(page.get_by_label("Logarithmic")).to_be_checked()
    expect(page.get_by_role("button", name=f"{second}, WandB")).to_be_visible()


def test_M053_points_without_a_number_are_gaps_and_are_told(page: Page, shown: Shown, service: Service) -> None:
    """Not a line over them, nor an empty chart. What another source has at other steps is no gap."""
    uid = f"page-gaps-{uuid.uuid4().hex[:8]}"
    rest = {"timestamp": 1_704_067_200_000, "data_source": "log"}
    points = [{"metric_name": "none", "value": None, "iteration": at, **rest} for at in range(9)]
    points += [{"metric_name": "some", "value": None if at % 2 else 1.0, "iteration": at, **rest} for at in range(200)]
    for at in range(200):
        source = {"data_source": "wandb" if at % 2 else "log"}
        points.append({"metric_name": "whole", "value": 1.0, "iteration": at, **rest, **source})
    assert service.api.call("POST", f"/api/v1/workloads/{uid}/metrics", json={"data": points}).status_code == 202
    page.goto(f"/#/training/metrics?workloads={uid}")
    none, some, whole = (
        page.locator("section.card", has=page.get_by_role("heading", name=name)) for name in ("none", "some", "whole")
    )

    expect(none).to_contain_text("No point has a number: null, NaN or infinite.")
    expect(none.get_by_role("img")).to_have_count(0)
    expect(some).to_contain_text("The gaps are points without a number: null, NaN or infinite.")
    expect(whole.get_by_role("img")).to_be_visible()
    expect(whole.locator(".note")).to_have_count(0)
    shown("metrics-gaps")
    dots, line = (_coloured(each.locator("canvas")) for each in (some, whole))
    assert 0.2 * line < dots, "points that stand alone between gaps are dots"


def _coloured(canvas: Locator) -> int:
    """How many pixels are of the colour of a line: grid and letters are grey."""
    script = """(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [low, high] = [Math.min(...data.slice(at, at + 3)), Math.max(...data.slice(at, at + 3))];
        if (data[at + 3] > 127 && high - low > 60) found += 1;
      }
      return found;
    }"""
    count: int = canvas.first.evaluate(script)
    return count


def test_a_thousand_metrics_are_drawn_as_somebody_comes_to_them(page: Page, service: Service) -> None:
    """All at once they held the page up for half a minute."""
    uid = f"page-wide-{uuid.uuid4().hex[:8]}"
    rest = {"value": 1.0, "timestamp": 1_704_067_200_000, "iteration": 1, "data_source": "log"}
    points = [{"metric_name": f"metric/{at:04}", **rest} for at in range(1000)]
    assert service.api.call("POST", f"/api/v1/workloads/{uid}/metrics", json={"data": points}).status_code == 202
    page.goto(f"/#/training/metrics?workloads={uid}")
    page.get_by_role("button", name="Show all 1,000 metrics").click()
    expect(page.get_by_role("heading", name="metric/")).to_have_count(1000)
    charts = page.get_by_role("img", name="metric/")

    assert charts.count() < 100
    last = page.get_by_role("heading", name="metric/0999")
    last.scroll_into_view_if_needed()
    expect(page.get_by_role("img", name="metric/0999")).to_be_visible()
    assert charts.count() < 100


def test_what_one_workload_gets_does_not_hide_what_another_does_not(page: Page, service: Service) -> None:
    """The refusal stays while the other one is asked for again and again."""
    uid = f"page-beside-{uuid.uuid4().hex[:8]}"
    send(service, uid, "log", 3)
    page.goto(f"/#/training/metrics?workloads=no uid,{uid}")
    expect(page.get_by_text("workload_uid 'no uid'")).to_be_visible()
    expect(page.get_by_role("img", name="train/loss")).to_be_visible()
    send(service, uid, "log", 4)
    expect(page.get_by_role("img", name="train/loss")).to_have_attribute("aria-label", re.compile("4 values"))

    for _ in range(12):  # over more than one turn of asking again
        assert page.get_by_text("workload_uid 'no uid'").is_visible()
        page.wait_for_timeout(500)


def test_names_are_as_long_as_they_may_be(page: Page, shown: Shown, service: Service) -> None:
    """The longest of a workload and of a metric, without a blank, and one that is written from right to left."""
    first = uuid.uuid4().hex * 4
    send(service, first, "log", 3, "m" * 512)
    send(service, first, "log", 3, "שלום/loss")
    page.goto(f"/#/training/metrics?workloads={first}")

    expect(page.get_by_role("heading", name="m" * 512)).to_be_visible()
    expect(page.get_by_role("heading", name="שלום/loss")).to_be_visible()
    expect(page.get_by_role("button", name=first).first).to_be_visible()
    shown("metrics-long-names")


def send(service: Service, uid: str, source: str, count: int, metric: str = "train/loss") -> None:
    """So many points; those that were sent before are kept once."""
    points = [
        {"metric_name": metric, "value": 2 / at, "timestamp": at * 1000, "iteration": at, "data_source": source}
        for at in range(1, count + 1)
    ]
    answer = service.api.call("POST", f"/api/v1/workloads/{uid}/metrics", json={"data": points})
    assert answer.status_code == 202, answer.text
