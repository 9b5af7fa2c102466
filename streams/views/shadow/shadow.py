"""A second model beside the one that answers: `/job/{job_id}/shadow/`."""

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.forecasting import JobRecord, ShadowCommand, StartShadow, StopShadow, SwitchShadow
from streams.accuracy.comparing import TEST
from streams.accuracy.shadowed import SIDES, shadow_of
from streams.forecasting.state import known_job
from streams.runtime import StateRuntime
from streams.standing.shadows import check_on
from streams.views.accuracy.accuracy import Coverage
from streams.views.forecasting.bodies import ModelName, SeriesBody, TsId
from streams.views.web.answers import ShownGroups, ShownJobId, ShownModel, ShownSeriesKey, ShownTsId, json_response
from streams.views.web.commands import BareCommandId, CommandId, is_repeat, send_command
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JobId, JsonRoute, State, sent_as_json

__all__ = ["DOOR"]

_MOST: Final = 1000  # series of one answer
_Side = Literal["first", "second"]

router = APIRouter(route_class=JsonRoute)
DOOR = Door.of_job(
    "shadow",
    router,
    Tag("shadow", "A second model on the same data, judged beside the one that answers."),
    watched=True,
)

Offset = Annotated[int, Query(ge=0, description="How many series to leave out.")]
Limit = Annotated[int, Query(ge=1, le=_MOST, description="How many series to tell of at most.")]


class ShadowBody(SeriesBody):
    """The second model and its settings; what is left out is as the first model has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model_name": "Theta"},
                {
                    "model_name": "LinearFit",
                    "hyper_params": [{"name": "latest_n", "type": "int", "val": 5}],
                    "groups": {"Origin": "EWR"},
                },
            ]
        }
    )
    ts_id: TsId = Field("all", description='A series of the job; "all": each of them, or of those that groups chooses.')
    model_name: ModelName = Field(description="GET /model/ tells what each does; the first's again for a version.")
    refresh: None = Field(None, description="Leave it out: it is trained when the first model is.")
    future_features: None = Field(None, description="Leave it out: they are of one end of the history.")


class SideSums(BaseModel):
    """Mean errors at the steps that were judged of both; null where there are none."""

    mae: float | None = Field(description="Mean absolute error.")
    rmse: float | None = Field(description="Root of the mean squared error.")
    bias: float | None = Field(description="Mean of actual less predicted.")
    mase: float | None = Field(description="Mean of absolute errors by the scale of the first's forecast.")
    coverage: dict[str, Coverage] = Field(description="By the level of the intervals in percent, such as 80.")


class Side(SideSums):
    """One of the two over all series."""

    model_name: ShownModel
    config: dict[str, Any] | None = Field(description="The hyper-parameters of its latest forecast.")
    answers: bool = Field(description="Whether its forecasts are the published ones.")
    forecasts: int = Field(description="How many series it has a forecast of.")
    failed: int = Field(description="Of how many series its latest attempt failed.")
    error: str | None = Field(description="Why one failed.")
    seconds: float | None = Field(description="Of a core that a forecast took on average; null where not measured.")


class Verdict(BaseModel):
    """Which of the two is better."""

    judged: int = Field(description="How many values both were judged by, each once for every origin and step.")
    better: _Side | None = Field(description="Whose mean scaled error is smaller; null: neither's, or none came yet.")
    significant: bool = Field(description="Whether it is more than chance: p_value below 0.05.")
    p_value: float | None = Field(description="How likely such a difference is by chance; null: too few times yet.")
    statistic: float | None = Field(description="Of the test; above zero where the second errs more.")
    times: int = Field(description="How many times were tested, each once, by the forecasts of the fewest steps ahead.")
    times_needed: int = Field(description="How many it takes: 10, or twice the steps ahead.")


class SeriesPair(Verdict):
    """Both on one series."""

    ts_id: ShownTsId
    series_key: ShownSeriesKey
    groupby_val: ShownGroups
    first: SideSums
    second: SideSums


class ShadowReply(Verdict):
    """A job's shadow, beside the model that was there first."""

    job_id: ShownJobId
    data_id: int = Field(description="The data set whose rows judge both.")
    series_named: str = Field(description="Which series: all, group values by column, or a ts_id.")
    started: str = Field(description="ISO-8601 in UTC.")
    answers: _Side = Field(description="Whose forecasts are published: in /forecasts, on the topic, in Redis and SQL.")
    switches: int = Field(description="How often the job's answering model was switched.")
    test: str = Field(description="How it is decided.")
    note: str | None = Field(description="Why nothing can be judged, where nothing can.")
    first: Side
    second: Side
    series_count: int = Field(description="How many series have values that both were judged by.")
    series: list[SeriesPair] = Field(description="First those in which the second loses most.")


