"""What tests of submissions are made of."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from models.catalog import CATALOG
from schemas.forecasting import Columns, JobRecord, SeriesConfig
from schemas.values import FutureFeature, HyperParam
from streams.errors import RejectedError
from streams.forecasting.submissions import Limits, Plan, check_elements

FIRST = 1700
LIMITS = Limits(max_elements=4, max_next_k_prediction=30, max_max_eval=200)
JOB = JobRecord(
    job_id=7,
    data_id=2,
    name=None,
    related_user=1,
    created=1,
    columns=Columns((2,), (3,), (0, 1)),
    column_count=6,
    split="split",
    first_ts_id=FIRST,
    series_count=3,
)
LATEST_5 = HyperParam("latest_n", "int", 5)
TRAIN = SeriesConfig(FIRST, "LinearFit", (), next_k_prediction=5)


def plan(element: SeriesConfig, job: JobRecord = JOB) -> Plan:
    """The plan of an element that asks for training."""
    _, (training,) = check_elements(job, [element], LIMITS)
    assert training.ts_id == element.ts_id
    return training.plan


def refusal(*elements: SeriesConfig, job: JobRecord = JOB) -> RejectedError:
    """Why the elements are refused."""
    with pytest.raises(RejectedError) as caught:
        check_elements(job, elements, LIMITS)
    return caught.value


def wrong(**change: Any) -> str:
    """What is said about a training element with this change, after the words that find it."""
    error = refusal(replace(TRAIN, **change))
    start = "element 1 (ts_id 1700), "

    assert (error.status, error.message[: len(start)]) == (400, start)
    return error.message[len(start) :]


def parameter(**fields: Any) -> tuple[HyperParam, ...]:
    """One hyper-parameter."""
    return (HyperParam(**{"name": "latest_n", "type": "int"} | fields),)


scalars = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=3)
numbers = st.none() | st.integers(-3, 9) | st.floats()
params = st.builds(
    HyperParam,
    name=st.sampled_from(["latest_n", "add_std_factor", "depth"]),
    type=st.sampled_from(["int", "float", "list", ""]),
    val=scalars,
    low=numbers,
    high=numbers,
    choice=st.none() | st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=2).map(tuple),
)
elements = st.builds(
    SeriesConfig,
    ts_id=st.integers(FIRST - 1, FIRST + 3),
    model_name=st.none() | st.sampled_from([*CATALOG, "Prophet"]),
    hyper_params=st.none() | st.lists(params, max_size=2).map(tuple),
    feature_indexs=st.none() | st.lists(st.integers(-1, 6), max_size=2).map(tuple),
    max_eval=st.none() | st.integers(0, 201),
    next_k_prediction=st.none() | st.integers(0, 31),
    auto_tune=st.none() | st.integers(-1, 2),
    auto_tune_metric=st.none() | st.sampled_from(["mse", "nonsense"]),
    eval_metrics=st.none() | st.lists(st.sampled_from(["mse", "r2_score", "x"]), max_size=2).map(tuple),
    refit=st.none() | st.integers(-1, 2),
    allow_negative=st.none() | st.integers(-1, 2),
    future_features=st.none()
    | st.lists(
        st.builds(FutureFeature, st.text(max_size=3), st.lists(st.floats(), max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    holidays=st.sampled_from([None, "", "DE", "DE-BY", "Nowhere"]),
)
