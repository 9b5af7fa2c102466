"""What outside callers send to a service, as they send it (contract 003, S-067 … S-069)."""

import json
from typing import Any

import httpx
import pytest

from tests.acceptance.deployments.test_services import IRIS, LABELS, call, deploy
from tests.acceptance.scoring.samples import check_refusal, uploaded
from tests.integration.services import Service

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def deployed(service: Service) -> str:
    """A service, which is not changed."""
    return deploy(service, uploaded(service.api, "iris_logistic.onnx"))


def asked(service: Service, name: str, query: str = "", **options: Any) -> httpx.Response:
    """POST to its address."""
    return call(service, "POST", f"/api/v1/scv/pmml/{name}{query}", **(options or {"json": IRIS}))


@pytest.mark.parametrize(
    ("wait", "status"),
    [("true", 200), ("True", 200), ("1", 200), ("yes", 200), ("", 200), ("FALSE", 202), ("0", 202), ("no", 202)],
)
def test_S069_words_for_waiting_and_not(service: Service, deployed: str, wait: str, status: int) -> None:
    """In any letters."""
    assert asked(service, deployed, f"?wait={wait}").status_code == status


@pytest.mark.parametrize("wait", ["xx", "off", "f", "2", "null", "fals"])
def test_S069_other_words_are_refused(service: Service, deployed: str, wait: str) -> None:
    """Who wants no waiting and misspells it does not wait a minute for an answer."""
    check_refusal(asked(service, deployed, f"?wait={wait}"), 400, "wait: ", wait, "false")


@pytest.mark.parametrize(
    ("query", "words"),
    [("?wait=true&wait=false", "wait: is there more than once"), ("?waitt=false", "did you mean wait")],
)
def test_S069_a_doubled_or_misspelt_word_is_refused(service: Service, deployed: str, query: str, words: str) -> None:
    """Of two one would be passed over."""
    check_refusal(asked(service, deployed, query), 400, words)


@pytest.mark.parametrize(
    ("preferred", "status"),
    [
        ([("Prefer", "respond-async")], 202),
        ([("Prefer", "wait=10, Respond-Async; x=y")], 202),
        ([("Prefer", "return=minimal"), ("Prefer", "respond-async")], 202),
        ([("Prefer", "never-respond-async")], 200),
        ([("Prefer", "wait=10")], 200),
    ],
)
def test_S069_preferences_of_a_call(
    service: Service, deployed: str, preferred: list[tuple[str, str]], status: int
) -> None:
    """One among others, in one header or in several; not what only sounds alike."""
    assert asked(service, deployed, json=IRIS, headers=preferred).status_code == status


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("before", [{}, {"modelName": "any", "type": "onnx"}])
def test_S067_the_whole_body_of_model_test(
    service: Service, deployed: str, before: dict[str, str], indent: int | None
) -> None:
    """However it is written: the same answer as to what is under its `data`."""
    answer = asked(service, deployed, content=json.dumps({**before, "data": IRIS}, indent=indent), headers=JSON)

    assert answer.status_code == 200, answer.text
    assert [it["label"] for it in answer.json()["data"]["result"]] == LABELS


@pytest.mark.parametrize("query", ["", "?wait=false"])
def test_S069_no_letters(service: Service, deployed: str, query: str) -> None:
    """Refused at once whether one waits or not: other letters in their place could be another answer."""
    answer = asked(service, deployed, query, content=b'{"X": [{"X": "\xff"}]}', headers=JSON)

    check_refusal(answer, 400, "body, byte ", "UTF-8")


def test_S067_a_form_with_an_empty_part(service: Service, deployed: str) -> None:
    """What is empty was not sent."""
    answer = asked(service, deployed, data={"data": "", "X": json.dumps(IRIS["X"])})

    assert [it["label"] for it in answer.json()["data"]["result"]] == LABELS
