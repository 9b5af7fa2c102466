"""Training DeepAR: what it learns, that it is reproducible and resumable, when it ends, and what it refuses."""

import io
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from models.deepar.artefact import Artefact, dump, load
from models.deepar.config import DeepARConfig
from models.deepar.inputs import scale_of
from models.deepar.learning import training
from models.deepar.learning.network import initial_weights
from models.deepar.learning.training import Progress, TrainingDataError, TrainingStoppedError, resolved, train
from models.deepar.series import Series

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
SMALL = {
    "num_cells": 4, "num_layers": 2, "mini_batch_size": 4, "num_batches_per_epoch": 3, "epochs": 4, "dropout_rate": 0.3,
    "likelihood": "gaussian",
}  # fmt: skip


def config(**changed: Any) -> DeepARConfig:
    """A small network over days, trained for a moment."""
    return DeepARConfig(**({"time_freq": "D", "prediction_length": 4, "context_length": 6} | SMALL | changed))


def series(values: Any, cat: tuple[int, ...] = (), features: int | None = None) -> Series:
    """A daily series."""
    target = np.array(values, np.float32)
    feat = None if features is None else np.ones((features, len(target)), np.float32)
    return Series(np.datetime64("2024-01-01", "D"), target, cat, feat)


def waves(count: int = 3, points: int = 40, noise: float = 0.1) -> list[Series]:
    """Weeks of different heights, with noise and gaps."""
    random = np.random.default_rng(1)
    many = []
    for place in range(count):
        values = (place + 1) * (3 + np.sin(np.arange(points) * 2 * np.pi / 7 + place) + random.normal(0, noise, points))
        values[random.random(points) < 0.05] = NAN
        many.append(series(values, (place % 2,)))
    return many


class Scripted:
    """In a network's place: each batch adds one to every weight, and the losses are those of a script."""

    losses: list[float]  # of the epochs, from the first on
    validated: list[float]
    rates: list[float]

    def __init__(self, of: DeepARConfig, weights: Any) -> None:
        self._now = {name: weight.copy() for name, weight in weights.items()}
        self._epoch = 0

    def train(self, batch: Any, *, step: int, learning_rate: float, seed: int) -> float:
        type(self).rates.append(learning_rate)
        self._now = {name: weight + 1 for name, weight in self._now.items()}
        self._epoch = (step - 1) // SMALL["num_batches_per_epoch"]
        return type(self).losses[min(self._epoch, len(type(self).losses) - 1)]

    def loss(self, batch: Any) -> tuple[float, float]:
        return 2.0 * type(self).validated[self._epoch], 2.0

    def weights(self) -> Any:
        return {name: weight.copy() for name, weight in self._now.items()}

    def state(self) -> Any:
        return {f"weight/{name}": weight for name, weight in self.weights().items()}

    def restore(self, state: Any) -> None:
        self._now = {name: state[f"weight/{name}"].copy() for name in self._now}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    """The network that is trained instead; its weights after n epochs are the first ones plus 3 n."""

    class Script(Scripted):
        losses, validated, rates = [0.5], [1.0] * 9, []

    monkeypatch.setattr(training, "Network", Script)
    return Script


def trained_epochs(model: Artefact) -> int:
    """After how many epochs of a script the model's weights were taken."""
    start = initial_weights(model.config, np.random.default_rng([model.config.seed, 2]))
    grown = {float(np.round(np.median(model.weights[name] - start[name]), 3)) for name in start}
    assert len(grown) == 1
    return round(grown.pop() / SMALL["num_batches_per_epoch"])


def test_the_same_seed_trains_the_same_model_also_after_a_crash() -> None:
    """Byte for byte, from any checkpoint on; another seed trains another one."""
    reported: list[Progress] = []
    whole = dump(train(waves(), config(), report=reported.append))

    assert [progress.epoch for progress in reported] == [1, 2, 3, 4]
    assert all(np.isfinite([progress.loss, progress.validation_loss]).all() for progress in reported)
    assert dump(train(waves(), config())) == whole
    assert dump(train(waves(), config(), resume=reported[1].checkpoint)) == whole
    assert dump(train(waves(), config(seed=1))) != whole


