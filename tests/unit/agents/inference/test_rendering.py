"""Calls of an endpoint in, answers as they go over the wire out: the formats of contract 001, each call for itself."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from agents.inference.rendering import rendered
from models.deepar.config import DeepARConfig
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from models.deepar.serving import answering
from models.deepar.serving.answering import Call
from models.deepar.serving.pace import pace_of
from streams.inference.calls import InferenceReply
from tests.endpoints import EXAMPLE
from tests.unit.models.deepar.deepar_models import predictor

INSTANCE: dict[str, Any] = {"start": "2012-01-30", "target": [5.0, 6.0]}


class Told:
    """Forecasts the last value of each history, plus 0, 1, 2 … for the sample paths; notes what it is asked."""

    def __init__(self, fails: Callable[[Sequence[Series]], bool] = lambda _: False, **changed: Any) -> None:
        fields = {"time_freq": "D", "prediction_length": 3, "context_length": 5, "likelihood": "gaussian"}
        self.config = DeepARConfig(**({**fields, "cardinality": (), "num_dynamic_feat": 0} | changed))
        self.asked: list[tuple[int, int]] = []
        self.seeds: list[int] = []
        self._fails = fails

    def sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[NDArray[np.float32]]:
        """See the class."""
        self.asked.append((len(series), num_samples))
        self.seeds += seeds
        if self._fails(series):
            raise ZeroDivisionError("a bug")
        steps = np.zeros(self.config.prediction_length, np.float32)
        return [one.target[-1] + np.arange(num_samples, dtype=np.float32)[:, np.newaxis] + steps for one in series]


def request(*targets: list[Any], **configuration: Any) -> bytes:
    """A request for a forecast of each history."""
    instances = [{**INSTANCE, "target": target} for target in targets]
    return orjson.dumps({"instances": instances, "configuration": configuration})


def answer(model: Any, calls: Sequence[Call]) -> list[InferenceReply]:
    """What the process that serves answers."""
    answers = answering.answer(model, calls, clock=perf_counter)
    return [rendered(call, one) for call, one in zip(calls, answers, strict=True)]


def told(reply: InferenceReply) -> Any:
    """The body of a reply as a value."""
    return orjson.loads(reply.content)


def example_model() -> Predictor:
    """A small network that the contract's example fits."""
    return predictor(prediction_length=3, cardinality=(3, 4), num_dynamic_feat=1)


def test_D031_to_D038_the_contracts_example() -> None:
    """One prediction per instance with all that was asked for, finite, and all of it from the same sample paths."""
    (reply,) = answer(example_model(), [Call(orjson.dumps(EXAMPLE))])
    predictions = told(reply)["predictions"]

    assert (reply.status, reply.media_type, reply.headers) == (200, "application/json", {})
    assert len(predictions) == 3
    for one in predictions:
        samples = np.array(one["samples"])
        assert list(one) == ["quantiles", "samples", "mean"]
        assert samples.shape == (50, 3)
        assert np.isfinite(samples).all()
        assert one["mean"] == pytest.approx(samples.mean(axis=0), rel=1e-5)
        assert one["quantiles"].keys() == {"0.5", "0.9"}
        for level, values in one["quantiles"].items():
            assert values == pytest.approx(np.quantile(samples, float(level), axis=0), rel=1e-5)


def test_D031_predictions_are_in_the_order_of_the_instances() -> None:
    """The history tells which is which."""
    (reply,) = answer(Told(), [Call(request([1.0], [9.0], [4.0], num_samples=1, output_types=["mean"]))])

    assert told(reply) == {"predictions": [{"mean": [1.0] * 3}, {"mean": [9.0] * 3}, {"mean": [4.0] * 3}]}


