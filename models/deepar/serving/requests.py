"""What a call asks for: its series and its configuration, checked, and refused where it would take too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from models.deepar.config import DeepARConfig
from models.deepar.series import Series
from models.deepar.serving.inference_config import InferenceConfiguration, parse_configuration, parse_text
from models.deepar.serving.instances import InstanceError, parse_body, parse_instance, parse_line
from models.deepar.serving.pace import pace_of, work_of
from models.deepar.wording import check_names
from models.errors import RejectedInputError

__all__ = ["Call", "CrowdedError", "ParsedCall", "TooLargeError", "parse_call"]

_FIELDS: Final = frozenset(("start", "target", "cat", "dynamic_feat", "item_id"))


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    `content` is its body, or for the form ``instance`` a mapping of an instance's fields, which has the configuration
    under the key ``configuration``. `defaults` is the endpoint's DEEPAR_INFERENCE_CONFIG. `lenient` ignores a `cat`
    that the model has no use for. Of `limit_s`, the time that a request may take, `time_left_s` is left; what is not
    left was spent on waiting for others.
    """

    content: bytes | Mapping[str, Any]
    form: Literal["json", "jsonlines", "instance"] = "json"
    defaults: str | None = None
    lenient: bool = False
    max_samples: int = 10_000
    time_left_s: float = 60.0
    limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A call that can be answered; `ignored_cat` says that a `cat` was sent which the model has no use for."""

    call: Call
    series: list[Series]
    asked: InferenceConfiguration
    ignored_cat: bool


class TooLargeError(Exception):
    """The estimate exceeds the time that there would be if nobody else asked."""


class CrowdedError(Exception):
    """The estimate exceeds the time that others have left."""


def parse_call(config: DeepARConfig, call: Call) -> ParsedCall:
    """The call, checked; the first wrong instance refuses it (contract D-081).

    What would take too long is refused before its series are looked at, which takes a while too (D-046). InstanceError,
    ConfigurationError, TooLargeError, CrowdedError.
    """
    asked = parse_text(call.defaults, max_samples=call.max_samples)
    series: list[Series] = []
    ignored = False
    if isinstance(call.content, Mapping):
        asked = parse_configuration(call.content.get("configuration"), asked, max_samples=call.max_samples)
        _check_time(config, call, 1, asked.num_samples)
        series.append(parse_instance(call.content, config, lenient=call.lenient))
    elif call.form == "jsonlines":
        lines = [(number, line) for number, line in enumerate(call.content.split(b"\n"), 1) if line.strip()]
        _check_time(config, call, len(lines), asked.num_samples)
        for place, (number, line) in enumerate(lines):
            try:
                fields = parse_line(line)
                _check_slips(fields)
                series.append(parse_instance(fields, config, lenient=call.lenient))
            except InstanceError as error:
                raise InstanceError(error.field, f"line {number}: {error}", place) from None
            ignored = ignored or _has_cat(fields)
        if not series:
            raise InstanceError("body", "the body has no lines: send one time series per line as JSON")
    else:
        instances, given = _request(call.content)
        asked = parse_configuration(given, asked, max_samples=call.max_samples)
        _check_time(config, call, len(instances), asked.num_samples)
        for place, fields in enumerate(instances):
            try:
                _check_slips(fields)
                series.append(parse_instance(fields, config, lenient=call.lenient))
            except InstanceError as error:
                raise InstanceError(error.field, str(error), place) from None
            ignored = ignored or _has_cat(fields)
    return ParsedCall(call, series, asked, ignored_cat=ignored and not config.cardinality)


def _request(body: bytes) -> tuple[list[object], object]:
    """Instances and configuration of a JSON request."""
    request = parse_body(body)
    instances, given = request.get("instances"), request.get("configuration")
    if not isinstance(instances, list) or not instances:
        what = "missing" if instances is None else "empty" if instances == [] else "not an array"
        raise InstanceError("instances", f"instances is {what}, expected an array of at least one time series")
    _check(request, ("instances", "configuration"))
    if isinstance(given, dict):
        _check(given, ("num_samples", "output_types", "quantiles", "seed"))
    return instances, given


def _check_slips(fields: object) -> None:
    """Refuse a name that is nearly one of an instance's: what it holds would be left out without a word."""
    if isinstance(fields, dict) and not fields.keys() <= _FIELDS:
        _check(fields, ("start", "target", "cat", "dynamic_feat"))


def _check(given: Mapping[str, Any], known: Sequence[str]) -> None:
    try:
        check_names(given, known)
    except RejectedInputError as error:
        raise InstanceError(error.field, error.message) from None


def _has_cat(fields: object) -> bool:
    return isinstance(fields, Mapping) and fields.get("cat") is not None


def _check_time(config: DeepARConfig, call: Call, series: int, num_samples: int) -> None:
    """Refuse what would not be ready in time, before any work is done, and say whose fault it is (contract D-046)."""
    pace, each = pace_of(config), work_of(config, num_samples)
    estimate = series * each * pace.seconds
    if estimate > call.time_left_s:
        pace.refuse()
        left = max(0.0, call.time_left_s)
        if call.limit_s is not None and estimate <= call.limit_s:
            raise CrowdedError(
                f"the endpoint is crowded: this request waited {call.limit_s - left:.3g} s for others and would take "
                f"about {estimate:.3g} s more, but of {call.limit_s:g} s only {left:.3g} s are left: ask again later"
            )
        fitting = int(call.time_left_s / (each * pace.seconds))
        advice = f"send at most {fitting} series per request, several requests at a time, or " if fitting > 0 else ""
        raise TooLargeError(
            f"{series} series with {num_samples} sample paths would take about {estimate:.3g} s, and "
            f"{left:.3g} s are left: {advice}ask for fewer num_samples"
        )
