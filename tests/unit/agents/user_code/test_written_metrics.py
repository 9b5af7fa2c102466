"""Files with metrics that a program writes: links lead to nothing that is not the program's own."""

from pathlib import Path

from agents.user_code.written_metrics import EventFiles, MetricsFile
from tests.unit.connectors.metric_sources.event_samples import event, event_file, simple


def _read(files: EventFiles) -> list[str]:
    return [name for batch in files.read_new() for name, *_ in batch]


def test_event_files_below_a_root_are_read_as_they_grow(tmp_path: Path) -> None:
    """Each record once, with the folder as its run."""
    root = tmp_path / "output"
    path = event_file(root / "train", [event(2.0, 2, simple("loss", 0.5))])
    files = EventFiles(root, tmp_path / "nothing")
    first = _read(files)
    grown = event_file(tmp_path / "more", [event(3.0, 3, simple("loss", 0.4))]).read_bytes()
    with path.open("ab") as file:
        file.write(grown)

    assert (len(first), len(_read(files)), _read(files)) == (1, 1, [])


def test_no_link_is_followed(tmp_path: Path) -> None:
    """A file's, a folder's, and one that takes a folder's place once its file is known."""
    others = event_file(tmp_path / "others", [event(2.0, 2, simple("secret", 0.5))])
    root = tmp_path / "output"
    mine = event_file(root / "mine", [event(2.0, 2, simple("loss", 0.5))])
    (root / "linked.tfevents").symlink_to(others)
    (root / "folder").symlink_to(others.parent, target_is_directory=True)
    files = EventFiles(root)
    assert _read(files) == ["mine/loss"]

    mine.parent.rename(tmp_path / "away")
    longer = event_file(others.parent, [event(float(n), n, simple("secret", 0.5)) for n in range(9)])
    assert longer.name == mine.name
    mine.parent.symlink_to(others.parent, target_is_directory=True)
    assert _read(files) == []


def test_a_root_may_lie_behind_a_link(tmp_path: Path) -> None:
    """The home of a service may."""
    event_file(tmp_path / "real" / "output", [event(2.0, 2, simple("loss", 0.5))])
    (tmp_path / "home").symlink_to(tmp_path / "real", target_is_directory=True)

    assert _read(EventFiles(tmp_path / "home" / "output")) == ["loss"]


def test_lines_of_a_link_are_not_read(tmp_path: Path) -> None:
    """Nor those of a pipe, which would be waited for."""
    (tmp_path / "others").write_text('{"name": "secret", "value": 1}\n', "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "others")

    assert MetricsFile(tmp_path / "link").read_new() == []
    assert [name for name, *_ in MetricsFile(tmp_path / "others").read_new()] == ["secret"]
