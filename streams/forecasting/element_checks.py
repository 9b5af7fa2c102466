"""Checks of what one element of a submission says of its model (contract J-080 … J-087)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from models.calendars.public_holidays import check_region
from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.hyper_parameters import HyperParameterError
from models.model_spec import ModelSpec
from models.options import PLAIN, checked_options
from models.scores.names import ALIASES, METRICS
from schemas.forecasting import JobRecord, SeriesConfig
from schemas.series import Options
from schemas.values import FutureFeature, HyperParam
from streams.features.future import check_asked
from streams.standing.elements import only_ends

__all__ = [
    "Chosen",
    "ElementError",
    "check_features",
    "check_metric",
    "check_parameters",
    "check_range",
    "check_shape",
    "check_unbent",
    "checked_future",
    "checked_region",
    "checked_values",
    "each_series",
    "field_of",
    "shown",
]

Chosen = Mapping[int, Sequence[int]]
"""The series of each element that names several, by the element's place from 0."""

_LONGEST_SHOWN = 40  # characters of a sender's text that a message repeats


class ElementError(Exception):
    """What is wrong with one element: the field and a sentence."""

    def __init__(self, field: str, message: str, code: str = "invalid_element") -> None:
        super().__init__(message)
        self.field = field
        self.code = code


def each_series(elements: Sequence[SeriesConfig], chosen: Chosen) -> Iterator[tuple[int, SeriesConfig]]:
    """The elements by their numbers from 1; one that names several series comes once for each of them.

    Those that do nothing but end refreshes are left out.
    """
    for number, element in enumerate(elements, 1):
        if only_ends(element):
            continue
        if element.series is None:
            yield number, element
        else:
            for ts_id in chosen[number - 1]:
                yield number, replace(element, ts_id=ts_id, series=None)


def check_features(indexs: Sequence[int], job: JobRecord, *, told: bool) -> None:
    """ElementError for what cannot be a feature (J-090), or is one twice; the latter only where it is to be `told`."""
    assert job.columns is not None  # checked by the caller
    columns = job.columns
    taken = {*columns.timestamp_indexs, *columns.target_indexs, *columns.groupby_indexs}
    if told and len(set(indexs)) < len(indexs):
        twice = next(index for place, index in enumerate(indexs) if index in indexs[:place])
        raise ElementError("feature_indexs", f"column {twice} is given twice")
    for index in indexs:
        if index in taken:
            raise ElementError("feature_indexs", f"column {index} is the job's timestamp, target or group-by column")
        if not 0 <= index < job.column_count:
            raise ElementError(
                "feature_indexs", f"column {index} does not exist; the data set has columns 0 to {job.column_count - 1}"
            )


def check_unbent(element: SeriesConfig) -> None:
    """Refuse what would be followed in another way than it reads, without a word."""
    if element.eval_metrics == ():
        raise ElementError("eval_metrics", "is empty: name at least one metric, or leave it out for mse and rmse")
    for parameter in element.hyper_params or ():
        _check_whole(parameter, element.model_name)
        if parameter.val is not None and parameter.low is not None and element.trains and element.auto_tune != 1:
            raise ElementError(
                field_of(parameter), "has val and a range, which means nothing without auto_tune 1: send val alone"
            )


def _check_whole(parameter: HyperParam, model_name: str | None) -> None:
    """A parameter that takes whole numbers is not sent as a float: 5.0 would be taken today, and 5.3 refused tomorrow.

    As an int 5.0 is 5, for readers of JSON do not tell them apart (J-141).
    """
    spec = CATALOG.get(model_name or "")
    kinds = {known.name: known.type for known in spec.hyper_parameters} if spec is not None else {}
    if parameter.type == "int" or kinds.get(parameter.name) != "int":
        return
    for name in ("val", "low", "high"):
        value = getattr(parameter, name)
        if isinstance(value, float) and value.is_integer():  # others are refused by `check_shape` and the catalogue
            raise ElementError(field_of(parameter), f"{name} is {value}: it takes a whole number, send type int")