def test_a_season_is_learnt_in_seconds() -> None:
    """The loss falls, forecasts are far better than the last value or the mean, and intervals cover what they say."""
    many = waves(6, 160)
    losses: list[float] = []
    model = train(
        many,
        config(num_cells=12, num_layers=1, mini_batch_size=32, num_batches_per_epoch=30, epochs=12, learning_rate=0.01,
               prediction_length=7, context_length=14, likelihood="student-t"),
        report=lambda progress: losses.append(progress.loss),
    )  # fmt: skip
    last = np.array([one.target[-7:] for one in many])
    naive = np.array([one.target[:-7][~np.isnan(one.target[:-7])][-1] for one in many])[:, np.newaxis]
    mean = np.array([np.nanmean(one.target[:-7]) for one in many])[:, np.newaxis]
    size = np.nansum(np.abs(last))
    metrics = model.facts["metrics"]

    assert losses[-1] < losses[0] - 1
    assert metrics["ND"] < 0.5 * np.nansum(np.abs(last - naive)) / size
    assert metrics["ND"] < 0.5 * np.nansum(np.abs(last - mean)) / size
    assert metrics["ND"] < 0.08
    assert metrics["mean_wQuantileLoss"] < metrics["ND"]
    assert 0.6 < metrics["coverage_80"] < 0.97


def test_the_best_epoch_on_the_validation_window_is_kept(script: type[Scripted]) -> None:
    """Training ends when as many epochs as patience has brought nothing better."""
    script.validated = [3.0, 2.0, 2.5, 2.0, 9.0, 1.0]
    reported: list[Progress] = []
    model = train(waves(), config(epochs=50, early_stopping_patience=3), report=reported.append)

    assert [progress.validation_loss for progress in reported] == [3.0, 2.0, 2.5, 2.0, 9.0]
    assert [progress.loss for progress in reported] == [0.5] * 5
    assert trained_epochs(model) == 2
    assert {name: model.facts[name] for name in ("epochs", "best_epoch", "loss", "validation_loss", "series")} == {
        "epochs": 5, "best_epoch": 2, "loss": 0.5, "validation_loss": 9.0, "series": 3,
    }  # fmt: skip


def test_the_best_epoch_survives_a_crash(script: type[Scripted]) -> None:
    """Its weights, how long ago it was, and the rate are in the checkpoint."""
    script.validated = [3.0, 2.0, 2.5, 2.0, 9.0, 1.0]
    reported: list[Progress] = []
    whole = dump(train(waves(), config(epochs=50, early_stopping_patience=3), report=reported.append))
    for progress in reported:
        again: list[Progress] = []
        model = train(
            waves(), config(epochs=50, early_stopping_patience=3), resume=progress.checkpoint, report=again.append
        )

        assert dump(model) == whole
        assert [one.epoch for one in again] == list(range(progress.epoch + 1, 6))


def test_without_patience_the_last_weights_are_kept(script: type[Scripted]) -> None:
    """Nothing is set aside to tell which are best."""
    script.losses = [3.0, 1.0, 2.0, 5.0]
    reported: list[Progress] = []
    model = train(waves(), config(early_stopping_patience=None), report=reported.append)

    assert [progress.validation_loss for progress in reported] == [None] * 4
    assert trained_epochs(model) == 4


def test_series_too_short_to_validate_are_trained_on_to_the_end(script: type[Scripted]) -> None:
    """Patience has nothing to judge by."""
    script.losses = [3.0, 1.0, 2.0, 5.0]
    model = train([series([1, 2, 3, 4, 5])], config(early_stopping_patience=1))

    assert trained_epochs(model) == 4
    assert model.facts["validation_loss"] is None


def test_the_learning_rate_is_halved_where_nothing_gets_better(script: type[Scripted]) -> None:
    """After ten epochs, again and again, as in GluonTS; progress starts the count anew."""
    script.validated = [5.0, *[6.0] * 9, 4.0, *[6.0] * 30]
    train(waves(), config(epochs=33, early_stopping_patience=100, learning_rate=0.4))

    assert script.rates[::3] == [0.4] * 21 + [0.2] * 10 + [0.1] * 2


