"""Checks of series configurations: one function behind both doors, HTTP and Kafka (contract J-072 … J-093)."""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from models.catalog import CATALOG
from models.model_spec import ModelSpec
from schemas.forecasting import JobRecord, SeriesConfig
from schemas.series import Options, Search
from schemas.values import FutureFeature, HyperParam, ParameterValue
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, InvalidError, TooLargeError
from streams.forecasting.element_checks import (
    Chosen,
    ElementError,
    check_features,
    check_metric,
    check_parameters,
    check_range,
    check_shape,
    check_unbent,
    checked_future,
    checked_region,
    checked_values,
    each_series,
    field_of,
)
from streams.standing.elements import check_refreshes

__all__ = ["ACCEPTED", "Limits", "Plan", "Training", "check_elements", "trainings_again"]

DEFAULT_EVAL_METRICS = ("mse", "rmse")  # contract J-079
DEFAULT_NEXT_K = 5  # contract J-077
DEFAULT_MAX_EVAL = 100  # contract J-076
DEFAULT_TUNE_METRIC = "mse"  # contract J-087
_OPTIONS = ("backtest_windows", "levels", "lower", "upper", "fill")
_STORED = (
    "model_name",
    "hyper_params",
    "feature_indexs",
    "auto_tune_metric",
    "refit",
    "allow_negative",
    *_OPTIONS,
    "holidays",
)  # the others train


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a submission is held to (contract J-161)."""

    max_elements: int
    max_next_k_prediction: int
    max_max_eval: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How a series is to be trained, with everything absent filled in; mostly shared by the series of a submission.

    With `search` the hyper-parameters are tuned. `features` are columns, only of models that use them, `future`
    what was sent of the steps to be forecast, `holidays` a country or a part of it whose holidays are one more.
    """

    model_name: str
    config: Mapping[str, ParameterValue]
    next_k_prediction: int
    eval_metrics: tuple[str, ...]
    refit: bool
    search: Search | None = None
    features: tuple[int, ...] = ()
    allow_negative: bool = False
    options: Options | None = None
    future: tuple[FutureFeature, ...] = ()
    holidays: str = ""


@dataclass(frozen=True, slots=True)
class Training:
    """One element that asks for training; ``number`` counts all elements of its submission, from 1.

    `settings` are those that the plan was made of: what was stored is in them.
    """

    ts_id: int
    plan: Plan
    number: int = 1
    settings: SeriesConfig = dataclasses.field(default=SeriesConfig(0), compare=False)


ACCEPTED = Limits(max_elements=sys.maxsize, max_next_k_prediction=sys.maxsize, max_max_eval=sys.maxsize)
"""For what was accepted before: the settings may be stricter now."""


def check_elements(
    job: JobRecord, elements: Sequence[SeriesConfig], limits: Limits, chosen: Chosen = MappingProxyType({})
) -> tuple[list[SeriesConfig], list[Training]]:
    """Sort a submission into settings to store and series to train; RejectedError names the first wrong element.

    Nothing is accepted unless everything is (J-092). Settings to store are complete: what was stored before, with the
    new laid over it. What a training element leaves out is taken from the settings stored for its series, by earlier
    elements of the submission too, then from the model's defaults. `chosen`: see `streams.forecasting.inputs`.
    """
    if job.columns is None:
        text = f"job {job.job_id} has no series yet: choose its columns first (PUT)"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    if not elements:
        raise InvalidError(ForecastingCode.EMPTY_ARRAY, "the body is an empty array: send at least one configuration")
    count = len(elements) - len(chosen) + sum(map(len, chosen.values()))
    if count > limits.max_elements and len(elements) > 1:  # one alone cannot be split
        text = f"{count} elements, at most {limits.max_elements} are accepted: split the request"
        raise TooLargeError(ForecastingCode.TOO_MANY_ELEMENTS, text)
    stored = {setting.ts_id: setting for setting in job.settings}
    resolve = _resolver(limits)
    to_store: list[SeriesConfig] = []
    to_train: list[Training] = []
    check_refreshes(elements)
    for number, element in each_series(elements, chosen):
        try:
            if element.ts_id not in job.ts_ids:
                raise ElementError("ts_id", f"{element.ts_id} is not a series of job {job.job_id}", "unknown_series")
            if element.feature_indexs is not None:
                check_features(element.feature_indexs, job, told=limits is not ACCEPTED)
            merged = _overlaid(stored.get(element.ts_id), element)
            if element.trains:
                to_train.append(resolve(merged, number))
            else:
                _check_setting(element, merged)
                if limits is not ACCEPTED:
                    check_unbent(replace(element, model_name=merged.model_name))
                stored[element.ts_id] = merged
                to_store.append(merged)
        except ElementError as error:
            text = f"element {number} (ts_id {element.ts_id}), {error.field}: {error}"
            place: dict[str, int | str] = {"element": number - 1, "field": error.field.partition(" ")[0]}
            raise InvalidError(error.code, text, place) from None
    return to_store, to_train


_plan_settings = attrgetter(
    *_STORED, "max_eval", "next_k_prediction", "auto_tune", "eval_metrics", "future_features", "side"
)


def trainings_again(settings: Sequence[SeriesConfig], ts_ids: Sequence[int], plan_of: Sequence[int]) -> list[Training]:
    """Trainings that were accepted before, whatever the limits are now: J-163.

    The settings are complete; `plan_of` says which of them each series has, empty: all have the first.
    """
    plans = [_resolve(one, ACCEPTED) for one in settings]
    chosen = plan_of or [0] * len(ts_ids)
    return [
        Training(ts_id, plans[place], number, settings[place])
        for number, (ts_id, place) in enumerate(zip(ts_ids, chosen, strict=True), 1)
    ]


