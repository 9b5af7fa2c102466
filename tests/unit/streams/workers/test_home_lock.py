"""One service on a home at a time."""

import threading
from pathlib import Path

from streams.workers.home_lock import is_held, take


def test_one_has_it_until_it_lets_go(tmp_path: Path) -> None:
    """A second one does not get it, and who looks sees that."""
    assert not is_held(tmp_path)
    first = take(tmp_path)
    assert first is not None
    assert is_held(tmp_path)
    assert take(tmp_path) is None

    first.close()

    assert not is_held(tmp_path)
    second = take(tmp_path)
    assert second is not None
    second.close()


def test_who_looks_keeps_nobody_from_it(tmp_path: Path) -> None:
    """Looking takes the lock for a moment: who wants it tries again."""
    ends = threading.Event()

    def look() -> None:
        while not ends.is_set():
            is_held(tmp_path)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            lock = take(tmp_path)
            assert lock is not None
            lock.close()
    finally:
        ends.set()
        for looker in lookers:
            looker.join()


def test_a_home_that_is_not_there_is_nobodys(tmp_path: Path) -> None:
    """Nothing is made by looking."""
    assert not is_held(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()
