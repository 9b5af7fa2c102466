"""Standing elements: what is trained again as the data set grows, by itself and by hand, and what is kept of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.forecasting.refresh_watch import RefreshWatch
from connectors.datasets.added_rows import AddedRow, append
from schemas.forecasting import CmdStatus, JobRecord, Refresh, RefreshJob, SeriesConfig, StopJob, SubmitJob
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import AT, Worker, restarted
from tests.agents.forecasting.jobs.samples import (
    DATA_ID,
    DELETE,
    HOME,
    JOB_ID,
    asked,
    job_of,
    result,
    results,
)

MS = round(AT * 1000)  # when every command comes
DAY = 86_400_000_000
FIRST = 18_475 * DAY  # 2020-08-01
ON_DATA = Refresh("data", 2.0)
DAILY = Refresh("cron", cron="0 6 * * *", time_zone="Europe/Berlin")


def row(offset: int, region: str, day: int, cores: float) -> AddedRow:
    """What was observed of a region on a day of August."""
    instant = FIRST + (day - 1) * DAY
    return AddedRow(offset, offset, (region,), instant, f"2020-08-{day:02} 00:00:00", {"cores": cores})


def every(refresh: Refresh | None, series: str = "all", model_name: str = "LinearFit", **more: Any) -> SeriesConfig:
    """An element for several series."""
    fields: dict[str, Any] = {"hyper_params": (), "next_k_prediction": 3} | more
    return SeriesConfig(0, model_name, series=series, refresh=refresh, **fields)


async def submitted(state: Worker, *elements: SeriesConfig, command_id: str = "submit") -> None:
    """A submission, and the answers of its trainings."""
    await state.commands(SubmitJob(command_id, JOB_ID, elements))
    await answered(state)


async def answered(state: Worker, error: str | None = None) -> list[tuple[int, int]]:
    """The answers of all that is out: the series and numbers that were trained."""
    found = [(one.ts_id, one.n) for one in asked(state)]
    state.forget()
    if found:
        await results(state, *(result(ts_id, n, error) for ts_id, n in found))
    return found


async def refreshed(state: Worker, number: int) -> list[tuple[int, int]]:
    """What a refresh by itself has trained, once it is answered."""
    await state.commands(RefreshJob(f"refresh {number}", JOB_ID, number=number))
    return await answered(state)


async def rows_of(state: Worker) -> dict[int, list[int]]:
    """The numbers of the results that are kept of each series."""
    own = ForecastingState.of(state.runtime)
    found = own.results.of_series(JOB_ID, job_of(state).ts_ids)
    return {
        ts_id: [state.runtime.codec.decode(each).n for each in encoded] for ts_id, encoded in found.items() if encoded
    }


def watched(state: Worker, monkeypatch: pytest.MonkeyPatch, pause_ms: int) -> Callable[[], Awaitable[list[int]]]:
    """Of each call the numbers of the refreshes that the watch asks for when it looks twice, so far apart."""
    monkeypatch.setattr("agents.forecasting.refresh_watch.owned_offsets", lambda *_: (7, dict.fromkeys(range(4))))
    now = [MS]
    watch = RefreshWatch(state.runtime, lambda: now[0])

    async def said() -> list[int]:
        for _ in range(2):
            await watch.look()
            now[0] += pause_ms
        found = [one.number for one in state.events(state.runtime.topics.job_commands)]
        state.forget()
        return found

    return said


@pytest.fixture
def first(state: Worker) -> int:
    """The id of the first series."""
    return job_of(state).first_ts_id


async def test_series_that_changed_are_trained_again_and_no_others(state: Worker, first: int) -> None:
    """With the settings of the element, as a submission with numbers of its own; new series among them."""
    await submitted(state, every(ON_DATA))
    assert job_of(state).submitted == 3
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0), row(1, "south", 1, 2.0)])

    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    trained = asked(state)
    assert [(one.ts_id, one.n, one.model_name, one.next_k_prediction) for one in trained] == [
        (first, 3, "LinearFit", 3),
        (first + 3, 4, "LinearFit", 3),
    ]
    assert [len(one.target) for one in trained] == [13, 1]
    assert job_of(state).status is CmdStatus.COMITTED
    await answered(state)
    job = job_of(state)
    assert (job.status, job.submitted, job.refreshes, job.refreshed_at) == (CmdStatus.DONE, 5, 1, MS)
    assert state.dead() == []


async def test_a_repeat_trains_nothing(state: Worker, first: int) -> None:
    """Whoever has it again after a crash: its number is not the next any more. Nor does one that is ahead."""
    await submitted(state, every(ON_DATA))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    assert await refreshed(state, 1) == [(first, 3)]
    append(state.runtime.store, DATA_ID, [row(1, "west", 14, 1.0)])

    assert await refreshed(state, 1) == []
    assert await refreshed(state, 3) == []
    assert await refreshed(state, 2) == [(first, 4)]
    assert state.dead() == []


async def test_while_a_job_trains_a_refresh_waits(state: Worker, first: int) -> None:
    """Nothing is lost: it is said again, and has what came meanwhile."""
    await state.commands(SubmitJob("submit", JOB_ID, (every(ON_DATA),)))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert len(await answered(state)) == 3
    assert await refreshed(state, 1) == [(first, 3)]
    assert state.dead() == []


async def test_groups_and_single_series(state: Worker, first: int) -> None:
    """Each element has its own, a series that appears later among those of its groups."""
    groups = every(ON_DATA, "Region=south", "SES")
    append(state.runtime.store, DATA_ID, [row(0, "south", 1, 2.0)])
    await state.commands(RefreshJob("by hand", JOB_ID))
    single = SeriesConfig(first, "LinearFit", (), next_k_prediction=3, refresh=ON_DATA)
    await submitted(state, groups, single)
    news = [row(number, region, 20, 1.0) for number, region in enumerate(("west", "east", "south", "new"), 1)]
    append(state.runtime.store, DATA_ID, news)

    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert [(one.ts_id, one.model_name) for one in asked(state)] == [(first + 3, "SES"), (first, "LinearFit")]


async def test_results_of_older_refreshes_go(state: Worker, first: int) -> None:
    """The newest are kept of each series; the job's row does not grow either. Numbers go on."""
    keep = state.runtime.settings.kept_results
    await submitted(state, every(ON_DATA))
    sizes = []
    for number in range(1, keep + 4):
        append(state.runtime.store, DATA_ID, [row(number, "west", 13, float(number))])
        assert await refreshed(state, number) == [(first, 2 + number)]
        sizes.append(len(state.runtime.codec.encode(job_of(state))))

    kept = await rows_of(state)
    assert kept[first][-1] == 2 + keep + 3
    assert len(kept[first]) <= keep + 1
    assert {ts_id: numbers for ts_id, numbers in kept.items() if ts_id != first} == {first + 1: [1], first + 2: [2]}
    assert sizes[-1] - sizes[0] < 10
    job, progress = job_of(state), ForecastingState.of(state.runtime).results.progress(JOB_ID, job_of(state).settled)
    assert (job.submitted, job.settled + progress.listed()) == (keep + 6, keep + 6)


