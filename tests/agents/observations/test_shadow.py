"""A job's shadow: trained on the same data, published to nobody until it answers; switches, ends, and crashes."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.datasets.added_rows import append
from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import (
    CmdStatus,
    Refresh,
    RefreshJob,
    SeriesConfig,
    StartShadow,
    StopJob,
    StopShadow,
    SubmitJob,
    SwitchShadow,
)
from schemas.series import Forecast, SeriesResult, TrainSeries
from schemas.values import HyperParam
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from streams.standing.shadows import TOOK_HEADER, is_on
from tests.agents.bench import CODEC, Worker, restarted
from tests.agents.forecasting.jobs.samples import DATA_ID, DELETE, JOB_ID, asked, job_of, result
from tests.agents.observations.test_standing import ON_DATA, every, row, rows_of

DAY = 86_400_000
LAST = 1_597_190_400_000  # 2020-08-12, the last day of each series
THETA = SeriesConfig(0, "Theta", series="all")
START = StartShadow("start", JOB_ID, THETA)


def answer_to(one: TrainSeries, **fields: Any) -> SeriesResult:
    """The good result of a training: it begins on the day behind its history."""
    begin = one.start + len(one.target) * DAY
    made = result(one.ts_id, one.n, model_name=one.model_name, side=one.side, shadow=one.shadow, **fields)
    return replace(made, timestamps=[begin], predictions=[float(one.n)])


async def told(state: Worker, *made: SeriesResult, **headers: bytes) -> None:
    """Let results arrive, with headers."""
    topic = state.runtime.topics.job_results
    messages = [state.message(topic, b"%d" % JOB_ID, one) for one in made]
    for message in messages:
        message.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]
    await state.consume(topic, *messages)


async def trained(state: Worker, **fields: Any) -> list[tuple[int, int, str, int, bool]]:
    """What is out, answered: series, number, model, side, and whether in the shadow."""
    found = asked(state)
    state.forget()
    if found:
        await told(state, *(answer_to(one, **fields) for one in found))
    return [(one.ts_id, one.n, one.model_name, one.side, one.shadow) for one in found]


def published(state: Worker) -> list[tuple[int, int, str, int]]:
    """The forecasts that the state has published: series, number, model, switches."""
    found: list[Forecast] = state.events(state.runtime.topics.forecasts)
    return [(one.ts_id, one.n, one.model_name, one.switches) for one in found]


@pytest.fixture
async def standing(state: Worker) -> Worker:
    """A job of three series that LinearFit forecasts on new data; nothing is out."""
    await state.commands(SubmitJob("submit", JOB_ID, (every(ON_DATA),)))
    await trained(state)
    return state


@pytest.fixture
async def shadowed(standing: Worker) -> Worker:
    """The same with Theta beside it, which has forecast each series once."""
    await standing.commands(START)
    await trained(standing)
    standing.forget()
    return standing


@pytest.fixture
def first(state: Worker) -> int:
    """The id of the first series."""
    return job_of(state).first_ts_id


async def test_it_forecasts_at_once_what_the_first_model_does(standing: Worker, first: int) -> None:
    """With the settings of the first, but for the model's own; the job's row says who stands beside whom."""
    await standing.commands(START)

    out = asked(standing)
    assert [(one.ts_id, one.n, one.model_name, one.side, one.shadow, one.next_k_prediction) for one in out] == [
        (first + place, 3 + place, "Theta", 2, True, 3) for place in range(3)
    ]
    job = job_of(standing)
    assert [(one.model_name, one.side, one.on, one.pause_s) for one in job.standing] == [
        ("LinearFit", 1, "data", 2.0),
        ("Theta", 2, "data", 2.0),
    ]
    assert job.shadow is not None
    assert (job.shadow.first_n, job.shadow.answers, is_on(job)) == (3, 1, True)
    assert standing.dead() == []


async def test_each_refresh_trains_both_and_publishes_the_first(shadowed: Worker, first: int) -> None:
    """Of what changed, with the same history; nobody but the trainer of the first is told to publish."""
    append(shadowed.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await shadowed.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert {len(one.target) for one in asked(shadowed)} == {13}
    assert await trained(shadowed) == [(first, 6, "LinearFit", 1, False), (first, 7, "Theta", 2, True)]
    assert published(shadowed) == []
    assert job_of(shadowed).status is CmdStatus.DONE


async def test_a_switch_publishes_the_latest_and_then_the_next_and_is_undone_by_one_more(
    shadowed: Worker, first: int
) -> None:
    """The forecast says of which series it is and when its history ended, as a trainer's does."""
    await shadowed.commands(SwitchShadow("switch", JOB_ID))

    assert published(shadowed) == [(first + place, 3 + place, "Theta", 1) for place in range(3)]
    made: Forecast = shadowed.events(shadowed.runtime.topics.forecasts)[0]
    assert (made.item_id, made.groups, made.series_key) == ("('west',)", {"Region": "west"}, "Region=west")
    assert (made.cutoff, list(made.timestamps), list(made.mean)) == (LAST, [LAST + DAY], [3.0])
    assert (made.job_id, made.data_id) == (JOB_ID, DATA_ID)
    shadowed.forget()

    append(shadowed.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await shadowed.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    assert {one.switches for one in asked(shadowed)} == {1}
    assert await trained(shadowed) == [(first, 6, "LinearFit", 1, True), (first, 7, "Theta", 2, False)]
    assert published(shadowed) == []  # by the trainer alone

    await shadowed.commands(SwitchShadow("back", JOB_ID))

    # What LinearFit forecast before there was a shadow counts, too.
    assert published(shadowed) == [
        (first, 6, "LinearFit", 2),
        (first + 1, 1, "LinearFit", 2),
        (first + 2, 2, "LinearFit", 2),
    ]
    assert [one.side for one in job_of(shadowed).standing] == [1, 2]


async def test_a_switch_said_twice_or_by_name_switches_once(shadowed: Worker) -> None:
    """The same command publishes again what a crash may have prevented; one that names who answers is harmless."""
    await shadowed.commands(SwitchShadow("switch", JOB_ID), together=False)
    once = published(shadowed)
    await shadowed.commands(SwitchShadow("switch", JOB_ID))
    assert published(shadowed) == once * 2

    await shadowed.commands(SwitchShadow("named", JOB_ID, 2))

    job = job_of(shadowed)
    assert job.shadow is not None
    assert (job.shadow.answers, job.switches) == (2, 1)
    assert published(shadowed) == once * 3


async def test_a_switch_whose_process_dies_is_done_by_the_next(
    shadowed: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the row, before the forecasts: the command is not acknowledged, and comes again."""
    topic = shadowed.runtime.topics.forecasts
    shadowed.publisher.failing.add(topic)
    command = SwitchShadow("switch", JOB_ID)
    with pytest.raises(DeliveryError):
        await shadowed.commands(command)
    assert job_of(shadowed).switches == 1

    worker = await restarted(shadowed, settings, monkeypatch)
    await worker.commands(command)

    assert published(worker) == [(first + place, 3 + place, "Theta", 1) for place in range(3)]
    assert job_of(worker).switches == 1


async def test_what_was_on_its_way_at_the_switch_is_published_when_it_comes(shadowed: Worker, first: int) -> None:
    """Asked for in the shadow, it is the next forecast of who answers; what failed is none."""
    append(shadowed.runtime.store, DATA_ID, [row(0, "west", 13, 1.0), row(1, "east", 13, 1.0)])
    await shadowed.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    out = [one for one in asked(shadowed) if one.side == 2]
    assert [one.shadow for one in out] == [True, True]
    await shadowed.commands(SwitchShadow("switch", JOB_ID))
    shadowed.forget()

    await told(shadowed, answer_to(out[0]), answer_to(out[1], error="no"))

    assert published(shadowed) == [(first, out[0].n, "Theta", 1)]


async def test_what_fails_in_the_shadow_does_not_fail_the_job(standing: Worker) -> None:
    """Nor is it counted; a first model that has been put into the shadow is treated alike."""
    await standing.commands(START)
    await trained(standing, error="it cannot")

    job = job_of(standing)
    assert (job.status, job.message) == (CmdStatus.DONE, None)
    await standing.commands(SwitchShadow("switch", JOB_ID))
    assert published(standing) == []  # it has none
    assert standing.dead() == []


async def test_stopped_it_is_gone_or_has_taken_over(shadowed: Worker, first: int) -> None:
    """Whoever answers goes on alone, published as ever."""
    await shadowed.commands(SwitchShadow("switch", JOB_ID), StopShadow("stop", JOB_ID))
    shadowed.forget()
    append(shadowed.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])

    await shadowed.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert await trained(shadowed) == [(first, 6, "Theta", 0, False)]
    assert not is_on(job_of(shadowed))
    await shadowed.commands(StartShadow("again", JOB_ID, SeriesConfig(0, "SES", series="all")))
    assert [one.model_name for one in asked(shadowed)] == ["SES"] * 3
    await trained(shadowed)
    await shadowed.commands(StopShadow("stop again", JOB_ID))
    append(shadowed.runtime.store, DATA_ID, [row(1, "west", 14, 1.0)])
    await shadowed.commands(RefreshJob("refresh 2", JOB_ID, number=2))
    assert [one.model_name for one in asked(shadowed)] == ["Theta"]


async def test_for_some_series_it_takes_over_these_alone(standing: Worker, first: int) -> None:
    """The others keep the first model, before and after its end; also those that appear later."""
    await standing.commands(StartShadow("start", JOB_ID, SeriesConfig(0, "Theta", series="Region=west")))
    assert await trained(standing) == [(first, 3, "Theta", 2, True)]
    await standing.commands(SwitchShadow("switch", JOB_ID))
    assert published(standing) == [(first, 3, "Theta", 1)]
    standing.forget()
    append(standing.runtime.store, DATA_ID, [row(0, "west", 13, 1.0), row(1, "east", 13, 1.0)])

    await standing.commands(RefreshJob("refresh 1", JOB_ID, number=1))

    assert await trained(standing) == [
        (first, 4, "LinearFit", 1, True),
        (first + 1, 5, "LinearFit", 0, False),
        (first, 6, "Theta", 2, False),
    ]
    await standing.commands(StopShadow("stop", JOB_ID))
    append(standing.runtime.store, DATA_ID, [row(number, at, 14, 1.0) for number, at in ((2, "west"), (3, "east"))])
    append(standing.runtime.store, DATA_ID, [row(4, "new", 14, 1.0)])
    standing.forget()
    await standing.commands(RefreshJob("refresh 2", JOB_ID, number=2))
    assert [one[:3] for one in await trained(standing)] == [
        (first + 1, 7, "LinearFit"),
        (first + 3, 8, "LinearFit"),
        (first, 9, "Theta"),
    ]


async def test_the_same_model_with_other_settings_is_a_version(standing: Worker) -> None:
    """It is told apart by its side."""
    parameters = (HyperParam("latest_n", "int", 3),)
    await standing.commands(StartShadow("start", JOB_ID, SeriesConfig(0, "LinearFit", parameters, series="all")))

    assert {(one.config["latest_n"], one.side) for one in asked(standing)} == {(3, 2)}
    await trained(standing)
    await standing.commands(SwitchShadow("switch", JOB_ID))
    assert [one[1] for one in published(standing)] == [3, 4, 5]
    await standing.commands(SwitchShadow("back", JOB_ID))
    assert [one[1] for one in published(standing)[3:]] == [0, 1, 2]


async def test_one_of_two_that_stand_can_become_the_shadow(standing: Worker) -> None:
    """Else nobody could say beside which of them."""
    await standing.commands(SubmitJob("other", JOB_ID, (every(ON_DATA, model_name="SES"),)))
    await trained(standing)
    await standing.commands(START)
    assert (
        "several refreshed elements forecast the same series: LinearFit (all), SES (all)" in standing.dead()[0]["error"]
    )

    await standing.commands(StartShadow("one", JOB_ID, SeriesConfig(0, "LinearFit", series="all")))

    assert [(one.model_name, one.side) for one in job_of(standing).standing] == [("SES", 1), ("LinearFit", 2)]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            StartShadow("c", JOB_ID, SeriesConfig(0, "Theta", series="all", refresh=Refresh("hand"))),
            "refresh: leave it",
        ),
        (StartShadow("c", JOB_ID, SeriesConfig(0, series="all")), "model_name: is missing"),
        (StartShadow("c", JOB_ID, SeriesConfig(0, "Thata", series="all")), "is unknown; known are"),
        (StartShadow("c", JOB_ID, SeriesConfig(5, "Theta")), "nothing that is refreshed names 5"),
        (StartShadow("c", JOB_ID, SeriesConfig(0, "Theta", series="Region=no")), "no series of job 7 has"),
        (StartShadow("c", JOB_ID, THETA, "sales"), "there is no job 7"),
        (SwitchShadow("c", JOB_ID), "has no shadow"),
        (StopShadow("c", JOB_ID), "has no shadow"),
        (
            SubmitJob("c", JOB_ID, (SeriesConfig(0, "SES", (), next_k_prediction=1, series="all", side=2),)),
            "side: is set",
        ),
    ],
)
async def test_what_cannot_be_is_told_and_changes_nothing(standing: Worker, command: Any, words: str) -> None:
    """Where nobody waits for the answer, as a dead letter."""
    before = job_of(standing)

    await standing.commands(command)

    assert words in standing.dead()[0]["error"]
    assert job_of(standing) == before
    assert asked(standing) == []


async def test_there_is_one_at_a_time_and_it_answers_to_a_side(shadowed: Worker) -> None:
    """A second start is refused, a repeat of the first is none."""
    await shadowed.commands(START)
    assert (shadowed.dead(), asked(shadowed)) == ([], [])
    await shadowed.commands(replace(START, command_id="other"), SwitchShadow("c", JOB_ID, 3))

    assert ["has a shadow already" in one["error"] for one in shadowed.dead()] == [True, False]
    assert "answers: is 3" in shadowed.dead()[1]["error"]


@pytest.mark.parametrize("end", ["never", "stop", "delete"])
async def test_with_what_stands_beside_it_it_ends(shadowed: Worker, end: str) -> None:
    """Refreshes ended leave no shadow behind, and nothing in the shadow that nobody could see."""
    if end == "delete":
        await shadowed.commands(DELETE)
        topic = shadowed.runtime.topics.forecasts
        assert [record.value for record in shadowed.sent(topic)] == [None] * 3
        return
    never = SeriesConfig(0, series="all", refresh=Refresh("never"))
    await shadowed.commands(SubmitJob("end", JOB_ID, (never,)) if end == "never" else StopJob("end", JOB_ID))

    assert not is_on(job_of(shadowed))
    assert job_of(shadowed).standing == ()


async def test_what_it_took_is_kept_and_results_stay_as_they_were_told(standing: Worker, first: int) -> None:
    """The log has no seconds, which no replay could yield again; the table has."""
    await standing.commands(START)
    out = asked(standing)
    await told(standing, answer_to(out[0]), **{TOOK_HEADER: b"0.25"})
    await told(standing, answer_to(out[1]), **{TOOK_HEADER: b"soon"})

    rows = ForecastingState.of(standing.runtime).results.of_series(JOB_ID, [first, first + 1])
    assert [CODEC.decode(found[-1]).took_s for found in rows.values()] == [0.25, None]
    assert (await rows_of(standing))[first] == [0, 3]
