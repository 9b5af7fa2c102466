"""A training that is followed, and what is told at its end."""

import json
import shlex
from typing import Any

import pytest

from models.deepar.config import DeepARConfig
from models.deepar.frequency import Frequency
from models.deepar.serving.instances import parse_instance
from streams.cli.console.failure import CommandError
from streams.cli.deepar.series import SeriesLine
from streams.cli.deepar.training import curl_line, follow_training, score_table
from tests.unit.streams.cli.deepar_service import FakeService, job, silent, state
from tests.unit.streams.cli.results import shown

VERSION = "GET /v1/default/training-jobs/7/versions/8"
RUNNING = state(8, epoch=3, epochs=20, loss=2.5, validation_loss=2.25)
TRAINED = state(10, epoch=12, epochs=20, loss=2.0, metrics={"ND": 0.1}, endpoint="sales")


def test_a_training_is_followed_to_its_end() -> None:
    """It is asked for again and again, the service being kept alive meanwhile; the log has a line of both ends."""
    fake, console, pauses = FakeService({VERSION: [state(1), state(7), RUNNING, TRAINED]}), silent(), []
    found = follow_training(fake.session, job(), console, pause=pauses.append)
    printed = console.file.getvalue()  # type: ignore[attr-defined]

    assert found == TRAINED
    assert pauses == [0.5, 0.5, 0.5]
    assert "sales is training (job 7)" in printed
    assert "sales: trained" in printed
    assert "epoch 12/20, loss 2.000" in printed


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (11, "line 3: target is missing", "^sales failed: line 3: target is missing$"),
        (5, "", "^sales cannot run: the service's log may say why$"),
        (12, "", "^sales was stopped: "),
        (13, "", "^sales was stopped: "),
        (14, "x\x1b[2J", r"^sales was lost: x\\x1b\[2J$"),
    ],
)
def test_T041_a_training_that_came_to_nothing_is_an_error(status: int, message: str, words: str) -> None:
    """With the job's own message."""
    fake = FakeService({VERSION: [state(status, message=message)]})
    with pytest.raises(CommandError, match=words):
        follow_training(fake.session, job(), silent(), pause=lambda _: None)


def test_what_was_ignored_is_told() -> None:
    """The model is trained nevertheless."""
    fake, console = FakeService({VERSION: [state(10, message="seeds: ignored")]}), silent()
    follow_training(fake.session, job(), console)

    assert "seeds: ignored" in console.file.getvalue()  # type: ignore[attr-defined]


def test_scores_are_explained() -> None:
    """Unknown ones are shown as they are, undefined ones as a dash."""
    text = shown(score_table({"ND": 0.125, "coverage_80": None, "other": 3.0}, 7))

    assert "of the last 7 steps" in text
    assert "0.1250" in text
    assert "0.8 is right" in text
    assert "other" in text


def _request(line: str) -> Any:
    """What a shell would send."""
    words = shlex.split(line)

    assert words[:3] == ["curl", "-s", "http://h:1/endpoints/sales/invocations"]
    return json.loads(words[words.index("-d") + 1])


@pytest.mark.parametrize("length", [0, 3, 100])
def test_D010_the_line_to_paste_is_a_right_request(length: int) -> None:
    """The end of a series, from its own time on."""
    series = SeriesLine(("a",), {"start": "2020-01-01", "target": [float(n) for n in range(length)], "cat": [1]})
    body = _request(curl_line("http://h:1", "sales", series, Frequency.parse("D"), 5))
    config = DeepARConfig("D", 5, 5, cardinality=(2,), num_dynamic_feat=0)
    parsed = parse_instance(body["instances"][0], config)

    assert len(parsed.target) == min(length, 14)
    assert str(parsed.start) == {0: "2020-01-01", 3: "2020-01-01", 100: "2020-03-27"}[length]
    assert body["configuration"]["quantiles"] == ["0.1", "0.5", "0.9"]


@pytest.mark.parametrize("length", [3, 6, 100])
def test_D024_the_line_to_paste_has_features_for_the_forecast(length: int) -> None:
    """Those of the last steps of the training data, whose values are then what is forecast."""
    values = [float(n) for n in range(length)]
    series = SeriesLine(("a",), {"start": "2020-01-01", "target": values, "dynamic_feat": [values]})
    body = _request(curl_line("http://h:1", "sales", series, Frequency.parse("D"), 3))
    config = DeepARConfig("D", 3, 5, cardinality=(), num_dynamic_feat=1)
    parsed = parse_instance(body["instances"][0], config)

    assert parsed.feat is not None
    assert parsed.feat[0, -1] == length - 1
    assert len(parsed.target) == min(length - 3, 14)
