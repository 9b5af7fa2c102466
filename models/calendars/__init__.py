"""Which frequency times have, and what comes next (decision 16). Others ask `calendar` and `columns`."""

__all__: list[str] = []
