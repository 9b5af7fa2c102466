"""Turns what was typed after `tidecast forecast` into a plan, and the plan into the requests of the API."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.options import checked_options
from streams.cli.console.failure import CommandError, did_you_mean
from streams.cli.forecasting.wording import in_options
from streams.errors import RejectedError
from streams.forecasting.calendars import checked_calendars
from streams.schedules import Schedule
from streams.sums.asked import NO_SUMS

__all__ = [
    "ForecastPlan",
    "Parameter",
    "asked_sums",
    "calendar",
    "check_columns",
    "check_metrics",
    "check_models",
    "column_index",
    "elements",
    "options",
    "parameters",
    "refresh",
]

_INTEGER = re.compile(r"[+-]?\d{1,15}")  # more digits than 15 would not stay exact on the way
_CRON_FIELDS = 5
_WINDOWS = 3  # that a forecast is scored on, where the history is long enough
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyper-parameter as given: for one model, or (model None) for every chosen one.

    Its value, or, to be tuned, a range (`value` up to `high`) or several options (`value` and `others`).
    """

    model: str | None
    name: str
    value: int | float | str
    high: int | float | None = None
    others: tuple[int | float | str, ...] = ()

    @property
    def tuned(self) -> bool:
        """Whether there is something to choose from."""
        return self.high is not None or bool(self.others)

    @property
    def body(self) -> dict[str, Any]:
        """As the API takes it; the type only says what kind of value stands there, the service knows the rest."""
        kinds = {int: "int", float: "float", str: "list"}
        if self.others:
            return {"name": self.name, "type": "list", "choice": [self.value, *self.others]}
        if self.high is not None:
            kind = "float" if float in (type(self.value), type(self.high)) else "int"
            return {"name": self.name, "type": kind, "low": self.value, "high": self.high}
        return {"name": self.name, "type": kinds[type(self.value)], "val": self.value}


@dataclass(frozen=True, slots=True)
class ForecastPlan:
    """One forecasting job: what is to be done with which file. Columns are indices in its header."""

    file: Path
    timestamp: int
    target: int
    group_by: tuple[int, ...]
    models: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    metrics: tuple[str, ...]
    horizon: int
    refit: bool
    tune: bool = False
    trials: int | None = None
    features: tuple[int, ...] = ()
    future: Mapping[str, Sequence[float]] = field(default_factory=dict)
    allow_negative: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    dialect: Mapping[str, str] = field(default_factory=dict)
    calendar: Mapping[str, Any] = field(default_factory=dict)
    refresh: Mapping[str, Any] | str | None = None


def refresh(rule: str | None) -> dict[str, Any] | str | None:
    """When forecasts are to be made anew, as the API takes it; CommandError where it is no such rule."""
    if rule is None or rule == "hand":
        return rule
    kind, _, pause = rule.partition(":")
    if kind == "data" and (not pause or pause.isdigit()):
        return {"on": "data", **({"pause_s": int(pause)} if pause else {})}
    words = rule.split()
    zone = {"time_zone": words.pop()} if len(words) == _CRON_FIELDS + 1 else {}
    cron = " ".join(words)
    try:
        Schedule.read(cron, zone.get("time_zone", "UTC"), anchor=0, fields=("--refresh", "--refresh"))
    except RejectedError as error:
        text = f"{error.message}; or data, data:30 (collected for 30 s), or hand"
        raise CommandError(text, status=2) from None
    return {"cron": cron, **zone}


def calendar(freq: str | None, time_zone: str | None) -> dict[str, Any]:
    """What the service is to be told of the calendar; CommandError where it is no frequency or no zone."""
    try:
        checked_calendars(freq or "", time_zone or "")
    except RejectedError as error:
        raise CommandError(in_options(error.message)) from None
    return {name: value for name, value in (("freq", freq), ("time_zone", time_zone)) if value is not None}


def options(
    windows: int | None, levels: Sequence[float] | None, lower: float | None, upper: float | None, fill: str | None
) -> dict[str, Any]:
    """What is asked for beside the model, as the API takes it; CommandError where it makes no sense."""
    try:
        checked_options(windows, None if levels is None else tuple(levels), lower, upper, fill)
    except RejectedInputError as error:
        raise CommandError(in_options(f"element 1 (ts_id 1), {error.field}: {error.message}")) from None
    given = {"backtest_windows": windows, "levels": levels, "lower": lower, "upper": upper, "fill": fill}
    return {name: value for name, value in given.items() if value is not None and value != []}


def column_index(name: str, header: Sequence[str], *, option: str) -> int:
    """The index of a column given by its name or, where no column is called so, by its number from 0."""
    if name in header:
        return header.index(name)  # no two columns have one name: such a file is refused
    bare = [index for index, label in enumerate(header) if label.strip() == name.strip()]
    if len(bare) == 1:  # a label with blanks around it, as in "Date, Value"
        return bare[0]
    if name.isdecimal() and len(name) <= 6 and int(name) < len(header):
        return int(name)
    labels = (f'"{label}"' if label != label.strip() else label for label in header[:30])
    shown = ", ".join(f"{index} {label}" for index, label in enumerate(labels)) + (" …" if header[30:] else "")
    guess = did_you_mean(name, header)
    raise CommandError(f"{option} {name}: the file has no such column{guess or '.'} It has: {shown}")


