"""What wants somebody to look: the newest records of the topic `alerts`."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.topic_reader import TopicMissingError, read_topic
from schemas.coding.wire import UndecodableError
from schemas.observations import Alert
from streams.access.visibility import visible
from streams.accuracy.told_alerts import alert_json
from streams.checks import ID_LIMIT
from streams.errors import Code, UnavailableError
from streams.runtime import StateRuntime
from streams.views.accuracy.accuracy import TAG
from streams.views.web.answers import ShownJobId, ShownSeriesKey, ShownTsId, json_response
from streams.views.web.door import Door
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

_NEWEST: Final = 1000  # of each partition that are looked at

router = APIRouter(prefix="/alerts", route_class=JsonRoute)
DOOR = Door(router=router, tag=TAG, apart=True, slash=False, watched=("/alerts",))


class AlertItem(BaseModel):
    """One alert."""

    alert_id: str = Field(description="The same whenever the same is told again.")
    kind: str = Field(description="outside_interval, worse_than_backtest or missing_data.")
    message: str = Field(description="In words.")
    at: int = Field(description="When the log got the observation that it was seen by, epoch milliseconds.")
    timestamp: str = Field(description="The time that it is about.")
    job_id: ShownJobId
    data_id: int = Field(description="Its data set.")
    ts_id: ShownTsId
    series_key: ShownSeriesKey
    model_name: str | None = Field(description="Whose forecast it is about.")
    n: int | None = Field(description="By which submission the value was forecast.")
    step: int = Field(description="Steps ahead; how many values were compared; how many steps have no value.")
    value: float | None = Field(description="What came, or the mean scaled error.")
    expected: float | None = Field(description="What was forecast, or the scaled error of the backtest.")
    low: float | None = Field(description="The lower edge of the interval.")
    high: float | None = Field(description="The upper edge.")
    project: str = Field(description="The job's.")


class AlertsReply(BaseModel):
    """The newest."""

    alerts: list[AlertItem]


@router.get("", summary="What wants somebody to look", response_model=AlertsReply, responses=PLAIN.responses(400, 503))
async def list_alerts(
    state: State,
    limit: Annotated[int, Query(ge=1, le=1000, description="Only so many, the newest.")] = 100,
    job_id: Annotated[int | None, Query(ge=1, le=ID_LIMIT, description="Of this job only.")] = None,
    kind: Annotated[str, Query(max_length=40, description="Of this kind only.")] = "",
) -> Response:
    """The newest last. What was told again is there once, as it was told last."""
    try:
        found = await asyncio.to_thread(_read, state)
    except BrokerUnreachableError as error:
        raise UnavailableError(Code.BROKER_UNREACHABLE, str(error)) from None
    except TopicMissingError:
        raise UnavailableError(Code.RECOVERING, f"there is no topic {state.topics.alerts} yet") from None
    wanted = [one for one in found.values() if visible(one) and job_id in (None, one.job_id) and kind in ("", one.kind)]
    newest = sorted(wanted, key=lambda one: (one.at, one.alert_id))[-limit:]
    told: list[dict[str, Any]] = [alert_json(one) for one in newest]
    return json_response({"alerts": told})


def _read(state: StateRuntime) -> dict[str, Alert]:
    found: dict[str, Alert] = {}
    for record in read_topic(state.bootstrap, state.topics.alerts, newest=_NEWEST):
        try:
            alert = state.codec.decode(record.value)
        except UndecodableError:
            continue  # somebody else wrote it
        if isinstance(alert, Alert):
            found[alert.alert_id] = alert
    return found
