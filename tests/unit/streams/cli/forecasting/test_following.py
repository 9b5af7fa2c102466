"""A plan is sent, and its job followed to the end."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.forecasting import following
from streams.cli.forecasting.planning import ForecastPlan
from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

PLAN = ForecastPlan(
    file=Path("sales.csv"),
    timestamp=0,
    target=2,
    group_by=(1,),
    models=("LinearFit",),
    parameters=(),
    metrics=("mae",),
    horizon=3,
    refit=True,
)


class FakeClient(ServiceClient):
    """Notes the calls; tells the states of a job one after the other, the last for ever."""

    def __init__(self, *states: dict[str, Any], refusal: str | None = None) -> None:
        super().__init__("http://127.0.0.1:1")
        self.states = list(states)
        self.refusal = refusal
        self.calls: list[Any] = []

    def upload(self, file: Path, dialect: Any = None) -> int:
        self.calls.append(("upload", file))
        return 5

    def create_job(self, data_id: int) -> int:
        self.calls.append(("create", data_id))
        return 7

    def choose_columns(self, job_id: int, **columns: Any) -> list[dict[str, Any]]:
        self.calls.append(("columns", job_id, columns))
        return [{"ts_id": 11}, {"ts_id": 12}]

    def submit(self, job_id: int, elements: Any) -> None:
        if self.refusal:
            raise CommandError(self.refusal)
        self.calls.append(("submit", job_id, [element["ts_id"] for element in elements]))

    def job(self, job_id: int) -> dict[str, Any]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


class Clock:
    """Time that passes in pauses only; each request takes `request_s`."""

    def __init__(self, request_s: float = 0.0) -> None:
        self.now = 0.0
        self.request_s = request_s
        self.pauses: list[float] = []
        self.watched = 0

    def __call__(self) -> float:
        self.now += self.request_s
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def watch(self) -> None:
        self.watched += 1


def _console() -> Console:
    return Console(file=io.StringIO())


def _state(finished: int, status: int = 2) -> dict[str, Any]:
    return {"status": status, "submitted": 2, "finished": finished}


def _follow(clock: Clock, *states: dict[str, Any]) -> None:
    session = Session(FakeClient(*states), watch=clock.watch, embedded=True)
    following.follow_job(session, 7, _console(), clock=clock, pause=clock.pause)


def test_a_plan_is_sent_in_the_order_of_the_api() -> None:
    """Upload, job, columns, training."""
    client = FakeClient()
    job_id = following.submit_plan(client, PLAN, _console())

    assert job_id == 7
    assert client.calls == [
        ("upload", Path("sales.csv")),
        ("create", 5),
        ("columns", 7, {"timestamp": 0, "target": 2, "group_by": (1,), "calendar": {}}),
        ("submit", 7, [11, 12]),
    ]


def test_a_refusal_names_the_option() -> None:
    """Not the field of the API."""
    client = FakeClient(refusal="element 1 (ts_id 11), next_k_prediction: is 5000, expected 1 to 1000")
    with pytest.raises(CommandError) as failure:
        following.submit_plan(client, PLAN, _console())

    assert str(failure.value) == "--horizon: is 5000, expected 1 to 1000"


@pytest.mark.parametrize("end", [3, 4])
def test_a_job_is_followed_until_it_is_finished(end: int) -> None:
    """Done or failed; between the questions the embedded service is kept alive."""
    clock = Clock()
    _follow(clock, _state(0), _state(1), _state(2, end))

    assert clock.watched == 2
    assert clock.pauses == [0.1, 0.1]


@pytest.mark.parametrize(("request_s", "pause_s"), [(0.01, 0.1), (0.1, 0.5), (3.0, 2.0)])
def test_a_slow_service_is_asked_less_often(request_s: float, pause_s: float) -> None:
    """Questions take about a sixth of its time at most."""
    clock = Clock(request_s)
    _follow(clock, _state(0), _state(2, 3))

    assert clock.pauses == [pytest.approx(pause_s)]


def test_J163_a_job_without_progress_is_given_up() -> None:
    """After a quarter of an hour, with where to look."""
    clock = Clock()
    with pytest.raises(CommandError, match=r"job 7 has made no progress for 15 minutes \(1 of 2 forecasts are there\)"):
        _follow(clock, _state(1))

    assert clock.now == pytest.approx(900, abs=1)


def test_progress_renews_the_patience() -> None:
    """Ten minutes, a result, ten minutes: that is well."""
    clock = Clock()
    states = [_state(0)] * 6000 + [_state(1)] * 6000 + [_state(2, 3)]
    _follow(clock, *states)

    assert clock.now == pytest.approx(1200, abs=1)


def test_a_log_names_the_job_when_it_begins() -> None:
    """Where no bar can be drawn: who stops waiting must know what to look for."""
    console = _console()
    session = Session(FakeClient(_state(2, 3)), watch=lambda: None, embedded=False)
    following.follow_job(session, 7, console, clock=Clock(), pause=lambda _: None)

    assert console.file.getvalue().startswith("job 7 is training\n")  # type: ignore[attr-defined]