@router.get(
    "/job/{job_id}/shadow/",
    summary="Both models of a job with a shadow, judged side by side",
    response_model=ShadowReply,
    responses=PLAIN.responses(400, 404, 503),
)
async def get_shadow(state: State, job_id: JobId, offset: Offset = 0, limit: Limit = 100) -> Response:
    """Compared are forecasts of a series from the same origin, at the steps for which both have one and a value came.

    `first` is the model that was there before the shadow, `second` the one beside it, whoever answers.
    """
    job = known_job(state, job_id)
    return await _told(state, job, offset, limit)


@router.post(
    "/job/{job_id}/shadow/",
    summary="Start a shadow: a second model beside the one that answers",
    status_code=201,
    response_model=ShadowReply,
    responses=PLAIN.responses(400, 404, 408, 409, 413, 415, 503),
    dependencies=[Depends(sent_as_json)],
)
async def start_shadow(state: State, job_id: JobId, body: ShadowBody, command_id: CommandId) -> Response:
    """It forecasts at once, and then whenever the first model is refreshed, from the same rows.

    Its forecasts are results of the job (`"shadow": true`) and are judged; they are not published, alert nobody, and
    what fails of them does not fail the job. The first model stands: an element with `refresh` names the series. Of
    several that do, one may be named here, which becomes the shadow.
    """
    job = known_job(state, job_id)
    await _sent(state, job, StartShadow(command_id, job_id, body.to_event(), job.project))
    return await _told(state, known_job(state, job_id), 0, 100, status=201)


@router.post(
    "/job/{job_id}/shadow/switch/",
    summary="Let the other model answer",
    response_model=ShadowReply,
    responses=PLAIN.responses(400, 404, 408, 409, 503),
)
async def switch_shadow(
    state: State,
    job_id: JobId,
    command_id: BareCommandId,
    to: Annotated[
        _Side | None, Query(description="Who is to answer; absent: the one that does not. Named, a retry is harmless.")
    ] = None,
) -> Response:
    """Its latest forecasts are published at once, and its next ones from now on; the other one becomes the shadow.

    Done once more it is undone.
    """
    job = known_job(state, job_id)
    command = SwitchShadow(command_id, job_id, SIDES[to] if to else 0, job.project)
    await _sent(state, job, command)
    return await _told(state, known_job(state, job_id), 0, 100)


@router.delete(
    "/job/{job_id}/shadow/", summary="End a shadow", status_code=204, responses=PLAIN.responses(400, 404, 408, 503)
)
async def stop_shadow(state: State, job_id: JobId, command_id: BareCommandId) -> Response:
    """The model that answers goes on alone; of the other one the results stay until newer ones replace them."""
    job = known_job(state, job_id)
    await _sent(state, job, StopShadow(command_id, job_id, job.project))
    return Response(status_code=204)


async def _sent(state: StateRuntime, job: JobRecord, command: ShadowCommand) -> None:
    if not is_repeat(command.command_id, job.commands):
        if not isinstance(command, StartShadow):
            check_on(job)
        await send_command(state, state.topics.job_commands, job.job_id, command)


async def _told(state: StateRuntime, job: JobRecord, offset: int, limit: int, *, status: int = 200) -> Response:
    answer = await shadow_of(state, job) | {"test": TEST}
    answer["series"] = answer["series"][offset : offset + limit]
    return await asyncio.to_thread(json_response, answer, status)
