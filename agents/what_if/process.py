"""What the processes do that answer questions: they say how long series take, forecast them twice, or explain them."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from agents.series.requests import request_of
from models.errors import RejectedInputError
from models.questions.explanations import explain, explaining_s
from models.questions.what_if import Change, Shown, changing_s, forecast_both
from streams.what_if.asking import Call, Cost, Explained, Forecast, Made, Why

__all__ = ["answer"]

_NONE: Final = np.empty((0, 0))
_NOTHING: Final = Forecast(np.empty(0), {})


def answer(
    asked: Sequence[Call | Why | Cost],
    report: Callable[[object], None],  # noqa: ARG001 - as all entries
) -> list[Made | Explained | float]:
    """The answer of each series in order, and in seconds what one will take whose cost alone is asked."""
    return [_seconds(one) if isinstance(one, Cost) else _answered(one) for one in asked]


def _seconds(cost: Cost) -> float:
    if cost.explained is None:
        return changing_s(cost.model_name, cost.points, cost.chosen)
    return explaining_s(cost.model_name, cost.points, cost.chosen, cost.explained)


def _answered(call: Call | Why) -> Made | Explained:
    try:
        return _made(call) if isinstance(call, Call) else _explained(call)
    except RejectedInputError as error:
        reason = error.message
    except ValueError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - the edge of the models: one series must not take the others down
        reason = f"{call.command.model_name} could not forecast it ({type(error).__name__})"
    if isinstance(call, Call):
        return Made(_NOTHING, _NOTHING, _NONE, _NONE, None, "", reason)
    return Explained(_NONE, _NONE, _NONE, _NONE, None, "", reason)


def _explained(call: Why) -> Explained:
    found = explain(request_of(call.command), call.chosen)
    return Explained(found.rest, found.added, found.features, found.usual, found.answered_by, found.note, None)


def _made(call: Call) -> Made:
    changes = [Change(*change) for change in call.changes]
    both = forecast_both(request_of(call.command), changes, call.chosen)
    return Made(
        _forecast(both.base), _forecast(both.changed), both.features, both.changes, both.answered_by, both.note, None
    )


def _forecast(shown: Shown) -> Forecast:
    return Forecast(shown.predictions, shown.quantiles)
