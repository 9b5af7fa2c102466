"""DeepAR's forecasts in numpy: the arithmetic, whatever the history, and independence of what is asked together."""

import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.deepar.artefact import Artefact, dump
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from models.deepar.summaries import mean_of, quantiles_of
from tests.unit.models.deepar.deepar_models import artefact, predictor, series

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
LIKELIHOODS = ("student-t", "gaussian", "negative-binomial", "beta", "deterministic-l1")
HISTORIES = {
    "long": [10 + 3 * (n % 7) for n in range(500)],
    "gaps": [NAN if n % 5 in (0, 3) else 1.0 + n % 4 for n in range(60)],
    "shorter than the context": [3.0, 5.0, 4.0],
    "one value": [4.0],
    "empty": [],
    "all missing": [NAN] * 40,
    "zeros": [0.0] * 40,
    "zeros in the context": [6.0, 2.0] * 20 + [0.0] * 20,
    "missing in the context": [6.0, 2.0] * 20 + [NAN] * 20,
    "negative": [-8.0, -2.5] * 30,
}
EXTREME = {
    "1e30": [1e30] * 40,
    "near the end of float32": [3.4e38, -3.4e38] * 20,
    "huge and tiny": [1e30, 1e-30] * 30,
    "huge, then tiny": [1e38] * 40 + [1e-9] * 20,
    "tiny": [1e-9] * 40,
    "denormal": [1e-40] * 40,
    "an outlier": [1.0] * 60 + [1e20],
}


def literal(model: Artefact, one: Series, noise: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """A path as the paper and `models.deepar` say it, step by step in double precision, gaussian with this noise."""
    config, weights = model.config, {name: array.astype(np.float64) for name, array in model.weights.items()}
    length, context, cells = len(one.target), config.context_length, config.num_cells
    values = [float(value) for value in one.target]
    scale = model.default_scale
    for part in (values, values[-context:]):
        seen = [abs(value) for value in part if value == value]
        if seen and sum(seen) > 0:
            scale = sum(seen) / len(seen)
    states = [(np.zeros(cells), np.zeros(cells)) for _ in range(config.num_layers)]
    for step in range(length - context, length + config.prediction_length):
        lags = [values[step - lag] if step >= lag else 0.0 for lag in config.frequency.lags()]
        lags = [0.0 if lag != lag else lag / scale for lag in lags]
        calendar = config.frequency.calendar(config.frequency.times(one.start, 1, first=step))[0]
        features = [float(row[step]) if step >= 0 else 0.0 for row in ([] if one.feat is None else one.feat)]
        embedded = [weights[f"embedding_{place}"][code] for place, code in enumerate(one.cat)]
        below = np.concatenate([lags, calendar, [np.log10(2 + max(step, 0))], features, *embedded, [np.log(scale)]])
        for layer, (cell, h) in enumerate(states):
            sums = np.concatenate([below, h]) @ weights[f"lstm_{layer}/kernel"] + weights[f"lstm_{layer}/bias"]
            enter, forget, new, show = np.split(sums, 4)
            c = cell / (1 + np.exp(-forget)) + np.tanh(new) / (1 + np.exp(-enter))
            below = np.tanh(c) / (1 + np.exp(-show))
            states[layer] = c, below
        if step >= length:
            raw = below @ weights["projection/kernel"] + weights["projection/bias"]
            width = 0.0 if noise is None else (np.log1p(np.exp(raw[1])) + 1e-6) * noise[step - length]
            values.append((raw[0] + width) * scale)
    return np.array(values[length:])


@pytest.mark.parametrize("history", HISTORIES)
def test_a_forecast_is_what_the_paper_says(history: str) -> None:
    """Lags, calendar, age, features, codes, scale and two layers: as computed step by step in double precision."""
    model = predictor("deterministic-l1")
    one = series(HISTORIES[history], model, place=2)

    assert model.sample([one], 3, [1])[0] == pytest.approx(
        np.tile(literal(model.artefact, one), (3, 1)), rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"num_layers": 1},
        {"num_layers": 3},
        {"cardinality": (), "num_dynamic_feat": 0},
        {"cardinality": (2, 30), "num_dynamic_feat": 3},
        {"time_freq": "H", "prediction_length": 50, "context_length": 1},
        {"time_freq": "15min"},
        {"time_freq": "W"},
        {"time_freq": "M", "prediction_length": 1},
        {"time_freq": "Y", "prediction_length": 200, "context_length": 3},
    ],
    ids=str,
)
def test_models_of_all_shapes_forecast_what_the_paper_says(changed: dict[str, Any]) -> None:
    """Layers, categories, features and frequencies as the configuration has them; far lags reach into the path."""
    model = predictor("deterministic-l1", **changed)
    one = series(HISTORIES["long"], model, place=1)

    assert model.sample([one], 2, [1])[0][1] == pytest.approx(literal(model.artefact, one), rel=2e-4, abs=1e-4)