@pytest.mark.parametrize("kinds", [["mean"], ["quantiles"], ["samples"], ["samples", "mean"]])
def test_D032_only_what_is_asked_for(kinds: list[str]) -> None:
    """No other keys, also in the answer to an event."""
    model = Told()
    configuration = {"output_types": kinds, "num_samples": 3}
    calls = [Call(request([1.0], **configuration)), Call({**INSTANCE, "configuration": configuration}, "instance")]
    body, event = answer(model, calls)

    assert event.forecast is not None
    assert told(body)["predictions"][0].keys() == set(kinds)
    assert {kind for kind in ("mean", "quantiles", "samples") if getattr(event.forecast, kind) is not None} == {*kinds}


def test_D036_quantiles_do_not_decrease_with_their_level() -> None:
    """At every step, however close the levels are."""
    levels = [f"{level / 1000:.3f}" for level in range(1, 1000, 7)]
    body = orjson.dumps({**EXAMPLE, "configuration": {"quantiles": levels, "num_samples": 20}})
    (reply,) = answer(example_model(), [Call(body)])

    for one in told(reply)["predictions"]:
        assert (np.diff([one["quantiles"][level] for level in levels], axis=0) >= 0).all()


def test_D028_D054_the_endpoints_defaults() -> None:
    """What the request does not say is the endpoint's; without any, 100 paths, mean and nine quantiles."""
    model = Told()
    defaults = '{"num_samples": 7, "output_types": ["samples"]}'
    plain, own, changed = answer(
        model,
        [
            Call(request([1.0])),
            Call(request([1.0]), defaults=defaults),
            Call(request([1.0], num_samples=2), "json", defaults),
        ],
    )

    assert list(told(plain)["predictions"][0]["quantiles"]) == [f"0.{place}" for place in range(1, 10)]
    assert len(told(own)["predictions"][0]["samples"]) == 7
    assert len(told(changed)["predictions"][0]["samples"]) == 2


def test_D039_a_seed_makes_an_answer_repeatable() -> None:
    """The same for the same request, and for the first instances whatever follows; others without it."""
    model = predictor(prediction_length=3, cardinality=(), num_dynamic_feat=0)
    targets: list[list[Any]] = [[1.0, 2.0], [1.0, 2.0], [3.0]]
    whole, again, shorter, fresh, another = (
        told(reply)["predictions"]
        for reply in answer(
            model,
            [
                Call(request(*targets, seed=5)),
                Call(request(*targets, seed=5)),
                Call(request(*targets[:2], seed=5)),
                Call(request(*targets)),
                Call(request(*targets)),
            ],
        )
    )

    assert whole == again
    assert whole[:2] == shorter
    assert whole[0] != whole[1]  # the same history, but a draw of its own
    assert fresh != whole
    assert fresh != another


def test_D056_D066_json_lines() -> None:
    """One prediction per line in order, a newline behind the last; blank lines ignored, a last one without newline."""
    lines = b'{"start": "2012-01-30", "target": [1]}\r\n\n  \n{"start": "2012-01-30", "target": [2]}'
    (reply,) = answer(Told(), [Call(lines, "jsonlines", '{"output_types": ["mean"], "num_samples": 1}')])

    assert (reply.status, reply.media_type) == (200, "application/jsonlines")
    assert reply.content == b'{"mean":[1.0,1.0,1.0]}\n{"mean":[2.0,2.0,2.0]}\n'


