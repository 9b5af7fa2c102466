"""How good forecasts were, by the values that came later: nothing is kept, all is derived from results and rows.

Others use `alerts`, `anomalies`, `boards`, `judging`, `observed`, `rolling`, `state`, `told_alerts`, `watch`.
"""

__all__: list[str] = []
