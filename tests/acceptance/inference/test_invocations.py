"""Requests and answers of an endpoint: contract 001, sections 1 and 5, over HTTP (D-010 … D-039, D-081)."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import JSON_LINES, SEED, check_refusal, instance, invoke, lines_of, publish, refused
from tests.endpoints import EXAMPLE
from tests.integration.services import Service

PLAIN, FULL = "invocations-plain", "invocations-full"
NINE = [f"0.{place}" for place in range(1, 10)]


@pytest.fixture(scope="module", autouse=True)
def store(service: Service) -> ObjectStore:
    """The service's object store, with an endpoint of plain series and one with categories [3, 4] and a feature."""
    store = ObjectStore(service.settings.object_store_url)
    publish(store, PLAIN, environment={"DEEPAR_INFERENCE_CONFIG": '{"num_samples": 7, "output_types": ["samples"]}'})
    publish(store, FULL, cardinality=(3, 4), num_dynamic_feat=1)
    return store


def full(length: int = 2, **fields: Any) -> dict[str, Any]:
    """An instance for the endpoint with categories and a feature."""
    return {**instance([1.0] * length, cat=[2, 3], dynamic_feat=[[0.5] * (length + 3)]), **fields}


def numbers(value: Any) -> list[float]:
    """All numbers in a part of an answer."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    assert isinstance(value, float)
    return [value]


def test_D015_the_contracts_example_is_answered_as_it_says(http: httpx.Client) -> None:
    """D-031 … D-035: an object per instance, in order, with 50 paths of 3 steps, mean and the two quantiles."""
    answer = http.post(f"/endpoints/{FULL}/invocations", json=EXAMPLE)
    body = orjson.loads(answer.content)

    assert answer.status_code == 200, answer.text
    assert list(body) == ["predictions"]
    assert len(body["predictions"]) == 3
    for prediction in body["predictions"]:
        assert set(prediction) == {"quantiles", "samples", "mean"}
        assert set(prediction["quantiles"]) == {"0.5", "0.9"}
        assert np.shape(prediction["samples"]) == (50, 3)
        assert np.shape(prediction["mean"]) == np.shape(prediction["quantiles"]["0.5"]) == (3,)
        assert all(map(math.isfinite, numbers(prediction)))


def test_D031_predictions_are_in_the_order_of_the_instances(http: httpx.Client) -> None:
    """Series of very different sizes are told apart by their forecasts."""
    sizes = (1e6, 1.0, 1e3)
    found = invoke(http, PLAIN, *(instance([size] * 9) for size in sizes), **SEED)

    assert [max(map(abs, numbers(one["samples"]))) > size / 10 for one, size in zip(found, sizes, strict=True)] == [
        True
    ] * 3
    assert np.argsort([max(map(abs, numbers(one["samples"]))) for one in found]).tolist() == [1, 2, 0]


@pytest.mark.parametrize("start", ["2012-01-30", "2012-01-30 00:00:00", "2012-01-30T00:00:00", "2012-01-30 13:45:01"])
def test_D011_a_start_is_a_day_or_a_time_and_is_aligned_down(http: httpx.Client, start: str) -> None:
    """D-074: all four are the same day, so the same seed gives the same forecast."""
    expected = invoke(http, PLAIN, instance([1, 2], "2012-01-30"), **SEED)

    assert invoke(http, PLAIN, instance([1, 2], start), **SEED) == expected


@pytest.mark.parametrize(
    ("start", "parts"),
    [
        (None, ("start is missing",)),
        (5, ("start is a number",)),
        ("30.1.2012", ("start is '30.1.2012'", "YYYY-MM-DD")),
        ("2012-02-30", ("no date",)),
        ("2012-01-30T00:00:00Z", ("time zone",)),
        ("2012-01-30 00:00:00+01:00", ("time zone",)),
    ],
)
def test_D011_a_wrong_start_is_refused(http: httpx.Client, start: Any, parts: tuple[str, ...]) -> None:
    """In words, with the place."""
    body = refused(http, PLAIN, {"instances": [instance(), instance(start=start)]}, *parts)

    assert body["code"] == "ValidationError"
    assert body["instance"] == 1


@pytest.mark.parametrize("missing", ["NaN", "nan", "NAN", " NaN ", None])
def test_D012_D019_nan_as_text_in_any_case_and_null_mark_a_missing_value(http: httpx.Client, missing: Any) -> None:
    """All of them mean the same; zero means something else."""
    expected = invoke(http, PLAIN, instance([4.0, 10.0, "NaN", 100.0, 113.0]), **SEED)

    assert invoke(http, PLAIN, instance([4.0, 10.0, missing, 100.0, 113.0]), **SEED) == expected
    assert invoke(http, PLAIN, instance([4.0, 10.0, 0.0, 100.0, 113.0]), **SEED) != expected


@pytest.mark.parametrize("wrong", ["x", "Infinity", "1.5", True, [1], {}])
def test_D019_another_text_or_type_in_the_target_is_refused(http: httpx.Client, wrong: Any) -> None:
    """With its place in the target."""
    refused(http, PLAIN, {"instances": [instance([1, wrong])]}, "target[1]", 'expected a number, "NaN" or null')


@pytest.mark.parametrize(
    "target", [[], [None], ["NaN"] * 9, [1.0], [2.0, 1.0], [-5.0, -1.5], [0, 0, 0], [1e30, -1e30], [1e-30]]
)
def test_D020_short_negative_empty_and_missing_histories_are_forecast(http: httpx.Client, target: list[Any]) -> None:
    """With finite numbers."""
    (found,) = invoke(http, PLAIN, instance(target), **SEED)

    assert np.shape(found["samples"]) == (20, 3)
    assert all(map(math.isfinite, numbers(found)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_D081_numbers_that_json_does_not_have_are_refused(http: httpx.Client, number: str) -> None:
    """As Python's own json writes them; NaN has to be a text."""
    body = b'{"instances": [{"start": "2024-01-01", "target": [1.0, %s]}]}' % number.encode()

    refused(http, PLAIN, body)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"cat": None}, ("cat is missing", "expected 2 values")),  # D-021
        ({"cat": [1]}, ("cat has 1 values, expected 2",)),  # D-027
        ({"cat": [1, 1, 1]}, ("cat has 3 values, expected 2",)),
        ({"cat": [3, 0]}, ("cat[0] is 3", "from 0 to 2")),
        ({"cat": [0, 4]}, ("cat[1] is 4", "from 0 to 3")),
        ({"cat": [-1, 0]}, ("cat[0] is -1",)),
        ({"cat": [0.5, 0]}, ("cat[0] is 0.5",)),
        ({"cat": 1}, ("cat is a number",)),
        ({"dynamic_feat": None}, ("dynamic_feat is missing", "expected 1 series")),  # D-023
        ({"dynamic_feat": []}, ("dynamic_feat has 0 series, expected 1",)),
        ({"dynamic_feat": [[1.0] * 5] * 2}, ("dynamic_feat has 2 series, expected 1",)),
        ({"dynamic_feat": [[1.0] * 2]}, ("[0]: expected 5 values (2 target + 3 prediction_length), found 2",)),
        ({"dynamic_feat": [[1.0] * 6]}, ("expected 5 values", "found 6")),
        ({"dynamic_feat": [[1.0, "NaN", 1, 1, 1]]}, ("dynamic_feat[0][1]",)),
        ({"dynamic_feat": [[1.0, None, 1, 1, 1]]}, ("dynamic_feat[0][1]",)),
    ],
)  # fmt: skip
def test_D021_D023_D024_D027_categories_and_features_must_fit_the_model(
    http: httpx.Client, fields: dict[str, Any], parts: tuple[str, ...]
) -> None:
    """The message has what was found and expected, the answer the place; nothing is predicted."""
    body = refused(http, FULL, {"instances": [full(), full(7), full(**fields)]}, *parts)

    assert body["code"] == "ValidationError"
    assert body["instance"] == 2


