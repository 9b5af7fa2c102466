"""Which series are sent to an endpoint, what is shown of the answers, and transform jobs."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.deepar.batch import transform_all
from streams.cli.deepar.csv_series import Columns
from streams.cli.deepar.forecasting import ForecastRequest, endpoint_table, series_for
from streams.cli.deepar.predictions import (
    Prediction,
    check_out,
    draw_largest,
    prediction_table,
    predictions_of,
    write_predictions,
)
from streams.cli.deepar.series import SeriesLine
from tests.unit.streams.cli.deepar_service import FakeService, model, silent
from tests.unit.streams.cli.results import shown

STORED = {"job_id": 7, **Columns("day", "sold", ("shop",), (), "D", (("north", "south"),)).as_dict()}
LEVELS = ("0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975")


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("shop,day,sold,returned\nsouth,2020-01-01,1,5\nsouth,2020-01-02,2,6\n", "utf-8")
    return path


def _service(stored: Any = STORED) -> FakeService:
    return FakeService({} if stored is None else {"GET /uploads/sales/columns.json": [json.dumps(stored).encode()]})


def _asked(path: Path, **given: Any) -> ForecastRequest:
    return ForecastRequest(path, "sales", **given)


def test_a_csv_file_is_read_as_that_of_the_training(sales: Path) -> None:
    """No column has to be given again, and the categories have the same codes."""
    (series,), columns = series_for(_service().session, model(), _asked(sales), silent())

    assert columns is not None
    assert columns.target == "sold"
    assert series.fields["target"] == [1.0, 2.0]
    assert series.fields["cat"] == [1]


def test_another_column_can_be_chosen(sales: Path) -> None:
    """The others stay those of the training."""
    (series,), _ = series_for(_service().session, model(), _asked(sales, targets=("returned",)), silent())

    assert series.fields["target"] == [5.0, 6.0]
    assert series.fields["cat"] == [1]


def test_D022_a_model_without_categories_gets_none(sales: Path) -> None:
    """Groups may still tell the series apart."""
    asked = _asked(sales, timestamp="day", targets=("sold",), group_by=("shop",))
    (series,), _ = series_for(_service(None).session, model(cardinality=None), asked, silent())

    assert series.name == ("south",)
    assert series.fields["cat"] is None


@pytest.mark.parametrize(
    ("stored", "shape", "given", "words"),
    [
        (None, {}, {}, "sales was trained on JSON Lines, which say nothing of the columns of a CSV file"),
        (
            None,
            {"cardinality": None, "num_dynamic_feat": 1},
            {"targets": ("sold",)},
            "which say nothing of the columns",
        ),
        (None, {"cardinality": None}, {"targets": ("sold",)}, "to forecast a CSV file give --timestamp and --target"),
        (STORED, {}, {"group_by": ("shop", "returned")}, "^--group-by: sales has the categories shop: give as many"),
    ],
)
def test_codes_are_never_guessed(
    sales: Path, stored: Any, shape: dict[str, Any], given: dict[str, Any], words: str
) -> None:
    """A wrong code would give a wrong forecast that looks right."""
    with pytest.raises(CommandError, match=words):
        series_for(_service(stored).session, model(**shape), _asked(sales, **given), silent())


def test_json_lines_say_everything_themselves(tmp_path: Path) -> None:
    """Columns are a misunderstanding then."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"start": "2020-01-01", "target": [1], "cat": [0]}\n', "utf-8")
    (series,), columns = series_for(_service().session, model(), _asked(path), silent())

    assert series.fields["cat"] == [0]
    assert columns is None
    with pytest.raises(
        CommandError, match="is JSON Lines: leave --timestamp, --target, --wide, --group-by and --sheet"
    ):
        series_for(_service().session, model(), _asked(path, targets=("x",)), silent())


def test_D018_quantiles_of_table_and_picture_are_asked_for_too() -> None:
    """Besides those to be written, each once."""
    asked = _asked(Path("x"), quantiles=("0.05", "0.9"), samples=50, seed=1)

    assert asked.configuration == {
        "num_samples": 50, "output_types": ["mean", "quantiles"], "quantiles": [*LEVELS, "0.05"], "seed": 1,
    }  # fmt: skip
    assert "seed" not in _asked(Path("x")).configuration


def _prediction(name: str = "north", size: float = 10.0, steps: int = 2) -> Prediction:
    series = SeriesLine((name,), {"start": "2020-01-01", "target": [1.0, None, 3.0]})
    answer = {
        "mean": [size] * steps,
        "quantiles": {level: [size + float(level)] * steps for level in LEVELS},
    }
    (found,) = predictions_of([series], [answer], Frequency.parse("D"))
    return found


def test_D038_a_forecast_begins_behind_the_last_value() -> None:
    """Missing ones count."""
    assert _prediction().times == ["2020-01-04 00:00:00", "2020-01-05 00:00:00"]


def _table(width: int, *predictions: Prediction, rows: int | None = None) -> str:
    table = prediction_table(predictions, ["shop"], low="0.1", high="0.9", width=width, rows=rows)
    return shown(table, width=width)


