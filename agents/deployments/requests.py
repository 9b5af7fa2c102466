"""Answers requests that came as events, or by HTTP from somebody who did not wait: each gets exactly one answer.

A request is done when its row is kept. Its answer is computed in the background, after a restart from the row, and
published under the request's id, so that a repeat overwrites itself.
"""

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from connectors.kafka.publisher import DeliveryError, Record, partition_for
from schemas.deployments import ScoringAnswerRecord, ScoringRequest
from streams.command_edge import CommandTopic, handle_all
from streams.deployments import requests, services
from streams.deployments.state import DeploymentsState
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer, may_write
from streams.errors import Code, InvalidError, RejectedError
from streams.messages import Event, time_of
from streams.repeats import check_repeat, digest_of
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.serving.errors import InferenceClosedError

__all__ = ["attach"]

_AGENT: Final = "answer_scoring_requests"
_LOOK_S: Final = 0.5
_SWEEP_EVERY_S: Final = 30.0


def _check_key(request: ScoringRequest, key: bytes | None) -> None:
    if key != services.key_of(request.service):
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the service's name, {request.service[:129]}")


_TOPIC = CommandTopic("scoring requests", (ScoringRequest,), _check_key)


def attach(state: StateRuntime) -> Agent:
    """Register `answer_scoring_requests` on the state's app."""

    @agent_on(state.app, state.topics.scoring_requests, _AGENT)
    async def answer_scoring_requests(stream: Any) -> None:
        """Keep requests, those of one service in their order, and let them be answered."""
        answers = _Answers(state)
        try:
            apply = partial(_apply, state, answers)
            await handle_all(state, _AGENT, stream, _TOPIC, apply, beside=(answers.watch(),))
        finally:
            answers.cancel()

    agent: Agent = answer_scoring_requests
    return agent


async def _apply(
    state: StateRuntime, answers: "_Answers", event: Event, request: ScoringRequest
) -> ScoringAnswerRecord:
    """Keep one request; its row."""
    check_writer(state.app, event)
    services.check_change(request, most=state.settings.max_replicas)
    requests.check_request(request, most_bytes=state.settings.max_body_bytes)
    rows, key = DeploymentsState.of(state).scoring_answers, requests.key_of(request.service, request.command_id)
    record = rows.get(key)
    if record is not None:
        check_repeat(request, record.digest, f"request {record.request_id[:80]}")
        return record
    record = requests.asked(request, at=time_of(event.message), digest=digest_of(request))
    await rows.put(event.message.partition, key, record)
    answers.begin(key, record)
    return record


class _Answers:
    """What is being answered now, by the key of its row."""

    def __init__(self, state: StateRuntime) -> None:
        self._state = state
        self._part = DeploymentsState.of(state)
        self._tasks: dict[bytes, asyncio.Task[None]] = {}

    def begin(self, key: bytes, record: ScoringAnswerRecord) -> None:
        """Answer a request, unless that goes on already."""
        if key not in self._tasks:
            task = asyncio.ensure_future(self._answer(key, record))
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def cancel(self) -> None:
        """Whoever has the rows then goes on."""
        for task in list(self._tasks.values()):
            task.cancel()

    async def watch(self) -> None:
        """Take up rows without an answer that have come with partitions, and remove answers whose time is over."""
        generation, swept = None, time.monotonic()
        while True:
            if is_ready(self._state.app):
                if generation != self._state.app.consumer_generation_id:
                    generation = self._state.app.consumer_generation_id
                    self._take_up()
                if time.monotonic() - swept > _SWEEP_EVERY_S:
                    swept = time.monotonic()
                    with suppress(DeliveryError):
                        await self._sweep()
            await asyncio.sleep(_LOOK_S)

    def _take_up(self) -> None:
        for key in self._part.scoring_answers.keys():  # noqa: SIM118 - it is no mapping
            record = self._part.scoring_answers.get(key)
            if record is not None and requests.is_open(record):
                self.begin(key, record)

    async def _sweep(self) -> None:
        before = round((time.time() - self._state.settings.scoring_answers_kept_s) * 1000)
        generation = self._state.app.consumer_generation_id
        for key in self._part.scoring_answers.keys():  # noqa: SIM118 - likewise
            record = self._part.scoring_answers.get(key)
            if record is None or record.ended is None or record.ended > before:
                continue
            if not may_write(self._state.app, generation):
                return
            await self._part.scoring_answers.delete(self._place(record), key)

    async def _answer(self, key: bytes, record: ScoringAnswerRecord) -> None:
        """1. ask, 2. publish, 3. write the row; again where a rebalance came between, as long as the row is ours."""
        state, rows = self._state, self._part.scoring_answers
        try:
            result, error = await self._asked(record)
        except InferenceClosedError:  # whoever has the row then asks
            return
        made = requests.answered(record, at=round(time.time() * 1000), result=result, error=error)
        value = state.codec.encode(requests.event_of(made))
        if len(value) > state.settings.record_limit:
            text = f"the answer has {len(value)} bytes, more than a record may have: ask for fewer records"
            made = requests.answered(record, at=made.ended or 0, result=None, error=text)
            value = state.codec.encode(requests.event_of(made))
        try:
            while True:
                await self._settled()
                generation = state.app.consumer_generation_id
                if rows.get(key) != record:
                    return
                await state.publisher.send([Record(state.topics.scoring_results, made.request_id.encode(), value)])
                if may_write(state.app, generation) and rows.get(key) == record:
                    await rows.put(self._place(made), key, made)
                    return
        except DeliveryError as failed:
            await state.app.crash(failed)  # rows may be ahead of their log

    async def _settled(self) -> None:
        while not is_ready(self._state.app):  # noqa: ASYNC110 - Faust has no event for the end of a rebalance
            await asyncio.sleep(_LOOK_S)

    async def _asked(self, record: ScoringAnswerRecord) -> tuple[str | None, str | None]:
        replicas = self._part.running.of(services.key_of(record.service))
        if replicas is None:
            return None, services.unknown(record.service).message
        try:
            reply = await replicas.ask((record.data or "").encode("utf-8", "surrogatepass"), patient=True)
        except RejectedError as error:
            return None, error.message
        return (None, reply.error) if reply.error is not None else (reply.content.decode(), None)

    def _place(self, record: ScoringAnswerRecord) -> int:
        return partition_for(services.key_of(record.service), self._state.topics.partitions)
