"""Jobs as answers show them."""

from types import SimpleNamespace

from starlette.requests import Request

from schemas.scoring_jobs import ScoringJobRecord
from streams.views.scoring_jobs.shown import job_shown

RUNTIME = SimpleNamespace(settings=SimpleNamespace(public_url="http://h"))
APP = SimpleNamespace(state=SimpleNamespace(runtime=RUNTIME))


def test_a_job_that_is_due_when_no_calendar_is() -> None:
    """Such rows are of before intervals had a limit: one of them let every list of jobs answer 500."""
    job = ScoringJobRecord(
        name="j",
        command_id="c",
        created=0,
        description="",
        environment="3.7",
        variables={},
        args="",
        dispatch="schedule",
        schedule="999999999w",
        time_zone="UTC",
        missed_runs="once",
        file_name="f",
        ext=".py",
        model_name="m",
        input_dataset="i.csv",
        output_dataset="o.csv",
        next_due=999_999_999 * 604_800_000,
    )

    assert job_shown(Request({"type": "http", "app": APP}), job)["nextRunTime"] is None