def check_parameters(model_name: str, parameters: Sequence[HyperParam]) -> None:
    """ElementError for a model that there is not, and for a parameter that it cannot take."""
    if model_name not in CATALOG:
        raise ElementError("model_name", f"{shown(model_name)} is unknown; known are {', '.join(CATALOG)}")
    known = {parameter.name: parameter for parameter in CATALOG[model_name].hyper_parameters}
    seen = set()
    for parameter in parameters:
        check_shape(parameter)
        if parameter.name not in known:
            raise ElementError(field_of(parameter), f"is unknown; {model_name} has {', '.join(known) or 'none'}")
        if parameter.name in seen:
            raise ElementError(field_of(parameter), "is given twice")
        seen.add(parameter.name)
        if parameter.low is not None and known[parameter.name].type == "list":
            raise ElementError(field_of(parameter), "has options, not a range: send type list and choice")
        if parameter.low is not None and known[parameter.name].type == "int" and parameter.type != "int":
            raise ElementError(field_of(parameter), "takes whole numbers: send its range with type int")
        values = [(name, getattr(parameter, name)) for name in ("val", "low", "high")]
        for name, value in (*values, *(("choice", option) for option in parameter.choice or ())):
            try:
                if value is not None:
                    known[parameter.name].validate(value, model_name)
            except HyperParameterError as error:
                # The field names the parameter, and what the sender wrote tells the model.
                rule = error.message.removeprefix(f"hyper-parameter {parameter.name} of {model_name} ")
                raise ElementError(field_of(parameter), f"{name} {rule}") from None


def check_shape(parameter: HyperParam) -> None:
    """ElementError for what no model's parameter can look like."""
    field = field_of(parameter)
    if parameter.type not in ("int", "float", "list"):
        raise ElementError(field, f"type is {shown(parameter.type)}, expected int, float or list")
    for name in ("val", "low", "high"):
        value = getattr(parameter, name)
        if parameter.type != "list" and isinstance(value, str):
            raise ElementError(field, f"{name} is the text {shown(value)}, expected a number")
        if isinstance(value, float) and not isfinite(value):
            raise ElementError(field, f"{name} is not a finite number")
        if parameter.type == "int" and isinstance(value, float) and not value.is_integer():
            raise ElementError(field, f"{name} is {value}, expected a whole number")
    if (parameter.low is None) != (parameter.high is None):
        raise ElementError(field, "low and high go together")
    if parameter.low is not None and parameter.choice:
        raise ElementError(field, "has a range and a choice: send one of them")
    if parameter.low is not None and parameter.type == "list":
        raise ElementError(field, "a list has no low and high: send its options as choice")
    if parameter.low is not None and parameter.high is not None and parameter.low > parameter.high:
        raise ElementError(field, f"low {parameter.low} is above high {parameter.high}")


def field_of(parameter: HyperParam) -> str:
    """How a message names a parameter."""
    return f"hyper_params {shown(parameter.name)}"


def shown(text: str) -> str:
    """A text of the sender's in a message for people: the beginning is enough to find it."""
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def checked_values(element: SeriesConfig, spec: ModelSpec | None = None) -> Options | None:
    """What is asked for beside the model; None where that is nothing."""
    asked = element.backtest_windows, element.levels, element.lower, element.upper, element.fill
    try:
        options = checked_options(*asked)
    except RejectedInputError as error:
        raise ElementError(error.field, error.message) from None
    if options.windows > 1 and spec is not None and spec.together:
        raise ElementError(
            "backtest_windows",
            f"is {options.windows}, but {spec.name} learns from all series at once and is scored on one stretch: "
            "send 1, or leave it out",
        )
    if options == PLAIN:
        return None
    return Options(options.windows, options.levels, element.lower, element.upper, options.fill)


def checked_future(element: SeriesConfig, spec: ModelSpec, steps: int) -> tuple[FutureFeature, ...]:
    """What is told of the features' future; the columns are looked up where the series are."""
    asked = element.future_features or ()
    takers = ", ".join(name for name, one in CATALOG.items() if one.covariates)
    try:
        check_asked(asked, spec, steps, refit=element.refit == 1, takers=takers)
    except RejectedInputError as error:
        raise ElementError(error.field, error.message) from None
    return asked


def checked_region(element: SeriesConfig) -> str:
    """Whose holidays are a feature; empty: nobody's."""
    region = element.holidays or ""
    try:
        if region:
            check_region(region)
    except RejectedInputError as error:
        raise ElementError(error.field, error.message) from None
    return region


def check_range(field: str, value: int, highest: int) -> None:
    """ElementError for a number below 1 or above the highest."""
    if not 1 <= value <= highest:
        raise ElementError(field, f"is {value}, expected 1 to {highest}")


def check_metric(field: str, name: str) -> str:
    """The metric's name in the contract; ElementError where there is none."""
    name = ALIASES.get(name, name)
    if name not in METRICS:
        raise ElementError(field, f"{shown(name)} is unknown; known are {', '.join(METRICS)}")
    return name