def test_an_event_is_answered_with_plain_numbers_and_times() -> None:
    """The steps behind the last value, in epoch milliseconds; numbers as any encoder takes them."""
    configuration = {"num_samples": 2, "output_types": ["mean", "quantiles", "samples"], "quantiles": ["0.5"]}
    (reply,) = answer(Told(), [Call({**INSTANCE, "configuration": configuration}, "instance")])
    first = int(np.datetime64("2012-02-01", "ms").astype(int))

    assert (reply.status, reply.content, reply.error, reply.detail) == (200, b"", None, "")
    assert reply.forecast is not None
    assert asdict(reply.forecast) == {
        "cutoff": first - 86_400_000,
        "timestamps": [first, first + 86_400_000, first + 2 * 86_400_000],
        "mean": [6.5] * 3,
        "quantiles": {"0.5": [6.5] * 3},
        "samples": [[6.0] * 3, [7.0] * 3],
    }
    assert {type(value) for value in reply.forecast.mean or ()} == {float}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{", r"the body is not JSON: .* at character \d+"),
        (b"\xff", "the body is not JSON: .*"),
        (b"[]", "the body is not an object.*"),
        (b"{}", "instances is missing.*"),
        (b'{"instances": []}', "instances is empty.*"),
        (b'{"instances": {}}', "instances is not an array.*"),
        (b'{"instances": [{}], "configuration": []}', "configuration is an array, expected an object"),
        (b'{"instances": [{}], "configuration": {"output_types": ["median"]}}', "output_types has 'median'.*"),
        (b'{"instances": [{}], "configuration": {"quantiles": ["2"]}}', "quantiles has '2'.*"),
    ],
)
def test_D081_a_wrong_request(body: bytes, found: str) -> None:
    """400 with the reason; no instance is to blame."""
    (reply,) = answer(Told(), [Call(body)])

    assert (reply.status, reply.media_type) == (400, "application/json")
    assert told(reply).keys() == {"code", "message"}
    assert told(reply)["code"] == "ValidationError"
    assert re.fullmatch(found, told(reply)["message"])


def test_D081_the_first_wrong_instance_refuses_the_request() -> None:
    """As the contract has it, and nothing is predicted."""
    model = Told(cardinality=(3, 4), num_dynamic_feat=1)
    instances = [*EXAMPLE["instances"][:2], {**EXAMPLE["instances"][2], "dynamic_feat": [[1.3, 0.4]]}, {}]  # type: ignore[index]
    (reply,) = answer(model, [Call(orjson.dumps({"instances": instances}))])

    assert reply.status == 400
    assert told(reply) == {
        "code": "ValidationError",
        "message": "dynamic_feat[0]: expected 5 values (2 target + 3 prediction_length), found 2",
        "instance": 2,
    }
    assert model.asked == []


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (
            b'{"start": "2012-01-30", "target": [1]}\n\n{"target": [1]}\n{',
            {"message": "line 3: start is missing, expected a text such as 2024-01-31 00:00:00", "instance": 1},
        ),
        (b"7", {"message": "line 1: it is a number, expected an object with start and target", "instance": 0}),
        (b"\n \n", {"message": "the body has no lines: send one time series per line as JSON"}),
    ],
)
def test_D081_a_wrong_line(lines: bytes, body: dict[str, Any]) -> None:
    """Its number in the text counts blank lines, its place among the instances does not."""
    (reply,) = answer(Told(), [Call(lines, "jsonlines")])

    assert (reply.status, told(reply)) == (400, {"code": "ValidationError", **body})


def test_D055_a_wrong_default_of_the_endpoint() -> None:
    """The caller learns which variable is wrong."""
    (reply,) = answer(Told(), [Call(request([1.0]), defaults='{"num_samples": -1}')])

    assert reply.status == 400
    assert told(reply)["message"].startswith("DEEPAR_INFERENCE_CONFIG: num_samples is -1")


def test_an_event_is_refused_with_a_text() -> None:
    """No body: the text goes into the result."""
    (reply,) = answer(Told(), [Call({"start": "2012-01-30", "target": 1}, "instance")])

    assert (reply.status, reply.content, reply.forecast, reply.detail) == (400, b"", None, "")
    assert reply.error == 'target is a number, expected an array of numbers, "NaN" or null'


