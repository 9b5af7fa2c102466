"""`tidecast models`: PMML and ONNX models of users, uploaded, listed, shown, tried out, removed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json, print_rows
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import one_line, output
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

Name = Annotated[str, argument(metavar="NAME", help="The model.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="PMML and ONNX models: upload them, look at them, try them out.", no_args_is_help=True)
    group.command("upload", epilog="Example: tidecast models upload iris.onnx --name iris")(upload)
    group.command("list", epilog="Example: tidecast models list")(list_models)
    group.command("show", epilog="Example: tidecast models show iris")(show)
    group.command("test", epilog='Example: tidecast models test iris \'{"X": [{"x1": 1.5}]}\'')(try_out)
    group.command("delete", epilog="Example: tidecast models delete iris")(delete)
    app.add_typer(group, name="models")


def upload(
    file: Annotated[Path, argument(metavar="FILE", help="A .pmml, .xml or .onnx file.")],
    *,
    name: Annotated[str | None, option(help="Its name; that of the file if absent.")] = None,
    descript: Annotated[str, option(help="What it is, for people.")] = "",
    task: Annotated[str, option(help="What it is for, where the file cannot tell: classification …")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Upload a model. It is kept once it has been loaded and has answered a record."""
    form = {"name": file.stem if name is None else name, "descript": descript, "task": task}
    answer = _asked(url, lambda client: client.write("POST", "/model-upload", file=file, form=form, part="file"))
    sentence = f"{answer['modelName']} is uploaded: {answer['modelType']}, {answer['task']}"
    print_answer(answer, sentence, as_json=as_json)


def list_models(*, as_json: AsJson = False, url: Url = None) -> None:
    """All models, newest first."""
    found = _asked(url, lambda client: client.get("/model-info"))["modelList"]
    if as_json:
        print_json(found)
        return
    print_rows(("name", "type", "task", "algorithm", "createTime"), found, "no model has been uploaded")


def show(name: Name, *, as_json: AsJson = False, url: Url = None) -> None:
    """What a model is, and its variables."""

    def ask(client: "ServiceClient") -> Any:
        asked = {"modelName": name}
        variables = client.get("/model-variable", asked)["data"]
        return {"data": {**client.get("/model-descript", asked)["data"], **variables}}

    found = _asked(url, ask)
    if as_json:
        print_json(found)
        return
    for field in ("modelName", "modelType", "modelEngine", "algorithm", "task", "descript"):
        output().print(f"{field:12} {one_line(str(found[field]))}", soft_wrap=True)
    rows = [{"": "asked", **one} for one in found["inputVariables"]]
    rows += [{"": "answered", **one} for one in found["targetVariables"]]
    print_rows(("", "name", "type", "measure", "values", "shape"), rows, "it has no variables")


def try_out(
    name: Name,
    data: Annotated[
        str, argument(metavar="DATA", help="Records as JSON, or a file of them: .json, or .csv with a header.")
    ],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Let a model answer records; one answer a line."""
    found = _asked(url, lambda client: _tested(client, name, data))
    if as_json:
        print_json(found)
        return
    for result in found["result"]:
        output().print(one_line(json.dumps(result, ensure_ascii=False)), soft_wrap=True)


def _tested(client: "ServiceClient", name: str, data: str) -> Any:
    if not data.lstrip().startswith(("{", "[")):
        return client.write("POST", "/model-test", file=Path(data), form={"modelName": name}, part="data")
    try:
        content = json.loads(data)
    except ValueError as error:
        raise CommandError(f"DATA is no JSON: {error}", status=2) from None
    return client.write("POST", "/model-test", body={"modelName": name, "data": content})


def delete(
    name: Name,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also where a service uses it.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Remove a model and its files."""
    body = {"modelName": name, "operation": "delete", "force": force}
    answer = _asked(url, lambda client: client.write("POST", "/operate-model", body=body))
    print_answer(answer, f"{name} is removed", as_json=as_json)


def _asked(url: str | None, ask: Callable[["ServiceClient"], Any]) -> Any:
    """What a service answers, under `data`."""
    with session_of(url, on_new_home=True) as session:
        return ask(session.client)["data"]
