"""Training a DeepAR model on many series: reproducible, with early stopping, and able to go on where it was cut off."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.deepar.artefact import Artefact, weight_shapes
from models.deepar.config import MOST_CATEGORIES, DeepARConfig
from models.deepar.inputs import scale_of
from models.deepar.learning.evaluation import scores
from models.deepar.learning.likelihood_choice import likelihood_of
from models.deepar.learning.network import Network, initial_weights
from models.deepar.learning.windows import Windows
from models.deepar.series import Series
from models.errors import RejectedInputError

__all__ = ["Progress", "TrainingDataError", "TrainingStoppedError", "resolved", "train"]

_VALIDATED: Final = 1000  # series whose last window is looked at after each epoch: more would not tell more
_VALIDATION_BATCH: Final = 64
_PLATEAU: Final = 10  # epochs without progress after which the learning rate is halved, as in GluonTS
_LEAST_RATE: Final = 1e-5  # and where that ends, relative to 1

Weights = Mapping[str, NDArray[np.float32]]


class TrainingDataError(RejectedInputError):
    """The series are such that no model can be trained on them."""


class TrainingStoppedError(Exception):
    """For `report` to raise: the training ends there and then."""


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """An epoch is done. Losses are means per value; `checkpoint` is what `train` goes on from (`resume`)."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    checkpoint: bytes


def train(
    series: Sequence[Series],
    config: DeepARConfig,
    *,
    resume: bytes | None = None,
    report: Callable[[Progress], None] | None = None,
    start_from: Artefact | None = None,
) -> Artefact:
    """A model trained on the series; the same series and configuration give the same model on the same machine.

    Of a validation window the weights with the least loss are kept, without one the last. `resume` goes on after the
    epoch of a checkpoint of the same training, `start_from` begins with a model's weights instead of random ones.
    TrainingDataError where the series do not allow it; whatever `report` raises ends the training.
    """
    config = resolved(series, config)
    if start_from is not None and weight_shapes(start_from.config) != weight_shapes(config):
        raise TrainingDataError(
            "start_from",
            "the model to start from has other layers, categories or features: train one from the beginning instead",
        )
    used = [one for one in series if not np.isnan(one.target).all()]
    default_scale = _typical_scale(used)
    held_out = config.early_stopping_patience is not None
    windows = Windows(used, config, hold_out=held_out, default_scale=default_scale)
    run = _Run(config, windows, start_from)
    if resume is not None:
        run.restore(resume)
    while not run.done:
        loss, validation_loss = run.epoch()
        if report is not None:
            report(Progress(run.epochs, config.epochs, loss, validation_loss, run.checkpoint()))
    # A request may send a part of its series alone: only the training knows whether values can be negative.
    non_negative = not any((one.target < 0).any() for one in used)
    artefact = Artefact(config, default_scale, run.best, {**run.facts(), "non_negative": non_negative})
    facts = {**artefact.facts, "series": len(used), "metrics": scores(artefact, used)}
    return replace(artefact, facts=facts)


def resolved(series: Sequence[Series], config: DeepARConfig) -> DeepARConfig:
    """The configuration with all that was left to the data, checked against the data; TrainingDataError."""
    observed = [one.target[~np.isnan(one.target)] for one in series]
    if not any(len(values) for values in observed):
        raise TrainingDataError("target", "no series has an observed value: there is nothing to learn from")
    likelihood = config.likelihood
    if likelihood == "auto":
        likelihood = likelihood_of(series, config.frequency.season_length)
    _check_likelihood(likelihood, observed)
    cardinality = config.cardinality
    if cardinality is None:
        width = len(series[0].cat)
        cardinality = tuple(1 + max(one.cat[place] for one in series if place < len(one.cat)) for place in range(width))
    for one in series:
        if len(one.cat) != len(cardinality) or any(
            not 0 <= code < most for code, most in zip(one.cat, cardinality, strict=True)
        ):
            raise TrainingDataError("cat", f"cat is {list(one.cat)}, expected codes below {list(cardinality)}")
    if any(most > MOST_CATEGORIES for most in cardinality):
        raise TrainingDataError(
            "cat", f"cat has the code {max(cardinality) - 1}, expected codes below {MOST_CATEGORIES}"
        )
    features = config.num_dynamic_feat
    if features is None:
        features = 0 if series[0].feat is None else len(series[0].feat)
    for one in series:
        if (0 if one.feat is None else len(one.feat)) != features:
            raise TrainingDataError("dynamic_feat", f"a series does not have {features} dynamic features, as others do")
    return replace(config, likelihood=likelihood, cardinality=cardinality, num_dynamic_feat=features)


