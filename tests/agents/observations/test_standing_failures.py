"""An element that cannot be refreshed holds up no other; it is told, and no crash takes that along."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.forecasting.refresh_watch import RefreshWatch
from connectors.datasets.added_rows import AddedRow, append
from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import CmdStatus, RefreshJob
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from streams.standing.shown import refreshes
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker, restarted
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, DATA_ID, JOB_ID, add_sample, asked, job_of
from tests.agents.observations.test_standing import DAILY, MS, ON_DATA, answered, every, refreshed, submitted, watched
from tests.agents.observations.test_standing import row as cores_row

_LOAD = 3  # the column that is a feature


def row(offset: int, region: str, day: int, load: float | str) -> AddedRow:
    """A day of a region with its feature."""
    return cores_row(offset, region, day, 1.0)._replace(cells={"cores": float(offset), "load": load})


async def with_feature(state: Worker) -> int:
    """A job with three elements, of which the second takes a feature; the id of its first series."""
    await submitted(
        state,
        every(ON_DATA),
        every(ON_DATA, model_name="Regression", feature_indexs=(_LOAD,)),
        every(DAILY, model_name="SES"),
        command_id="three",
    )
    return job_of(state).first_ts_id


def problems(state: Worker) -> list[str | None]:
    """What GET tells of each element."""
    return [one.get("error") for one in refreshes(job_of(state))["refresh"]]


async def test_the_others_are_refreshed(state: Worker) -> None:
    """The reason is told with the element and as a dead letter; what has changed waits until it can be refreshed."""
    first = await with_feature(state)
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])

    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert [(one.ts_id, one.model_name, len(one.target)) for one in asked(state)] == [(first, "LinearFit", 13)]
    [letter] = state.dead()
    assert letter["error"].startswith(f"element 2 (ts_id {first}), feature_indexs: ")
    assert "broken" in letter["error"]
    assert problems(state) == [None, letter["error"], None]
    assert [one.stale for one in job_of(state).standing] == [(), (0,), (0,)]
    await answered(state)
    assert job_of(state).status is CmdStatus.DONE

    append(state.runtime.store, DATA_ID, [row(1, "west", 13, 5.0)])
    await state.commands(RefreshJob("refresh 2", JOB_ID, number=2))

    assert [(one.ts_id, one.model_name) for one in asked(state)] == [(first, "LinearFit"), (first, "Regression")]
    assert problems(state) == [None, None, None]
    assert state.dead() == []


async def test_the_same_reason_is_told_once(state: Worker) -> None:
    """However many rows come; another reason is told, and one that comes again after it was mended."""
    await with_feature(state)
    letters = []
    for number, load in enumerate(["broken", "broken", "torn", 5.0, "torn"], 1):
        append(state.runtime.store, DATA_ID, [row(number, "west", 13, load)])
        await state.commands(RefreshJob(f"refresh {number}", JOB_ID, number=number))
        letters.append(len(state.dead()))
        await answered(state)

    assert letters == [1, 0, 1, 0, 1]


async def test_files_that_were_made_for_nothing_go(state: Worker) -> None:
    """Of the element that failed the whole table was split, and the others need none of it."""
    await with_feature(state)
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    stem = str(job_of(state).split).removesuffix(".npz")
    kept = state.runtime.store.keys(f"splits/{JOB_ID}")
    assert all(key.startswith(f"{stem}.") for key in kept)
    assert job_of(state).split in kept


async def test_it_is_not_tried_again_until_there_are_news(state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it does not let the watch say it again and again."""
    await with_feature(state)
    said = watched(state, monkeypatch, 20_000)

    append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])
    assert await said() == [1]
    await refreshed(state, 1)
    assert await said() == []
    append(state.runtime.store, DATA_ID, [row(1, "east", 13, 1.0)])
    assert await said() == [2]


async def test_by_hand_the_sender_is_told_where_nothing_can_be(state: Worker) -> None:
    """And nothing has changed then; where a part can be, that is done."""
    first = await with_feature(state)
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])
    with state.runtime.waiters.waiting("by hand") as outcome:
        await state.commands(RefreshJob("by hand", JOB_ID))
        assert await outcome == [first]
    assert [one.model_name for one in asked(state)] == ["LinearFit", "SES"]
    assert len([text for text in problems(state) if text]) == 1


async def test_an_error_that_nobody_foresaw_is_the_elements_own(state: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others must go on, whatever it is."""
    first = await with_feature(state)

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("agents.forecasting.refresh_trials.prepared_for", broken)  # where features are read
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert [(one.ts_id, one.model_name) for one in asked(state)] == [(first, "LinearFit")]
    assert "ZeroDivisionError: a fault of ours" in str(problems(state)[1])


@pytest.mark.parametrize("everything", [False, True], ids=["an element", "the job"])
async def test_a_crash_loses_no_reason(
    state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch, everything: bool
) -> None:
    """Until the broker has the letter the row says nothing, so the command that comes again tells it."""
    await with_feature(state)
    if everything:
        ForecastingState.of(state.runtime).splits._max_series = 3
        append(state.runtime.store, DATA_ID, [row(0, "south", 1, 1.0)])
    else:
        append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])
    command = RefreshJob("refresh 1", JOB_ID, number=1)
    state.publisher.failing.add(state.runtime.topics.dead_letters)
    with pytest.raises(DeliveryError):
        await state.commands(command)
    assert problems(state) == [None, None, None]
    worker = await restarted(state, settings, monkeypatch)
    if everything:
        ForecastingState.of(worker.runtime).splits._max_series = 3

    await worker.commands(command)
    await worker.commands(command)  # and once more, once it is done

    assert len(worker.dead()) == 1
    assert problems(worker)[1] == worker.dead()[0]["error"]


async def test_a_letter_that_comes_twice_is_known(
    state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the job's key and the command's place in the log: a crash came before the row was written."""
    await with_feature(state)
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, "broken")])
    command = RefreshJob("refresh 1", JOB_ID, number=1)
    state.publisher.failing.add(state.runtime.topics.jobs_changelog)
    with pytest.raises(DeliveryError):
        await state.commands(command)
    [before] = state.sent(state.runtime.topics.dead_letters)
    worker = await restarted(state, settings, monkeypatch)
    worker._offsets = {tp: offset - 1 for tp, offset in state._offsets.items()}

    await worker.commands(command)

    [after] = worker.sent(worker.runtime.topics.dead_letters)
    assert (after.key, after.headers) == (before.key, before.headers)
    assert after.key == b"%d" % JOB_ID