async def test_after_a_restart_it_goes_on(
    state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent out is not sent again, and what was not is. Rows of the tables have all that it takes."""
    await submitted(state, every(ON_DATA))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await refreshed(state, 1)
    append(state.runtime.store, DATA_ID, [row(1, "east", 13, 1.0)])
    worker = await restarted(state, settings, monkeypatch)

    assert await refreshed(worker, 1) == []
    await worker.commands(RefreshJob("refresh 2", JOB_ID, number=2))
    assert [(one.ts_id, one.n, len(one.target)) for one in asked(worker)] == [(first + 1, 4, 13)]
    await answered(worker)
    assert job_of(worker).status is CmdStatus.DONE


async def test_a_late_answer_of_a_settled_submission_is_kept(state: Worker, first: int) -> None:
    """Its row may have been lost with the process that had written the job's."""
    await submitted(state, every(ON_DATA))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await refreshed(state, 1)
    own = ForecastingState.of(state.runtime)
    await own.results.forget(HOME, JOB_ID, [first + 1], below=3, keep=0)  # as if it had never been written
    own.results._counts.clear()

    await results(state, result(first + 1, 1))

    assert (await rows_of(state))[first + 1] == [1]
    assert own.results.progress(JOB_ID, job_of(state).settled).listed() == 1


async def test_a_failure_stays_until_the_series_is_trained_again(state: Worker, first: int) -> None:
    """Also when another series is refreshed meanwhile."""
    await submitted(state, every(ON_DATA))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    await answered(state, error="bad")
    assert job_of(state).status is CmdStatus.EXCEPTION

    append(state.runtime.store, DATA_ID, [row(1, "east", 13, 1.0)])
    await refreshed(state, 2)
    job = job_of(state)
    assert (job.status, str(job.message)) == (CmdStatus.EXCEPTION, f"series {first}: bad")

    append(state.runtime.store, DATA_ID, [row(2, "west", 14, 1.0)])
    await refreshed(state, 3)
    assert job_of(state).status is CmdStatus.DONE


async def test_by_hand_all_elements_are_trained_and_by_cron_those_that_are_due(state: Worker, first: int) -> None:
    """A series that changed waits for each element that is not due yet."""
    await submitted(state, every(ON_DATA), every(DAILY, model_name="SES"), every(Refresh("hand"), model_name="Theta"))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])

    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    assert [one.model_name for one in asked(state)] == ["LinearFit"]
    await answered(state)
    assert [one.stale for one in job_of(state).standing] == [(), (0,), (0,)]

    await state.commands(RefreshJob("by hand", JOB_ID))
    assert [(one.ts_id, one.model_name) for one in asked(state)] == [(first, "SES"), (first, "Theta")]
    assert [one.stale for one in job_of(state).standing] == [(), (), ()]


