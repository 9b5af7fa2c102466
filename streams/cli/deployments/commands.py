"""`tidecast services`: deploy a model, look at it, ask it, scale it, remove it."""

# what only these commands need is loaded by them, so that `tidecast --help` stays quick

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.service.session import Session

__all__ = ["register"]

_STARTED_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.3
_SILENT_S: Final = 3.0  # most models are loaded by then; else the user is told what is waited for

_Service = Annotated[str, argument(metavar="SERVICE", help="The service.")]
_Pod = Annotated[str, argument(metavar="REPLICA", help="Such as iris-0.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Models that are deployed as services, with replicas.", no_args_is_help=True)
    group.command("deploy", epilog="Example: tidecast services deploy iris svc1 --replicas 2")(deploy)
    group.command("list", epilog="Example: tidecast services list")(list_services)
    group.command("show", epilog="Example: tidecast services show svc1")(show)
    group.command("call", epilog="""Example: tidecast services call svc1 '[{"x1": 1.5}]'""")(call)
    group.command("pause", epilog="Example: tidecast services pause svc1-0")(pause)
    group.command("start", epilog="Example: tidecast services start svc1-0")(start)
    group.command("scale", epilog="Example: tidecast services scale svc1 4")(scale)
    group.command("delete", epilog="Example: tidecast services delete svc1")(delete)
    app.add_typer(group, name="services")


def deploy(
    model: Annotated[str, argument(metavar="MODEL", help="An uploaded model.")],
    service: _Service,
    *,
    replicas: Annotated[int, typer.Option(min=1, help="How many processes answer.")] = 1,
    memory: Annotated[str | None, option(help="What a replica may take, such as 512Mi.")] = None,
    server_version: Annotated[str, typer.Option(help="Version of Python that is noted.")] = "3.9",
    wait: Annotated[bool, typer.Option(help="Wait until a replica answers.")] = True,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Let a model answer under a name."""
    body = {"modelName": model, "serviceName": service, "serverVersion": server_version, "replicas": replicas}
    with session_of(url, on_new_home=True) as session:
        session.client.write("POST", "/model-deploy-service", body=body | {"memoryReserve": memory})
        shown = _started(session, service) if wait else _of(session, service)
        _print(shown, as_json=as_json)
    if wait:
        _check_started(shown)


def list_services(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the services, newest first."""
    with session_of(url, on_new_home=True) as session:
        found = session.client.get("/service-list")["data"]["serviceList"]
    if as_json:
        print_json(found)
        return
    if not found:
        output().print("no services: tidecast services deploy MODEL SERVICE makes one")
        return
    table = Table("service", "model", "status", "replicas", "created", box=box.SIMPLE_HEAD, pad_edge=False)
    for it in found:
        running = sum(pod["status"] == "running" for pod in it["podList"])
        cells = (it["serviceName"], it["modelName"], it["status"], f"{running} of {len(it['podList'])}")
        table.add_row(*map(one_line, cells), it["createTime"])
    output().print(table)


def show(service: _Service, *, as_json: AsJson = False, url: Url = None) -> None:
    """Show a service with its replicas."""
    with session_of(url, on_new_home=True) as session:
        _print(_of(session, service), as_json=as_json)


def call(
    service: _Service,
    records: Annotated[str, argument(metavar="RECORDS", help="JSON: a record, or a list of them.")],
    *,
    url: Url = None,
) -> None:
    """Ask a service; what it answers is printed as JSON."""
    try:
        asked = json.loads(records)
    except ValueError as error:
        raise CommandError(f"RECORDS is no JSON ({error}): send a list such as '[{{\"x1\": 1.5}}]'", status=2) from None
    body = asked if isinstance(asked, dict) and "X" in asked else {"X": asked}
    with session_of(url, on_new_home=True) as session:
        answer = session.client.write("POST", f"/api/v1/scv/pmml/{quote(service, safe='')}", body=body)
    output().print_json(json.dumps(answer["data"]))


def pause(replica: _Pod, *, as_json: AsJson = False, url: Url = None) -> None:
    """Let a replica answer no more, for a time."""
    _operate(replica, "pause", as_json=as_json, url=url)


def start(replica: _Pod, *, as_json: AsJson = False, url: Url = None) -> None:
    """Let a paused replica answer again."""
    _operate(replica, "start", as_json=as_json, url=url)


def scale(
    service: _Service,
    replicas: Annotated[int, argument(min=0, metavar="N", help="How many.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Have so many replicas; with 0 none answers until there are more."""
    with session_of(url, on_new_home=True) as session:
        session.client.write("POST", "/service-scale", body={"serviceName": service, "replicas": replicas})
        shown = _started(session, service) if replicas else _of(session, service)
        _print(shown, as_json=as_json)
    _check_started(shown)


def delete(service: _Service, *, as_json: AsJson = False, url: Url = None) -> None:
    """Remove a service with all its replicas; the model stays."""
    with session_of(url, on_new_home=True) as session:
        answer = session.client.write("POST", "/service-delete", body={"serviceName": service})["data"]
    print_answer(answer, f"service {service} is removed", as_json=as_json)


def _operate(replica: str, operation: str, *, as_json: bool, url: str | None) -> None:
    with session_of(url, on_new_home=True) as session:
        session.client.write("POST", "/operate-pod", body={"podName": replica, "operationType": operation})
        _print(_of(session, replica.rpartition("-")[0]), as_json=as_json)


def _of(session: "Session", service: str) -> Mapping[str, Any]:
    shown: Mapping[str, Any] = session.client.write("POST", "/service-info", body={"serviceName": service})["data"]
    return shown


def _started(session: "Session", service: str) -> Mapping[str, Any]:
    """Wait until a replica answers; CommandError where none does in time."""
    begun, told = time.monotonic(), False
    while True:
        shown = _of(session, service)
        if shown["status"] != "starting":
            return shown
        waited = time.monotonic() - begun
        if waited > _STARTED_WITHIN_S:
            raise CommandError(f"no replica of {service} answers within {_STARTED_WITHIN_S:g} s: look at its log")
        if waited > _SILENT_S and not told:
            told = True
            text = f"waiting for a replica of {service} to load its model, {_STARTED_WITHIN_S:g} s at most"
            notices().print(text, soft_wrap=True)
        session.watch()
        time.sleep(_LOOK_S)


def _check_started(shown: Mapping[str, Any]) -> None:
    """CommandError where no replica can load the model."""
    if shown["status"] == "failed":
        reason = one_line(str(shown.get("reason") or "the worker's log says why"))
        raise CommandError(f"service {shown['serviceName']} has failed: {reason}")


def _print(shown: Mapping[str, Any], *, as_json: bool = False) -> None:
    if as_json:
        print_json(shown)
        return
    grid = Table.grid(padding=(0, 2))
    rows = {"service": "serviceName", "model": "modelName", "status": "status", "address": "restfulUrl"}
    for name, field in rows.items():
        grid.add_row(name, Text(one_line(str(shown[field]))))
    if shown.get("reason"):
        grid.add_row("reason", Text(one_line(str(shown["reason"]))))
    for pod in shown["podList"]:
        grid.add_row(one_line(pod["name"]), Text(pod["status"]))
    output().print(grid)
