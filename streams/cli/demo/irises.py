"""The demo's model of somebody else: a file is uploaded, deployed as a service, and asked."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.service.session import Session

__all__ = ["check_answers", "recognised", "show_service"]

_EXAMPLES: Final = Path(__file__).parents[3] / "examples"
_MODEL: Final = _EXAMPLES / "irises.pmml"
_FLOWERS: Final = _EXAMPLES / "irises.csv"
_NAME: Final = "demo-irises"
_SPECIES: Final = "species"
_STARTED_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.2
_LEAST: Final = 0.9  # of the flowers; the model was made with them

Flower = Mapping[str, float]


def show_service(session: Session, results: Console) -> None:
    """Upload, deploy, ask for all flowers at once and for one; CommandError where an answer is missing or wrong."""
    begun = time.monotonic()
    with _FLOWERS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    species = [row.pop(_SPECIES) for row in rows]
    flowers = [{name: float(value) for name, value in row.items()} for row in rows]
    _deploy(session)
    answers = _asked(session, flowers)
    check_answers(answers, species)
    asked = time.monotonic()
    (one,) = _asked(session, flowers[:1])
    took = time.monotonic() - asked
    results.print(
        f"a PMML model as a service: {recognised(answers, species)} of {len(species)} irises recognised; one more is "
        f"{one['label']} with {one['probabilities'][one['label']]:.0%}, answered in {took * 1000:.1f} ms",
        soft_wrap=True,
    )
    again = command_line(f"services show {_NAME}")
    text = f"service {_NAME}: uploaded, started and asked in {time.monotonic() - begun:.1f} s; {again} has its address"
    results.print(text, style="dim", soft_wrap=True)


def _deploy(session: Session) -> None:
    """Anew where an earlier demo has left them."""
    client = session.client
    if any(one["serviceName"] == _NAME for one in client.get("/service-list")["data"]["serviceList"]):
        client.write("POST", "/service-delete", body={"serviceName": _NAME})
    if any(one["name"] == _NAME for one in client.get("/model-info")["data"]["modelList"]):
        client.write("POST", "/operate-model", body={"modelName": _NAME, "operation": "delete"})
    form = {"name": _NAME, "type": "pmml", "descript": "irises by their measures"}
    client.write("POST", "/model-upload", file=_MODEL, form=form, part="file")
    client.write(
        "POST", "/model-deploy-service", body={"modelName": _NAME, "serviceName": _NAME, "serverVersion": "3.9"}
    )
    deadline = time.monotonic() + _STARTED_WITHIN_S
    while (status := _status(session)) != "running":
        if status == "failed" or time.monotonic() > deadline:
            raise CommandError(f"service {_NAME} is {status}: look at the service's log")
        session.watch()
        time.sleep(_LOOK_S)


def _status(session: Session) -> str:
    found = session.client.write("POST", "/service-info", body={"serviceName": _NAME})
    return str(found["data"]["status"])


def _asked(session: Session, flowers: Sequence[Flower]) -> Sequence[Mapping[str, Any]]:
    answer = session.client.write("POST", f"/api/v1/scv/pmml/{_NAME}", body={"X": flowers})
    answers: Sequence[Mapping[str, Any]] = answer["data"]["result"]
    return answers


def check_answers(answers: Sequence[Mapping[str, Any]], species: Sequence[str]) -> None:
    """CommandError unless every flower has an answer, and the model knows nearly all of them."""
    if len(answers) != len(species):
        raise CommandError(f"service {_NAME}: {len(answers)} answers, expected one for each of {len(species)} flowers")
    found = recognised(answers, species)
    if found < _LEAST * len(species):
        raise CommandError(f"service {_NAME}: {found} of {len(species)} flowers recognised, expected nearly all")


def recognised(answers: Sequence[Mapping[str, Any]], species: Sequence[str]) -> int:
    """How many labels are the species."""
    return sum(answer["label"] == one for answer, one in zip(answers, species, strict=True))
