"""The page Models: a file becomes a service that is called, scores a data set; an endpoint forecasts (S-012, S-017)."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connectors.objects.store import ObjectStore
from tests.acceptance.dashboard.conftest import Shown
from tests.acceptance.deepar import publish
from tests.acceptance.scoring.samples import new_name, uploaded
from tests.acceptance.training.training_jobs_samples import name_of
from tests.integration.services import Service
from tests.iris_models import FEATURES, model_file, records


@pytest.fixture(scope="module")
def model(service: Service) -> str:
    """A model that is there already."""
    return uploaded(service.api, "iris_tree.pmml")


def test_S012_S017_a_file_becomes_a_service(page: Page, shown: Shown, tmp_path: Path) -> None:
    """Upload, test by form and JSON, deploy, call, pause, scale, delete."""
    name = new_name()
    file = tmp_path / f"{name}.pmml"
    file.write_bytes(model_file("iris_tree.pmml"))
    page.goto("/#/models")
    page.get_by_role("button", name="Upload a model").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File").set_input_files(file)
    expect(dialog.get_by_label("Name")).to_have_value(name)
    dialog.get_by_role("button", name="Upload").click()

    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(FEATURES[0])
    _fill(page)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("table", name="Answers")).to_contain_text("setosa")
    shown("model")
    page.get_by_text("JSON", exact=True).click()
    page.get_by_role("textbox", name="Records").fill("[")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This is no JSON")

    page.get_by_role("button", name="Deploy as a service").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"/api/v1/scv/pmml/{name}")).to_be_visible()
    dialog.get_by_label("Replicas").fill("2")
    dialog.get_by_role("button", name="Deploy").click()
    replicas = page.get_by_role("table", name="Replicas")
    expect(replicas.get_by_text("running")).to_have_count(2)
    _fill(page)
    page.get_by_text("Fast return").click()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("table", name="Answers")).to_contain_text("setosa")
    page.get_by_role("button", name=f"Pause {name}-0").click()
    expect(replicas.get_by_role("button", name=f"Start {name}-0")).to_be_visible()
    expect(replicas.get_by_role("row", name=f"{name}-0 paused")).to_be_visible()
    shown("service")
    page.get_by_role("button", name=f"Start {name}-0").click()
    page.get_by_label("Replicas wanted").fill("3")
    page.get_by_role("button", name="Scale").click()
    expect(replicas.get_by_text("running")).to_have_count(3)

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the service").click()
    expect(page.get_by_text(f"{name} is deleted.")).to_be_visible()


def test_a_data_set_is_scored(page: Page, shown: Shown, model: str, tmp_path: Path) -> None:
    """A file, a model, run now: progress, the first rows of the result, all of it as a file."""
    file = tmp_path / f"{new_name()}.csv"
    rows = records(30)
    file.write_text("\n".join([",".join(FEATURES), *(",".join(map(str, row.values())) for row in rows)]))
    page.goto("/#/models/runs")
    page.get_by_role("button", name="Score a data set").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Model").select_option(model)
    dialog.get_by_label("Or a new file").set_input_files(file)
    name = dialog.get_by_label("Name of the job").input_value()
    dialog.get_by_role("button", name="Run now").click()

    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("table", name="Runs").get_by_text("success")).to_be_visible()
    shown("run")
    page.get_by_role("button", name=f"Result: {name}-1").click()
    expect(page.get_by_role("table", name="First rows")).to_contain_text("setosa")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all").click()
    assert len(Path(saved.value.path()).read_text().splitlines()) == 31


def test_S086_S092_a_job_is_added_from_a_service(
    page: Page, shown: Shown, service: Service, model: str, tmp_path: Path
) -> None:
    """It leads to adding a data set; advanced settings have defaults, and are sent with "run now"."""
    deployed = new_name()
    deploying = {"modelName": model, "serviceName": deployed, "serverVersion": "3.8"}
    service.api.call("POST", "/model-deploy-service", json=deploying)
    file = tmp_path / f"{new_name()}.csv"
    file.write_text("\n".join([",".join(FEATURES), *(",".join(map(str, row.values())) for row in records(5))]))
    page.goto(f"/#/models/services/{deployed}")
    page.get_by_role("link", name="Add job").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Model")).to_have_value(model)
    dialog.get_by_label("Or a new file").set_input_files(file)
    name = dialog.get_by_label("Name of the job").input_value()
    dialog.get_by_text("Advanced settings").click()
    expect(dialog.get_by_label("Python version")).to_have_value("3.7")
    dialog.get_by_label("Python version").select_option("3.9")
    dialog.get_by_label("Description").fill("every flower")
    dialog.get_by_label("Name of the run").fill("first")
    dialog.get_by_label("Arguments").fill("--fast")
    dialog.get_by_label("Variables").fill("nonsense")
    dialog.get_by_role("button", name="Run now").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Variables")
    dialog.get_by_label("Variables").fill("A=1\nB=x=y")
    shown("job")
    dialog.get_by_role("button", name="Run now").click()

    expect(page.get_by_role("table", name="Runs").get_by_text("success")).to_be_visible()
    info = service.api.call("POST", "/job-info", json={"jobName": name}).json()["data"]
    assert (info["environment"], info["jobDescription"], info["args"]) == ("3.9", "every flower", "--fast")
    assert (info["variables"], info["runList"][0]["name"]) == ({"A": "1", "B": "x=y"}, "first")


def test_an_endpoint_forecasts_what_is_pasted(page: Page, shown: Shown, service: Service) -> None:
    """A fan of a series, of several, and a refusal that says which one is wrong."""
    name = name_of("fan")
    publish(ObjectStore(service.settings.object_store_url), name)
    page.goto(f"/#/models/endpoints/{name}")
    forecast = page.get_by_role("button", name="Forecast", exact=True)
    forecast.click()
    fan = page.get_by_role("img", name=f"Forecast by {name}")
    expect(fan).to_be_visible()
    shown("endpoint")

    page.get_by_role("textbox", name="Series").fill("4, 10, NaN, 12, 9")
    forecast.click()
    expect(fan).to_have_attribute("aria-label", re.compile("Median: 3 values"))
    page.get_by_role("textbox", name="Series").fill(
        '[{"start": "2024-01-01", "target": [1]}, {"start": "soon", "target": [1]}]'
    )
    forecast.click()
    expect(page.get_by_role("alert")).to_contain_text("Series 2: start")


def _fill(page: Page) -> None:
    """The form made of the variables, with a setosa."""
    for name, value in zip(FEATURES, (5.1, 3.5, 1.4, 0.2), strict=True):
        page.get_by_label(name, exact=True).fill(str(value))
