"""Features of the steps to be forecast, from a submission to the command that trains."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas.forecasting import ConfigureJob, SeriesConfig
from schemas.series import Beside
from schemas.values import FutureFeature
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CREATE, JOB_ID, add_dataset, asked, job_of, submission, training


@pytest.fixture
async def ts_id(state: Worker, tmp_path: Path) -> int:
    """A series of four days with a price for the three days after; the second series has none."""
    file = tmp_path / "prices.csv"
    rows = [f"2024-01-0{day},a,{day},{day}" for day in range(1, 5)] + [f"2024-01-0{day},a,,{day}0" for day in (5, 6, 7)]
    rows += [f"2024-01-0{day},b,{day},{day}" for day in range(1, 5)]
    file.write_text("\n".join(("t,g,v,price", *rows)) + "\n")
    add_dataset(state, file, 4)
    await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (2,), (1,)))
    return job_of(state).first_ts_id


def arima(ts_id: int, steps: int, **more: object) -> SeriesConfig:
    """An element with the price as feature."""
    settings = {"model_name": "ARIMA", "hyper_params": (), "feature_indexs": (3,), "refit": 1} | more
    return replace(training(ts_id), next_k_prediction=steps, **settings)


async def test_rows_after_the_last_target_are_the_features_future(state: Worker, ts_id: int) -> None:
    """The history ends before them, and a series that has none sends what it has."""
    await state.commands(submission(arima(ts_id, 2), arima(ts_id + 1, 2)))
    first, second = asked(state)

    assert first.target.tolist() == second.target.tolist() == [1, 2, 3, 4]
    assert first.freq == "D"
    np.testing.assert_array_equal(first.feat_dynamic_real, [[1, 2, 3, 4, 50, 60]])
    np.testing.assert_array_equal(second.feat_dynamic_real, [[1, 2, 3, 4]])


async def test_what_is_sent_wins_over_the_rows(state: Worker, ts_id: int) -> None:
    """For as many steps as are forecast, also where the rows would not do."""
    sent = (FutureFeature("price", (9.0, 8.0, 7.0, 6.0)),)
    await state.commands(submission(arima(ts_id, 4, future_features=sent)))

    np.testing.assert_array_equal(asked(state)[0].feat_dynamic_real, [[1, 2, 3, 4, 9, 8, 7, 6]])
    assert asked(state)[0].beside == Beside((3,), sent)


async def test_a_command_says_what_its_features_are(state: Worker, ts_id: int) -> None:
    """For the answer to repeat it; one without features says nothing."""
    await state.commands(submission(arima(ts_id, 2, holidays="DE"), training(ts_id)))
    first, second = asked(state)

    assert (first.beside, second.beside) == (Beside((3,), (), "DE"), None)


async def test_too_few_rows_refuse_the_submission(state: Worker, ts_id: int) -> None:
    """With the element, the time and the remedy; nothing is trained."""
    await state.commands(submission(arima(ts_id + 1, 5), arima(ts_id, 5)))

    assert asked(state) == []
    (letter,) = state.dead()
    assert letter["error"].startswith(
        f'element 2 (ts_id {ts_id}), feature_indexs: column 3 ("price") has no value for 2024-01-08 00:00:00, step 4'
    )


async def test_without_refit_the_end_of_the_history_is_forecast(state: Worker, ts_id: int) -> None:
    """Its features are known, so nothing need be sent."""
    await state.commands(submission(arima(ts_id, 5, refit=0)))

    np.testing.assert_array_equal(asked(state)[0].feat_dynamic_real, [[1, 2, 3, 4]])


async def test_a_future_is_not_stored(state: Worker, ts_id: int) -> None:
    """It is of the steps after today's end: it goes with an element that trains."""
    sent = (FutureFeature("price", (9.0,)),)
    await state.commands(submission(SeriesConfig(ts_id, model_name="ARIMA", future_features=sent)))
    (letter,) = state.dead()

    assert "future_features: is of the steps after today's end" in letter["error"]


async def test_a_column_that_is_no_feature_is_refused(state: Worker, ts_id: int) -> None:
    """Where the element has no features at all, too."""
    sent = (FutureFeature("price", (9.0,)),)
    await state.commands(submission(arima(ts_id, 1, feature_indexs=None, future_features=sent)))
    (letter,) = state.dead()

    assert "future_features: 'price' is column 3, which is not among feature_indexs" in letter["error"]


async def test_holidays_are_one_more_feature(state: Worker, ts_id: int) -> None:
    """Behind those of the file, for the history and the steps to come: New Year's Day and Epiphany."""
    await state.commands(submission(arima(ts_id, 2, holidays="AT"), arima(ts_id, 2, feature_indexs=(), holidays="AT")))
    both, alone = asked(state)

    np.testing.assert_array_equal(both.feat_dynamic_real, [[1, 2, 3, 4, 50, 60], [1, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(alone.feat_dynamic_real, [[1, 0, 0, 0, 0, 1]])


async def test_holidays_can_be_stored_and_only_go_to_models_that_use_them(state: Worker, ts_id: int) -> None:
    """As the columns of features; an unknown country is refused before anything is stored."""
    await state.commands(
        submission(SeriesConfig(ts_id, holidays="AT"), command_id="store"),
        submission(arima(ts_id, 2, feature_indexs=None), training(ts_id), command_id="train"),
        submission(SeriesConfig(ts_id, holidays="Austria"), command_id="wrong"),
    )
    used, not_used = asked(state)

    np.testing.assert_array_equal(used.feat_dynamic_real, [[1, 0, 0, 0, 0, 1]])
    assert list(not_used.feat_dynamic_real) == []
    (letter,) = state.dead()
    assert letter["error"].startswith(
        f"element 1 (ts_id {ts_id}), holidays: 'Austria' is no country whose holidays are known, did you mean AT?"
    )


async def test_holidays_of_months_are_refused(state: Worker, tmp_path: Path) -> None:
    """It is not said which days a step is made of."""
    file = tmp_path / "months.csv"
    file.write_text("\n".join(("t,v", *(f"2024-{month:02d}-01,{month}" for month in range(1, 9)))) + "\n")
    add_dataset(state, file, 4)
    await state.commands(replace(CREATE, data_id=4), ConfigureJob("configure", JOB_ID, (0,), (1,)))
    await state.commands(submission(arima(job_of(state).first_ts_id, 2, feature_indexs=None, holidays="DE")))
    (letter,) = state.dead()

    assert "holidays: are days, and the steps of the series (MS) are longer" in letter["error"]