def waiting_times(state: Worker) -> Sequence[int | None]:
    """When elements are tried next."""
    return [one.next_due for one in job_of(state).standing]


@pytest.fixture
async def limited(settings: Settings, publisher: FakePublisher, tmp_path: Path) -> Worker:
    """A job of all the three series that its project may have, on data and by the day; rows of a fourth have come."""
    state = Worker(apps.create_state(settings.model_copy(update={"max_project_series": 3}), "127.0.0.1:1"), publisher)
    add_sample(state, tmp_path)
    await state.commands(CREATE, CONFIGURE)
    await submitted(state, every(ON_DATA), every(DAILY, model_name="SES"))
    append(state.runtime.store, DATA_ID, [cores_row(0, "west", 13, 1.0), cores_row(1, "south", 1, 1.0)])
    return state


async def test_a_new_series_without_room_waits_while_the_others_are_refreshed(
    limited: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the quota's own words, once; each minute it is tried, for no row tells that there is room."""
    state, first = limited, job_of(limited).first_ts_id
    _, daily = waiting_times(state)

    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert [(one.ts_id, one.model_name) for one in asked(state)] == [(first, "LinearFit")]
    [letter] = state.dead()
    assert "those that are new wait for room" in letter["error"]
    assert "TIDECAST_MAX_PROJECT_SERIES" in letter["error"]
    assert problems(state) == [letter["error"], None]
    assert refreshes(job_of(state))["refresh"][0]["next"] == "2020-09-13T12:27:40.000+00:00"
    assert list(waiting_times(state)) == [MS + 60_000, daily]
    assert (job_of(state).series_count, job_of(state).seen) == (3, 1)
    assert len(await ForecastingState.of(state.runtime).splits.of(job_of(state))) == 3
    await answered(state)
    state.forget()

    monkeypatch.setattr("agents.forecasting.refresh_watch.owned_offsets", lambda *_: (7, dict.fromkeys(range(4))))
    now = [MS + 59_999]
    watch = RefreshWatch(state.runtime, lambda: now[0])
    await watch.look()
    assert state.events(state.runtime.topics.job_commands) == []
    now[0] += 1
    await watch.look()
    [again] = state.events(state.runtime.topics.job_commands)
    assert again.number == 2
    state.forget()
    await state.commands(again)  # there is no room yet, which is told already
    assert (state.dead(), asked(state)) == ([], [])
    assert problems(state)[0] == letter["error"]

    append(state.runtime.store, DATA_ID, [cores_row(2, "east", 13, 1.0)])
    await state.commands(RefreshJob("refresh 3", JOB_ID, number=3))  # new rows need no room
    assert [one.ts_id - first for one in asked(state)] == [1]
    assert state.dead() == []
    await answered(state)

    roomy = await restarted(state, settings.model_copy(update={"max_project_series": 4}), monkeypatch)
    await roomy.commands(RefreshJob("refresh 4", JOB_ID, number=4))
    assert [(one.ts_id, len(one.target)) for one in asked(roomy)] == [(first + 3, 1)]
    assert (job_of(roomy).series_count, problems(roomy)) == (4, [None, None])
    assert list(waiting_times(roomy)) == [None, daily]


async def test_by_hand_what_has_no_room_is_told_with_what_was_done(limited: Worker) -> None:
    """Where nothing else has changed, it is refused."""
    state, first = limited, job_of(limited).first_ts_id
    _, daily = waiting_times(state)
    with state.runtime.waiters.waiting("by hand") as outcome:
        await state.commands(RefreshJob("by hand", JOB_ID))
        assert await outcome == [first]
    assert sorted(one.model_name for one in asked(state)) == ["LinearFit", "SES"]
    assert ["new wait for room" in str(text) for text in problems(state)] == [True, True]
    assert waiting_times(state) == [MS + 60_000, daily]  # a schedule is kept to
    await answered(state)
    before = job_of(state)

    with state.runtime.waiters.waiting("again") as outcome:
        await state.commands(RefreshJob("again", JOB_ID))
        with pytest.raises(RejectedError, match="has 3, and this would add 1"):
            await outcome
    assert job_of(state) == before


async def test_columns_of_a_table_do_not_let_series_in_that_have_no_room(limited: Worker) -> None:
    """A submission that needs the table anew goes on with the series that there are, and so does its refresh."""
    state, first = limited, job_of(limited).first_ts_id
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    await answered(state)
    state.forget()

    await submitted(state, every(ON_DATA, model_name="Regression", feature_indexs=(_LOAD,)), command_id="features")

    assert job_of(state).series_count == 3
    assert ["wait for room" in str(text) for text in problems(state)] == [True, False, False]
    assert waiting_times(state)[0] is not None
    append(state.runtime.store, DATA_ID, [row(3, "east", 13, 4.0)])
    await state.commands(RefreshJob("refresh 2", JOB_ID, number=2))
    assert {one.ts_id - first for one in asked(state)} == {1}
    assert job_of(state).series_count == 3
