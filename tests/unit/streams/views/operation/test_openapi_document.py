"""The API document: everything that can be sent is described, and examples can be sent as they are."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from models.scores.names import METRICS
from streams.settings import Settings
from streams.views.application import create_http
from streams.workers import apps


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of a state worker that is not started."""
    return create_http(apps.create_state(Settings(home=tmp_path_factory.mktemp("home")), "127.0.0.1:1")).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Method with path, and description, of each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def sent(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas of bodies, by name, with those that they refer to."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [str(operation.get("requestBody", "")) for _, operation in operations(document)]
    while waiting:
        text = waiting.pop()
        for name, schema in document["components"]["schemas"].items():
            if f"'#/components/schemas/{name}'" in text and name not in found:
                found[name] = schema
                waiting.append(str(schema))
    return found


def test_the_document_says_where_and_whose_it_is(document: dict[str, Any]) -> None:
    """With the version of the package, and a server, without which linters and generators of clients warn."""
    assert document["info"]["version"] == version("tidecast")
    assert document["info"]["contact"] == {"name": "Tidecast"}
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["servers"] == [{"url": "/"}]


def test_every_operation_says_what_it_does_and_answers(document: dict[str, Any]) -> None:
    """In words of ours."""
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert "400" in operation["responses"], name  # to a query with a name twice, if to nothing else
        for answer in operation["responses"].values():
            assert "$ref" in answer or answer["description"] not in ("", "Successful Response"), name


def test_every_parameter_and_field_that_can_be_sent_is_described(document: dict[str, Any]) -> None:
    """A field that is an object of its own has its description there."""
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])
    for name, schema in sent(document).items():
        for field, told in schema.get("properties", {}).items():
            assert "$ref" in told or told.get("description"), (name, field)


def test_nothing_that_is_text_alone_may_be_null(document: dict[str, Any]) -> None:
    """Headers, queries and forms have no null."""
    form = document["components"]["schemas"]["Body_add_dataset"]["properties"].values()
    parameters = [one["schema"] for _, operation in operations(document) for one in operation.get("parameters", ())]

    assert not [schema for schema in (*form, *parameters) if {"type": "null"} in schema.get("anyOf", ())]


def test_examples_are_what_the_schema_allows(document: dict[str, Any]) -> None:
    """Each of the bodies that a reader of the page would try."""
    tried = {name: schema["examples"] for name, schema in sent(document).items() if "examples" in schema}

    assert {"JobBody", "JobColumnsBody", "SeriesBody", "TrainingBody", "TransformBody"} <= tried.keys()
    for name, examples in tried.items():
        allowed = jsonschema_rs.validator_for(
            {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        )
        for example in examples:
            allowed.validate(example)


def test_metrics_are_listed(document: dict[str, Any]) -> None:
    """All that can be asked for."""
    (metrics,) = (
        kind["items"]["enum"]
        for kind in document["components"]["schemas"]["SeriesBody"]["properties"]["eval_metrics"]["anyOf"]
        if "items" in kind
    )

    assert set(METRICS) <= set(metrics)


def test_a_guarded_service_says_how_it_is_shown_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> None:
    """Each operation but the open ones; without access control nothing of it is told."""
    monkeypatch.setattr("streams.access.state.read_topic", lambda *_: ())
    state = apps.create_state(Settings(home=tmp_path, auth="token"), "127.0.0.1:1")
    guarded = create_http(state).openapi()
    free = {name for name, operation in operations(guarded) if operation.get("security") == []}

    assert set(guarded["components"]["securitySchemes"]) == {"token", "bearer"}
    assert "securitySchemes" not in document["components"]
    assert "security" not in document
    assert {"GET /healthz", "GET /readyz", "GET /ping", "POST /v3/auth/tokens", "POST /access/session"} <= free
    for name, operation in operations(guarded):
        assert name in free or {"401", "403"} <= operation["responses"].keys(), name


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Each object within a document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


def test_names_of_schemas_are_those_of_classes_to_be(document: dict[str, Any]) -> None:
    """Generated clients have a class and a module of each: without the modules of ours, and none twice in any case."""
    names = document["components"]["schemas"].keys()

    assert [name for name in names if not re.fullmatch(r"(Body_)?[A-Za-z0-9]+|Body(_[a-z]+)+", name)] == []
    assert len({name.replace("_", "").lower() for name in names}) == len(names)


def test_every_reference_leads_to_a_part_of_the_document(document: dict[str, Any]) -> None:
    """What pydantic refers to in a schema of its own, `#/$defs/…`, is nowhere."""
    for part in _parts(document):
        place: Any = document
        for name in str(part.get("$ref", "#")).split("/")[1:]:
            place = place[name]


def test_an_enumeration_has_values_of_one_type(document: dict[str, Any]) -> None:
    """Of several, true beside 1, generators make nothing, and leave the operation out."""
    for part in _parts(document):
        if isinstance(part.get("enum"), list):
            assert len(set(map(type, part["enum"]))) == 1, part
