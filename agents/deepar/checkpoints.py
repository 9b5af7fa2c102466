"""Where a training has come to, as one object: what it belongs to, the last epochs, and what `train` goes on from."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from hashlib import blake2b
from typing import Final

from agents.deepar.job_calls import EpochDone
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

_FORMAT: Final = 1  # raised when an older checkpoint could not be gone on from any more
# Epochs that are told again after a crash, because their metrics may not have left the trainer. It sends them twice a
# second, in which a small model does some tens of epochs.
_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """`state` is what `train` takes as `resume`; `done` are the last epochs, oldest first."""

    state: bytes
    done: tuple[EpochDone, ...]


def write_checkpoint(store: ObjectStore, key: str, fingerprint: str, checkpoint: Checkpoint) -> tuple[EpochDone, ...]:
    """Replace the checkpoint; the epochs that it remembers. `fingerprint` is that of the training's data and settings.

    A reader, also one after a crash, finds the old one or the new one.
    """
    done = checkpoint.done[-_REMEMBERED:]
    head = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "digest": _digest(checkpoint.state),
        "done": [astuple(one) for one in done],
    }
    store.put_bytes(key, json.dumps(head).encode() + b"\n" + checkpoint.state)
    return done


def read_checkpoint(store: ObjectStore, key: str, fingerprint: str) -> Checkpoint | None:
    """The checkpoint; None where there is none, or one of other data or settings."""
    try:
        content = store.read_bytes(key)
    except ObjectNotFoundError:
        return None
    first, _, state = content.partition(b"\n")
    try:
        head = json.loads(first)
        same = (head["format"], head["fingerprint"], head["digest"]) == (_FORMAT, fingerprint, _digest(state))
    except (ValueError, KeyError, TypeError):  # bytes that another program put there
        return None
    return Checkpoint(state, _epochs(head["done"])) if same else None


def _epochs(told: Sequence[Sequence[float]]) -> tuple[EpochDone, ...]:
    return tuple(EpochDone(int(one[0]), int(one[1]), one[2], one[3], int(one[4])) for one in told)


def _digest(state: bytes) -> str:
    return blake2b(state, digest_size=16).hexdigest()