def _check_likelihood(likelihood: str, observed: Sequence[NDArray[np.float32]]) -> None:
    """TrainingDataError where the values cannot have this distribution."""
    if likelihood == "negative-binomial" and not all((values >= 0).all() for values in observed):
        raise TrainingDataError("likelihood", "a target is negative: negative-binomial is for counts, use student-t")
    if likelihood == "beta" and not all(((values >= 0) & (values <= 1)).all() for values in observed):
        raise TrainingDataError("likelihood", "a target is not between 0 and 1, as beta needs it: use student-t")


def _typical_scale(series: Sequence[Series]) -> float:
    """The median scale of the series: what a series without a history is taken for."""
    scales = [scale_of(one.target, one.target, default=0.0, scaled=True) for one in series]
    positive = [scale for scale in scales if scale > 0]
    return float(np.median(positive)) if positive else 1.0


class _Run:
    """One training and everything that changes during it."""

    def __init__(self, config: DeepARConfig, windows: Windows, start_from: Artefact | None) -> None:
        self._config = config
        self._windows = windows
        self._random = np.random.default_rng([config.seed, 1])
        start = initial_weights(config, np.random.default_rng([config.seed, 2]))
        if start_from is not None:
            start = dict(start_from.weights)
        self._network = Network(config, start)
        rows = windows.held_out
        if len(rows) > _VALIDATED:
            rows = np.sort(np.random.default_rng([config.seed, 3]).choice(rows, _VALIDATED, replace=False))
        self._validation = [
            windows.last(rows[at : at + _VALIDATION_BATCH]) for at in range(0, len(rows), _VALIDATION_BATCH)
        ]
        self.epochs = 0
        self.best: Weights = start
        self._least: float | None = None
        self._best_epoch = 0
        self._rate = config.learning_rate
        self._stalled = 0  # epochs since the last progress, or since the rate was last halved
        self._last: tuple[float, float | None] = (0.0, None)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train."""
        patience = self._config.early_stopping_patience
        waited = self.epochs - self._best_epoch
        return self.epochs >= self._config.epochs or (
            bool(self._validation) and patience is not None and waited >= patience and self.epochs > 0
        )

    def epoch(self) -> tuple[float, float | None]:
        """Train for an epoch: its loss and that of the validation windows."""
        config = self._config
        losses = []
        for number in range(config.num_batches_per_epoch):
            batch = self._windows.batch(self._random, config.mini_batch_size)
            step = self.epochs * config.num_batches_per_epoch + number + 1
            losses.append(self._network.train(batch, step=step, learning_rate=self._rate, seed=config.seed))
        loss = float(np.mean([float(one) for one in losses]))
        self.epochs += 1
        validation = self._validate()
        judged = loss if validation is None else validation
        if not np.isfinite(judged):
            raise TrainingDataError(
                "learning_rate", f"the training diverged in epoch {self.epochs}: use a smaller learning_rate"
            )
        if self._least is None or judged < self._least:
            self._least, self._best_epoch, self._stalled = judged, self.epochs, 0
            self.best = self._network.weights()
        else:
            self._stalled += 1
            if self._stalled >= _PLATEAU:
                self._rate = max(self._rate / 2, self._config.learning_rate * _LEAST_RATE)
                self._stalled = 0
        if validation is None:
            self.best = self._network.weights()
        self._last = loss, validation
        return self._last

    def _validate(self) -> float | None:
        if not self._validation:
            return None
        sums = np.array([self._network.loss(batch) for batch in self._validation]).sum(axis=0)
        return float(sums[0] / max(sums[1], 1.0))

    def facts(self) -> dict[str, Any]:
        """How the training went."""
        loss, validation = self._last
        return {"epochs": self.epochs, "best_epoch": self._best_epoch, "loss": loss, "validation_loss": validation}

    def checkpoint(self) -> bytes:
        """Everything that `restore` needs."""
        told = {
            "epochs": self.epochs,
            "least": self._least,
            "best_epoch": self._best_epoch,
            "rate": self._rate,
            "stalled": self._stalled,
            "last": self._last,
            "random": self._random.bit_generator.state,
        }
        arrays: dict[str, Any] = {f"best/{name}": weight for name, weight in self.best.items()}
        arrays |= self._network.state()
        arrays["told"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
        buffer = BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    def restore(self, checkpoint: bytes) -> None:
        """Be where `checkpoint` was taken."""
        with np.load(BytesIO(checkpoint), allow_pickle=False) as arrays:
            told = json.loads(arrays["told"].tobytes())
            self.best = {name.removeprefix("best/"): arrays[name] for name in arrays.files if name.startswith("best/")}
            self._network.restore({name: arrays[name] for name in arrays.files})
        self.epochs, self._best_epoch, self._stalled = told["epochs"], told["best_epoch"], told["stalled"]
        self._least, self._rate, self._last = told["least"], told["rate"], tuple(told["last"])
        self._random.bit_generator.state = told["random"]