def _resolver(limits: Limits) -> Callable[[SeriesConfig, int], Training]:
    """A check that remembers settings seen before: the elements of one request mostly differ in ts_id alone."""
    seen: dict[tuple[object, ...], Plan] = {}

    def resolve(element: SeriesConfig, number: int) -> Training:
        settings = _plan_settings(element)
        plan = seen.get(settings)
        if plan is None:
            plan = seen[settings] = _resolve(element, limits)
            if limits is not ACCEPTED:
                check_unbent(element)
        return Training(element.ts_id, plan, number, element)

    return resolve


def _resolve(element: SeriesConfig, limits: Limits) -> Plan:
    if element.model_name is None:
        raise ElementError("model_name", "is missing and none is stored for the series: GET /model/ lists the models")
    if element.hyper_params is None:
        raise ElementError("hyper_params", "is missing and none is stored for the series: send [] for the defaults")
    if element.auto_tune not in (None, 0, 1):
        raise ElementError("auto_tune", f"is {element.auto_tune}, expected 0 or 1")
    next_k = DEFAULT_NEXT_K if element.next_k_prediction is None else element.next_k_prediction
    check_range("next_k_prediction", next_k, limits.max_next_k_prediction)
    if element.max_eval is not None:
        check_range("max_eval", element.max_eval, limits.max_max_eval)
    _check_options(element)
    check_parameters(element.model_name, element.hyper_params)
    spec = CATALOG[element.model_name]
    search = _search(spec, element) if element.auto_tune == 1 else None
    if search is not None and spec.together:
        raise ElementError(
            "auto_tune", f"is 1, but {spec.name} is not tuned: send auto_tune 0, and hyper_params with val or none"
        )
    return Plan(
        model_name=element.model_name,
        config=_fixed_values(spec, element.hyper_params, tuned=search is not None),
        next_k_prediction=next_k,
        eval_metrics=_checked_metrics(element.eval_metrics),
        refit=element.refit == 1,
        search=search,
        features=(element.feature_indexs or ()) if spec.covariates else (),
        allow_negative=element.allow_negative == 1,
        options=checked_values(element, spec),
        future=checked_future(element, spec, next_k),
        holidays=checked_region(element) if spec.covariates else "",
    )


def _search(spec: ModelSpec, element: SeriesConfig) -> Search | None:
    """What tuning may choose from (J-080 … J-087); None where nothing is to be chosen.

    Parameters that are not named keep their defaults; where none is named at all, each is tuned in the range that the
    catalogue recommends.
    """
    space = element.hyper_params or tuple(
        HyperParam(parameter.name, parameter.type, low=parameter.low, high=parameter.high)
        if parameter.low is not None
        else HyperParam(parameter.name, "list", choice=parameter.choice)
        for parameter in spec.hyper_parameters
        if parameter.low is not None or parameter.choice
    )
    for parameter in space:
        if parameter.val is None and parameter.low is None:
            if parameter.choice is None:
                raise ElementError(field_of(parameter), "needs val, or low and high, or choice")
            if not parameter.choice:
                raise ElementError(field_of(parameter), "choice is empty: name at least one option, or send val")
    if all(parameter.val is not None for parameter in space):
        return None
    max_eval = DEFAULT_MAX_EVAL if element.max_eval is None else element.max_eval
    metric = check_metric("auto_tune_metric", element.auto_tune_metric or DEFAULT_TUNE_METRIC)
    return Search(space, max_eval, metric)


def _check_options(element: SeriesConfig) -> None:
    for field in ("refit", "allow_negative"):
        value = getattr(element, field)
        if value not in (None, 0, 1):
            raise ElementError(field, f"is {value}, expected 0 or 1")
    if element.auto_tune_metric is not None:
        check_metric("auto_tune_metric", element.auto_tune_metric)
    checked_values(element)
    checked_region(element)


def _checked_metrics(names: tuple[str, ...] | None) -> tuple[str, ...]:
    if names is None:
        return DEFAULT_EVAL_METRICS
    return tuple(dict.fromkeys(check_metric("eval_metrics", name) for name in names))


def _check_setting(element: SeriesConfig, merged: SeriesConfig) -> None:
    """Settings that are only stored may be incomplete, but what is there must be right."""
    if element.future_features is not None:
        text = "is of the steps after today's end, so it goes with an element that trains: send next_k_prediction too"
        raise ElementError("future_features", text)
    if all(getattr(element, field) is None for field in _STORED):
        raise ElementError("model_name", f"nothing to store: send one of {', '.join(_STORED)}")
    _check_options(element)
    if merged.model_name is None:
        for parameter in element.hyper_params or ():
            check_shape(parameter)
    else:
        check_parameters(merged.model_name, merged.hyper_params or ())


def _fixed_values(spec: ModelSpec, parameters: Sequence[HyperParam], *, tuned: bool) -> Mapping[str, ParameterValue]:
    given: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.val is not None:
            given[parameter.name] = parameter.val
        elif not tuned:
            raise ElementError(field_of(parameter), "has no val: a range or choice needs auto_tune 1")
    config: Mapping[str, ParameterValue] = spec.resolve(given)
    return config


def _overlaid(stored: SeriesConfig | None, new: SeriesConfig) -> SeriesConfig:
    """Later settings replace earlier ones field by field: features and model may come in two calls (J-071)."""
    if new.refresh is not None:  # a refresh is of an element, not of a series
        new = replace(new, refresh=None)
    if stored is None:
        return new
    kept = {field: getattr(stored, field) for field in _STORED if getattr(new, field) is None}
    if new.model_name is not None and stored.model_name not in (None, new.model_name):
        kept.pop("hyper_params", None)  # another model would refuse them as unknown
    return replace(new, **kept)
