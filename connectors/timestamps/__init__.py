"""Times as people write them: texts to times and back, whole columns at a time.

Others use `parsing` and, of what a user says about a form, `formats`.
"""

__all__: list[str] = []
