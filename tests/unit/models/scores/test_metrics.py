"""The 32 metrics: the contract's check table, a scalar reference written one series at a time, and the edge rules."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scores.formulas import FORMULAS
from models.scores.metrics import evaluate
from models.scores.names import ALIASES, METRICS, UnknownMetricError, metric_names

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

CONTRACT_ORDER = """
    mse rmse nrmse me mae mad gmae mdae mpe mape mdape smape smdape maape mase std_ae std_ape rmspe
    rmdspe rmsse inrse rrse mre rae mrae mdrae gmrae mbrae umbrae mda bias r2
""".split()

ACTUAL = [227.0, 226.0, 221.0, 222.0, 227.0]
LSTM_LONG = [234.0, 237.0, 235.0, 233.0, 235.0]
MAX_N = [237.0] * 5

# The check table of contract 000, section 8: metric, LstmLong sample, AdaptiveMaxN sample.
CHECK_TABLE = [
    ("mse", 110.2, 160.4),
    ("rmse", 10.497618777608569, 12.66491215919005),
    ("nrmse", 1.749603130, 2.110818693),
    ("me", -10.2, -12.4),
    ("bias", -10.2, -12.4),
    ("mae", 10.2, 12.4),
    ("mad", 10.2, 12.4),
    ("gmae", 9.895102257, 12.14285434),
    ("mdae", 11, 11),
    ("mpe", -0.04552996547, -0.05534881017),
    ("mape", 0.04552996547, 0.05534881017),
    ("mdape", 0.04867256637, 0.04867256637),
    ("smape", 0.0444544308, 0.0537903136),
    ("smdape", 0.0475161987, 0.0475161987),
    ("maape", 0.04549241416, 0.05528402072),
    ("mase", 3.4, 4.133333333),
    ("rmsse", 3.499206259, 4.221637386),
    ("std_ae", 2.774887385, 2.880972058),
    ("std_ape", 0.01289621594, 0.01359915846),
    ("rmspe", 0.04696836876, 0.05666957275),
    ("rmdspe", 0.04867256637, 0.04867256637),
    ("inrse", 4.073866166, 4.914939115),
    ("rrse", 4.073866166, 4.914939115),
    ("rae", 4.112903226, 5),
    ("mre", 0.3, -0.7),
    ("mrae", 6.6, 7.8),
    ("mdrae", 6.9, 7.1),
    ("gmrae", 4.825205854, 5.700539766),
    ("mbrae", 0.7963900135, 0.8206845238),
    ("umbrae", 3.911350456, 4.576763485),
    ("mda", 0.5, 0),
    ("r2", -15.59638554, -23.15662651),
]


def score(actual: list[float], predicted: list[float], name: str) -> float:
    """One metric of one series."""
    return float(evaluate(np.array([actual]), np.array([predicted]), [name])[name][0])


# --- reference: plain Python, one series and one metric at a time, sharing nothing with the code under test -----------


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _gmean(values: list[float]) -> float:
    return 0.0 if 0.0 in values else math.exp(_mean([math.log(v) for v in values]))


def _pe(a: list[float], p: list[float]) -> list[float]:
    return [(x - y) / x for x, y in zip(a, p, strict=True)]


def _ape(a: list[float], p: list[float]) -> list[float]:
    return [abs(x) for x in _pe(a, p)]


def _ae(a: list[float], p: list[float]) -> list[float]:
    return [abs(x - y) for x, y in zip(a, p, strict=True)]


def _sape(a: list[float], p: list[float]) -> list[float]:
    return [2 * abs(x - y) / (abs(x) + abs(y)) for x, y in zip(a, p, strict=True)]


def _naive(a: list[float]) -> float:
    return _mean([abs(a[i] - a[i - 1]) for i in range(1, len(a))])


def _r(a: list[float], p: list[float]) -> list[float]:
    return [(a[i] - p[i]) / (a[i] - a[i - 1]) for i in range(1, len(a))]


def _sst(a: list[float]) -> float:
    middle = _mean(a)
    return 0.0 if len(set(a)) == 1 else math.fsum((x - middle) ** 2 for x in a)


def _sad(a: list[float]) -> float:
    middle = _mean(a)
    return 0.0 if len(set(a)) == 1 else math.fsum(abs(x - middle) for x in a)


def _sse(a: list[float], p: list[float]) -> float:
    return math.fsum((x - y) ** 2 for x, y in zip(a, p, strict=True))


def _mbrae(a: list[float], p: list[float]) -> float:
    pairs = [(abs(a[i] - p[i]), abs(a[i] - a[i - 1])) for i in range(1, len(a))]
    return _mean([e / (e + d) for e, d in pairs])


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _mda(a: list[float], p: list[float]) -> float:
    return _mean([float(_sign(a[i] - a[i - 1]) == _sign(p[i] - p[i - 1])) for i in range(1, len(a))])


REFERENCE: dict[str, Callable[[list[float], list[float]], float]] = {
    "mse": lambda a, p: _sse(a, p) / len(a),
    "rmse": lambda a, p: math.sqrt(_sse(a, p) / len(a)),
    "nrmse": lambda a, p: math.sqrt(_sse(a, p) / len(a)) / (max(a) - min(a)),
    "me": lambda a, p: _mean([x - y for x, y in zip(a, p, strict=True)]),
    "mae": lambda a, p: _mean(_ae(a, p)),
    "mad": lambda a, p: _mean(_ae(a, p)),
    "gmae": lambda a, p: _gmean(_ae(a, p)),
    "mdae": lambda a, p: statistics.median(_ae(a, p)),
    "mpe": lambda a, p: _mean(_pe(a, p)),
    "mape": lambda a, p: _mean(_ape(a, p)),
    "mdape": lambda a, p: statistics.median(_ape(a, p)),
    "smape": lambda a, p: _mean(_sape(a, p)),
    "smdape": lambda a, p: statistics.median(_sape(a, p)),
    "maape": lambda a, p: _mean([math.atan(x) for x in _ape(a, p)]),
    "mase": lambda a, p: _mean(_ae(a, p)) / _naive(a),
    "std_ae": lambda a, p: statistics.stdev(_ae(a, p)),
    "std_ape": lambda a, p: statistics.stdev(_ape(a, p)),
    "rmspe": lambda a, p: math.sqrt(_mean([x * x for x in _pe(a, p)])),
    "rmdspe": lambda a, p: math.sqrt(statistics.median([x * x for x in _pe(a, p)])),
    "rmsse": lambda a, p: math.sqrt(_mean([(x / _naive(a)) ** 2 for x in _ae(a, p)])),
    "inrse": lambda a, p: math.sqrt(_sse(a, p) / _sst(a)),
    "rrse": lambda a, p: math.sqrt(_sse(a, p) / _sst(a)),
    "mre": lambda a, p: _mean(_r(a, p)),
    "rae": lambda a, p: math.fsum(_ae(a, p)) / _sad(a),
    "mrae": lambda a, p: _mean([abs(x) for x in _r(a, p)]),
    "mdrae": lambda a, p: statistics.median([abs(x) for x in _r(a, p)]),
    "gmrae": lambda a, p: _gmean([abs(x) for x in _r(a, p)]),
    "mbrae": _mbrae,
    "umbrae": lambda a, p: _mbrae(a, p) / (1 - _mbrae(a, p)),
    "mda": _mda,
    "bias": lambda a, p: _mean([x - y for x, y in zip(a, p, strict=True)]),
    "r2": lambda a, p: 1 - _sse(a, p) / _sst(a),
}


def reference(name: str, actual: list[float], predicted: list[float]) -> float:
    """NaN where the definition divides by zero or has too few points; missing actuals are left out first."""
    pairs = [(a, p) for a, p in zip(actual, predicted, strict=True) if not math.isnan(a)]
    try:
        return REFERENCE[name]([a for a, _ in pairs], [p for _, p in pairs])
    except (ZeroDivisionError, statistics.StatisticsError):
        return math.nan


# Three decimals and many small whole numbers: zeros, ties and constants are frequent, and nothing is ill-conditioned.
observed = st.one_of(st.integers(-3, 3).map(float), st.integers(-999_999, 999_999).map(lambda n: n / 1000))


@st.composite
def comparisons(draw: st.DrawFn, most_rows: int = 6, most_points: int = 12) -> tuple[NDArray, NDArray]:
    """Actual and predicted [N, h]; some actuals are missing, some rows are constant, some forecasts perfect."""
    series, points = draw(st.integers(1, most_rows)), draw(st.integers(1, most_points))
    rows = []
    for _ in range(series):
        actual = draw(st.lists(st.one_of(observed, st.just(math.nan)), min_size=points, max_size=points))
        predicted = draw(st.lists(observed, min_size=points, max_size=points))
        kind = draw(st.sampled_from(["any", "any", "constant", "perfect"]))
        if kind == "constant":
            actual = [draw(observed)] * points
        if kind == "perfect":
            predicted = [0.0 if math.isnan(a) else a for a in actual]
        rows.append((actual, predicted))
    return np.array([a for a, _ in rows]), np.array([p for _, p in rows])


def test_J110_the_32_names_in_the_contracts_order() -> None:
    """METRICS lists exactly the allowed keys, in the contract's order, and each has its formula."""
    assert list(METRICS) == CONTRACT_ORDER
    assert tuple(FORMULAS) == METRICS


