"""Training jobs and endpoints over HTTP, as the commands use them (contracts 001 and 002)."""

import json
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

from streams.cli.console.failure import CommandError, did_you_mean
from streams.cli.console.program import command_line
from streams.cli.deepar.csv_series import Columns
from streams.cli.deepar.series import SeriesLine
from streams.cli.service.asking import own_project
from streams.cli.service.client import ServiceClient
from streams.cli.service.refusals import ServiceRefusalError
from streams.cli.service.session import Session

__all__ = ["Trainee", "columns_of", "create_job", "endpoint", "endpoints", "forecast_all", "keep_columns", "version"]

_DEEPAR: Final = 5  # model_id of contract T-075
_NAME_TAKEN: Final = "ModelArts.0103"
_MOST_NAMES: Final = 100  # name, name-2, … are tried
_SERIES_PER_REQUEST: Final = 16  # about 0.1 s with 200 samples: little to wait for, and much more than the overhead
_WATCH_S: Final = 0.5  # an embedded service is looked after that often
_REQUESTS_AT_ONCE: Final = 4  # contract D-043; more than the processes of most machines

Trainee = Mapping[str, Any]
"""A version of a training job as the service shows it."""


def create_job(
    client: ServiceClient, name: str, data: Path, parameters: Mapping[str, Any], *, rename: bool = False
) -> Trainee:
    """Upload and ask for training: the job's first version. Where the name is taken and may be changed, by a number."""
    data_url = f"/uploads/{name}/{uuid.uuid4().hex[:12]}.jsonl"
    client.put_file(data_url, data)
    config = {
        "worker_server_num": 1,
        "model_id": _DEEPAR,
        "data_url": data_url,
        "parameter": [{"label": label, "value": value} for label, value in parameters.items()],
    }
    for number in range(1, _MOST_NAMES):
        tried = name if number == 1 else f"{name}-{number}"
        try:
            job: Trainee = client.write("POST", _jobs(client), body={"job_name": tried, "config": config})
        except ServiceRefusalError as error:
            if error.answer.get("error_code") != _NAME_TAKEN:
                raise
            if not rename:
                raise CommandError(f"--name {name}: there is a model of this name already: choose another") from None
        else:
            return job
    raise CommandError(f"the names {name} to {name}-{_MOST_NAMES - 1} are taken: choose another, --name NAME")


def version(client: ServiceClient, job: Trainee) -> Trainee:
    """How the training of a job stands."""
    found: Trainee = client.get(f"{_jobs(client)}/{job['job_id']}/versions/{job['version_id']}")
    return found


def keep_columns(client: ServiceClient, job: Trainee, columns: Columns) -> None:
    """Store with the job how its CSV file was read, so that others can be read the same way."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump({"job_id": job["job_id"], **columns.as_dict()}, file)
        file.flush()
        client.put_file(_columns_path(job["job_name"]), Path(file.name))


def columns_of(client: ServiceClient, model: Mapping[str, Any]) -> Columns | None:
    """How the CSV file was read that the endpoint's model was trained on; None where it was none."""
    try:
        found = json.loads(client.get_file(_columns_path(model["name"])))
    except ServiceRefusalError as error:
        if error.http_status != 404:
            raise
        return None
    return Columns.from_dict(found) if found["job_id"] == model["job_id"] else None  # else of an earlier job


def endpoints(client: ServiceClient) -> Sequence[Mapping[str, Any]]:
    """All endpoints by name."""
    found: Sequence[Mapping[str, Any]] = client.get("/endpoints")["endpoints"]
    return found


def endpoint(client: ServiceClient, name: str) -> Mapping[str, Any]:
    """The endpoint of this name; CommandError lists those there are."""
    known = {one["name"]: one for one in endpoints(client)}
    if name in known:
        return known[name]
    if not known:
        raise CommandError(
            f"--endpoint {name}: the service has none yet: train a model, {command_line('deepar train FILE')}"
        )
    raise CommandError(
        f"--endpoint {name}: there is no such endpoint{did_you_mean(name, known) or '.'} There are: {', '.join(known)}"
    )


def forecast_all(
    session: Session,
    name: str,
    series: Sequence[SeriesLine],
    configuration: Mapping[str, Any],
    progress: Callable[[int], None],
) -> list[Mapping[str, Any]]:
    """A prediction for each series, in order; few series per request and several requests at a time (D-043)."""

    def ask(first: int) -> Sequence[Mapping[str, Any]]:
        some = series[first : first + _SERIES_PER_REQUEST]
        # Each request draws from the seed anew, so that requests of one seed would repeat each other's paths.
        seed = {"seed": configuration["seed"] + first} if "seed" in configuration else {}
        body = {"instances": [one.fields for one in some], "configuration": {**configuration, **seed}}
        try:
            answer = session.client.write("POST", f"/endpoints/{name}/invocations", body=body)
        except ServiceRefusalError as error:
            raise CommandError(_named(error, some)) from None
        return answer["predictions"]  # type: ignore[no-any-return]

    found: dict[int, Sequence[Mapping[str, Any]]] = {}
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as threads:
        waiting = {threads.submit(ask, first): first for first in range(0, len(series), _SERIES_PER_REQUEST)}
        try:
            while waiting:
                ended, _ = wait(waiting, timeout=_WATCH_S, return_when=FIRST_COMPLETED)
                for one in ended:
                    first = waiting.pop(one)
                    found[first] = one.result()
                    progress(len(found[first]))
                session.watch()
        except BaseException:  # Ctrl-C too: what has not begun is not asked any more
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return [prediction for first in sorted(found) for prediction in found[first]]


def _jobs(client: ServiceClient) -> str:
    return f"/v1/{own_project(client)}/training-jobs"


def _columns_path(name: str) -> str:
    return f"/uploads/{name}/columns.json"


def _named(error: ServiceRefusalError, series: Sequence[SeriesLine]) -> str:
    """A refusal with the series that it is about (contract D-081)."""
    place = error.answer.get("instance")
    if isinstance(place, int) and place < len(series):
        return f"{series[place].title}: {error}"
    return str(error)