@pytest.mark.parametrize(
    ("field", "value"), [("cat", [0]), ("dynamic_feat", [[1.0] * 7]), ("cat", []), ("dynamic_feat", [])]
)
def test_D022_D025_what_the_model_was_trained_without_is_refused(http: httpx.Client, field: str, value: Any) -> None:
    """The English governs: it should be left out."""
    body = refused(http, PLAIN, {"instances": [instance(**{field: value})]}, f"{field} is given", "leave")

    assert body["instance"] == 0


def test_D024_features_of_the_future_matter(http: httpx.Client) -> None:
    """The last prediction_length values are read."""
    one = invoke(http, FULL, full(dynamic_feat=[[0.5] * 5]), **SEED)

    assert invoke(http, FULL, full(dynamic_feat=[[0.5] * 4 + [9.0]]), **SEED) != one


def test_D028_without_a_configuration_the_batch_defaults_hold(http: httpx.Client) -> None:
    """Mean and nine quantiles; whatever the endpoint's own configuration for JSON Lines is."""
    for body in ({}, {"configuration": None}, {"configuration": {}}):
        answer = http.post(f"/endpoints/{PLAIN}/invocations", json={"instances": [instance()], **body})
        (found,) = answer.json()["predictions"]
        assert set(found) == {"mean", "quantiles"}
        assert list(found["quantiles"]) == NINE


