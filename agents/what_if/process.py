"""What the processes do that answer questions: they say how long series take, and forecast them twice."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from agents.series.requests import request_of
from models.errors import RejectedInputError
from models.what_if import Change, Shown, changing_s, forecast_both
from streams.what_if.asking import Call, Cost, Forecast, Made

__all__ = ["answer"]

_NOTHING: Final = Forecast(np.empty(0), {})


def answer(
    asked: Sequence[Call | Cost],
    report: Callable[[object], None],  # noqa: ARG001 - as all entries
) -> list[Made | float]:
    """The answer of each series in order, and in seconds what one will take whose cost alone is asked."""
    return [
        changing_s(one.model_name, one.points, one.chosen) if isinstance(one, Cost) else _made(one) for one in asked
    ]


def _made(call: Call) -> Made:
    changes = [Change(*change) for change in call.changes]
    try:
        both = forecast_both(request_of(call.command), changes, call.chosen)
    except RejectedInputError as error:
        return _failed(error.message)
    except ValueError as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the models: one series must not take the others down
        return _failed(f"{call.command.model_name} could not forecast it ({type(error).__name__})")
    return Made(
        _forecast(both.base), _forecast(both.changed), both.features, both.changes, both.answered_by, both.note, None
    )


def _forecast(shown: Shown) -> Forecast:
    return Forecast(shown.predictions, shown.quantiles)


def _failed(error: str) -> Made:
    nothing = np.empty((0, 0))
    return Made(_NOTHING, _NOTHING, nothing, nothing, None, "", error)
