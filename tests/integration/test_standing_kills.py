"""A standing job goes through the death of its processes: every series has a forecast of its last value in the end."""

import asyncio
import signal
from pathlib import Path
from typing import Final

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus
from schemas.observations import Observation
from schemas.series import Forecast
from tests.integration.services import Service, running_service, until

_SHOPS: Final = tuple(f"s{number}" for number in range(20))
_HOURS: Final = range(24, 40)  # that come later
_KILLED_AT: Final = 30  # once this hour has been sent
_FILE: Final = "".join(
    ("shop,hour,sold\n", *(f"{shop},2020-01-01 {hour:02}:00:00,{hour % 7}\n" for hour in range(24) for shop in _SHOPS))
).encode()


def _hour(number: int) -> str:
    return f"2020-01-{1 + number // 24:02} {number % 24:02}:00:00"


async def test_no_refresh_is_lost_and_none_does_harm(tmp_path: Path) -> None:
    """State and trainer are killed at once while hours come: rows say what was seen, numbers what was submitted."""
    codec = Codec()
    with running_service(tmp_path / "home") as service:
        api = service.api
        data_id = api.add_dataset(_FILE)
        job_id, _ = api.job_on(data_id)
        refresh = {"on": "data", "pause_s": 0}
        element = {"ts_id": "all", "model_name": "SES", "hyper_params": [], "next_k_prediction": 2, "refresh": refresh}
        assert api.call("PATCH", f"/job/{job_id}/", json=[element]).status_code == 200
        publisher = Publisher(service.bootstrap, client_id="test")
        try:
            for hour in _HOURS:
                events = [Observation(data_id, _hour(hour), {"sold": float(hour)}, {"shop": shop}) for shop in _SHOPS]
                await publisher.send(
                    [Record("tidecast.observations", b"%d" % data_id, codec.encode(event)) for event in events]
                )
                if hour == _KILLED_AT:
                    for name in ("trainer-1", "state"):
                        service.signal(name, signal.SIGKILL)
                    await asyncio.to_thread(until, service.is_ready, why="the worker is there again")
        finally:
            await publisher.close()

        def has_all() -> bool:
            job = api.get(f"/job/{job_id}/?series=0")
            answers = [api.call("GET", f"/forecasts/{ts_id}") for ts_id in ts_ids]
            if any(answer.status_code != 200 for answer in answers):  # the kill came before the first forecasts
                return False
            newest = {answer.json()["timestamps"][0] for answer in answers}
            return job["status"] == CmdStatus.DONE and newest == {_hour(_HOURS.stop)}

        ts_ids = [one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]]
        await asyncio.to_thread(until, has_all, why="a series has no forecast of its last hour")
        job = api.get(f"/job/{job_id}/")
        assert job["submitted"] == job["finished"] <= len(_SHOPS) * (1 + job["refreshes"])
        assert service.read_all("tidecast.dead-letters") == []
        _check_order(service, codec)


def _check_order(service: Service, codec: Codec) -> None:
    """Of each series later submissions have later data: none was refreshed with what another had seen before."""
    forecasts = [codec.decode(one.value()) for one in service.read_all("tidecast.forecasts")]
    for ts_id in {one.ts_id for one in forecasts}:
        own: list[Forecast] = [one for one in forecasts if one.ts_id == ts_id]
        by_number = {one.n: one.cutoff for one in own}
        cutoffs = [by_number[n] for n in sorted(by_number)]
        assert cutoffs == sorted(set(cutoffs))
