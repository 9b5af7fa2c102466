"""A state worker that dies at some moment, and the next one on the same log."""

from dataclasses import replace

import pytest

from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import SeriesConfig
from streams.settings import Settings
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import (
    CONFIGURE,
    CREATE,
    asked,
    job_of,
    restarted,
    result,
    results,
    storing,
    submission,
    training,
)
from tests.waiting import until


class TestCrashes:
    """A process that dies at some moment, and the next one on the same log."""

    async def test_a_submission_cut_short_is_sent_out_again_with_the_same_numbers(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What has been answered meanwhile is left out."""
        state.publisher.failing = {state.runtime.topics.series_commands}
        elements = [training(first), training(first + 1), training(first)]
        with pytest.raises(DeliveryError):
            await state.commands(submission(*elements))
        following = await restarted(state, settings, monkeypatch)
        await results(following, result(first + 1, 1))
        await following.commands(submission(*elements))

        assert [(one.ts_id, one.n) for one in asked(following)] == [(first, 0), (first, 2)]
        assert job_of(following).submitted == 3
        assert job_of(following).commands[-1] == "submit"

    @pytest.mark.parametrize("cut", [True, False])
    async def test_J109_a_repeat_trains_with_the_settings_of_its_time(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch, cut: bool
    ) -> None:
        """Settings that the submission itself, or a later one, stores do not reach back into it."""
        log = [
            submission(storing(first, "AdaptiveMaxN", 2), command_id="settings"),
            submission(SeriesConfig(first, next_k_prediction=5), storing(first, "LinearFit", 4)),
            submission(storing(first, "AdaptiveAverageN", 3), command_id="later"),
        ]
        state.publisher.failing = {state.runtime.topics.series_commands} if cut else set()
        if cut:
            with pytest.raises(DeliveryError):
                await state.commands(*log)
        else:
            await state.commands(*log)
        following = await restarted(state, settings, monkeypatch)
        await following.commands(*log)

        sent = [*asked(state), *asked(following)]
        assert [(one.n, one.model_name, one.config) for one in sent] == [(0, "AdaptiveMaxN", {"latest_n": 2})]
        assert job_of(following).settings == (storing(first, "AdaptiveAverageN", 3),)

    async def test_stricter_limits_do_not_undo_what_was_accepted(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A job that is at 2 must get its answers (J-163)."""
        state.publisher.failing = {state.runtime.topics.series_commands}
        with pytest.raises(DeliveryError):
            await state.commands(submission(training(first), training(first + 1)))
        stricter = settings.model_copy(update={"max_elements": 1, "max_next_k_prediction": 1})
        following = await restarted(state, stricter, monkeypatch)
        await following.commands(submission(training(first), training(first + 1)))

        assert len(asked(following)) == 2
        assert following.dead() == []

    async def test_the_whole_log_again_changes_nothing(self, state: Worker, first: int) -> None:
        """Nothing was committed before the crash: every command comes again, none is refused, none trains twice."""
        log = [
            CREATE,
            CONFIGURE,
            submission(storing(first, "LinearFit", 3), command_id="settings"),
            submission(training(first)),
            submission(storing(first + 1, "LinearFit", 2), command_id="later"),
        ]
        await state.commands(*log)
        before = job_of(state)
        state.forget()
        await state.commands(*log)

        assert job_of(state) == before
        assert state.dead() == []
        assert asked(state) == []

    async def test_settings_of_series_that_were_made_anew_are_no_dead_letter(self, state: Worker, first: int) -> None:
        """The repeat of a stored setting whose series a later PUT replaced is not checked against the new ones."""
        stored = submission(storing(first, "LinearFit", 3))
        await state.commands(stored, replace(CONFIGURE, command_id="again"), stored)

        assert job_of(state).settings == ()
        assert state.dead() == []

    @pytest.mark.parametrize("lost", ["jobs_changelog", "job_status"])
    async def test_a_failed_delivery_stops_the_worker_unacknowledged(self, state: Worker, lost: str) -> None:
        """The sender is not told that it is done, and the command comes again."""
        topics = state.runtime.topics
        state.publisher.failing = {getattr(topics, lost)}
        sent = state.message(topics.job_commands, b"7", CREATE)
        with state.runtime.waiters.waiting("create") as outcome:
            with pytest.raises(DeliveryError):
                await state.consume(topics.job_commands, sent)

            assert not outcome.done()
        assert not state.committed(sent)

    @pytest.mark.parametrize("topic", ["job_commands", "job_results"])
    async def test_a_dead_letter_that_is_not_delivered_stops_the_worker(self, state: Worker, topic: str) -> None:
        """What cannot be kept elsewhere stays in the log."""
        name = getattr(state.runtime.topics, topic)
        state.publisher.failing = {state.runtime.topics.dead_letters}
        sent = state.message(name, b"7", b"rubbish")
        with pytest.raises(DeliveryError):
            await state.consume(name, sent)

        assert not state.committed(sent)

    async def test_a_batch_is_acknowledged_after_its_writes(self, state: Worker) -> None:
        """Not while the broker still holds them."""
        topics = state.runtime.topics
        state.publisher.held = []
        sent = state.message(topics.job_commands, b"7", CREATE)
        task = state.start(topics.job_commands, sent)
        await until(lambda: state.publisher.held)
        assert not state.committed(sent)
        state.publisher.release()
        await state.settled(task)
        task.cancel()

        assert state.committed(sent)
