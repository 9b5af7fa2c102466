"""`python -m benchmarks [name …]`: all of them, or those named."""

import logging
import sys

import structlog

from benchmarks import end_to_end, metrics, trainer

__all__: list[str] = []

_ALL = {"metrics": metrics.run, "trainer": trainer.run, "end_to_end": end_to_end.run}

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
for name in sys.argv[1:] or _ALL:
    _ALL[name]()