@pytest.mark.parametrize(("name", "lstm_long", "max_n"), CHECK_TABLE, ids=[row[0] for row in CHECK_TABLE])
def test_J114_check_table(name: str, lstm_long: float, max_n: float) -> None:
    """Both columns of the contract's check table, scored together, tolerance 1e-6."""
    scores = evaluate(np.array([ACTUAL, ACTUAL]), np.array([LSTM_LONG, MAX_N]), METRICS)[name]

    assert scores.tolist() == pytest.approx([lstm_long, max_n], rel=0, abs=1e-6)


def test_J114_check_table_is_complete() -> None:
    """No metric is left out of the table above."""
    assert sorted(row[0] for row in CHECK_TABLE) == sorted(METRICS)


def test_J113_rmse_has_full_double_precision() -> None:
    """The seed's two mse and two rmse values come out to the last digit."""
    scores = evaluate(np.array([ACTUAL, ACTUAL]), np.array([LSTM_LONG, MAX_N]), ["mse", "rmse"])

    assert scores["mse"].tolist() == [110.2, 160.4]
    assert scores["rmse"].tolist() == [10.497618777608569, 12.66491215919005]


@given(comparisons())
def test_J114_every_metric_equals_the_scalar_reference(case: tuple[NDArray, NDArray]) -> None:
    """Vectorised and one-by-one agree on values and on what is undefined, with zeros, constants, gaps and h = 1."""
    actual, predicted = case
    scores = evaluate(actual, predicted, METRICS)

    for name in METRICS:
        expected = [reference(name, a, p) for a, p in zip(actual.tolist(), predicted.tolist(), strict=True)]
        assert scores[name].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize("points", [1, 2, 3, 5, 12, 48])
