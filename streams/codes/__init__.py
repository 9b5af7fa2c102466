"""What can be wrong, for programs: a list of codes per system, beside `streams.errors.Code`, which all share.

Others use `access`, `deployments`, `forecasting`, `inference`, `observations`, `scoring`, `scoring_jobs`, `tracking`,
`training`, `workloads`.
"""

__all__: list[str] = []
