"""`python -m benchmarks [name …]`: all that only print, or those named."""

import logging
import sys

import structlog

from benchmarks import (
    access,
    accuracy,
    choice,
    crowds,
    dashboard,
    deepar,
    deepar_http,
    end_to_end,
    event_files,
    lstm,
    metrics,
    observations,
    points,
    polling,
    replica_kills,
    scale_out,
    scoring_engines,
    scoring_http,
    scoring_runs,
    series_cost,
    standing_watch,
    startup,
    statistical,
    tables,
    trainer,
    training_lists,
    tuning,
    user_code,
)

__all__: list[str] = []

_ALL = {
    "access": access.run,
    "metrics": metrics.run,
    "trainer": trainer.run,
    "end_to_end": end_to_end.run,
    "points": points.run,
    "observations": observations.run,
    "polling": polling.run,
    "crowds": crowds.run,
    "training_lists": training_lists.run,
    "user_code": user_code.run,
    "tables": tables.run,
    "scale_out": scale_out.run,
    "scoring_engines": scoring_engines.run,
    "scoring_http": scoring_http.run,
    "scoring_runs": scoring_runs.run,
    "replica_kills": replica_kills.run,
    "series_cost": series_cost.run,
    "standing_watch": standing_watch.run,
    "startup": startup.run,
    "event_files": event_files.run,
    "tuning": tuning.run,
    "lstm": lstm.run,
    "statistical": statistical.run,
    "deepar_http": deepar_http.run,
    "dashboard": dashboard.run,
}
_WRITES_FILES = {"accuracy": accuracy.run}  # so only when named
_NEEDS_MORE = {"deepar": deepar.run, "choice": choice.run}  # `make bench-deepar` and `make accuracy` install it

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
known = _ALL | _WRITES_FILES | _NEEDS_MORE
if unknown := [name for name in sys.argv[1:] if name not in known]:
    sys.exit(f"there is no benchmark {unknown[0]!r}: name one of {', '.join(known)}, or none for {', '.join(_ALL)}")
for name in sys.argv[1:] or _ALL:
    known[name]()
