"""A switch goes through the death of its processes: in the end every series has the forecast of who answers."""

import asyncio
import signal
from pathlib import Path
from typing import Final

from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.forecasting import SwitchShadow
from schemas.observations import Observation
from tests.integration.services import running_service, until

_SHOPS: Final = tuple(f"s{number}" for number in range(20))
_FILE: Final = "".join(
    ("shop,day,sold\n", *(f"{shop},2020-01-{day:02},{day}\n" for day in range(1, 20) for shop in _SHOPS))
).encode()
_NEXT: Final = "2020-01-21 00:00:00"


async def test_a_switch_is_done_and_nothing_is_taken_back(tmp_path: Path) -> None:
    """State and trainer are killed at once behind a day's rows and the switch: what was there, what was not."""
    codec = Codec()
    with running_service(tmp_path / "home") as service:
        api = service.api
        data_id = api.add_dataset(_FILE)
        job_id, _ = api.job_on(data_id)
        element = {"ts_id": "all", "model_name": "SES", "hyper_params": [], "next_k_prediction": 2, "refit": 1}
        element["refresh"] = {"on": "data", "pause_s": 0}
        assert api.call("PATCH", f"/job/{job_id}/", json=[element]).status_code == 200
        assert api.call("POST", f"/job/{job_id}/shadow/", json={"model_name": "LinearFit"}).status_code == 201
        publisher = Publisher(service.bootstrap, client_id="test")
        try:
            rows = [Observation(data_id, "2020-01-20", {"sold": 20.0}, {"shop": shop}) for shop in _SHOPS]
            await publisher.send([Record("tidecast.observations", b"%d" % data_id, codec.encode(row)) for row in rows])
            switch = codec.encode(SwitchShadow("switch", job_id, 2))
            await publisher.send([Record("tidecast.job-commands", b"%d" % job_id, switch)])
        finally:
            await publisher.close()
        for name in ("trainer-1", "state"):
            service.signal(name, signal.SIGKILL)
        await asyncio.to_thread(until, service.is_ready, why="the worker is there again")
        ts_ids = [one["ts_id"] for one in api.get(f"/job/{job_id}/ts_details/")["ts_details"]]

        def all_answered() -> bool:
            answers = [api.call("GET", f"/forecasts/{ts_id}") for ts_id in ts_ids]
            if any(answer.status_code != 200 for answer in answers):
                return False
            shown = {(one["model_name"], one["timestamps"][0], one["switches"]) for one in (a.json() for a in answers)}
            return shown == {("LinearFit", _NEXT, 1)} and api.get(f"/job/{job_id}/?series=0")["status"] == 3

        await asyncio.to_thread(until, all_answered, why="a series has no forecast of the model that answers")
        found = api.get(f"/job/{job_id}/shadow/")
        assert (found["answers"], found["switches"]) == ("second", 1)
        assert (found["first"]["forecasts"], found["second"]["forecasts"]) == (len(_SHOPS), len(_SHOPS))
        assert service.read_all("tidecast.dead-letters") == []
        last = {one.key(): codec.decode(one.value()) for one in service.read_all("tidecast.forecasts")}
        assert {(one.model_name, one.switches) for one in last.values()} == {("LinearFit", 1)}
