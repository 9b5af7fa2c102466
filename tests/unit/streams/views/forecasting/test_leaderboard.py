"""The table of a job's models and series, from its results."""

from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus, JobRecord
from schemas.series import SeriesResult
from streams.cli.forecasting.compare import model_table, series_table
from streams.views.forecasting.leaderboard import leaderboard

CODEC = Codec()
JOB = JobRecord(5, 1, None, 1, 0, CmdStatus.DONE)


def row(
    ts_id: int, n: int, model: str, score: float | None = None, error: str | None = None, **metrics: float
) -> bytes:
    """A result as the table keeps it."""
    return CODEC.encode(SeriesResult(5, ts_id, n, 1, model, {}, (), (), metrics, error=error, mase_insample=score))


def board(rows: dict[int, list[bytes]], metric: str = "mase_insample") -> dict:
    """Without a split, so without group values."""
    return leaderboard(CODEC, JOB, rows, None, metric)


def test_the_winner_of_each_series_and_the_worst_series_first() -> None:
    """Failed ones before, unscored ones last; models by their mean."""
    found = board(
        {
            1: [row(1, 0, "SES", 0.5), row(1, 1, "Drift", 0.75)],
            2: [row(2, 2, "SES", 3.0), row(2, 3, "Drift", 2.0)],
            3: [row(3, 4, "SES", error="no"), row(3, 5, "Drift", error="no")],
            4: [row(4, 6, "SES")],
            5: [],
        }
    )

    assert [(one["ts_id"], one["winner"], one["score"]) for one in found["series"]] == [
        (3, None, None), (2, "Drift", 2.0), (1, "SES", 0.5), (4, None, None),
    ]  # fmt: skip
    assert found["series_count"] == 4
    assert found["models"] == [
        {"model_name": "Drift", "wins": 1, "series": 2, "failed": 1, "mean": 1.375, "median": 1.375},
        {"model_name": "SES", "wins": 1, "series": 2, "failed": 1, "mean": 1.75, "median": 1.75},
    ]


def test_of_a_model_the_latest_result_counts() -> None:
    """A job may be trained again and again."""
    found = board({1: [row(1, 0, "SES", 0.5), row(1, 1, "Drift", 0.6), row(1, 2, "SES", 0.9)]})

    assert found["series"][0]["scores"] == {"SES": 0.9, "Drift": 0.6}
    assert found["series"][0]["winner"] == "Drift"


def test_metrics_of_which_more_is_better_or_zero_is_best() -> None:
    """By the number and sign that they have."""
    rows = {
        1: [row(1, 0, "SES", r2=0.5, me=-3.0), row(1, 1, "Drift", r2=0.9, me=1.0), row(1, 2, "Theta", r2=0.1, me=9.0)]
    }

    assert [board(rows, metric)["series"][0]["winner"] for metric in ("r2", "me", "mae")] == ["Drift", "Drift", None]
    assert [one["model_name"] for one in board(rows, "r2")["models"]] == ["Drift", "SES", "Theta"]


def test_the_tables_of_the_command_line() -> None:
    """A column per model, a row per series, and how many are not shown."""
    found = board({1: [row(1, 0, "SES", 0.5)], 2: [row(2, 1, "SES", error="no")]})
    found["series"] = found["series"][:1]

    assert model_table(found).row_count == 1
    assert series_table(found).row_count == 1
    assert "the worst 1 of 2 series" in str(series_table(found).caption)
