"""Which points may be kept (M-003, M-053, M-062, M-063), and what is said of the others."""

import math
from typing import Any

import pytest

from schemas.coding.point_writer import PointBatch
from schemas.workloads import MetricPoint
from streams.errors import InvalidError
from streams.workloads import points as module
from streams.workloads.points import check_uid, checked

AT = 1_704_067_200_000


def row(**changed: Any) -> dict[str, Any]:
    """A point as it is posted."""
    return {
        "metric_name": "train/loss",
        "value": 2.5,
        "timestamp": AT,
        "iteration": 1,
        "data_source": "wandb",
    } | changed


def made(batch: PointBatch) -> list[MetricPoint]:
    """One by one."""
    uid, names, values, *others = batch
    numbers = [None if math.isnan(value) else value for value in values.tolist()]
    at, steps = (column.tolist() for column in others[:2])
    return list(map(MetricPoint, [uid] * batch.size, names, numbers, at, steps, *others[2:]))


class TestKept:
    """What becomes a point."""

    def test_all_points_in_their_order(self) -> None:
        """One step's metrics stay in key order (M-061)."""
        points = made(checked("w-1", [row(), row(metric_name="train/accuracy", value=0)]))

        assert points == [
            MetricPoint("w-1", "train/loss", 2.5, AT, 1, "wandb"),
            MetricPoint("w-1", "train/accuracy", 0.0, AT, 1, "wandb"),
        ]

    @pytest.mark.parametrize("value", [None, math.nan, math.inf, "NaN", "Infinity", "-Infinity", 10**400], ids=str)
    def test_what_is_not_finite_is_none(self, value: Any) -> None:
        """M-053."""
        assert made(checked("w", [row(value=value)]))[0].value is None

    def test_whole_numbers_may_be_written_as_floats(self) -> None:
        """As by those who know no others."""
        [point] = made(checked("w", [row(iteration=5.0, timestamp=float(AT))]))

        assert (point.iteration, point.timestamp) == (5, AT)
        assert isinstance(point.iteration, int)

    def test_fields_that_nobody_knows_are_left_out(self) -> None:
        """A worker is known (M-060)."""
        assert made(checked("w", [row(worker="pod-3", run="x")]))[0].worker == "pod-3"
        assert [it.worker for it in made(checked("w", [row(worker="pod-3"), row(), row(run="x")]))] == ["pod-3", "", ""]

    @pytest.mark.parametrize("value", [None, "NaN", 3, math.inf, True, "x", 10**400, 2**60 + 1], ids=str)
    @pytest.mark.parametrize("at", [AT, 5, 1_704_067_200, -1, 2**60, 2**80, 1e3, None], ids=str)
    @pytest.mark.parametrize("name", ["train/loss", "other", "", [1]], ids=str)
    def test_many_are_looked_at_as_closely_as_one(
        self, value: Any, at: Any, name: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A short way for plain ones makes no difference to the others, nor to what is said."""
        rows = [row(), row(metric_name="other"), row(value=value, timestamp=at, metric_name=name)]

        def outcome() -> Any:
            try:
                return made(checked("w", rows))
            except InvalidError as error:
                return error.message

        short = outcome()
        monkeypatch.setattr(module, "_plain", lambda *_: None)

        assert short == outcome()

    def test_plain_ones_go_the_short_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where values are whole numbers, absent or not finite, and with workers and what nobody knows."""
        monkeypatch.setattr(module, "_point", None)
        rows = [row(value=value) for value in (1.5, 2, None, math.inf)]

        assert checked("w", [*rows, row(worker="pod-3"), row(run=[1])]).size == 6

    def test_no_points_are_no_points(self) -> None:
        """An empty list is fine."""
        assert checked("w", []).size == 0


class TestRefused:
    """What is said of wrong ones."""

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"metric_name": 3}, "metric_name: expected a text, not 3"),
            ({"metric_name": None}, "metric_name: expected a text, not null"),
            ({"metric_name": ""}, "metric_name: has 0 characters"),
            ({"metric_name": "m" * 513}, "has 513 characters, expected 1 to 512"),
            ({"metric_name": " loss"}, "begins or ends blank"),
            ({"metric_name": "a\nb"}, "control characters"),
            ({"value": True}, "value: expected a number or null, not true"),
            ({"value": "1.5"}, "value: expected a number or null, not '1.5'"),
            ({"value": [1]}, "value: expected a number"),
            ({"timestamp": 1_704_067_200}, "1704067200 looks like seconds: milliseconds expected"),
            ({"timestamp": AT * 1000}, f"{AT * 1000} looks like microseconds: milliseconds expected"),
            ({"timestamp": AT * 1_000_000}, "looks like nanoseconds: milliseconds expected"),
            ({"timestamp": 2**62}, "is no time: epoch milliseconds expected"),
            ({"timestamp": -1}, "epoch milliseconds expected"),
            ({"timestamp": "now"}, "timestamp: expected a whole number, not 'now'"),
            ({"timestamp": None}, "timestamp: expected a whole number"),
            ({"iteration": 1.5}, "iteration: expected a whole number, not 1.5"),
            ({"iteration": True}, "iteration: expected a whole number"),
            ({"iteration": 2**60}, "iteration: "),
            ({"data_source": "custom"}, "data_source: 'custom' is none of log, wandb, tensorflow"),
            ({"data_source": ["log"]}, "data_source: "),
            ({"worker": 7}, "worker: expected a text"),
        ],
        ids=lambda it: "-".join(it) if isinstance(it, dict) else "",
    )
    def test_the_field_is_named(self, changed: dict[str, Any], words: str) -> None:
        """With its index, in words and for programs (M-062, decision 19)."""
        with pytest.raises(InvalidError) as refused:
            checked("w", [row(), row(**changed)])

        assert words in refused.value.message
        assert refused.value.message.startswith("data[1], ")
        assert refused.value.place == {"element": 1, "field": next(iter(changed))}

    @pytest.mark.parametrize("field", ["metric_name", "value", "timestamp", "iteration", "data_source"])
    def test_no_field_may_be_missing(self, field: str) -> None:
        """Every point has all five (M-052)."""
        with pytest.raises(InvalidError, match=rf"data\[0\], {field}: is missing"):
            checked("w", [{name: value for name, value in row().items() if name != field}])

    def test_a_point_is_an_object(self) -> None:
        """Not a list."""
        with pytest.raises(InvalidError, match=r"data\[0\], point: expected an object, not an array of 0"):
            checked("w", [[]])

    def test_endless_nesting_is_not_repeated(self) -> None:
        """It would take more than Python's stack."""
        deep: Any = []
        for _ in range(5000):
            deep = [deep]

        with pytest.raises(InvalidError, match="expected a number or null, not an array of 1"):
            checked("w", [row(value=deep)])

    @pytest.mark.parametrize("uid", ["", "a b", "w" * 129, "w/1", "ü", "w\n", "w" * 1_000_000], ids=range(7))
    def test_what_can_be_no_uid(self, uid: str) -> None:
        """M-003; the message is short."""
        with pytest.raises(InvalidError, match="use 1 to 128 characters") as refused:
            check_uid(uid)

        assert len(refused.value.message) < 200

    def test_what_can_be_one(self) -> None:
        """M-003, M-012."""
        for uid in ("w-1", "tj-1-2", "fj-7-8-0", "run-x", "A.b:c_d-", "w" * 128):
            check_uid(uid)
