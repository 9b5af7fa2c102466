"""TensorBoard's own readers of event files, in an environment that has them: seconds for a whole file, as JSON.

`python event_readers.py FILE RUNS` prints one line for each run of each reader: its name, seconds, points.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable

from tbparse import SummaryReader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

warnings.filterwarnings("ignore")


def accumulator(path: str) -> int:
    """All points of all tags, as EventAccumulator gives them."""
    found = EventAccumulator(path, size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    count = sum(len(found.Tensors(tag)) for tag in found.Tags()["tensors"])
    return count + sum(len(found.Scalars(tag)) for tag in found.Tags()["scalars"])


def parsed(path: str) -> int:
    """The table of all points, as tbparse gives it."""
    reader = SummaryReader(path, extra_columns={"wall_time"})
    return max(len(reader.scalars), len(reader.tensors))


_READERS: dict[str, Callable[[str], int]] = {"EventAccumulator": accumulator, "tbparse": parsed}

if __name__ == "__main__":
    for _ in range(int(sys.argv[2])):
        for name, read in _READERS.items():
            begun = time.perf_counter()
            points = read(sys.argv[1])
            print(json.dumps({"name": name, "seconds": time.perf_counter() - begun, "points": points}), flush=True)
