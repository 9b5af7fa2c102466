"""Trains the DeepAR model of a training job: in a process of its own, for it loads TensorFlow."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, Final

import tensorflow as tf

from agents.deepar.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from agents.deepar.job_calls import (
    Begun,
    EpochDone,
    OutOfMemoryError,
    Refused,
    StoreUnavailableError,
    Trained,
    TrainingRun,
)
from connectors.objects.layout import named
from connectors.objects.packed_files import BAD_GZIP, open_unpacked
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from models.deepar.artefact import dump
from models.deepar.learning.training import Progress, train
from models.deepar.serving.instances import read_training_data
from models.errors import RejectedInputError

__all__ = ["train_job"]

_TOO_LARGE: Final = (
    "data_url: /{} has more than {} bytes: leave out series or old values, or raise TIDECAST_MAX_TRAINING_DATA_BYTES"
)

Report = Callable[[object], None]


def train_job(run: TrainingRun, report: Report) -> Trained | Refused:
    """The trained model, or why there cannot be one. Reports Begun, then EpochDone of each epoch.

    1. read the data, 2. go on from the checkpoint, 3. after each epoch write the next one, then report the epoch.
    OutOfMemoryError, StoreUnavailableError.
    """
    try:
        return _trained(run, report)
    except RejectedInputError as error:
        return Refused(str(error))
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemoryError(type(error).__name__) from error


def _trained(run: TrainingRun, report: Report) -> Trained:
    with _store_errors():
        store = ObjectStore(run.store_url)
    digest = blake2b(json.dumps(run.config.as_dict(), sort_keys=True).encode(), digest_size=16)
    series, config = read_training_data(_lines(store, run, digest), run.config)
    fingerprint = digest.hexdigest()
    with _store_errors():
        begun = read_checkpoint(store, run.checkpoint_key, fingerprint)
    done = () if begun is None else begun.done
    report(Begun(config.epochs, _now(), done, os.getpid()))

    def told(progress: Progress) -> None:
        nonlocal done
        epoch = EpochDone(progress.epoch, progress.epochs, progress.loss, progress.validation_loss, _now())
        with _store_errors():
            checkpoint = Checkpoint(progress.checkpoint, (*done, epoch))
            done = write_checkpoint(store, run.checkpoint_key, fingerprint, checkpoint)
        report(epoch)

    return Trained(dump(train(series, config, resume=None if begun is None else begun.state, report=told)))


def _lines(store: ObjectStore, run: TrainingRun, digest: Any) -> Iterator[bytes]:
    """The file line by line, each added to the digest; RejectedInputError where it is missing, too large or damaged."""
    left = run.data_limit
    try:
        with _store_errors(), open_unpacked(store, run.data_key) as file:
            while line := file.readline(left + 1):
                left -= len(line)
                if left < 0:
                    raise RejectedInputError("data_url", _TOO_LARGE.format(named(run.data_key)[1], run.data_limit))
                digest.update(line)
                yield line
    except ObjectNotFoundError:
        text = f"data_url: there is no file /{named(run.data_key)[1]}: PUT it to /uploads/ first"
        raise RejectedInputError("data_url", text) from None
    except BAD_GZIP as error:
        text = f"data_url: /{named(run.data_key)[1]} is no whole gzip file: {error}"
        raise RejectedInputError("data_url", text) from None


@contextmanager
def _store_errors() -> Iterator[None]:
    """Whatever the store's client raises is StoreUnavailableError; what is wrong with the file is not."""
    try:
        yield
    except (ObjectNotFoundError, RejectedInputError, MemoryError, *BAD_GZIP):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or type(error).__name__  # not all of it: it has our paths
        raise StoreUnavailableError(f"the object store cannot be used: {reason}") from error


def _now() -> int:
    return round(time.time() * 1000)
