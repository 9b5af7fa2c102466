"""Data sets by name, and jobs that score them with a model (contract 003, sections 4 and 5)."""

from streams.systems.declaration import System

__all__ = ["SCORING_JOBS"]

SCORING_JOBS = System(
    name="scoring_jobs",
    views=("streams.views.scoring_jobs.add_dataset", "streams.views.scoring_jobs.datasets"),
)