@pytest.mark.parametrize(
    ("configuration", "keys", "samples"),
    [
        ({"num_samples": 3}, {"mean", "quantiles"}, None),
        ({"output_types": ["samples"]}, {"samples"}, 100),
        ({"output_types": ["samples"], "num_samples": None}, {"samples"}, 100),
        ({"quantiles": ["0.25"]}, {"mean", "quantiles"}, None),
        ({"seed": 3}, {"mean", "quantiles"}, None),
    ],
)
def test_D028_defaults_are_taken_field_by_field(
    http: httpx.Client, configuration: dict[str, Any], keys: set[str], samples: int | None
) -> None:
    """What is given wins, what is missing is as in D-050."""
    (found,) = invoke(http, PLAIN, instance(), **configuration)

    assert set(found) == keys
    assert len(found.get("samples", ())) == (samples or 0)
    if "quantiles" in found:
        assert list(found["quantiles"]) == configuration.get("quantiles", NINE)


def test_D029_quantiles_are_named_as_they_were_sent(http: httpx.Client) -> None:
    """Text is repeated to the letter; numbers may be sent as well; order plays no part (D-037)."""
    asked = ["0.50", "0.9", ".1", "5e-1", 0.25]
    (found,) = invoke(http, PLAIN, instance(), output_types=["quantiles"], quantiles=asked, seed=1)

    assert set(found["quantiles"]) == {"0.50", "0.9", ".1", "5e-1", "0.25"}
    assert found["quantiles"]["0.50"] == found["quantiles"]["5e-1"]


@pytest.mark.parametrize("configuration", [{}, {"quantiles": None}, {"quantiles": []}])
def test_D029_quantiles_without_a_list_are_the_nine(http: httpx.Client, configuration: dict[str, Any]) -> None:
    """Where they are asked for."""
    (found,) = invoke(http, PLAIN, instance(), output_types=["quantiles"], **configuration)

    assert list(found["quantiles"]) == NINE


def test_D029_quantiles_that_are_not_asked_for_are_ignored(http: httpx.Client) -> None:
    """output_types decides."""
    (found,) = invoke(http, PLAIN, instance(), output_types=["mean"], quantiles=["0.5"])

    assert set(found) == {"mean"}


