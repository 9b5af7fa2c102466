"""Messages that end the process: what was in hand when it died is known to the next one."""

import asyncio
import json
from pathlib import Path
from typing import Any

from streams.engine.hands import Hands, take_up
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CREATE, add_sample, job_of


class Batch:
    """What `Hands` is told of."""

    def __init__(self, *messages: Any) -> None:
        self.events = [type("Event", (), {"message": one})() for one in messages]


def read(path: Path) -> dict[str, Any]:
    """What another process would find."""
    found: dict[str, Any] = json.loads(path.read_bytes().rstrip(b"\0"))
    return found


async def test_the_message_that_is_in_hand_alone_is_noted(state: Worker, tmp_path: Path) -> None:
    """Of several nobody knows which it was, and what is done is no longer in hand."""
    path = tmp_path / "hands" / "state-1.json"
    hands = Hands(path, ["long"])
    hands.open()
    one, two = Batch(state.message("t", b"k", b"1")), Batch(state.message("t", b"k", b"2"))
    hands.took(one, one.events)
    alone = read(path)
    hands.took(two, two.events)
    both = read(path)
    hands.put_down(one)
    left = read(path)
    hands.put_down(two)
    of_others = Batch(state.message("long", b"k", b"1"))
    hands.took(of_others, of_others.events)

    assert (alone["held"], alone["alone"]["offset"]) == (True, 0)
    assert (both["held"], both["alone"]) == (True, None)
    assert left["alone"]["offset"] == 1
    assert read(path) == {"deaths": 0, "held": False, "alone": None}


async def test_a_message_that_has_ended_three_processes_is_a_dead_letter(state: Worker, tmp_path: Path) -> None:
    """Its sender's job is not made; the next message is handled."""
    add_sample(state, tmp_path)
    path = tmp_path / "hands" / "state-1.json"
    topic = state.runtime.topics.job_commands
    poison, good = state.message(topic, b"7", CREATE), state.message(topic, b"7", CREATE)
    seen = []
    for _ in range(3):
        hands = Hands(path)
        await take_up(state.runtime, hands)
        seen.append(len(state.runtime.tries.condemned))
        killing = Batch(poison)
        hands.took(killing, killing.events)  # here the process dies
    await take_up(state.runtime, Hands(path))
    await state.consume(topic, poison, good)

    assert seen == [0, 0, 0]
    (letter,) = state.dead()
    assert (letter["offset"], letter["error-class"]) == (str(poison.offset), "GivenUpError")
    assert "three times" in letter["error"]
    assert job_of(state).commands == ("create",)
    assert state.committed(good)


async def test_after_two_deaths_in_a_row_one_message_is_taken_at_a_time(state: Worker, tmp_path: Path) -> None:
    """Until it has lived long enough, or ended in order."""
    path = tmp_path / "hands" / "state-1.json"
    careful = []
    for _ in range(4):
        hands = Hands(path)
        hands.open()
        careful.append(hands.careful)
        several = Batch(state.message("t", b"k", b"1"), state.message("t", b"k", b"2"))
        hands.took(several, several.events)
    waiting = asyncio.ensure_future(hands.empty())
    await asyncio.sleep(0)
    held_back = not waiting.done()
    hands.put_down(several)
    await waiting
    hands.close()
    after = Hands(path)
    after.open()

    assert careful == [False, False, True, True]
    assert held_back
    assert not after.careful


async def test_a_careful_worker_takes_one_by_one(state: Worker, tmp_path: Path) -> None:
    """So that the guilty one is alone in hand."""
    add_sample(state, tmp_path)
    hands = Hands(tmp_path / "hands" / "state-1.json")
    hands.open()
    hands.careful = True
    state.runtime.app.transport.hands = hands
    sizes: list[int] = []
    took = hands.took

    def seen(batch: object, events: Any) -> None:
        sizes.append(len(events))
        took(batch, events)

    hands.took = seen  # type: ignore[method-assign]
    topic = state.runtime.topics.job_commands
    await state.consume(topic, *[state.message(topic, b"7", CREATE) for _ in range(5)])

    assert sizes == [1, 1, 1, 1, 1]
