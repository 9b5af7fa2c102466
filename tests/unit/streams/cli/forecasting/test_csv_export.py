"""Results as a CSV file: every value, nothing that a spreadsheet would run, the whole file or none."""

import csv
import os
from pathlib import Path

import pytest

from streams.cli.console.failure import CommandError
from streams.cli.forecasting import csv_export
from streams.cli.forecasting.outcome import JobOutcome
from tests.unit.streams.cli.results import made, outcome_of


def _rows(outcome: JobOutcome, path: Path) -> list[dict[str, str]]:
    count = csv_export.write_csv(outcome, path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    return rows


def test_one_row_per_series_model_and_timestamp(tmp_path: Path) -> None:
    """Values in full precision, the metrics repeated in each row."""
    rows = _rows(outcome_of(made(predictions=(0.1 + 0.2, 2.0)), made(2)), tmp_path / "out.csv")

    assert rows[0] == {
        "shop": "g1",
        "ts_id": "1",
        "model": "LinearFit",
        "timestamp": "2020-01-06 00:00:00",
        "value": "0.30000000000000004",
        "mae": "0.5",
        "error": "",
    }
    assert [(row["ts_id"], row["timestamp"][:10]) for row in rows] == [
        ("1", "2020-01-06"), ("1", "2020-01-07"), ("2", "2020-01-06"), ("2", "2020-01-07"),
    ]  # fmt: skip


def test_quantiles_have_columns_of_their_own(tmp_path: Path) -> None:
    """Of all levels that any result has, the lowest first; empty where a model has none."""
    enclosed = made(quantiles={"0.9": (3.0, 4.0), "0.1": (1.0, 1.5)})
    rows = _rows(outcome_of(enclosed, made(2), made(3, error="too short")), tmp_path / "out.csv")

    assert list(rows[0])[3:7] == ["timestamp", "value", "q0.1", "q0.9"]
    assert [(row["q0.1"], row["q0.9"]) for row in rows] == [
        ("1.0", "3.0"),
        ("1.5", "4.0"),
        ("", ""),
        ("", ""),
        ("", ""),
    ]


def test_a_failure_has_one_row_with_its_error(tmp_path: Path) -> None:
    """So that no series goes missing in the file."""
    rows = _rows(outcome_of(made(), made(2, error="too short")), tmp_path / "out.csv")

    assert rows[2] == {
        "shop": "g2", "ts_id": "2", "model": "LinearFit", "timestamp": "", "value": "", "mae": "", "error": "too short",
    }  # fmt: skip


def test_J117_a_metric_that_is_null_is_an_empty_cell(tmp_path: Path) -> None:
    """Not the word None."""
    (row, _) = _rows(outcome_of(made(metrics={"mae": None, "r2": 1.0})), tmp_path / "out.csv")

    assert (row["mae"], row["r2"]) == ("", "1.0")


def test_a_group_column_named_as_one_of_ours_is_renamed(tmp_path: Path) -> None:
    """Two columns of one name would be lost to whoever reads by name."""
    (row, _) = _rows(outcome_of(made(), group_key=["value"]), tmp_path / "out.csv")

    assert row["value_group"] == "g1"
    assert row["value"] == "1.5"


def test_no_cell_of_a_file_starts_a_formula(tmp_path: Path) -> None:
    """Group values, labels, model names and errors come from outside."""
    outcome = outcome_of(made(model="=m", group=("=g",), error="=e"), group_key=["=k"])
    path = tmp_path / "out.csv"
    csv_export.write_csv(outcome, path)
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]

    assert [cell for cell in cells if cell.startswith("=")] == []
    assert {"'=k", "'=g", "'=m", "'=e"} <= set(cells)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no draft beside it."""
    path = tmp_path / "out.csv"
    path.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CommandError, match="No space left on device"):
        csv_export.write_csv(outcome_of(made()), path)

    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_outputs_are_checked_before_the_work(tmp_path: Path) -> None:
    """A missing folder, or a folder in the file's place, is said at once."""
    with pytest.raises(CommandError, match=r"--out .*: there is no folder .*missing: create it first"):
        csv_export.check_writable(tmp_path / "missing" / "out.csv", "--out")
    with pytest.raises(CommandError, match=r"--out .*: cannot be written: choose another file"):
        csv_export.check_writable(tmp_path, "--out")


@pytest.mark.parametrize("name", [None, "new.csv", "old.csv"])
def test_a_writable_output_passes(name: str | None, tmp_path: Path) -> None:
    """None asked for, a new file, a file that is replaced."""
    (tmp_path / "old.csv").touch()

    csv_export.check_writable(name and tmp_path / name, "--out")


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the work, too; root, who may write everywhere, runs the tests as well."""
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(CommandError, match="cannot be written"):
        csv_export.check_writable(tmp_path / "out.csv", "--out")
