"""The frame of a case: its client with an operation log, its judge, and the figures that are shown at the end."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.faults.figures import CaseFigures, table
from tests.faults.history import History, RecordingApi
from tests.faults.verifier import Verifier
from tests.integration.services import Service

_CASES = pytest.StashKey[list[CaseFigures]]()
_OF_ITEM = pytest.StashKey[CaseFigures]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> CaseFigures:
    """What this case measures; shown at the end of the run, whether the case passes or not."""
    own = CaseFigures(request.node.name.removeprefix("test_fault_"))
    request.node.stash[_OF_ITEM] = own
    request.config.stash.setdefault(_CASES, []).append(own)
    return own


@pytest.fixture
def api(service: Service) -> Iterator[RecordingApi]:
    """A client of the module's service, with an operation log of this case."""
    recording = RecordingApi(service.stack.url, History())
    yield recording
    recording.close()


@pytest.fixture(scope="module")
def verifier(service: Service) -> Verifier:
    """The judge of the module's service."""
    return Verifier.of(service)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how the case ended."""
    report = yield
    own = item.stash.get(_OF_ITEM, None)
    if own is not None and (report.when == "call" or report.failed):
        own.outcome = report.outcome
        if report.when == "call":
            own.time("whole case", report.duration)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, also where all is well: the figures are the point of the suite."""
    cases = config.stash.get(_CASES, [])
    if cases:
        terminalreporter.section("figures of the fault suite")
        for line in table(cases):
            terminalreporter.write_line(line)
