"""The parameters of a version as settings of contract 000's submission (T-075): checked by its own function."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agents.forecast_versions.columns import COLUMN_LABELS, listed
from agents.versions.config import not_runnable
from models.catalog import CATALOG
from models.hyper_parameters import HyperParameter
from schemas.forecasting import CmdStatus, Columns, JobRecord, SeriesConfig
from schemas.values import HyperParam, ParameterValue
from streams.errors import RejectedError
from streams.forecasting.submissions import Limits, check_elements

__all__ = ["forecast_settings", "unknown_labels"]

_NUMBERS: Final = ("next_k_prediction", "auto_tune", "max_eval", "refit", "allow_negative")
_LISTS: Final = ("eval_metrics",)
_TEXTS: Final = ("auto_tune_metric",)
_CALENDAR: Final = ("freq", "time_zone", "timestamp_format")
_LARGEST: Final = 2**53 - 1


def forecast_settings(
    model_name: str, parameters: Mapping[str, ParameterValue], *, limits: Limits, columns: Columns, column_count: int
) -> SeriesConfig:
    """The settings of every series, still without one. RunFailedError names the parameter that is wrong."""
    fields: dict[str, Any] = {"next_k_prediction": 5}
    fields |= {label: _whole(label, parameters[label]) for label in _NUMBERS if label in parameters}
    fields |= {label: tuple(listed(parameters[label])) for label in _LISTS if label in parameters}
    fields |= {label: str(parameters[label]) for label in _TEXTS if label in parameters}
    if "feature_indexs" in parameters:
        fields["feature_indexs"] = tuple(_whole("feature_indexs", one) for one in listed(parameters["feature_indexs"]))
    known = {one.name: one for one in CATALOG[model_name].hyper_parameters}
    hyper_params = [_hyper_param(known[label], value) for label, value in parameters.items() if label in known]
    settings = SeriesConfig(1, model_name, tuple(hyper_params), **fields)
    job = JobRecord(
        job_id=1,
        data_id=1,
        name=None,
        related_user=1,
        created=0,
        status=CmdStatus.CREATED,
        columns=columns,
        column_count=column_count,
        first_ts_id=1,
        series_count=1,
    )
    try:
        check_elements(job, [settings], limits)
    except RejectedError as error:
        raise not_runnable(error.message.replace("element 1 (ts_id 1), ", "parameter ")) from None
    return settings


def unknown_labels(model_name: str, parameters: Sequence[str]) -> list[str]:
    """Those that mean nothing to this model."""
    known = {one.name for one in CATALOG[model_name].hyper_parameters}
    known.update(COLUMN_LABELS, _NUMBERS, _LISTS, _TEXTS, _CALENDAR, ("feature_indexs",))
    return [label for label in parameters if label not in known]


def _hyper_param(parameter: HyperParameter, value: ParameterValue) -> HyperParam:
    """With its value as a number where it is one: samples of contract 002 send texts."""
    if parameter.type == "list":
        number = _number(value)
        fits = number is not None and number in parameter.choice
        return HyperParam(parameter.name, "list", val=number if fits else value)
    number = _number(value)
    return HyperParam(parameter.name, parameter.type, val=value if number is None else number)


def _number(value: ParameterValue) -> int | float | None:
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) <= _LARGEST and "." not in value else number


def _whole(label: str, value: ParameterValue) -> int:
    number = _number(value)
    if number is None or number != int(number):
        raise not_runnable(f"{label}: found {str(value)[:80]!r}, expected a whole number")
    return int(number)