def test_each_path_goes_on_from_its_own_values() -> None:
    """What is drawn for a path is among the lags of that path, not of another."""
    model = predictor("gaussian", prediction_length=30)
    one = series(HISTORIES["gaps"], model)
    noise = np.random.Generator(np.random.SFC64(5)).standard_normal((30, 4), dtype=np.float32)

    paths = model.sample([one], 4, [5])[0]

    for place, path in enumerate(paths):
        assert path == pytest.approx(literal(model.artefact, one, noise[:, place]), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("history", [*HISTORIES, *EXTREME])
def test_every_number_is_finite(likelihood: str, history: str) -> None:
    """No history makes an infinite or undefined forecast, or a warning; counts and shares are such (D-038)."""
    values = np.array((HISTORIES | EXTREME)[history])
    if likelihood == "beta":
        values = np.clip(values, 0, 1)
    model = predictor(likelihood)

    paths = model.sample([series(np.abs(values) if likelihood[0] == "n" else values, model)], 100, [1])[0]

    assert paths.shape == (100, 9)
    assert paths.dtype == np.float32
    assert np.isfinite(paths).all()
    assert np.isfinite(mean_of(paths)).all()
    assert np.isfinite(quantiles_of(paths, [0, 0.1, 0.5, 1])).all()
    if likelihood == "negative-binomial":
        assert ((paths >= 0) & (paths == np.rint(paths))).all()
    if likelihood == "beta":
        assert ((paths >= 0) & (paths <= 1)).all()


@pytest.mark.parametrize("likelihood", ["student-t", "gaussian", "negative-binomial", "deterministic-l1"])
def test_a_forecast_is_as_large_as_its_history(likelihood: str) -> None:
    """Of a history a power of ten as large, the forecast is so too: up to 1e30 nothing is cut off."""
    base = artefact(likelihood)
    kernel = base.weights["lstm_0/kernel"].copy()
    kernel[-base.config.num_cells - 1] = 0  # the logarithm of the scale is the one input that may tell them apart
    model = Predictor(replace(base, weights={**base.weights, "lstm_0/kernel": kernel}))

    medians = [
        np.median(model.sample([series(np.array([2.0, 3.0] * 30) * size, model)], 400, [1])[0], axis=0) / size
        for size in (1e6, 1e30)
    ]

    assert medians[1] == pytest.approx(medians[0], rel=0.2, abs=0.05)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize(
    "num_samples", [1, 7, 33, *(pytest.param(many, marks=pytest.mark.slow) for many in (100, 1000))]
)
def test_a_series_does_not_depend_on_the_others(likelihood: str, num_samples: int) -> None:
    """Bit for bit the same alone, in any order, among few and among more than fit into a block."""
    model = predictor(likelihood, num_cells=40)
    histories = [np.clip(values, 0, 1) if likelihood == "beta" else np.abs(values) for values in HISTORIES.values()]
    # More than a block holds, which is 1,600 paths.
    count = 20 if num_samples <= 100 else 6
    many = [series(histories[place % len(histories)], model, place=place) for place in range(count)]
    alone = [model.sample([one], num_samples, [place])[0] for place, one in enumerate(many)]

    for places in (range(count), range(count)[::-1], range(3, 5), (count - 3, 2, 2, count // 2, 1)):
        together = model.sample([many[place] for place in places], num_samples, list(places))

        for place, paths in zip(places, together, strict=True):
            assert np.array_equal(paths, alone[place])


def test_threads_share_a_predictor() -> None:
    """Several threads that forecast at once get what each gets alone."""
    model = predictor(num_cells=40)
    many = [series(HISTORIES["long"], model, place=place) for place in range(8)]
    alone = [model.sample([one], 100, [1])[0] for one in many]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda one: model.sample([one], 100, [1])[0], many))

    assert all(np.array_equal(some, other) for some, other in zip(together, alone, strict=True))


@pytest.mark.parametrize("count", [1, 7, 50])
def test_how_many_threads_work_on_it_changes_no_bit(count: int) -> None:
    """A call that is shared out to threads is answered as by one, in its order."""
    alone, shared = predictor(), Predictor(predictor().artefact, threads=3)
    many = [series(history, alone, place=place) for place, history in enumerate([*HISTORIES.values()] * 5)][:count]

    assert np.array_equal(shared.sample(many, 100, range(count)), alone.sample(many, 100, range(count)))


def test_many_series_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread has a part of its own: none of two goes on until the other one has come."""
    shared = Predictor(predictor().artefact, threads=2)
    many = [series(HISTORIES["long"], shared, place=place) for place in range(9)]
    both, sample = Barrier(2, timeout=60), shared._sample
    monkeypatch.setattr(shared, "_sample", lambda *asked: (both.wait(), sample(*asked))[1])

    assert len(shared.sample(many, 100, range(9))) == 9


def test_the_seed_decides() -> None:
    """The same seed gives the same paths, another one others."""
    model = predictor()
    one = series(HISTORIES["long"], model)
    first, again, other = model.sample([one, one, one], 50, [1, 1, 2])

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    "changed",
    [
        lambda one: replace(one, cat=(2,)),
        lambda one: replace(one, start=one.start + np.timedelta64(3, "D")),
        lambda one: replace(one, feat=np.where(np.arange(one.feat.shape[1]) == len(one.target) + 1, 9, one.feat)),
        lambda one: replace(one, target=np.where(np.arange(len(one.target)) == len(one.target) - 30, 9, one.target)),
    ],
    ids=["category", "start", "a feature of the future", "a value a month ago"],
)
def test_everything_asked_matters(changed: Any) -> None:
    """Another code, time, feature or value makes another forecast."""
    model = predictor("deterministic-l1")
    one = series(HISTORIES["long"], model)
    before, after = model.sample([one, changed(one)], 1, [1, 1])

    assert not np.allclose(before, after, rtol=1e-5)


def test_many_samples_of_many_steps() -> None:
    """A thousand paths of 200 steps differ, and stay finite to the end."""
    model = predictor(prediction_length=200)
    paths = model.sample([series(HISTORIES["long"], model)], 1000, [1])[0]

    assert paths.shape == (1000, 200)
    assert np.isfinite(paths).all()
    assert len(np.unique(paths[:, -1])) > 900


def test_nothing_asked_is_nothing_answered() -> None:
    """No series, no paths."""
    assert predictor().sample([], 100, []) == []


@pytest.mark.slow
def test_few_samples_of_many_long_windows_take_little_memory() -> None:
    """What is kept at once is bounded, however many series are asked for a single path."""
    model = predictor(num_cells=40, prediction_length=300, context_length=300)
    many = [series(HISTORIES["long"], model, place=place) for place in range(400)]
    model.sample(many[:1], 1, [1])
    tracemalloc.start()
    try:
        model.sample(many, 1, range(400))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 120e6


def test_a_file_is_enough() -> None:
    """The predictor of a model's file forecasts as that of the model."""
    model = predictor()
    one = series(HISTORIES["gaps"], model)

    assert np.array_equal(Predictor.load(dump(model.artefact)).sample([one], 9, [3]), model.sample([one], 9, [3]))


def test_forecasting_needs_no_tensorflow() -> None:
    """A process that serves does not load it: it would take half a gigabyte and several seconds."""
    told = "import sys, models.deepar.predictor, models.deepar.summaries; sys.exit('tensorflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", told], check=False).returncode == 0


def test_D32_no_path_is_below_zero_where_nothing_was() -> None:
    """Neither the history nor what the model was trained on; a negative history, or allow_negative, keeps the paths."""
    plain = artefact("gaussian")
    known = replace(plain, facts={"non_negative": True})
    allowed = replace(known, config=replace(known.config, allow_negative=True))
    histories = [series(values, Predictor(plain)) for values in ([1.0, 0.0, 2.0], [1.0, -0.5, 2.0], [])]
    lowest = {
        name: [float(paths.min()) for paths in Predictor(model).sample(histories, 50, [1, 2, 3])]
        for name, model in {"plain": plain, "known": known, "allowed": allowed}.items()
    }

    assert max(lowest["plain"]) < 0
    assert lowest["allowed"] == lowest["plain"]
    assert [value >= 0 for value in lowest["known"]] == [True, False, True]
    assert lowest["known"][1] == lowest["plain"][1]