def test_the_table_has_means_and_intervals() -> None:
    """The caption says what is left out."""
    text = _table(120, _prediction(steps=9), _prediction("s"), rows=1)

    assert re.search(r"shop +from +step 1 .* step 7\n", text)
    assert re.search(r"north +2020-01-04( +10){7}\n( +10.1 … 10.9){7}\n", text)
    assert "80 % interval; 7 of 9 steps; 1 of 2 series: --all shows every one" in text


@pytest.mark.parametrize(("width", "steps"), [(30, 1), (60, 2), (80, 4), (300, 7)])
def test_the_table_fits_into_the_terminal(width: int, steps: int) -> None:
    """By leaving steps out, so that what is shown can be read."""
    text = _table(width, _prediction(steps=9))

    assert f"step {steps}" in text
    assert f"step {steps + 1}" not in text
    assert width == 30 or re.search(rf"north +2020-01-04( +10){{{steps}}}\n( +10.1 … 10.9){{{steps}}}\n", text)


def test_forecasts_are_written_as_json_lines(tmp_path: Path) -> None:
    """Only the quantiles that were asked for."""
    path = tmp_path / "out.jsonl"
    told = write_predictions([_prediction(), _prediction("b")], ["shop"], ("0.5",), path)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    assert told == f"2 lines written to {path}"
    assert lines[0] == {
        "item_id": "north", "start": "2020-01-04 00:00:00", "mean": [10.0, 10.0], "quantiles": {"0.5": [10.5, 10.5]},
    }  # fmt: skip


def test_forecasts_are_written_as_csv(tmp_path: Path) -> None:
    """One row per step; nothing in it is a formula."""
    path = tmp_path / "out.csv"
    told = write_predictions([_prediction("=1+1")], ["mean"], ("0.1", "0.9"), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))

    assert told == f"2 rows written to {path}"
    assert rows == [
        ["mean_group", "timestamp", "mean", "0.1", "0.9"],
        ["'=1+1", "2020-01-04 00:00:00", "10.0", "10.1", "10.9"],
        ["'=1+1", "2020-01-05 00:00:00", "10.0", "10.1", "10.9"],
    ]


def test_the_form_of_the_file_is_known_before_any_work(tmp_path: Path) -> None:
    """As is whether it can be written."""
    check_out(tmp_path / "a.JSONL")
    with pytest.raises(CommandError, match=r"end the name in one of \.jsonl, \.csv"):
        check_out(tmp_path / "a.txt")
    with pytest.raises(CommandError, match="there is no folder"):
        check_out(tmp_path / "missing" / "a.csv")


def test_the_largest_series_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of them, largest first."""
    drawn: list[str] = []
    monkeypatch.setattr(
        "streams.cli.deepar.fan_charts.draw_fans", lambda fans, *_, **__: drawn.extend(f.title for f in fans)
    )
    count = draw_largest(
        [_prediction(f"s{size}", float(size)) for size in (3, 5, 1, 4, 2)], tmp_path / "a.png", label="sold", title="t"
    )

    assert count == 4
    assert drawn == ["s5", "s4", "s3", "s2"]


def test_D072_endpoints_are_listed_with_what_requests_need() -> None:
    """A dash for what a model does not have."""
    text = shown(endpoint_table([model(), model("visits", cardinality=None, num_dynamic_feat=3)]), width=140)

    assert re.search(r"sales +D +2 +4 +2 +- +student-t", text)
    assert re.search(r"visits +D +2 +4 +- +3 +student-t +2 x 40 cells +2023-11-14 22:13", text)


class Transforming(FakeService):
    """Takes any upload, and answers about a job whose name is made up."""

    def __init__(self, statuses: list[dict[str, Any]]) -> None:
        super().__init__({})
        self.statuses = statuses

    def __call__(self, request: Any) -> Any:
        path = request.url.path
        answer: Any = {}
        if path.endswith("/output"):
            answer = b'{"mean": [1]}\n{"mean": [2]}\n'
        elif request.method == "GET":
            answer = self.statuses.pop(0)
        self._answers[f"{request.method} {path}"] = [answer]
        return super().__call__(request)


def _running(finished: int, status: str = "InProgress", **more: Any) -> dict[str, Any]:
    return {"TransformJobStatus": status, "finished": finished, **more}


def test_D057_a_transform_job_forecasts_the_whole_file() -> None:
    """Uploaded as lines, followed, and read back in order."""
    fake, counted = Transforming([_running(0), _running(1), _running(2, "Completed")]), []
    series = [SeriesLine((name,), {"start": "2020-01-01", "target": [1]}) for name in "ab"]
    found = transform_all(fake.session, "sales", series, {"num_samples": 5}, counted.append, pause=lambda _: None)
    body = fake.bodies("POST /transform-jobs")[0]

    assert found == [{"mean": [1]}, {"mean": [2]}]
    assert sum(counted) == 2
    assert len(fake.requests[0].content.splitlines()) == 2
    assert body["BatchStrategy"] == "SingleRecord"
    assert body["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == fake.requests[0].url.path
    assert json.loads(body["Environment"]["DEEPAR_INFERENCE_CONFIG"]) == {"num_samples": 5}


def test_D064_a_failed_transform_job_is_an_error() -> None:
    """With its reason."""
    fake = Transforming([_running(0, "Failed", FailureReason="line 3: cat is missing")])
    with pytest.raises(CommandError, match="is Failed: line 3: cat is missing"):
        transform_all(fake.session, "sales", [], {}, lambda _: None)
