"""Submissions: training commands, settings and status out."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.forecasting import fan_out
from connectors.kafka.publisher import DeliveryError
from schemas.forecasting import CmdStatus, ConfigureJob, JobStatus, SeriesConfig
from schemas.values import HyperParam
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import Worker, headers
from tests.agents.forecasting.jobs.samples import (
    CREATE,
    DAY,
    JOB_ID,
    add_dataset,
    asked,
    job_of,
    restarted,
    result,
    results,
    statuses,
    storing,
    submission,
    together,
    training,
)


class TestSubmitting:
    """SubmitJob."""

    async def test_J162_training_is_sent_out_keyed_by_series(self, state: Worker, first: int) -> None:
        """One self-contained command per element, in order, with numbers from 0."""
        elements = [training(first + 1), training(first, eval_metrics=("mae",), refit=1), training(first + 1)]
        await state.commands(submission(*elements))
        sent = asked(state)

        assert [(one.job_id, one.ts_id, one.n) for one in sent] == [
            (JOB_ID, first + 1, 0), (JOB_ID, first, 1), (JOB_ID, first + 1, 2)
        ]  # fmt: skip
        keys = [record.key for record in state.sent(state.runtime.topics.series_commands)]
        assert keys == [b"%d" % one.ts_id for one in sent]
        assert (sent[0].item_id, sent[0].model_name, sent[0].config) == ("('east',)", "AdaptiveMaxN", {"latest_n": 5})
        assert sent[0].target.tolist() == [201.0 + day for day in range(12)]
        assert (sent[0].start, sent[0].step, list(sent[0].timestamps)) == (1_596_240_000_000, DAY, [])
        assert (list(sent[1].eval_metrics), sent[1].refit, sent[1].next_k_prediction) == (["mae"], True, 5)

    async def test_others_get_their_turns_while_a_long_submission_is_sent_out(
        self, state: Worker, first: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Requests are answered on the same event loop; all commands are sent all the same, in order."""
        monkeypatch.setattr(fan_out, "_IN_ONE_TURN", 6)
        seen = []

        async def watch() -> None:
            while True:
                seen.append(len(asked(state)))
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await state.commands(submission(*(training(first + n % 3) for n in range(20))))
        watching.cancel()

        assert [one.n for one in asked(state)] == list(range(20))
        assert set(seen) >= {0, 6, 12, 18, 20}

    async def test_J012_the_job_is_committed_and_told(self, state: Worker, first: int) -> None:
        """0 to 2 in one PATCH (J-017)."""
        await state.commands(submission(training(first), training(first + 2)))

        assert (job_of(state).status, job_of(state).submitted) == (CmdStatus.COMITTED, 2)
        assert statuses(state) == [JobStatus(JOB_ID, CmdStatus.COMITTED, 2, 3, 2, 0, 0, first_ts_id=first)]

    async def test_J011_settings_alone_are_stored(self, state: Worker, first: int) -> None:
        """Nothing is trained; the status becomes 1."""
        await state.commands(submission(storing(first, "LinearFit", 3)))

        assert asked(state) == []
        assert job_of(state).settings == (storing(first, "LinearFit", 3),)
        assert [status.status for status in statuses(state)] == [CmdStatus.UNCOMITTED]

    async def test_J071_training_takes_what_is_stored(self, state: Worker, first: int) -> None:
        """Model and parameters may come in an earlier call."""
        await state.commands(
            submission(storing(first, "LinearFit", 3)),
            submission(SeriesConfig(first, next_k_prediction=2), command_id="go"),
        )
        (sent,) = asked(state)

        assert (sent.model_name, sent.config) == ("LinearFit", {"latest_n": 3, "add_std_factor": 0.1})

    async def test_irregular_series_carry_their_timestamps(self, state: Worker, tmp_path: Path) -> None:
        """No rule says them: two rows in five days, and none that fits a weekday."""
        file = tmp_path / "gaps.csv"
        file.write_text("t,v\n2020-01-01,1\n2020-01-02,2\n2020-01-12,3\n")
        add_dataset(state, file, 4)
        await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
        await state.commands(submission(training(job_of(state).first_ts_id)))
        (sent,) = asked(state)

        assert [time // DAY for time in sent.timestamps] == [18262, 18263, 18273]
        assert (sent.freq, sent.step) == ("~D", DAY)

    async def test_16_absent_rows_are_missing_values(self, state: Worker, tmp_path: Path) -> None:
        """A row that is absent is as an empty cell, for the target and for features."""
        file = tmp_path / "absent.csv"
        file.write_text("t,v,f\n2020-01-01,1,7\n2020-02-01,2,8\n2020-04-01,4,9\n")
        add_dataset(state, file, 4)
        await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
        first = job_of(state).first_ts_id
        await state.commands(submission(replace(training(first), model_name="ARIMA", feature_indexs=(2,))))
        (sent,) = asked(state)

        np.testing.assert_array_equal(sent.target, [1, 2, np.nan, 4])
        np.testing.assert_array_equal(sent.feat_dynamic_real, [[7, 8, np.nan, 9]])
        assert (sent.freq, list(sent.timestamps), sent.start // DAY) == ("MS", [], 18262)

    async def test_J092_one_wrong_element_refuses_all(self, state: Worker, first: int) -> None:
        """Nothing is trained or stored, and the dead letter names the element."""
        before = job_of(state)
        await state.commands(submission(training(first), storing(first, "LinearFit", 2), training(first + 3)))

        assert job_of(state) == before
        assert asked(state) == []
        assert [letter["error"] for letter in state.dead()] == [
            f"element 3 (ts_id {first + 3}), ts_id: {first + 3} is not a series of job 7"
        ]

    async def test_J093_a_submission_without_series_is_refused(self, state: Worker) -> None:
        """Columns come first."""
        await state.commands(CREATE, submission(training(1)))

        assert ["has no series yet" in letter["error"] for letter in state.dead()] == [True]

    async def test_a_submission_to_an_unknown_job_is_a_dead_letter(self, state: Worker) -> None:
        """The original command is kept with the reason."""
        (sent,) = await state.commands(submission(training(1)))
        (letter,) = state.sent(state.runtime.topics.dead_letters)

        assert (letter.key, letter.value) == (b"7", sent.value)
        assert headers(letter)["error"] == "there is no job 7"
        assert state.committed(sent)

    async def test_a_finished_command_is_not_sent_out_again(self, state: Worker, first: int) -> None:
        """A duplicate of what is done trains nothing twice."""
        await state.commands(submission(training(first)), submission(training(first)))

        assert len(asked(state)) == 1
        assert job_of(state).submitted == 1

    async def test_J089_another_submission_of_the_same_series_has_numbers_of_its_own(
        self, state: Worker, first: int
    ) -> None:
        """Repeats are not merged."""
        await state.commands(submission(training(first)), submission(training(first), command_id="second"))

        assert [one.n for one in asked(state)] == [0, 1]

    async def test_series_too_long_for_a_record_are_answered_with_an_error(self, state: Worker, tmp_path: Path) -> None:
        """Where columns were chosen under another limit: the job ends in EXCEPTION, the worker goes on."""
        ForecastingState.of(state.runtime).splits._record_limit = 2**30
        file = tmp_path / "long.csv"
        minutes = [
            str(minute).replace("T", " ") for minute in np.datetime64("2020-01-01T00:00:00") + np.arange(135_000) * 60
        ]
        file.write_text("t,v\n" + "".join(f"{minute},{i}\n" for i, minute in enumerate(minutes)))
        add_dataset(state, file, 4)
        await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
        first = job_of(state).first_ts_id
        (sent,) = await state.commands(submission(training(first)))
        (answer,) = state.events(state.runtime.topics.job_results)

        assert asked(state) == []
        assert (answer.job_id, answer.ts_id, answer.n) == (JOB_ID, first, 0)
        assert "the series has 135000 points, more than a Kafka record" in answer.error
        assert state.committed(sent)

    async def test_settings_too_large_for_a_row_are_refused(self, state: Worker, first: int) -> None:
        """They come in several commands, each small enough for the log."""
        huge = [SeriesConfig(first + i, None, (HyperParam("x" * 600_000, "int", 1),)) for i in range(2)]
        await state.commands(*(submission(one, command_id=str(one.ts_id)) for one in huge))

        assert [setting.ts_id for setting in job_of(state).settings] == [first]
        assert ["at most" in letter["error"] for letter in state.dead()] == [True]

    @pytest.mark.parametrize("damage", ["gone", "damaged"])
    async def test_a_job_whose_series_cannot_be_read_refuses_training(
        self, state: Worker, first: int, damage: str
    ) -> None:
        """Before anything is accepted; the worker goes on."""
        split = job_of(state).split
        ForecastingState.of(state.runtime).splits._kept.clear()
        if damage == "gone":
            state.runtime.store.delete(split)
        else:
            state.runtime.store.put_bytes(split, b"PK\3\4 not a split")
        await state.commands(submission(training(first)))

        assert job_of(state).status is CmdStatus.CREATED
        assert [damage in letter["error"] for letter in state.dead()] == [True]


class TestTogether:
    """Submissions to a model that learns from many series."""

    async def test_D073_elements_with_equal_plans_are_one_command(self, state: Worker, first: int) -> None:
        """Keyed by the job; nothing is sent series by series, but for other models."""
        epochs = (HyperParam("epochs", "int", 20),)
        await state.commands(
            submission(
                training(first, "DeepAR", hyper_params=epochs),
                training(first + 1),
                training(first + 2, "DeepAR", hyper_params=epochs),
                training(first + 1, "DeepAR", hyper_params=epochs, refit=1),
            )
        )
        equal, other = together(state)

        assert (list(equal.ns), list(equal.ts_ids)) == ([0, 2], [first, first + 2])
        assert (list(other.ns), list(other.ts_ids)) == ([3], [first + 1])
        assert (equal.job_id, equal.first_ts_id, equal.split) == (JOB_ID, first, job_of(state).split)
        assert (equal.model_name, equal.config["epochs"], equal.refit, equal.next_k_prediction) == (
            "DeepAR",
            20,
            False,
            5,
        )
        assert (other.config, other.refit) == (equal.config, True)
        assert [(one.ts_id, one.n) for one in asked(state)] == [(first + 1, 1)]
        assert {record.key for record in state.sent(state.runtime.topics.training_runs)} == {b"7"}

    async def test_a_submission_cut_short_asks_for_what_is_missing(
        self, state: Worker, first: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With the same numbers; what is answered is not asked for again."""
        elements = [training(first + place, "DeepAR") for place in range(3)]
        state.publisher.failing = {state.runtime.topics.training_runs}
        with pytest.raises(DeliveryError):
            await state.commands(submission(*elements))
        following = await restarted(state, settings, monkeypatch)
        await results(following, result(first + 1, 1))
        await following.commands(submission(*elements))

        (command,) = together(following)
        assert (list(command.ns), list(command.ts_ids)) == ([0, 2], [first, first + 2])

    async def test_a_command_too_large_for_a_record_is_cut_in_two(
        self, state: Worker, first: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And no further than it must be: each part trains the model anew."""
        elements = [training(first + number % 3, "DeepAR") for number in range(20)]
        await state.commands(submission(*elements, command_id="whole"))
        (whole,) = state.sent(state.runtime.topics.training_runs)
        state.forget()
        monkeypatch.setattr(Settings, "record_limit", whole.size - 1)
        await state.commands(submission(*elements, command_id="parts"))
        parts = together(state)

        assert [len(part.ns) for part in parts] == [10, 10]
        assert [n for part in parts for n in part.ns] == list(range(20, 40))

    async def test_a_command_that_is_too_large_for_one_series_is_answered(
        self, state: Worker, first: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No record could carry it: it would stop the agent at its submission for good."""
        monkeypatch.setattr(Settings, "record_limit", 50)
        await state.commands(submission(training(first, "DeepAR"), training(first + 1, "DeepAR")))
        told = state.events(state.runtime.topics.job_results)

        assert together(state) == []
        assert [(one.n, one.ts_id, one.model_name) for one in told] == [(0, first, "DeepAR"), (1, first + 1, "DeepAR")]
        assert all("raise TIDECAST_MAX_MESSAGE_BYTES" in one.error for one in told)


async def test_what_a_submission_stores_is_there_before_its_training_is_sent(state: Worker, first: int) -> None:
    """Its sender is told then, and a submission that uses what was stored is accepted at once (decision 10)."""
    state.publisher.failing = {state.runtime.topics.series_commands}
    with state.runtime.waiters.waiting("submit") as told:
        with pytest.raises(DeliveryError):
            await state.commands(submission(storing(first, "LinearFit", 4), training(first + 1)))

        assert told.done()
    assert [setting.model_name for setting in job_of(state).settings] == ["LinearFit"]
