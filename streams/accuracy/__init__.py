"""How good forecasts were, by the values that came later: nothing is kept, all is derived from results and rows.

Others use `alerts`, `anomalies`, `boards`, `comparing`, `judging`, `observed`, `rolling`, `shadowed`, `state`,
`told_alerts`, `watch`.
"""

__all__: list[str] = []
