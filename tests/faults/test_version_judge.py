"""The judge of versions accepts what is right, and notices each kind of wrong, by name. Needs no broker."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.coding.codec import Codec
from schemas.training import TrainingLogChunk, TrainingStatus
from schemas.training_rows import TrainingVersionRecord
from tests.faults.clean import TOPICS
from tests.faults.seen import LogRecord
from tests.faults.version_judge import AskedVersion, version_findings

_CODEC = Codec()
_LOG = b"boot.py begins: 1 worker(s)\nline 0\nboot.py begins: 1 worker(s)\nline 0\nline 1\ncompleted\n"
_ASKED = AskedVersion("p", 1, 11, frozenset((10,)), 10, _LOG, 2)
_KEY = b"p/1/11"
_ROW = TrainingVersionRecord("p", 1, 11, 1, "V0001", "j", "c", 1, 1, "{}")


class _History:
    """One version that was run twice, as it went."""

    def __init__(self) -> None:
        self.log: dict[str, list[LogRecord]] = defaultdict(list)
        self.asked = _ASKED
        for number, at in ((8, 1), (8, 2), (10, 3), (10, 3)):
            self.say(TOPICS.training_status, TrainingStatus("p", 1, 11, number, at), b"p")
        for number in (1, 7, 8, 8, 10):
            self.say(TOPICS.training_versions_changelog, replace(_ROW, status=number), _KEY)
        self.say(TOPICS.training_logs, TrainingLogChunk("p", 1, 11, 0, "j.0", 28, "line 0\n", 1), b"11")

    def say(self, topic: str, says: Any, key: bytes) -> None:
        value = None if says is None else _CODEC.encode(says)
        self.log[topic].append(LogRecord(topic, 0, len(self.log[topic]), key, value))

    def told(self) -> list[str]:
        return [finding.rule for finding in version_findings(TOPICS, self.log, [self.asked], _CODEC)]


def test_nothing_is_wrong_where_all_is_well() -> None:
    """Run again after a death, its end told twice; another one is deleted."""
    history = _History()
    assert history.told() == []
    history.say(TOPICS.training_versions_changelog, None, _KEY)
    history.asked = replace(_ASKED, status=None, log=b"")
    assert history.told() == []


def _say_status(number: int, at: int) -> Callable[[_History], None]:
    return lambda history: history.say(TOPICS.training_status, TrainingStatus("p", 1, 11, number, at), b"p")


def _write(*statuses: int | None) -> Callable[[_History], None]:
    def change(history: _History) -> None:
        for number in statuses:
            row = None if number is None else replace(_ROW, status=number)
            history.say(TOPICS.training_versions_changelog, row, _KEY)

    return change


def _log(old: bytes, new: bytes) -> Callable[[_History], None]:
    def change(history: _History) -> None:
        history.asked = replace(_ASKED, log=_LOG.replace(old, new))

    return change


def _show(status: int | None) -> Callable[[_History], None]:
    def change(history: _History) -> None:
        history.asked = replace(_ASKED, status=status)

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_say_status(11, 4), "not one end"),
        (_say_status(10, 4), "not one end"),
        (_say_status(8, 4), "told after the end"),
        (_write(8), "wrong move"),
        (_write(11), "wrong move"),
        (_write(None, 10), "came back"),
        (_write(None), "wrong row"),
        (_show(12), "wrong end"),
        (_show(None), "wrong row"),
        (_log(b"line 1\n", b""), "log lost"),
        (_log(b"line 1\n", b"line 0\nline 1\n"), "torn log"),
        (_log(b"line 1\n", b"line 2\n"), "torn log"),
        (_log(b"boot.py begins: 1 worker(s)\nline 0", b"boot.py begins: 1 worker(s)\nlime 0"), "other log"),
        (lambda history: history.say(TOPICS.dead_letters, None, b"x"), "dead letters"),
    ],
    ids=[
        "another end",
        "the end again, at another time",
        "goes on after its end",
        "back to running",
        "another end in its row",
        "comes back after its deletion",
        "no row",
        "shown otherwise",
        "shown as gone",
        "the last line is missing",
        "a line twice",
        "a line is missing",
        "told otherwise",
        "dead letter",
    ],
)
def test_what_is_wrong_is_named(change: Callable[[_History], None], rule: str) -> None:
    """Each by its rule."""
    history = _History()
    change(history)

    assert rule in history.told()
