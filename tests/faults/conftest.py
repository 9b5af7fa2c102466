"""The frame of a case: its client with an operation log, its judge, and the figures that are shown at the end."""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.faults.figures import CaseFigures, table
from tests.faults.history import History, RecordingApi
from tests.faults.verifier import Verifier
from tests.integration.services import Service

_OF_ITEM = pytest.StashKey[CaseFigures]()
_PROPERTY = "figures"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> CaseFigures:
    """What this case measures; shown at the end of the run, whether the case passes or not."""
    own = CaseFigures(request.node.name.removeprefix("test_fault_"))
    request.node.stash[_OF_ITEM] = own
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
    """Note how the case ended, and let the report take its figures to the process that shows them."""
    report = yield
    own = item.stash.get(_OF_ITEM, None)
    if own is not None and (report.when == "call" or report.failed):
        own.outcome = report.outcome
        if report.when == "call":
            own.time("whole case", report.duration)
        report.user_properties = [*report.user_properties, (_PROPERTY, asdict(own))]
    return report


class _Shown:
    """The table, also where all is well: the figures are the point of the suite."""

    def __init__(self) -> None:
        self._cases: dict[str, CaseFigures] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the figures of a case; those of its last run, where it is run again."""
        for name, told in report.user_properties:
            if name == _PROPERTY and isinstance(told, dict):
                self._cases[report.nodeid] = CaseFigures.of(told)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it."""
        if self._cases:
            terminalreporter.section("figures of the fault suite")
            for line in table(list(self._cases.values())):
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Show the figures where the reports of all processes come together."""
    config.pluginmanager.register(_Shown(), "figures of the fault suite")