async def test_a_schedule_fires_once(state: Worker, first: int) -> None:
    """Its next time is in the row: written with what is trained."""
    await submitted(state, every(DAILY))
    own = ForecastingState.of(state.runtime)
    job = job_of(state)
    await own.jobs.put(HOME, replace(job, standing=(replace(job.standing[0], next_due=MS - 1),)))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])

    assert await refreshed(state, 1) == [(first, 3)]
    due = job_of(state).standing[0].next_due
    assert due is not None
    assert due > MS
    append(state.runtime.store, DATA_ID, [row(1, "west", 14, 1.0)])
    assert await refreshed(state, 2) == []  # it is not due
    assert job_of(state).standing[0].stale == (0,)


@pytest.mark.parametrize("how", ["never", "stop", "delete"])
async def test_it_ends(state: Worker, how: str) -> None:
    """By an element with never, with the job's stop, with the job."""
    await submitted(state, every(ON_DATA))
    assert job_of(state).standing
    if how == "never":
        await state.commands(SubmitJob("end", JOB_ID, (SeriesConfig(0, series="all", refresh=Refresh("never")),)))
    elif how == "stop":
        await state.commands(StopJob("stop", JOB_ID))
    else:
        await state.commands(DELETE)

    job = ForecastingState.of(state.runtime).jobs.get(JOB_ID)
    assert job is None or not job.standing
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    state.forget()
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    assert asked(state) == []
    assert len(state.dead()) == (how == "delete")


async def test_what_cannot_be_refreshed_is_told_once(state: Worker) -> None:
    """A dead letter says why; the next refresh waits for news."""
    await submitted(state, every(ON_DATA))
    own = ForecastingState.of(state.runtime)
    await own.splits.delete(str(job_of(state).split))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    [letter] = state.dead()
    assert "gone from the object store" in letter["error"]
    assert (job_of(state).refreshes, job_of(state).seen, job_of(state).tried) == (1, -1, 0)