def test_training_can_be_ended_from_outside(script: type[Scripted]) -> None:
    """Whatever is raised where progress is reported comes out."""
    reported: list[Progress] = []

    def report(progress: Progress) -> None:
        reported.append(progress)
        if progress.epoch == 2:
            raise TrainingStoppedError

    with pytest.raises(TrainingStoppedError):
        train(waves(), config(), report=report)

    assert len(reported) == 2


@pytest.mark.parametrize("patience", [None, 3])
def test_a_training_that_diverges_is_refused(script: type[Scripted], patience: int | None) -> None:
    """With the remedy, instead of a model that forecasts nothing."""
    script.losses = [1.0, NAN]
    script.validated = [1.0, NAN]

    with pytest.raises(TrainingDataError, match=r"diverged in epoch 2: use a smaller learning_rate$") as refused:
        train(waves(), config(early_stopping_patience=patience))

    assert refused.value.field == "learning_rate"


def test_a_model_is_trained_further(script: type[Scripted]) -> None:
    """From its weights instead of random ones."""
    start = train(waves(), config(early_stopping_patience=None))
    further = train(waves(), config(early_stopping_patience=None, epochs=2), start_from=load(dump(start)))

    assert trained_epochs(further) == 6


def test_a_model_of_another_shape_is_not_trained_further() -> None:
    """Said before anything is computed."""
    small = resolved(waves(), config(num_cells=3))
    start = Artefact(small, 1.0, initial_weights(small, np.random.default_rng(1)))

    with pytest.raises(TrainingDataError, match=r"^the model to start from has other layers, categories or features"):
        train(waves(), config(), start_from=start)


def test_a_typical_series_has_the_median_scale(script: type[Scripted]) -> None:
    """Of those that have one: what a series without a history is taken for."""
    many = [series([2.0] * 9), series([NAN, 30.0]), series([0.0] * 9), series([7.0, -9.0, NAN])]
    model = train([*many, series([NAN] * 5)], config(epochs=1))

    assert model.default_scale == 8.0
    assert model.facts["series"] == 4
    assert train([series([0.0] * 9)], config(epochs=1)).default_scale == 1.0
    assert scale_of(many[3].target, many[3].target, default=1.0, scaled=True) == 8.0