def test_J114_every_metric_equals_the_scalar_reference_on_many_rows(points: int) -> None:
    """The same on 300 random rows of each length, a tenth of the actuals missing."""
    random = np.random.default_rng(points)
    actual = np.round(random.normal(3, 4, (300, points)), 1)
    actual[random.random(actual.shape) < 0.1] = np.nan
    predicted = np.round(random.normal(3, 4, (300, points)), 1)
    scores = evaluate(actual, predicted, METRICS)

    for name in METRICS:
        expected = [reference(name, a, p) for a, p in zip(actual.tolist(), predicted.tolist(), strict=True)]
        assert scores[name].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


@given(comparisons(most_rows=9, most_points=40))
def test_a_rows_scores_do_not_depend_on_the_other_rows(case: tuple[NDArray, NDArray]) -> None:
    """A row scored alone gives the same bits as in company, and so does each metric asked for alone."""
    actual, predicted = case
    together = evaluate(actual, predicted, METRICS)

    for i in range(len(actual)):
        alone = evaluate(actual[i : i + 1], predicted[i : i + 1], METRICS)
        assert {n: v.tobytes() for n, v in alone.items()} == {n: v[i : i + 1].tobytes() for n, v in together.items()}
    for name in METRICS:
        assert evaluate(actual, predicted, [name])[name].tobytes() == together[name].tobytes()


@given(st.data())
def test_any_doubles_give_finite_or_undefined_scores(data: st.DataObject) -> None:
    """Infinities, NaN, subnormal and huge values never give an infinity or a warning."""
    points = data.draw(st.integers(1, 6))
    rows = st.lists(st.floats(), min_size=points, max_size=points)
    scores = evaluate(np.array([data.draw(rows)]), np.array([data.draw(rows)]), METRICS)

    assert not any(np.isinf(values).any() for values in scores.values())


def test_a_denominator_that_overflows_makes_a_metric_undefined() -> None:
    """An error of 1e150 against a spread of 1e160 is not perfect, although its square divided by infinity is 0."""
    actual, predicted = [1e160, -1e160], [1e160 + 1e150, -1e160]

    assert math.isnan(score(actual, predicted, "rrse"))
    assert math.isnan(score(actual, predicted, "r2"))
    assert score(actual, predicted, "mase") == pytest.approx(0.25e-10)


@pytest.mark.parametrize("predicted", [math.nan, math.inf, -math.inf])
def test_a_non_finite_prediction_leaves_the_row_without_scores(predicted: float) -> None:
    """No metric, not even a bounded or a median one, hides a broken forecast; other rows keep theirs."""
    scores = evaluate(np.array([ACTUAL, ACTUAL]), np.array([[*MAX_N[:4], predicted], MAX_N]), METRICS)

    assert all(np.isnan(values[0]) and np.isfinite(values[1]) for values in scores.values())


