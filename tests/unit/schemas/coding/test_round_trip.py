"""What is encoded comes back, with its types."""

import math
from typing import Any

import numpy as np
import pytest

from schemas.coding.codec import EVENT_TYPES, Codec
from schemas.datasets import AddDataset
from schemas.forecasting import CmdStatus, CreateJob, JobStatus, SubmitJob
from schemas.inference import InferenceResult
from schemas.series import Forecast, SeriesResult, TrainSeries
from tests.unit.schemas.coding.stock import plain
from tests.unit.schemas.event_samples import EVENTS, FULL_CONFIG, NOON


class TestRoundTrip:
    """What is encoded comes back."""

    def test_every_record_type_has_an_example(self) -> None:
        """Guards the other tests of this file against a forgotten event."""
        assert {type(event) for event in EVENTS} == set(EVENT_TYPES)

    def test_an_event_survives(self, ours: Codec, event: Any) -> None:
        """Type and all fields are the same."""
        back = ours.decode(ours.encode(event))

        assert type(back) is type(event)
        assert plain(back) == plain(event)

    def test_types_of_values_survive(self, ours: Codec) -> None:
        """5, 5.0 and "5" are three hyper-parameter values; enums and tuples come back as such."""
        submitted = ours.decode(ours.encode(SubmitJob("c", 1, (FULL_CONFIG,))))
        config = ours.decode(
            ours.encode(SeriesResult(1, 2, 3, 1, "m", {"a": 5, "b": 5.0, "c": "5"}, (), (), {}))
        ).config
        status = ours.decode(ours.encode(JobStatus(1, CmdStatus.COMITTED, 1, 1, 1, 1, 1))).status

        assert submitted == SubmitJob("c", 1, (FULL_CONFIG,))
        assert [type(value) for value in config.values()] == [int, float, str]
        assert status is CmdStatus.COMITTED

    def test_equal_events_have_equal_bytes(self, ours: Codec, event: Any) -> None:
        """A replay writes what the first run wrote."""
        assert ours.encode(event) == ours.encode(ours.decode(ours.encode(event)))

    @pytest.mark.parametrize(
        "target",
        [
            pytest.param((1.0, 2.0, math.nan), id="tuple"),
            pytest.param([1, 2, math.nan], id="list-with-integers"),
            pytest.param(np.array([1.0, 2.0, math.nan]), id="array"),
            pytest.param(np.array([1.0, 0.0, 2.0, 0.0, math.nan])[::2], id="strided"),
        ],
    )
    def test_a_history_may_be_any_sequence_of_numbers(self, ours: Codec, target: Any) -> None:
        """It comes back as a read-only float64 array."""
        train = TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=target)

        back = ours.decode(ours.encode(train)).target

        assert back.dtype == np.float64
        assert not back.flags.writeable
        np.testing.assert_array_equal(back, [1.0, 2.0, math.nan])

    def test_times_may_be_a_range(self, ours: Codec) -> None:
        """Regular times need not be written out by their sender."""
        forecast = Forecast(1, 2, 3, "", "m", NOON, range(NOON, NOON + 30, 10), np.array([1.0, 2.0, 3.0]))

        back = ours.decode(ours.encode(forecast))

        assert list(back.timestamps) == [NOON, NOON + 10, NOON + 20]
        assert list(back.mean) == [1.0, 2.0, 3.0]

    def test_an_optional_sequence_may_be_an_array(self, ours: Codec) -> None:
        """Sample paths are encoded as the model makes them; the kind of number does not matter."""
        paths = np.array([[1.0, 2.5], [3.0, -4.0]], dtype=np.float32)
        result = InferenceResult("r", "m", mean=paths.mean(axis=0), quantiles={"0.5": paths[0]}, samples=paths)

        back = ours.decode(ours.encode(result))

        assert (back.mean, back.quantiles) == ([2.0, -0.75], {"0.5": [1.0, 2.5]})
        assert back.samples == [[1.0, 2.5], [3.0, -4.0]]

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(AddDataset("c", 2**63, "n", "p", "f"), id="long-too-large"),
            pytest.param(AddDataset("c", "2", "n", "p", "f"), id="text-for-long"),
            pytest.param(CreateJob("c", 1, 2, name=5), id="number-for-text"),
            pytest.param(SeriesResult(1, 2, 3, 1, "m", {"a": None}, (), (), {}), id="none-for-value"),
            pytest.param(
                TrainSeries(job_id=1, ts_id=2, n=3, model_name="m", start=0, step=1, target=["x"]), id="text-in-target"
            ),
        ],
    )
    def test_what_does_not_fit_its_schema_is_not_encoded(self, ours: Codec, wrong: Any) -> None:
        """The error is the sender's and comes before anything is sent."""
        with pytest.raises((ValueError, TypeError, OverflowError)):
            ours.encode(wrong)