@pytest.mark.parametrize(
    ("configuration", "part"),
    [
        ({"quantiles": ["0"]}, "quantiles has '0'"),
        ({"quantiles": ["1"]}, "between 0 and 1"),
        ({"quantiles": [1.5]}, "quantiles has 1.5"),
        ({"quantiles": ["median"]}, "quantiles has 'median'"),
        ({"quantiles": ["NaN"]}, "quantiles has 'NaN'"),
        ({"quantiles": [True]}, "quantiles has true"),
        ({"quantiles": "0.5"}, "expected an array"),
        ({"output_types": []}, "output_types"),
        ({"output_types": ["median"]}, "expected any of mean, quantiles, samples"),
        ({"output_types": "mean"}, "output_types is 'mean'"),
        ({"output_types": [["mean"]]}, "output_types has an array"),
        ({"num_samples": 0}, "num_samples is 0, expected a whole number from 1 to 10000"),
        ({"num_samples": -5}, "num_samples is -5"),
        ({"num_samples": 10_001}, "num_samples is 10001"),
        ({"num_samples": 1.5}, "num_samples is 1.5"),
        ({"num_samples": "50"}, "num_samples is '50'"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "x"}, "seed is 'x'"),
    ],
)
def test_D029_D030_D081_a_wrong_configuration_is_refused(
    http: httpx.Client, configuration: dict[str, Any], part: str
) -> None:
    """It belongs to no instance."""
    body = refused(http, PLAIN, {"instances": [instance()], "configuration": configuration}, part)

    assert set(body) == {"code", "message"}
    assert body["code"] == "ValidationError"


def test_D036_mean_and_quantiles_are_those_of_the_paths_in_the_answer(http: httpx.Client) -> None:
    """The same draw; so a higher level is never lower."""
    levels = [f"0.{place:02}" for place in range(5, 100, 5)]
    (found,) = invoke(
        http, PLAIN, instance(), num_samples=101, output_types=["samples", "mean", "quantiles"], quantiles=levels
    )
    samples = np.array(found["samples"])
    quantiles = np.array([found["quantiles"][level] for level in levels])

    np.testing.assert_allclose(found["mean"], samples.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        quantiles, np.quantile(samples, [float(level) for level in levels], axis=0), rtol=1e-5, atol=1e-6
    )
    assert (np.diff(quantiles, axis=0) >= 0).all()
    assert samples.std() > 0


def test_D036_one_path_is_its_own_mean_and_quantile(http: httpx.Client) -> None:
    """The smallest number of samples."""
    (found,) = invoke(
        http, PLAIN, instance(), num_samples=1, output_types=["samples", "mean", "quantiles"], quantiles=["0.1"]
    )

    assert found["samples"] == [found["mean"]] == [found["quantiles"]["0.1"]]


def test_D039_a_seed_makes_the_draw_repeatable(http: httpx.Client) -> None:
    """And another one, or none, draws anew; the series of one request draw apart."""
    first, twin = invoke(http, PLAIN, instance(), instance(), **SEED)

    assert invoke(http, PLAIN, instance(), **SEED) == [first]
    assert twin != first
    assert invoke(http, PLAIN, instance(), **{**SEED, "seed": 12}) != [first]
    unseeded = {**SEED, "seed": None}
    assert invoke(http, PLAIN, instance(), **unseeded) != invoke(http, PLAIN, instance(), **unseeded)


def test_D039_a_seed_gives_the_same_bytes_whoever_else_asks(service: Service, http: httpx.Client) -> None:
    """What is computed together with others of 16 clients, with other lengths and numbers of samples, is bit-equal."""
    bodies = [
        {"instances": [instance(range(1, 2 + place % 7))] * (1 + place % 3), "configuration": {**SEED, "seed": place}}
        for place in range(16)
    ]
    path = f"/endpoints/{PLAIN}/invocations"
    alone = [http.post(path, json=body).content for body in bodies]

    def ask(place: int) -> list[bytes]:
        with httpx.Client(base_url=service.stack.url, timeout=30) as client:
            return [client.post(path, json=bodies[place]).content for _ in range(8)]

    with ThreadPoolExecutor(16) as clients:
        together = list(clients.map(ask, range(16)))

    assert together == [[expected] * 8 for expected in alone]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"", ("not JSON",)),
        (b"{", ("not JSON", "character")),
        (b'{"instances": [}', ("not JSON",)),
        (b'{"instances": [{"target": [1, NaN, 3]}]}', ("NaN is no JSON", "null", '"NaN" in')),  # F01
        (b"\xff\xfe", ("not JSON",)),
        (b"[" * 50_000, ("not JSON",)),
        (b"null", ("not an object",)),
        (b"[]", ("not an object",)),
        (b"{}", ("instances is missing",)),
        (b'{"instances": []}', ("instances is empty",)),
        (b'{"instances": {}}', ("instances is not an array",)),
        (b'{"instances": [5]}', ("it is a number, expected an object",)),
        (b'{"instances": [{"start": "2024-01-01"}]}', ("target is missing",)),
        (b'{"instances": [{"start": "2024-01-01", "target": "1"}]}', ("target is a text",)),
        (b'{"instances": [{"start": "2024-01-01", "target": [1]}], "configuration": []}', ("is an array",)),
    ],
)  # fmt: skip
def test_D010_D081_what_is_no_request_is_refused(http: httpx.Client, body: bytes, parts: tuple[str, ...]) -> None:
    """In words."""
    assert refused(http, PLAIN, body, *parts)["code"] == "ValidationError"