def test_a_prediction_at_a_missing_actual_does_not_matter() -> None:
    """Whatever was forecast for an unobserved row is not scored."""
    assert score([1.0, math.nan, 4.0], [2.0, math.nan, 2.0], "mse") == 2.5


def test_J117_a_zero_actual_makes_every_share_undefined() -> None:
    """No epsilon: one zero actual and the percentage metrics are null, the others are not."""
    scores = evaluate(np.array([[0.0, 1.0, 3.0]]), np.array([[1.0, 1.5, 2.0]]), METRICS)
    undefined = {name for name, values in scores.items() if np.isnan(values[0])}

    assert undefined == {"mpe", "mape", "mdape", "maape", "std_ape", "rmspe", "rmdspe"}


def test_J117_a_constant_actual_makes_every_scaled_metric_undefined() -> None:
    """0.1 three times: its rounded mean differs from 0.1, and yet no ratio is a huge artefact."""
    scores = evaluate(np.array([[0.1] * 3]), np.array([[0.2] * 3]), METRICS)
    undefined = {name for name, values in scores.items() if np.isnan(values[0])}

    assert undefined == set(
        """
    nrmse mase rmsse inrse rrse rae mre mrae mdrae gmrae umbrae r2
""".split()
    )
    assert scores["mbrae"][0] == 1


def test_J117_one_point_leaves_only_metrics_of_single_points() -> None:
    """With one point there is no step, no spread and no deviation."""
    scores = evaluate(np.array([[4.0]]), np.array([[5.0]]), METRICS)
    defined = {name for name, values in scores.items() if not np.isnan(values[0])}

    assert defined == set(
        """
    mse rmse me mae mad gmae mdae mpe mape mdape smape smdape maape rmspe rmdspe bias
""".split()
    )


@pytest.mark.parametrize("name", ["gmae", "gmrae"])
def test_J114_a_zero_error_makes_the_geometric_means_zero(name: str) -> None:
    """Decision 2: 0, not null."""
    assert score([1.0, 2.0, 4.0], [3.0, 2.0, 5.0], name) == 0


def test_steps_run_between_neighbouring_observed_points() -> None:
    """With a gap, mase compares 2 with 8: |8-2| = 6, mean |e| = 3."""
    assert score([2.0, math.nan, 8.0], [5.0, 0.0, 5.0], "mase") == 0.5


def test_a_row_without_actuals_has_no_scores() -> None:
    """Nothing observed in the hold-out: every metric is null; so it is without any points at all."""
    for actual, predicted in (([[math.nan] * 3], [[1.0] * 3]), ([[]], [[]])):
        scores = evaluate(np.array(actual), np.array(predicted), METRICS)
        assert all(np.isnan(values).tolist() == [True] for values in scores.values())


def test_no_rows_give_no_scores() -> None:
    """An empty batch is scored without complaint."""
    assert evaluate(np.empty((0, 5)), np.empty((0, 5)), ["mse"])["mse"].shape == (0,)


def test_J112_exactly_the_metrics_asked_for() -> None:
    """In the order asked for, repeats once."""
    assert list(evaluate(np.array([ACTUAL]), np.array([MAX_N]), ["r2", "mse", "r2"])) == ["r2", "mse"]


def test_J111_r2_score_is_accepted_as_r2() -> None:
    """The alias is replaced by the contract's name."""
    assert ALIASES == {"r2_score": "r2"}
    assert metric_names(["r2_score", "mse", "r2"]) == ("r2", "mse")
    assert list(evaluate(np.array([ACTUAL]), np.array([MAX_N]), ["r2_score"])) == ["r2"]


def test_an_unknown_metric_is_named_with_the_choice() -> None:
    """The error says which name is wrong, in which field, and what there is."""
    with pytest.raises(UnknownMetricError, match=r"no metric 'accuracy'.*mse, rmse") as refusal:
        metric_names(["mse", "accuracy"])

    assert refusal.value.field == "eval_metrics"


def test_arrays_that_do_not_match_are_refused() -> None:
    """Broadcasting one forecast over many series would be a silent error."""
    with pytest.raises(ValueError, match="one shape"):
        evaluate(np.ones((2, 5)), np.ones((1, 5)), ["mse"])


@pytest.mark.parametrize("name", METRICS)
def test_inputs_are_left_as_they_were(name: str) -> None:
    """Scoring does not write into its arguments."""
    actual, predicted = np.array([ACTUAL]), np.array([LSTM_LONG])
    evaluate(actual, predicted, [name])

    assert (actual.tolist(), predicted.tolist()) == ([ACTUAL], [LSTM_LONG])
