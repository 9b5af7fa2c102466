"""The elements of a PATCH (contract 000), and how their JSON becomes commands."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema, model_validator

from connectors.datasets.group_values import key_of
from models.catalog import CATALOG
from models.options import MOST_LEVELS, MOST_WINDOWS
from models.scores.names import ALIASES, METRICS
from schemas.forecasting import SeriesConfig
from schemas.values import FutureFeature, HyperParam, ParameterValue
from streams.checks import ID_LIMIT
from streams.views.standing.bodies import RefreshBody
from streams.views.web.strict import StrictBody

__all__ = ["Indexs", "SeriesBody"]

_ALL: Final = "all"
_INT_32 = 2**31 - 1
_TRIGGER = "To send it asks for training."


def _indexs(value: Any) -> Any:
    """Column indices: a bracketed list as text, "[0, 1]", or a real array (contract J-051, J-052)."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError('expected a bracketed list of column indices such as "[0, 1]"') from None
    if not isinstance(value, list) or not all(type(index) is int for index in value):
        raise ValueError('expected a bracketed list of column indices such as "[0, 1]", or an array of integers')
    if any(abs(index) > _INT_32 for index in value):
        raise ValueError("expected column indices of the data set; one is far beyond any column")
    return tuple(value)


Indexs = Annotated[
    tuple[int, ...],
    BeforeValidator(_indexs),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\[\s*(\d{1,6}(\s*,\s*\d{1,6})*)?\s*\]\s*$", "examples": ["[0, 1]"]},
                {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 999_999}},
            ]
        }
    ),
]


def _ts_id(value: Any) -> Any:
    if value != _ALL and (type(value) is not int or not 1 <= value <= ID_LIMIT):
        raise ValueError(f'expected the id of a series, a whole number from 1 to {ID_LIMIT}, or "{_ALL}"')
    return value


_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": ID_LIMIT}
TsId = Annotated[
    int | str, BeforeValidator(_ts_id), WithJsonSchema({"anyOf": [_ID_SCHEMA, {"type": "string", "enum": [_ALL]}]})
]


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number or a text")
    if isinstance(value, int) and abs(value) > ID_LIMIT:
        raise ValueError(f"expected a number between -{ID_LIMIT} and {ID_LIMIT}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError("expected a number")
    return _number_or_text(value)


_NUMBER_SCHEMA = {"type": "number", "minimum": -ID_LIMIT, "maximum": ID_LIMIT}
Value = Annotated[
    Any, BeforeValidator(_number_or_text), WithJsonSchema({"anyOf": [_NUMBER_SCHEMA, {"type": "string"}]})
]
Metric = Annotated[StrictStr, WithJsonSchema({"enum": [*METRICS, *ALIASES]})]
ModelName = Annotated[StrictStr, WithJsonSchema({"enum": [*CATALOG]})]
Bound = Annotated[Any, BeforeValidator(_number), WithJsonSchema(_NUMBER_SCHEMA)]


def _flag(value: Any) -> Any:
    """0 or 1; true and false are accepted (contract J-078)."""
    if isinstance(value, bool):
        return int(value)
    if type(value) is not int or value not in (0, 1):
        raise ValueError("expected 0 or 1")
    return value


_FLAG_SCHEMA: Final = {"anyOf": [{"type": "integer", "enum": [0, 1]}, {"type": "boolean"}]}
Flag = Annotated[int, BeforeValidator(_flag), WithJsonSchema(_FLAG_SCHEMA)]


def _parameters(value: Any) -> Any:
    """`{}` stands for "none given" (contract J-075)."""
    if value == {}:
        return []
    if isinstance(value, dict):
        raise ValueError('expected an array of {"name", "type", "val"} objects, or {} for none')
    return value


class HyperParamBody(StrictBody):
    """A hyper-parameter: fixed (`val`), a range (`low`, `high`) or options (`choice`)."""

    name: StrictStr = Field(description="As GET /model/{model_name}/ has it.", examples=["latest_n"])
    type: Literal["int", "float", "list"] = Field(description="As GET /model/{model_name}/ has it.")
    val: Value | None = Field(None, description="Its value, where it is fixed.")
    low: Bound | None = Field(None, description="With auto_tune 1: the lowest value to try.")
    high: Bound | None = Field(None, description="With auto_tune 1: the highest value to try.")
    choice: list[Value] | None = Field(None, description="With auto_tune 1: the values to try.")

    def to_event(self) -> HyperParam:
        """The hyper-parameter as the command carries it."""
        choice: tuple[ParameterValue, ...] | None = None if self.choice is None else tuple(self.choice)
        return HyperParam(self.name, self.type, self.val, self.low, self.high, choice)


_Parameters = Annotated[
    list[HyperParamBody],
    BeforeValidator(_parameters),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"$ref": "#/components/schemas/HyperParamBody"}},
                {"type": "object", "maxProperties": 0},
            ]
        }
    ),
]


