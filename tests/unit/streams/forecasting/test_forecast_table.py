"""The table of the latest forecasts, and a forecast as JSON."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import faust
import orjson
import pytest
from yarl import URL

from connectors.kafka.publisher import Record
from schemas.coding.codec import Codec
from schemas.series import Forecast
from streams.forecasting.forecast_table import ForecastTable, NewForecast, SubmissionNumber, forecast_json
from tests.unit.streams.rows.changelog import ChangelogPublisher, put_back

CODEC = Codec()
DAY = 86_400_000
NOON = 1_599_480_000_000  # 2020-09-07T12:00:00Z
FORECAST = Forecast(7, 17, 3, "('a',)", "LinearFit", NOON, [NOON + DAY, NOON + 2 * DAY], [1.5, -2.0])


def item(n: int, ts_id: int = 17, **changes: Any) -> NewForecast:
    """A forecast as the agent hands it over."""
    forecast = replace(FORECAST, n=n, ts_id=ts_id, **changes)
    return NewForecast(b"%d" % ts_id, SubmissionNumber(forecast.job_id, n), CODEC.encode(forecast))


class Process:
    """One process with the table; it can be started anew from the changelog."""

    def __init__(self, log: Iterable[Record] = ()) -> None:
        app = faust.App(
            f"t{uuid.uuid4().hex}", broker=[URL("kafka://127.0.0.1:1")], store="memory://", datadir="/nowhere"
        )
        self.publisher: Any = ChangelogPublisher()
        self.table = ForecastTable(app, "forecasts-changelog", partitions=4, publisher=self.publisher, codec=CODEC)
        for record in log:
            put_back(self.table, record)

    @property
    def log(self) -> list[Record]:
        return list(self.publisher.records)


@pytest.fixture
async def process() -> Process:
    """An empty table."""
    return Process()


class TestTable:
    """One row per series: the one of the latest submission."""

    async def test_a_forecast_can_be_read_at_once(self, process: Process) -> None:
        """And is in the changelog as it came, in the partition of its event."""
        process.table.put(2, [item(3)])

        assert process.table.get(b"17") == FORECAST
        assert process.log == [Record("forecasts-changelog", b"17", CODEC.encode(FORECAST), partition=2)]

    async def test_a_later_submission_wins_whatever_the_order(self, process: Process) -> None:
        """Batches of a trainer overlap: n, not the order of the log, says which is later."""
        process.table.put(2, [item(3), item(5), item(4)])
        process.table.put(2, [item(2)])

        found = process.table.get(b"17")
        assert found is not None
        assert found.n == 5
        assert [CODEC.decode(record.value).n for record in process.log] == [5]

    async def test_between_jobs_the_order_of_the_log_counts(self, process: Process) -> None:
        """Each job numbers its submissions anew, and what was asked of an endpoint has no job."""
        process.table.put(2, [item(3), item(0, job_id=0)])

        found = process.table.get(b"17")
        assert found is not None
        assert (found.job_id, found.n) == (0, 0)

    async def test_a_repeat_writes_nothing(self, process: Process) -> None:
        """The same command answered again after a crash."""
        process.table.put(2, [item(3)])
        process.table.put(2, [item(3)])

        assert len(process.log) == 1

    async def test_the_same_submission_answered_otherwise_is_taken(self, process: Process) -> None:
        """The log's last word on it."""
        process.table.put(2, [item(3)])
        process.table.put(2, [item(3, mean=(9.0, 9.0))])

        found = process.table.get(b"17")
        assert found is not None
        assert list(found.mean) == [9.0, 9.0]

    async def test_an_empty_record_removes(self, process: Process) -> None:
        """Also in one batch with what it removes; what comes after it counts again, whatever its n."""
        process.table.put(2, [item(3), NewForecast(b"17", None, None)])
        assert process.table.get(b"17") is None
        assert process.log == []
        process.table.put(2, [item(3)])
        process.table.put(2, [NewForecast(b"17", None, None), item(1)])

        found = process.table.get(b"17")
        assert found is not None
        assert found.n == 1

    async def test_a_restart_brings_the_forecasts_back(self, process: Process) -> None:
        """The latest of each, and none that was removed."""
        process.table.put(2, [item(3), item(4), item(0, 18), item(0, 19)])
        process.table.put(2, [NewForecast(b"19", None, None)])
        after = Process(process.log).table

        assert [after.get(key) for key in (b"17", b"18", b"19")] == [
            replace(FORECAST, n=4),
            replace(FORECAST, n=0, ts_id=18),
            None,
        ]
        assert sorted(after.keys(2)) == [b"17", b"18"]

    async def test_keys_are_those_of_the_partition(self, process: Process) -> None:
        """A rebuild of the online store goes by partition."""
        process.table.put(2, [item(0)])
        process.table.put(1, [item(0, 18)])

        assert (process.table.keys(1), process.table.keys(2), process.table.keys(3)) == ([b"18"], [b"17"], [])
        assert b"18" in process.table
        assert b"19" not in process.table

    async def test_bodies_are_the_rows_of_this_moment(self, process: Process) -> None:
        """What was noted and removed since has none."""
        process.table.put(2, [item(3)])

        assert process.table.bodies([b"17", b"18"]) == [(b"17", forecast_json(FORECAST)), (b"18", None)]


class TestJson:
    """The body of GET and the value in the online store."""

    def test_a_plain_forecast(self) -> None:
        """Times as in the results of a job; what a model does not give is left out."""
        assert orjson.loads(forecast_json(FORECAST)) == {
            "ts_id": 17,
            "job_id": 7,
            "n": 3,
            "item_id": "('a',)",
            "model_name": "LinearFit",
            "cutoff": "2020-09-07 12:00:00",
            "timestamps": ["2020-09-08 12:00:00", "2020-09-09 12:00:00"],
            "mean": [1.5, -2.0],
        }

    def test_quantiles_and_the_model_that_answered(self) -> None:
        """Where there are any."""
        full = replace(FORECAST, quantiles={"0.1": [1.0, -3.0]}, answered_by="Naive")
        body = orjson.loads(forecast_json(full))

        assert (body["quantiles"], body["answered_by"]) == ({"0.1": [1.0, -3.0]}, "Naive")