def check_columns(plan: ForecastPlan, header: Sequence[str]) -> None:
    """CommandError where one column is to play two parts."""
    used = [("--timestamp", plan.timestamp), ("--target", plan.target), *(("--group-by", at) for at in plan.group_by)]
    used += [("--feature", at) for at in plan.features]
    for place, (option, index) in enumerate(used):
        for other, earlier in used[:place]:
            if index == earlier:
                if option == other:
                    raise CommandError(f"{option} {header[index]} is given twice: once is enough")
                raise CommandError(
                    f"{option} {header[index]}: the column is the {other} already; every column can play one part"
                )


def asked_sums(plan: ForecastPlan) -> dict[str, Any]:
    """How sums of the forecasts are asked for; CommandError where there is nothing to add, or nothing that adds up."""
    if not plan.group_by:
        text = "--sums: there is one series alone: name columns that tell series apart (--group-by), or several targets"
        raise CommandError(text, status=2)
    how = plan.calendar.get("aggregate", {}).get("how")
    if how in NO_SUMS:
        raise CommandError(
            f"--sums: the {how} of several series is not the sum of theirs: --aggregate by sum", status=2
        )
    return {name: plan.options[name] for name in ("fill", "levels") if name in plan.options}


def parameters(given: Iterable[str]) -> tuple[Parameter, ...]:
    """Hyper-parameters from texts like LinearFit.latest_n=7 or latest_n=7."""
    return tuple(_parameter(text) for text in given)


def check_models(models: Sequence[str], given: Iterable[Parameter], catalogue: Mapping[str, Sequence[str]]) -> None:
    """CommandError for a model or hyper-parameter that is not in the catalogue, or a model that is given twice."""
    for model, count in Counter(models).items():
        if model not in catalogue:
            guess = did_you_mean(model, catalogue) or "."
            raise CommandError(f"--model {model}: there is no such model{guess} There are: {', '.join(catalogue)}")
        if count > 1:
            raise CommandError(f"--model {model} is given {count} times: once is enough")
    for parameter in given:
        if parameter.model is not None and parameter.model not in models:
            raise CommandError(
                f"--param {parameter.model}.{parameter.name}: {parameter.model} is not among the chosen models "
                f"({', '.join(models)})"
            )
        for model in (parameter.model,) if parameter.model else models:
            if parameter.name not in catalogue[model]:
                guess = did_you_mean(parameter.name, catalogue[model]) or "."
                raise CommandError(
                    f"--param {parameter.name}: {model} has no such hyper-parameter{guess} "
                    f"It has: {', '.join(catalogue[model]) or 'none'}"
                )


def check_metrics(names: Iterable[str], known: Sequence[str]) -> None:
    """CommandError for a metric that there is not, or that is given twice."""
    for name, count in Counter(names).items():
        if name not in known:
            guess = did_you_mean(name, known) or "."
            raise CommandError(f"--metric {name}: there is no such metric{guess} There are: {', '.join(known)}")
        if count > 1:
            raise CommandError(f"--metric {name} is given {count} times: once is enough")


def elements(plan: ForecastPlan, ts_ids: Iterable[int]) -> Iterator[dict[str, Any]]:
    """The elements of the PATCH that trains every model on every series, series by series."""
    common: dict[str, Any] = {
        "auto_tune": int(plan.tune),
        "next_k_prediction": plan.horizon,
        "eval_metrics": list(plan.metrics),
        "refit": int(plan.refit),
    }
    if plan.allow_negative:
        common["allow_negative"] = 1
    if plan.tune and plan.trials is not None:
        common["max_eval"] = plan.trials
    if plan.features:
        common["feature_indexs"] = list(plan.features)
    by_model = {
        model: [parameter.body for parameter in plan.parameters if parameter.model in (None, model)]
        for model in plan.models
    }
    own = {model: {**_options_of(plan, model), **_future_of(plan, model)} for model in plan.models}
    if plan.refresh is not None:  # for series that appear later, too
        common["refresh"] = plan.refresh
    for ts_id in ts_ids if plan.refresh is None else ("all",):
        for model, hyper_params in by_model.items():
            yield {"ts_id": ts_id, "model_name": model, "hyper_params": hyper_params, **common, **own[model]}


def _options_of(plan: ForecastPlan, model: str) -> Mapping[str, Any]:
    """What is asked for of a model; a score of several stretches where nothing else is said and each costs little."""
    spec = CATALOG.get(model)
    costly = spec is None or spec.together or spec.network
    if costly or plan.tune or not plan.refit or "backtest_windows" in plan.options:
        return plan.options
    return {"backtest_windows": _WINDOWS, **plan.options}


def _future_of(plan: ForecastPlan, model: str) -> Mapping[str, Any]:
    """What features will be, of the models that make use of it; of one alone the service says so itself."""
    spec = CATALOG.get(model)
    wanted = len(plan.models) == 1 or spec is None or spec.covariates
    return {"future_features": plan.future} if plan.future and wanted else {}


def _parameter(text: str) -> Parameter:
    place, equals, value = text.partition("=")
    model, dot, name = place.strip().rpartition(".")
    if not equals or not name or (dot and not model):
        raise CommandError(f"--param {text}: write it as MODEL.NAME=VALUE, for example LinearFit.latest_n=7")
    low, dots, high = value.partition("..")
    if dots:
        first, last = _value(low.strip()), _value(high.strip())
        if isinstance(first, str) or isinstance(last, str):
            raise CommandError(f"--param {text}: write a range as LOW..HIGH, for example LinearFit.latest_n=1..9")
        return Parameter(model or None, name, first, high=last)
    first, *others = (_value(part.strip()) for part in value.split("|"))
    return Parameter(model or None, name, first, others=tuple(others))


def _value(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
