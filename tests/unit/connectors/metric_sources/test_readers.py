"""Files of any form, read whole and while they grow."""

from pathlib import Path

import pytest

from connectors.metric_sources.readers import SourceForm, form_of, open_reader
from tests.unit.connectors.metric_sources.event_samples import event, event_file, simple

BEGIN = 1_704_067_200_000


def read(path: Path) -> list[tuple[str, float | None, int, int]]:
    """All points of a log: name, value, time since it was begun, step."""
    reader = open_reader(path, form_of(path), begin=BEGIN)
    found = [point for portion in reader.read_new() for point, _ in portion]
    found += [point for point, _ in reader.last()]
    return [(it.metric_name, it.value, it.timestamp - BEGIN, it.iteration) for it in found]


def test_M054_a_log_that_is_read_again_has_the_same_points(tmp_path: Path) -> None:
    """Also of its last line, which has no end: it was there before it was looked at."""
    path = tmp_path / "log"
    path.write_bytes(b"step 1 loss=0.5\r\nstep 2 loss=0.4")

    assert read(path) == read(path) == [("loss", 0.5, 0, 1), ("loss", 0.4, 1, 2)]


def test_a_line_that_comes_later_is_dated_by_its_arrival(tmp_path: Path) -> None:
    """Whether it has an end or not."""
    path = tmp_path / "log"
    path.write_bytes(b"step 1 loss=0.5\n")
    reader = open_reader(path, SourceForm.LOG, begin=BEGIN)
    first = [point for portion in reader.read_new() for point, _ in portion]
    with path.open("ab") as log:
        log.write(b"step 2 loss=0.4")
    assert not [*reader.read_new()]
    (last,) = (point for point, _ in reader.last())

    assert [it.timestamp for it in first] == [BEGIN]
    assert last.timestamp > BEGIN + 1


@pytest.mark.parametrize("way", ["overwritten", "rotated"])
def test_a_log_that_is_begun_again_is_read_from_its_beginning(tmp_path: Path, way: str) -> None:
    """Shorter, or longer than the one before, also after it was away; its epochs are counted anew."""
    path = tmp_path / "log"
    path.write_text("Epoch 1/9\n1/1 - 0s - loss: 1.5\nEpoch 2/9\n1/1 - 0s - loss: 1.25\nloss")
    reader = open_reader(path, form_of(path))
    found = [[(it.value, it.iteration) for portion in reader.read_new() for it, _ in portion]]
    for text in ("Epoch 1/9\n1/1 - 0s - loss: 0.5\n", "step 1 loss=0.25 " + "x" * 99 + "\nstep 2 loss=0.125\n"):
        if way == "rotated":
            path.rename(tmp_path / "old")
            assert not [*reader.read_new()]
        path.write_text(text)
        found.append([(it.value, it.iteration) for portion in reader.read_new() for it, _ in portion])

    assert found == [[(1.5, 1), (1.25, 2)], [(0.5, 1)], [(0.25, 1), (0.125, 2)]]


def test_a_table_that_is_begun_again_has_columns_of_its_own(tmp_path: Path) -> None:
    """As Keras' CSVLogger begins it with another run."""
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss\n0,0.5\n1,0.25\n")
    reader = open_reader(path, form_of(path))
    assert [point.metric_name for portion in reader.read_new() for point, _ in portion] == ["loss", "loss"]
    path.write_text("epoch;accuracy;loss\n0;0.5;0.75\n")

    assert [point.metric_name for portion in reader.read_new() for point, _ in portion] == ["accuracy", "loss"]
    assert not reader.problems[0].count


def test_an_event_file_that_was_moved_away_holds_up_no_other(tmp_path: Path) -> None:
    """Of a folder that is followed."""
    first = event_file(tmp_path / "a", [event(1.7e9, 1, simple("loss", 0.5))])
    reader = open_reader(tmp_path, SourceForm.TENSORBOARD)
    assert [point.metric_name for portion in reader.read_new() for point, _ in portion] == ["a/loss"]
    first.unlink()
    event_file(tmp_path / "b", [event(1.7e9, 2, simple("loss", 0.25))])

    assert [point.metric_name for portion in reader.read_new() for point, _ in portion] == ["b/loss"]


def test_a_log_that_begins_oddly_is_a_log(tmp_path: Path) -> None:
    """With a bar that overwrites itself, with a line longer than a cell of CSV may be, with nothing."""
    path = tmp_path / "log"
    bar = "\r100%|#| 1/2 [00:00<00:01, 1.0it/s, loss=1,234.5]\r100%|#| 2/2 [00:00<00:00, 1.0it/s, loss=nan]\n"
    path.write_text(bar)
    assert form_of(path) is SourceForm.LOG
    assert [(name, value, step) for name, value, _, step in read(path)] == [("loss", 1234.5, 1), ("loss", None, 2)]
    for begin in ("", "x" * 200_000 + "\n"):
        path.write_text(f"{begin}step 3 loss=0.5")
        assert form_of(path) is SourceForm.LOG
        assert [(name, step) for name, _, _, step in read(path)] == [("loss", 3)]
