"""What is done all the time while a fault lasts."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["in_background"]


@contextmanager
def in_background(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` beside the block, until its event is set at the block's end; what it raises is raised then."""
    end = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(work, end)
        try:
            yield
        finally:
            end.set()
        running.result()