class TestTheWatch:
    """It says what is due; the rows and the store decide."""

    @pytest.fixture
    def watch(self, state: Worker, monkeypatch: pytest.MonkeyPatch) -> RefreshWatch:
        """With a clock of its own, at a worker that owns everything."""
        self.now = MS
        everything = (7, dict.fromkeys(range(4)))
        monkeypatch.setattr("agents.forecasting.refresh_watch.owned_offsets", lambda *_: everything)
        return RefreshWatch(state.runtime, lambda: self.now)

    def said(self, state: Worker) -> list[int]:
        """The numbers of the refreshes that were asked for since the last time."""
        found = [one.number for one in state.events(state.runtime.topics.job_commands)]
        state.forget()
        return found

    async def test_data_wait_for_their_pause(self, state: Worker, watch: RefreshWatch) -> None:
        """From the first row on; without rows nothing is due."""
        await submitted(state, every(ON_DATA))
        state.forget()
        await watch.look()
        self.now += 60_000
        await watch.look()
        assert self.said(state) == []

        append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
        await watch.look()
        self.now += 1_999
        append(state.runtime.store, DATA_ID, [row(1, "west", 14, 1.0)])
        await watch.look()
        assert self.said(state) == []
        self.now += 1
        await watch.look()
        await watch.look()
        assert self.said(state) == [1]
        self.now += 10_001  # without an effect: it may be lost
        await watch.look()
        assert self.said(state) == [1]
        await refreshed(state, 1)
        state.forget()
        await watch.look()
        assert self.said(state) == []

    async def test_schedules(self, state: Worker, watch: RefreshWatch) -> None:
        """At their time, and not while the job trains."""
        await submitted(state, every(DAILY))
        state.forget()
        await watch.look()
        assert self.said(state) == []
        due = job_of(state).standing[0].next_due
        assert due is not None
        self.now = due
        await state.commands(SubmitJob("again", JOB_ID, (every(None),)))
        state.forget()
        await watch.look()
        assert self.said(state) == []
        await results(state, *(result(job_of(state).first_ts_id + place, 3 + place) for place in range(3)))
        state.forget()
        await watch.look()
        assert self.said(state) == [1]


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (every(Refresh("sometimes")), "refresh: on is 'sometimes', expected data, cron, hand or never"),
        (every(Refresh("data", -1.0)), "refresh: pause_s is -1"),
        (every(Refresh("data", float("nan"))), "refresh: pause_s is nan"),
        (every(Refresh("cron", cron="every day")), "refresh: cron: found 'every day'"),
        (every(Refresh("cron", cron="0 6 * * *", time_zone="Mars")), "refresh: time_zone: found 'Mars'"),
        (every(Refresh("data", cron="0 6 * * *")), "refresh: cron and time_zone go with"),
        (every(ON_DATA, next_k_prediction=None), "refresh: goes with an element that trains"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
async def test_a_rule_that_cannot_be_is_refused(state: Worker, element: SeriesConfig, words: str) -> None:
    """By the event door, as by HTTP: the same check."""
    await state.commands(SubmitJob("submit", JOB_ID, (element,)))

    [letter] = state.dead()
    assert words in letter["error"]
    assert job_of(state).standing == ()


async def test_ending_what_is_not_there(state: Worker, first: int) -> None:
    """One series of an element for all cannot be ended alone; it is told what there is."""
    await submitted(state, every(ON_DATA))
    await state.commands(SubmitJob("end", JOB_ID, (SeriesConfig(first, refresh=Refresh("never")),)))

    [letter] = state.dead()
    assert f"nothing is refreshed for {first} alone; refreshed are all" in letter["error"]


async def test_the_same_series_and_model_again_take_the_place(state: Worker) -> None:
    """Another model stands beside it."""
    await submitted(state, every(ON_DATA))
    await submitted(state, every(DAILY, next_k_prediction=9), every(ON_DATA, model_name="SES"), command_id="again")

    standing = [
        (one.model_name, state.runtime.codec.decode(one.settings).elements[0].next_k_prediction, one.on)
        for one in job_of(state).standing
    ]
    assert standing == [("LinearFit", 9, "cron"), ("SES", 3, "data")]


def test_a_record_without_them_stands_still() -> None:
    """As the rows of earlier releases do."""
    job = JobRecord(1, 2, None, 1, 1)

    assert (job.standing, job.settled, job.seen, job.submitted) == ((), 0, -1, 0)