def test_D022_a_lenient_service_says_that_it_ignored_a_category() -> None:
    """In a header, for both forms; without a category there is no header."""
    given = {**INSTANCE, "cat": [1]}
    model = Told()
    strict, one, lines, none = answer(
        model,
        [
            Call(orjson.dumps({"instances": [given]})),
            Call(orjson.dumps({"instances": [INSTANCE, given]}), lenient=True),
            Call(orjson.dumps(given), "jsonlines", lenient=True),
            Call(orjson.dumps({"instances": [INSTANCE]}), lenient=True),
        ],
    )

    assert strict.status == 400
    assert [reply.status for reply in (one, lines, none)] == [200] * 3
    assert (
        one.headers
        == lines.headers
        == {"x-tidecast-warning": "cat was ignored: the model was trained without categories"}
    )
    assert none.headers == {}


def test_calls_are_forecast_together() -> None:
    """Those with the same number of sample paths in one draw, whatever else they ask for; each gets its own answer."""
    model = Told()
    calls = [
        Call(request([1.0], [2.0], num_samples=2, output_types=["mean"])),
        Call(request([3.0], num_samples=5, output_types=["mean"])),
        Call(b"wrong"),
        Call({**INSTANCE, "configuration": {"num_samples": 2, "output_types": ["mean"]}}, "instance"),
    ]
    replies = answer(model, calls)

    assert model.asked == [(3, 2), (1, 5)]
    assert len(set(model.seeds)) == 4
    assert told(replies[0]) == {"predictions": [{"mean": [1.5] * 3}, {"mean": [2.5] * 3}]}
    assert told(replies[1]) == {"predictions": [{"mean": [5.0] * 3}]}
    assert replies[2].status == 400
    assert replies[3].forecast is not None
    assert replies[3].forecast.mean == [6.5] * 3


def test_many_paths_are_drawn_in_parts() -> None:
    """What is held at once is bounded: of 10 000 paths of 300 steps two series, of 1000 all."""
    model = Told(prediction_length=300)
    few, many = (request(*[[float(place)] for place in range(5)], num_samples=count) for count in (1000, 10_000))
    replies = answer(model, [Call(few), Call(many, time_left_s=600)])

    assert model.asked == [(5, 1000), (2, 10_000), (2, 10_000), (1, 10_000)]
    assert [one["quantiles"]["0.5"][0] for one in told(replies[1])["predictions"]] == [4999.5 + n for n in range(5)]


def test_a_call_that_fails_takes_no_other_with_it() -> None:
    """It is told so without a trace of the inside, which goes to the log; the others are answered."""
    model = Told(fails=lambda series: any(one.target[-1] == 13 for one in series))
    fine, bad, event = answer(
        model,
        [
            Call(request([1.0], num_samples=1, output_types=["mean"])),
            Call(request([13.0], num_samples=1)),
            Call({**INSTANCE, "target": [13.0], "configuration": {"num_samples": 1}}, "instance"),
        ],
    )
    text = "the model failed on this request; the service's log says why"

    assert told(fine) == {"predictions": [{"mean": [1.0] * 3}]}
    assert (bad.status, told(bad)) == (500, {"code": "InternalError", "message": text})
    assert (event.status, event.error, event.forecast) == (500, text, None)
    assert bad.detail == event.detail == "ZeroDivisionError: a bug"


def test_D043_D046_what_would_not_be_ready_in_time_is_refused_before_any_work() -> None:
    """413, how many series would fit, and what else helps; calls that fit are answered."""
    model = Told(num_cells=41)
    each = 4 * 8 + 100 * 3
    seconds = pace_of(model.config).seconds * each
    large, small, hopeless = answer(
        model,
        [
            Call(request(*[[1.0]] * 10), time_left_s=7.5 * seconds),
            Call(request(*[[1.0]] * 7), time_left_s=7.5 * seconds),
            Call(request([1.0]), time_left_s=0.5 * seconds),
        ],
    )

    assert (large.status, told(large)["code"]) == (413, "TooLargeError")
    assert "10 series with 100 sample paths would take about" in told(large)["message"]
    assert "send at most 7 series per request, several requests at a time, or ask for fewer" in told(large)["message"]
    assert small.status == 200
    assert hopeless.status == 413
    assert "left: ask for fewer num_samples" in told(hopeless)["message"]
    assert model.asked == [(7, 100)]


