"""CSV and JSON Lines as trainers, spreadsheets and other systems' pages write them."""

from pathlib import Path

import pytest

from connectors.metric_sources.readers import Reader, SourceForm, form_of, open_reader

BEGIN = 1_704_067_200_000


def read(
    path: Path, text: str, encoding: str = "utf-8"
) -> tuple[list[tuple[str, float | None, int, int]], list[str], int]:
    """Points (name, value, time since it was begun, step), what is said of the rest, and how much that is."""
    path.write_text(text, encoding)
    reader: Reader = open_reader(path, form_of(path), begin=BEGIN)
    found = [point for portion in reader.read_new() for point, _ in portion]
    found += [point for point, _ in reader.last()]
    words = [sentence.replace(f"{path}, ", "") for problems in reader.problems for sentence in problems.words]
    shown = [(it.metric_name, it.value, it.timestamp - BEGIN, it.iteration) for it in found]
    return shown, words, sum(problems.count for problems in reader.problems)


@pytest.mark.parametrize("name", ["history.csv", "history"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_kerass_logger_is_read_with_any_separator(tmp_path: Path, name: str, separator: str) -> None:
    """`CSVLogger("history.csv", separator=";")`; NA is what an epoch has no value of."""
    lines = ("epoch,accuracy,loss,val_loss", "0,0.5,1.25,NA", "1,0.75,nan,0.5")
    found, words, _ = read(tmp_path / name, "\n".join(lines).replace(",", separator) + "\n")

    assert found == [
        ("accuracy", 0.5, 0, 0),
        ("loss", 1.25, 0, 0),
        ("accuracy", 0.75, 1, 1),
        ("loss", None, 1, 1),
        ("val_loss", 0.5, 1, 1),
    ]
    assert words == []


def test_a_spreadsheets_file_has_decimal_commas(tmp_path: Path) -> None:
    """As those of half of Europe save it, with the line by which Excel is told the separator."""
    found, words, _ = read(tmp_path / "a.csv", "sep=;\r\nepoch;loss;name, of a kind\r\n1;0,5;-1,5e-3\r\n2;0.25;3\r\n")

    assert [(name, value, step) for name, value, _, step in found] == [
        ("loss", 0.5, 1),
        ("name, of a kind", -0.0015, 1),
        ("loss", 0.25, 2),
        ("name, of a kind", 3.0, 2),
    ]
    assert words == []


@pytest.mark.parametrize("name", ["scalars.csv", "scalars"])
def test_what_tensorboards_and_wandbs_pages_save_is_read(tmp_path: Path, name: str) -> None:
    """They write Step; TensorBoard puts the time before it."""
    board, said, _ = read(tmp_path / name, "Wall time,Step,Value\n1704067201.5,7,0.5\n")
    wandb, told, _ = read(tmp_path / name, '"Step","warm-sun-1 - train/loss","old-fog-2 - train/loss"\n3,"0.5",""\n')

    assert (board, said) == ([("Value", 0.5, 1500, 7)], [])
    assert (wandb, told) == ([("warm-sun-1 - train/loss", 0.5, 0, 3)], [])


@pytest.mark.parametrize("name", ["history.csv", "history"])
def test_utf_16_is_read(tmp_path: Path, name: str) -> None:
    """Excel's "Unicode text", and what PowerShell's `>` makes of what a program prints."""
    table, words, _ = read(tmp_path / name, "epoch\tBücher\r\n1\t0,5\r\n2\t0,25\r\n", "utf-16")
    log, told, _ = read(tmp_path / "log.txt", "Beginn äöü\r\nstep 3 loss=0.5\r\n", "utf-16")

    assert ([(name, value, step) for name, value, _, step in table], words) == (
        [("Bücher", 0.5, 1), ("Bücher", 0.25, 2)],
        [],
    )
    assert ([(name, value, step) for name, value, _, step in log], told) == ([("loss", 0.5, 3)], [])


def test_texts_are_told_once_a_column(tmp_path: Path) -> None:
    """A column of texts counts once, for it is no metric; of a metric each cell without a number counts."""
    text = 'epoch,phase,loss,rates\n1,train,"0,5","[0.1, 0.2]"\n2,train,0.25,"[0.1]"\n3,val,oops,\n'
    found, words, count = read(tmp_path / "a.csv", text)

    assert [(value, step) for _, value, _, step in found] == [(0.25, 2)]
    assert words == [
        "column phase: 'train' in line 2 is no number, and no line has one; it is left out",
        "column loss: 2 cells are no numbers, first '0,5' in line 2; left out",
        "column rates: '[0.1, 0.2]' in line 2 is no number, and no line has one; it is left out",
    ]
    assert count == 4


def test_times_in_words_and_columns_that_come_twice(tmp_path: Path) -> None:
    """A time may be a text as logs have it; of columns with one name the last is read, and that is told."""
    found, words, count = read(tmp_path / "a.csv", "step,time,loss,loss\n1,2024-01-01T00:00:05Z,1,2\n")

    assert found == [("loss", 2.0, 5000, 1)]
    assert count == 1
    assert "2 columns are called loss; the last one counts: rename them" in words[0]


def test_a_log_whose_first_line_begins_like_columns_is_a_log(tmp_path: Path) -> None:
    """No column is called by a number."""
    path = tmp_path / "train"
    path.write_text("Epoch, 1, loss: 0.5\n")

    assert form_of(path) is SourceForm.LOG
