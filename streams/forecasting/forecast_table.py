"""The latest forecast of every series, as a table of the state workers and as JSON."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import faust
import orjson

from connectors.kafka.publisher import Publisher
from connectors.timestamps.parsing import event_times, offset_texts
from schemas.coding.codec import Codec
from schemas.series import Forecast
from streams.rows.event_table import EventTable
from streams.rows.row_stores import Row

__all__ = ["ForecastTable", "NewForecast", "SubmissionNumber", "forecast_json"]


class SubmissionNumber(NamedTuple):
    """The element of a submission that a forecast answers: a job and a number in it.

    `switches` is how often the job's answering model had been switched: see `schemas.forecasting.Shadow`.
    """

    job_id: int
    n: int
    switches: int = 0


class NewForecast(NamedTuple):
    """A forecast in its encoded form, under its key; with nothing but the key it removes the one that is there.

    `again`: it was published before, and only repeated by a state worker.
    """

    key: bytes
    submission: SubmissionNumber | None
    row: bytes | None
    again: bool = False


class ForecastTable(EventTable):
    """Forecasts under their ts_id, encoded as they came: decoded they take several times the memory.

    Partitioned as the topic forecasts is. A forecast with a lower `n` than the job's one that is there is an earlier
    submission's that was published late: it changes nothing. Nor does one with fewer `switches`: it is of a model that
    answers no more. Neither says anything between jobs: the later one wins.
    """

    def __init__(self, app: faust.App, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec) -> None:
        super().__init__(app, "forecasts", changelog, partitions=partitions, publisher=publisher)
        self._codec = codec

    def get(self, key: bytes) -> Forecast | None:
        """The forecast, or None where this worker does not have it."""
        row = self._rows.get(key)
        if row is None:
            return None
        forecast: Forecast = self._codec.decode(row)
        return forecast

    def put(
        self, partition: int, forecasts: Iterable[NewForecast], stay: list[Row] | None = None
    ) -> "asyncio.Future[None]":
        """Apply forecasts in the order of the log; readers see them at once. It ends when the changelog has them.

        `stay` gets what must be published again: the topic's last record of a key must be the row that stays, for
        compaction keeps no other. A repeat of what was deleted meanwhile is followed by another deletion.
        """
        latest: dict[bytes, SubmissionNumber | None] = {}  # as this call leaves them
        changes: dict[bytes, bytes | None] = {}
        outdated: set[bytes] = set()
        for key, submission, row, again in forecasts:
            known = latest[key] if key in latest else self._submission(key)
            if submission is None or (known is None and not again) or _follows(submission, known, again=again):
                latest[key], changes[key] = submission, row
                outdated.discard(key)
            else:
                latest[key] = known
                outdated.add(key)
        rows = self._rows
        if stay is not None:
            stay += [(key, changes[key] if key in changes else rows.get(key)) for key in outdated]
        return self._write(partition, [(key, row) for key, row in changes.items() if rows.get(key) != row])

    def _submission(self, key: bytes) -> SubmissionNumber | None:
        row = self._rows.get(key)
        if row is None:
            return None
        fields = self._codec.front_of(row, Forecast)
        return SubmissionNumber(fields["job_id"], fields["n"], fields.get("switches", 0))

    def bodies(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes | None]]:
        """The forecasts as JSON, with their keys; None where there is none (any more). For a thread."""
        found = []
        for key in keys:
            forecast = self.get(key)
            found.append((key, None if forecast is None else forecast_json(forecast)))
        return found

    def keys(self, partition: int) -> list[bytes]:
        """The keys of the rows of a partition."""
        return self._rows.keys(partition)

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows

    async def _recovered(self) -> None:
        """Rows are all there is."""


def _follows(new: SubmissionNumber, known: SubmissionNumber | None, *, again: bool) -> bool:
    """Whether it takes the place of the one that is there. Between jobs the later one does, but for a repeat."""
    if known is None:
        return False
    if known.job_id != new.job_id:
        return not again
    return (known.switches, known.n) <= (new.switches, new.n)


def forecast_json(forecast: Forecast) -> bytes:
    """A forecast as `GET /forecasts/{ts_id}` answers it and as the online store holds it."""
    body = {
        "ts_id": forecast.ts_id,
        "job_id": forecast.job_id,
        "n": forecast.n,
        "item_id": forecast.item_id,
        "model_name": forecast.model_name,
        "cutoff": _cutoff(forecast),
        "timestamps": _formatted(tuple(forecast.timestamps), tuple(forecast.micros)),
        "mean": forecast.mean,
    }
    if forecast.utc_offsets:
        body["utc_offsets"] = offset_texts(forecast.utc_offsets)
    if forecast.quantiles:
        body["quantiles"] = forecast.quantiles
    if forecast.answered_by is not None:
        body["answered_by"] = forecast.answered_by
    if forecast.series_key:
        body |= {"series_key": forecast.series_key, "groups": forecast.groups, "data_id": forecast.data_id}
    if forecast.switches:
        body["switches"] = forecast.switches
    if forecast.project:
        body["project"] = forecast.project
    return orjson.dumps(body)


@lru_cache(maxsize=1024)
def _formatted(times: tuple[int, ...], micros: tuple[int, ...]) -> list[str]:
    """The series of a job mostly end on the same day, so their forecasts share their timestamps."""
    return event_times(times, micros)


def _cutoff(forecast: Forecast) -> str:
    """As its forecast's times are shown."""
    return event_times((forecast.cutoff,), (0,) if forecast.micros else ())[0]