def test_D081_the_first_wrong_instance_refuses_the_whole_request(http: httpx.Client) -> None:
    """By its number, from 0."""
    wrong = instance(target="x")
    body = refused(http, PLAIN, {"instances": [instance(), wrong, instance(start="y"), wrong]}, "target")

    assert body["instance"] == 1


def test_D081_unknown_fields_are_left_alone(http: httpx.Client) -> None:
    """Clients may send what other services use, such as item_id."""
    expected = invoke(http, PLAIN, instance(), **SEED)

    assert invoke(http, PLAIN, instance(item_id="a", feat_static_cat=[1]), **SEED, unknown=1) == expected


def test_D003_D066_json_lines_in_give_json_lines_out(http: httpx.Client) -> None:
    """One object per line, in order, of the kinds that the endpoint's DEEPAR_INFERENCE_CONFIG says."""
    rows = [instance([1000.0] * 5), instance([1.0])]
    answer = http.post(f"/endpoints/{PLAIN}/invocations", content=lines_of(rows), headers=JSON_LINES)
    found = [json.loads(line) for line in answer.text.splitlines()]

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonlines"
    assert answer.text.endswith("\n")
    assert [list(one) for one in found] == [["samples"]] * 2
    assert [np.shape(one["samples"]) for one in found] == [(7, 3)] * 2
    assert max(numbers(found[0])) > 10 * max(numbers(found[1]))


def test_D065_D066_blank_lines_and_a_missing_end_of_line_do_no_harm(http: httpx.Client) -> None:
    """As in a transform job; the defaults of D-050 where the endpoint says nothing."""
    content = b"\n  \r\n" + lines_of([full()])[:-1] + b"\r\n\n" + lines_of([full(5)])[:-1]
    answer = http.post(f"/endpoints/{FULL}/invocations", content=content, headers=JSON_LINES)

    assert [list(json.loads(line)["quantiles"]) for line in answer.text.splitlines()] == [NINE] * 2


def test_D066_D081_a_wrong_line_refuses_the_request_by_its_number(http: httpx.Client) -> None:
    """The line of the body, from 1; the instance, from 0, does not count blank ones."""
    content = lines_of([instance()]) + b"\n" + b"{oops\n" + lines_of([instance()])
    answer = http.post(f"/endpoints/{PLAIN}/invocations", content=content, headers=JSON_LINES)

    assert check_refusal(answer, 400, "line 3: not JSON")["instance"] == 1


def test_D066_no_lines_at_all_are_refused(http: httpx.Client) -> None:
    """There is nothing to forecast."""
    check_refusal(http.post(f"/endpoints/{PLAIN}/invocations", content=b"\n", headers=JSON_LINES), 400, "no lines")


@pytest.mark.parametrize("likelihood", ["student-t", "gaussian", "negative-binomial", "beta", "deterministic-l1"])
def test_D038_every_likelihood_gives_finite_numbers(http: httpx.Client, store: ObjectStore, likelihood: str) -> None:
    """Also for extreme histories; counts are whole numbers and not negative."""
    name = f"invocations-{likelihood}"
    publish(store, name, likelihood=likelihood)
    targets = ([], [0.0] * 9, [1e30] * 9, [0.5, 0.25], list(range(40)))
    found = numbers([one["samples"] for one in invoke(http, name, *map(instance, targets), **SEED)])

    assert all(map(math.isfinite, found))
    if likelihood == "negative-binomial":
        assert all(number >= 0 and number == round(number) for number in found)