def test_only_so_many_series_are_validated(script: type[Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of them, the same in every epoch, in batches."""
    monkeypatch.setattr(training, "_VALIDATED", 130)
    sizes: list[int] = []
    monkeypatch.setattr(script, "loss", lambda _, batch: sizes.append(len(batch.scale)) or (1.0, 1.0))
    train(waves(200, 20), config(epochs=2))

    assert sizes == [64, 64, 2] * 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 3, NAN], [17, 1e6]], "negative-binomial"),
        ([[0.2, 0.9], [NAN, 0.5]], "beta"),
        ([[0.2, 0.9], [1.0, 0.5]], "student-t"),
        ([[1, 2, 3.5]], "student-t"),
        ([[1, 2, -3]], "student-t"),
        ([[NAN], [0, 1, 1]], "negative-binomial"),
    ],
)
def test_the_data_decides_on_the_likelihood(values: Any, expected: str) -> None:
    """Counts, shares strictly between 0 and 1, and all the rest."""
    assert resolved([series(some) for some in values], config(likelihood="auto")).likelihood == expected


def test_counts_that_are_steadier_than_chance_are_no_negative_binomial() -> None:
    """A timetable with a change now and then, against counts that are drawn; and what repeats after a week."""
    random = np.random.default_rng(5)
    week = np.tile([20, 21, 20, 22, 23, 9, 8], 20)
    timetable = week + (random.random(140) < 0.1)
    drawn = [random.poisson(week) for _ in range(3)]

    def chosen(*targets: Any) -> str:
        return resolved([series(some) for some in targets], config(likelihood="auto")).likelihood

    assert chosen(timetable) == "student-t"
    assert chosen(*drawn) == "negative-binomial"
    assert chosen(timetable, *drawn) == "negative-binomial"
    assert chosen(timetable, timetable, timetable, *drawn[:2]) == "student-t"


@pytest.mark.parametrize("likelihood", ["student-t", "gaussian", "deterministic-l1"])
def test_a_likelihood_that_is_asked_for_is_taken(likelihood: str) -> None:
    """Whatever the values are."""
    assert resolved([series([1, 2])], config(likelihood=likelihood)).likelihood == likelihood


def test_the_data_decides_on_categories_and_features() -> None:
    """One more than the largest code of each, over all series; given numbers are kept."""
    many = [series([1, 2], (0, 5), 2), series([1, 2], (3, 1), 2)]
    found = resolved(many, config())
    given = resolved(many, config(cardinality=(9, 9), num_dynamic_feat=2))

    assert (found.cardinality, found.num_dynamic_feat) == ((4, 6), 2)
    assert (given.cardinality, given.num_dynamic_feat) == ((9, 9), 2)
    assert resolved([series([1])], config()).cardinality == ()
    assert resolved([series([1])], config()).num_dynamic_feat == 0


@pytest.mark.parametrize(
    ("many", "changed", "field", "message"),
    [
        ([], {}, "target", "no series has an observed value: there is nothing to learn from"),
        ([series([NAN, NAN])], {}, "target", "no series has an observed value: there is nothing to learn from"),
        ([series([1, -2])], {"likelihood": "negative-binomial"}, "likelihood",
         "a target is negative: negative-binomial is for counts, use student-t"),
        ([series([0.5, 1.2])], {"likelihood": "beta"}, "likelihood",
         "a target is not between 0 and 1, as beta needs it: use student-t"),
        ([series([1], (0,)), series([1])], {}, "cat", "cat is [], expected codes below [1]"),
        ([series([1], (2, 1))], {"cardinality": (2, 2)}, "cat", "cat is [2, 1], expected codes below [2, 2]"),
        ([series([1], (-1,))], {"cardinality": (2,)}, "cat", "cat is [-1], expected codes below [2]"),
        ([series([1], (0,)), series([1], (0, 1))], {}, "cat", "cat is [0, 1], expected codes below [1]"),
        ([series([1], (10**6,))], {}, "cat", "cat has the code 1000000, expected codes below 1000000"),
        ([series([1], (1,))], {"cardinality": ()}, "cat", "cat is [1], expected codes below []"),
        ([series([1], (), 1), series([1])], {}, "dynamic_feat",
         "a series does not have 1 dynamic features, as others do"),
        ([series([1])], {"num_dynamic_feat": 2}, "dynamic_feat",
         "a series does not have 2 dynamic features, as others do"),
    ],
)  # fmt: skip
def test_series_that_cannot_be_trained_on_are_refused(
    many: list[Series], changed: dict[str, Any], field: str, message: str
) -> None:
    """In words that name the field and say what is wrong."""
    with pytest.raises(TrainingDataError) as refused:
        train(many, config(**changed))

    assert (refused.value.field, refused.value.message) == (field, message)


def test_a_checkpoint_is_numbers_only() -> None:
    """Nothing in it is unpickled."""
    buffer = io.BytesIO()
    np.savez(buffer, told=np.array([{}], object))

    with pytest.raises(ValueError, match="allow_pickle=False"):
        train(waves(), config(), resume=buffer.getvalue())


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_D32_a_model_knows_whether_it_has_seen_negative_values(lowest: float) -> None:
    """The mean and the quantiles of a request are not below zero then, nor what the scores judge."""
    values = np.array([3.0, 5.0, lowest, 4.0] * 8, np.float32)
    config, _ = DeepARConfig.from_hyper_parameters(
        {"time_freq": "D", "prediction_length": 2, "epochs": 1, "num_batches_per_epoch": 1, "num_cells": 4}
    )
    trained = train([Series(np.datetime64("2024-01-01"), values)], config)

    assert trained.facts["non_negative"] == (lowest >= 0)
