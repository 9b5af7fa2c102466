"""The page Health: who works, what waits, and dead letters with their way back."""

import itertools
import re
import time

from playwright.sync_api import Page, expect

from tests.acceptance.dashboard.conftest import Shown
from tests.acceptance.stock import StockClient
from tests.integration.services import Service

_IDS = itertools.count(time.time_ns() // 1_000_000)


def test_workers_rates_and_a_letter_that_is_sent_again(page: Page, shown: Shown, service: Service) -> None:
    """The page fills by itself; a letter is shown with its reason and its event, and sent again."""
    job_id = next(_IDS)
    stock, topic = StockClient(service), service.topics.job_commands
    stock.raw(
        topic,
        b"%d" % job_id,
        stock.registered("CreateJob", {"command_id": f"early-{job_id}", "job_id": job_id, "data_id": job_id}, topic),
    )
    stock.refused(f"early-{job_id}")
    stock.close()
    page.goto("/#/health")

    expect(page.get_by_text("Ready", exact=True)).to_be_visible()
    expect(page.get_by_role("table", name="Workers")).to_contain_text("trainer-1")
    expect(page.get_by_text("the worker that answers this page")).to_be_visible()
    page.get_by_label("Search dead letters").fill(str(job_id))
    letters = page.get_by_role("table", name="Dead letters")
    expect(letters.get_by_role("row")).to_have_count(2)
    expect(page.locator(".spark polyline").first).to_be_visible()
    shown("health")
    letters.get_by_role("button").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("there is no dataset")).to_be_visible()
    expect(dialog.get_by_label("The event")).to_contain_text(f'"data_id": {job_id}')
    dialog.get_by_role("button", name="Send it again").click()
    page.get_by_role("dialog", name=re.compile(r"^Send .* again\?$")).get_by_role(
        "button", name="Send it again"
    ).click()
    expect(page.get_by_text("is sent again.")).to_be_visible()
