"""The dashboard in a real browser, against the running service."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.services import READY_S, Service

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_SHOTS: Final = Path(os.environ.get("TIDECAST_SCREENSHOTS", "build/screenshots"))
_SHAPES: Final[tuple[tuple[str, int, Any], ...]] = (
    ("light", 1280, "light"),
    ("dark", 1280, "dark"),
    ("narrow", 400, "light"),
)
_WAIT_MS: Final = 1000 * READY_S
_GRAVE: Final = ("serious", "critical")

Shown = Callable[[str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of the module: while a browser is open, no other event loop can run in this thread.

    The one that TIDECAST_TEST_BROWSER names must be there; else one that is found, and where there is none the tests
    are skipped: Playwright's own would come from a host that is no package registry.
    """
    named = os.environ.get("TIDECAST_TEST_BROWSER")
    found = next(filter(None, map(shutil.which, [named] if named else _BROWSERS)), None)
    if named and found is None:
        pytest.fail(f"TIDECAST_TEST_BROWSER: there is no program {named}")
    if found is None:
        pytest.skip(f"no browser here: install one of {', '.join(_BROWSERS)} (on Debian: apt install chromium)")
    expect.set_options(timeout=_WAIT_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(service: Service, browser: Browser) -> Iterator[Page]:
    """A new visitor; whatever the page's own code throws fails the test."""
    context = browser.new_context(base_url=service.stack.url, viewport={"width": 1280, "height": 860})
    opened = context.new_page()
    opened.set_default_timeout(_WAIT_MS)
    thrown: list[str] = []
    opened.on("pageerror", lambda error: thrown.append(str(error)))
    yield opened
    context.close()
    assert not thrown


@pytest.fixture
def shown(page: Page) -> Shown:
    """Keep pictures of the page as it is now; it must fit in every width, and axe must find nothing grave."""

    def look(name: str) -> None:
        _SHOTS.mkdir(parents=True, exist_ok=True)
        for shape, width, scheme in _SHAPES:
            page.set_viewport_size({"width": width, "height": 860})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(150)  # charts are drawn anew
            page.screenshot(path=_SHOTS / f"{name}-{shape}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} px"
            found = [it for it in Axe().run(page).response["violations"] if it["impact"] in _GRAVE]
            assert not found, [(it["id"], it["nodes"][0]["html"]) for it in found]
        page.set_viewport_size({"width": 1280, "height": 860})

    return look
