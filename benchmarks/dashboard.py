"""How the dashboard feels with 1,000 jobs and 10,000 series, in a browser, as ratios to an empty page.

The files are the service's own; the API's answers are made up here, so that only the browser is measured: its own paint
times, and the processor time of its tasks while lists are scrolled and searched.
"""

import json
import shutil
import threading
import time
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Response
from playwright.sync_api import Browser, Page, Route, sync_playwright

from streams.views.dashboard.pages import DOOR

__all__ = ["run"]

_PORT: Final = 18_499
_JOBS, _SERIES = 1_000, 10_000
_ROUNDS: Final = 5
_STEPS: Final = 60  # of a scroll, one a frame
_PATHS: Final = {
    "/job/?details=1": {
        "jobs": [
            {"job_id": n, "status": n % 5, "data_id": 1, "name": f"job_{n}", "created": "2026-11-29T10:00:00.000+00:00"}
            | {"series_count": 9, "submitted": 100, "finished": 50, "message": None}
            for n in range(_JOBS)
        ]
    },
}
_DETAILS: Final = {
    "features": [],
    "ts_details": [
        {"ts_id": n, "groupby_val": f"('shop {n}', 'item {n % 90}')", "groupby_key": ["shop", "item"]}
        | {"status": 0, "points": 40, "freq": "D"}
        for n in range(1, _SERIES + 1)
    ],
}
_HISTORY: Final = {
    "target": "y",
    "freq": "D",
    "timestamps": [f"2024-01-{day:02} 00:00:00" for day in range(1, 29)],
    "values": list(range(28)),
}
_FRAMES: Final = """async ([selector, steps]) => {
  const box = document.querySelector(selector);
  const frame = () => new Promise(requestAnimationFrame);
  let worst = 0;
  for (let step = 1; step <= steps; step += 1) {
    const begun = performance.now();
    box.scrollTop = (box.scrollHeight * step) / steps;
    await frame();
    await frame();
    worst = Math.max(worst, performance.now() - begun);
  }
  return worst;
}"""


def run() -> None:
    """Print a line each."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        print("dashboard: no Chromium here")
        return
    app = FastAPI()
    app.include_router(DOOR.router)
    app.add_api_route("/empty", lambda: Response("<!doctype html><title>.</title><p>.", media_type="text/html"))
    server = uvicorn.Server(uvicorn.Config(app, port=_PORT, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            _measure(browser)
            browser.close()
    finally:
        server.should_exit = True
        thread.join()


def _measure(browser: Browser) -> None:
    empty = min(_first_paint(browser, "/empty") for _ in range(_ROUNDS))
    for name, path in (("Forecast", "/"), ("1,000 jobs", "/#/jobs")):
        own = min(_first_paint(browser, path) for _ in range(_ROUNDS))
        print(f"first paint, {name}: {own:.0f} ms, {own / empty:.1f} times an empty page ({empty:.0f} ms)")
    for name, path, box in (
        ("1,000 jobs", "/#/jobs", ".table-box"),
        ("10,000 series", "/#/forecast/job/7", ".list"),
    ):
        page = _opened(browser, path)
        page.wait_for_selector(f"{box} tbody tr, {box} [role=option]")
        idle = page.evaluate(_FRAMES, ["html", _STEPS])
        worst = page.evaluate(_FRAMES, [box, _STEPS])
        print(
            f"scroll {name}: worst of {_STEPS} steps {worst:.0f} ms, {worst / idle:.1f} times a page that stands still"
        )
        begun = time.perf_counter()
        page.fill("input[type=search]", "77")
        page.wait_for_timeout(0)
        page.wait_for_function("document.querySelectorAll('[role=option], tbody tr').length > 0")
        print(f"search {name}: {1000 * (time.perf_counter() - begun):.0f} ms, of which 120 wait for more letters")
        page.context.close()


def _opened(browser: Browser, path: str) -> Page:
    page = browser.new_context(base_url=f"http://127.0.0.1:{_PORT}").new_page()
    for pattern in ("**/watch?*", "**/job/**", "**/data/**", "**/model/**"):
        page.route(pattern, _answer)
    page.goto(path)
    return page


def _first_paint(browser: Browser, path: str) -> float:
    page = _opened(browser, path)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    found = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.context.close()
    return float(found)


def _answer(route: Route) -> None:
    url = route.request.url
    if "/watch" in url:
        job = {"job_id": 7, "status": 0, "data_id": 1, "name": "x", "submitted": 0, "finished": 0, "failed": 0}
        told: dict[str, Any] = _PATHS | {"/job/7/?series=0": job}
        body = "".join(
            f"event: answer\ndata: {json.dumps({'path': path, 'status': 200, 'body': it})}\n\n"
            for path, it in told.items()
        )
        route.fulfill(body=body, content_type="text/event-stream")
    elif url.endswith("/ts_details/"):
        route.fulfill(json=_DETAILS)
    elif "/ts_details/" in url:
        route.fulfill(json=_HISTORY | {"ts_id": int(url.rstrip("/").rpartition("/")[2])})
    else:
        route.fulfill(json={"data": [], "models": []})