class SeriesBody(StrictBody):
    """Settings of one series. It trains iff one of max_eval, next_k_prediction, auto_tune and eval_metrics is there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ts_id": 8797,
                    "model_name": "LinearFit",
                    "hyper_params": [{"name": "latest_n", "type": "int", "val": 5}],
                    "next_k_prediction": 5,
                    "refit": 1,
                }
            ]
        }
    )
    ts_id: TsId = Field(description=f'A series of the job; "{_ALL}": each of them, or of those that `groups` chooses.')
    groups: dict[StrictStr, StrictStr] | None = Field(
        None,
        examples=[{"Origin": "EWR"}],
        description=f'With ts_id "{_ALL}": only series with these group values, by the labels of their columns.',
    )
    model_name: ModelName | None = Field(None, description="GET /model/ tells what each does.")
    hyper_params: _Parameters | None = Field(None, description="Absent ones take the model's defaults.")
    feature_indexs: Indexs | None = Field(None, description="Columns used as features.")
    max_eval: StrictInt | None = Field(
        None, ge=-_INT_32, le=_INT_32, description=f"Search trials when tuning; 100. {_TRIGGER}"
    )
    next_k_prediction: StrictInt | None = Field(
        None, ge=-_INT_32, le=_INT_32, description=f"Steps to forecast; 5. {_TRIGGER}"
    )
    auto_tune: Flag | None = Field(None, description=f"1 searches the hyper-parameters. {_TRIGGER}")
    auto_tune_metric: Metric | None = Field(None, description="Metric that the search optimises; mse.")
    eval_metrics: list[Metric] | None = Field(
        None, description=f'Metrics to report, at least one; ["mse", "rmse"]. {_TRIGGER}'
    )
    refit: Flag | None = Field(None, description="1 fits again on the whole history after scoring: half the error.")
    allow_negative: Flag | None = Field(
        None, description="1 keeps forecasts below zero where the history has none; else they become 0."
    )
    backtest_windows: StrictInt | None = Field(
        None,
        ge=1,
        le=MOST_WINDOWS,
        examples=[3],
        description="In how many stretches at the end of the history the forecast is scored, where it is long enough;"
        " metrics are the mean over them. 1.",
    )
    levels: list[Bound] | None = Field(
        None,
        max_length=MOST_LEVELS,
        examples=[[0.05, 0.5, 0.95]],
        description="The quantiles wanted, between 0 and 1; absent: 0.025, 0.1, 0.9 and 0.975 of models that have them."
        " Those of a model that has none come from its errors in the backtest.",
    )
    lower: Bound | None = Field(None, description="No forecast and no quantile is below it.", examples=[0])
    upper: Bound | None = Field(None, description="No forecast and no quantile is above it.", examples=[100])
    fill: Literal["none", "zero", "previous", "interpolate"] | None = Field(
        None,
        description="What stands in for missing observations before any model sees them: none, 0, the value before, or"
        " the line between two.",
    )

    future_features: dict[StrictStr, list[Bound]] | None = Field(
        None,
        examples=[{"price": [9.5, 9.5, 8, 8, 9.5]}],
        description="What features will be: by the label of a column of `feature_indexs`, or its index, a value for"
        " each of the next_k_prediction steps. It wins over rows of the data set after the last target. Needs refit 1;"
        " not stored.",
    )

    holidays: StrictStr | None = Field(
        None,
        max_length=20,
        examples=["DE-BY"],
        description="A country (ISO 3166), or a part of it, whose public holidays are one more feature, of series whose"
        " steps are not longer than a day.",
    )
    refresh: RefreshBody | None = Field(
        None,
        examples=[{"on": "data", "pause_s": 10}, {"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}],
        description="With an element that trains: train its series again, and series of its kind that appear later, "
        'when their history has changed. "never" ends it; absent: what was said before stays.',
    )

    @model_validator(mode="after")
    def _one_way_to_name(self) -> Self:
        if self.groups is not None and self.ts_id != _ALL:
            raise ValueError(f'groups: goes with ts_id "{_ALL}" alone: leave it out')
        return self

    def to_event(self) -> SeriesConfig:
        """The settings as the command carries them."""
        return SeriesConfig(
            ts_id=0 if isinstance(self.ts_id, str) else self.ts_id,
            series=key_of(self.groups or {}) if self.ts_id == _ALL else None,
            model_name=self.model_name,
            hyper_params=None if self.hyper_params is None else tuple(item.to_event() for item in self.hyper_params),
            feature_indexs=self.feature_indexs,
            max_eval=self.max_eval,
            next_k_prediction=self.next_k_prediction,
            auto_tune=self.auto_tune,
            auto_tune_metric=self.auto_tune_metric,
            eval_metrics=None if self.eval_metrics is None else tuple(self.eval_metrics),
            refit=self.refit,
            allow_negative=self.allow_negative,
            backtest_windows=self.backtest_windows,
            levels=None if self.levels is None else tuple(map(float, self.levels)),
            lower=None if self.lower is None else float(self.lower),
            upper=None if self.upper is None else float(self.upper),
            fill=self.fill,
            future_features=_future(self.future_features),
            holidays=self.holidays,
            refresh=None if self.refresh is None else self.refresh.to_event(),
        )


def _future(asked: Mapping[str, Sequence[float]] | None) -> tuple[FutureFeature, ...] | None:
    return None if asked is None else tuple(FutureFeature(name, tuple(map(float, v))) for name, v in asked.items())
