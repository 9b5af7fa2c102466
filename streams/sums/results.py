"""Which of a series' results counts in a sum: that of the model that is asked for, or of its best."""

from collections.abc import Sequence

from schemas.series import SeriesResult

__all__ = ["counting"]


def counting(results: Sequence[SeriesResult], model_name: str | None) -> SeriesResult | str:
    """The latest result of a model, as it was asked for; or why there is none.

    Of several models it is the one whose backtest is best, among those that begin latest: one that was left behind
    when the series grew says nothing of what is to come.
    """
    latest = {one.model_name: one for one in results if model_name in (None, one.model_name)}
    known = [one for one in latest.values() if one.error is None and one.predictions]
    if known:
        begins = max(one.timestamps[0] for one in known)
        newest = [one for one in known if one.timestamps[0] == begins]
        return min(newest, key=lambda one: (one.mase_insample is None, one.mase_insample or 0.0, -one.n))
    failed = next((one.error for one in reversed(latest.values()) if one.error is not None), None)
    if failed is not None:
        return f"it failed: {failed}"
    return "it has no forecast" if model_name is None else f"it has no forecast by {model_name}"