def test_D046_a_request_that_others_left_no_time_for_is_not_too_large() -> None:
    """504 and the crowd's fault, where it would have been ready in time alone; else 413 as ever."""
    model = Told(num_cells=42)
    seconds = pace_of(model.config).seconds * (4 * 8 + 100 * 3)
    late, large = answer(
        model,
        [
            Call(request(*[[1.0]] * 10), time_left_s=5 * seconds, limit_s=20 * seconds),
            Call(request(*[[1.0]] * 30), time_left_s=5 * seconds, limit_s=20 * seconds),
        ],
    )

    assert (late.status, told(late)["code"]) == (504, "TimeoutError")
    assert "the endpoint is crowded: this request waited" in told(late)["message"]
    assert (large.status, told(large)["code"]) == (413, "TooLargeError")
    assert "send at most" in told(large)["message"]


@pytest.mark.parametrize("form", ["json", "jsonlines"])
def test_D046_what_would_not_be_ready_in_time_is_refused_before_its_series_are_looked_at(form: Any) -> None:
    """To read a million of them takes longer than there is time."""
    rows = [{"start": "nonsense"}] * 10
    content = orjson.dumps({"instances": rows}) if form == "json" else b"\n".join(map(orjson.dumps, rows))
    late, wrong = answer(Told(), [Call(content, form, time_left_s=0), Call(content, form)])

    assert late.status == 413
    assert wrong.status == 400


def test_D046_refusals_do_not_go_on_for_ever() -> None:
    """After a slow time nobody would measure again if only large requests came: in the end one is tried."""
    model = Told(num_cells=42)
    pace = pace_of(model.config)
    call = Call(request(*[[1.0]] * 10), time_left_s=100 * pace.seconds * 10 * (4 * 8 + 300))
    for _ in range(8):
        pace.note(50_000, 50_000.0)
    statuses = [answer(model, [call])[0].status for _ in range(9)]

    assert statuses == [413] * 8 + [200]


def test_D046_an_event_that_would_not_be_ready_in_time() -> None:
    """Its result has the same text."""
    (reply,) = answer(Told(), [Call(INSTANCE, "instance", time_left_s=0)])

    assert reply.status == 413
    assert reply.error is not None
    assert reply.error.startswith("1 series with 100 sample paths would take about")


def test_no_calls() -> None:
    """Nothing is asked of the model."""
    model = Told()

    assert answer(model, []) == []
    assert model.asked == []


@pytest.mark.parametrize(
    ("change", "message", "instance"),
    [
        ({"configuration": {"num_sample": 5}}, "'num_sample' is unknown; did you mean num_samples?", None),
        ({"configuration": {"Quantiles": ["0.5"]}}, "'Quantiles' is unknown; did you mean quantiles?", None),
        ({"configurations": {"num_samples": 5}}, "'configurations' is unknown; did you mean configuration?", None),
        (
            {"instances": [{"start": "2020-01-01", "target": [1.0], "dynamic_feats": [[1.0]]}]},
            "'dynamic_feats' is unknown; did you mean dynamic_feat?",
            0,
        ),
    ],
)
def test_a_slip_in_a_name_is_told(change: dict[str, Any], message: str, instance: int | None) -> None:
    """It had no effect, and nobody was told; other fields of stock clients are still taken."""
    right = {"instances": [{"start": "2020-01-01", "target": [1.0], "id": 7}], "client": "x"}
    others = right | {"configuration": {"other": 1}}
    reply, wrong = answer(Told(), [Call(orjson.dumps(others)), Call(orjson.dumps(right | change))])

    assert reply.status == 200
    assert (wrong.status, told(wrong)["message"], told(wrong).get("instance")) == (400, message, instance)
