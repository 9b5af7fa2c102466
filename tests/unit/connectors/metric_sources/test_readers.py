"""Files of any form, read whole and while they grow."""

from pathlib import Path

from connectors.metric_sources.readers import SourceForm, form_of, open_reader

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
